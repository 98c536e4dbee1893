import { applicationDialects } from './application/application.ts';
import { apacheDialects } from './apache/apache.ts';
import { awsDialects } from './aws/aws.ts';
import { azureDialects } from './azure/azure.ts';
import { cdnDialects } from './cdn/cdn.ts';
import { iisDialects } from './iis/iis.ts';
import { kamalProxyDialects, messageDialects } from './message-log/message-log.ts';
import { cloudflaredDialects } from './cloudflared/cloudflared.ts';
import { caddyDialects } from './caddy/caddy.ts';
import type { Dialect } from './dialect.ts';
import { envoyDialects } from './envoy/envoy.ts';
import { haproxyDialects } from './haproxy/haproxy.ts';
import { nginxDialects } from './nginx/nginx.ts';
import { nodeDialects } from './node/node.ts';
import { traefikDialects } from './traefik/traefik.ts';
import { varnishDialects } from './varnish/varnish.ts';
import { flyDialect } from './platforms/fly.ts';
import { gcpDialect } from './platforms/gcp.ts';
import { herokuDialect } from './platforms/heroku.ts';
import { vercelDialect } from './platforms/vercel.ts';

/** The logs of platform routers: Heroku, Fly, Vercel, and the load balancers of Google Cloud. */
export const platformDialects: readonly Dialect[] = [herokuDialect, flyDialect, vercelDialect, gcpDialect];

/** In the order in which they are asked. If two are equally sure of a line, the earlier one reads it. */
export const allDialects: readonly Dialect[] = [
  ...nginxDialects,
  ...apacheDialects,
  ...haproxyDialects,
  ...envoyDialects,
  ...cloudflaredDialects,
  ...traefikDialects,
  ...caddyDialects,
  ...awsDialects,
  ...platformDialects,
  ...cdnDialects,
  ...azureDialects,
  ...iisDialects,
  ...kamalProxyDialects,
  ...messageDialects,
  ...varnishDialects,
  ...applicationDialects,
  ...nodeDialects,
];

/**
 * Formats with nothing after their last field, so that a longer format of another gateway cannot be mistaken for them.
 * If one of them read the line before and could have written this one, no other dialect is asked.
 */
export const closedFormats: ReadonlySet<string> = new Set([
  'nginx access log (combined)',
  'nginx access log (main)',
  'Apache access log (combined)',
  'Apache access log (common)',
]);
