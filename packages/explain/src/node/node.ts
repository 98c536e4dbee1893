import type { Dialect } from '../dialect.ts';
import { NodeProxyReader } from './node-proxy-reader.ts';
import { recogniseNodeLine } from './node-lines.ts';

/** One dialect for all proxies, since the line with the request and the line with the cause may have two forms. */
const nodeProxy: Dialect = {
  gateway: 'node',
  format: 'Node proxy log',
  recognise: recogniseNodeLine,
  open: () => new NodeProxyReader(),
};

/** http-proxy, http-proxy-middleware, and tools built on them: Vite, Create React App, the rewrites of Next.js. */
export const nodeDialects: readonly Dialect[] = [nodeProxy];
