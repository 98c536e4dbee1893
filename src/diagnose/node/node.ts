import type { Dialect } from '../dialect.ts';
import { NodeProxyReader } from './node-proxy-reader.ts';
import { recogniseNodeLine } from './node-lines.ts';

/** One dialect for all of them: the line that says which request failed and the line that says why may have two forms. */
const nodeProxy: Dialect = {
  gateway: 'node',
  format: 'Node proxy log',
  recognise: recogniseNodeLine,
  open: () => new NodeProxyReader(),
};

/** http-proxy, http-proxy-middleware, and the development servers of Vite and Create React App, which are built on them. */
export const nodeDialects: readonly Dialect[] = [nodeProxy];
