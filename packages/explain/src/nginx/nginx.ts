import type { Dialect } from '../dialect.ts';
import { controllerLog } from './controller-log.ts';
import { errorLogOf } from './error-log.ts';
import { jsonAccessOf } from './json-access.ts';
import { kongJson } from './kong-json.ts';
import { knownFormats } from './known-formats.ts';
import { labelledFormats } from './labelled.ts';
import type { NginxProduct } from './product.ts';
import { proxyManagerLog } from './proxy-manager.ts';
import { startLog } from './start-rules.ts';

const products: readonly NginxProduct[] = ['nginx', 'openresty', 'ingress-nginx', 'kong', 'apisix'];

/** The formats of nginx, and of gateways built on it, that are recognised without options; the likeliest first. */
export const nginxDialects: readonly Dialect[] = [
  ...products.map(errorLogOf),
  ...knownFormats,
  ...labelledFormats,
  // Nothing in JSON shows that nginx was OpenResty.
  ...products.filter((product) => product !== 'openresty').map(jsonAccessOf),
  kongJson,
  controllerLog,
  proxyManagerLog,
  startLog,
];
