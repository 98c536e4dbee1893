import { apacheDialects } from './apache/apache.ts';
import { awsDialects } from './aws/aws.ts';
import { caddyDialects } from './caddy/caddy.ts';
import type { Dialect } from './dialect.ts';
import { envoyDialects } from './envoy/envoy.ts';
import { haproxyDialects } from './haproxy/haproxy.ts';
import { nginxDialects } from './nginx/nginx.ts';
import { nodeDialects } from './node/node.ts';
import { platformDialects } from './platforms/platforms.ts';
import { varnishDialects } from './varnish/varnish.ts';

const timeWithMilliseconds = /\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] /;
const timeWithZone = / - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "/;

/** Asks for sessions only in lines that have a time as HAProxy writes it: looking for all of one costs ten times as much. */
function withItsTime(asked: Dialect): Dialect {
  if (asked.format === 'HAProxy event log') return asked;
  const time = asked.format.endsWith('(CLF)') ? timeWithZone : timeWithMilliseconds;
  return { ...asked, recognise: (line) => (time.test(line) ? asked.recognise(line) : 0) };
}

/** In the order in which they are asked: where two are equally sure of a line, the earlier one reads it. */
export const allDialects: readonly Dialect[] = [
  ...nginxDialects,
  ...apacheDialects,
  ...haproxyDialects.map(withItsTime),
  ...envoyDialects,
  ...caddyDialects,
  ...awsDialects,
  ...platformDialects,
  ...varnishDialects,
  ...nodeDialects,
];
