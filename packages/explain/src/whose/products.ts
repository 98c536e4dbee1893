import type { Layer } from './layer.ts';

/** A product's name in `Server`: the layer, and whether it overwrites the previous name. */
interface ServerName {
  readonly layer: Layer;
  readonly pattern: RegExp;
  /** Whether it overwrites the name that the hop behind it wrote. If not, its name in a response is the author's. */
  readonly overwrites: boolean;
}

const named = (layer: Layer, pattern: RegExp, overwrites = false): ServerName => ({ layer, pattern, overwrites });

/** The first match counts. Patterns match at the beginning, or words that only one product uses. */
const serverNames: readonly ServerName[] = [
  named('cloudflare', /^cloudflare/i, true),
  named('cloudfront', /^CloudFront/i),
  named('akamai', /^(?:AkamaiGHost|AkamaiNetStorage)/i),
  named('aws-alb', /^awselb\//i),
  named('google-frontend', /^Google Frontend/i, true),
  named('azure-app-gateway', /^Microsoft-Azure-Application-Gateway/i),
  named('istio', /^istio-envoy/i, true),
  named('envoy', /^envoy/i, true),
  named('kong', /^kong\//i),
  named('apisix', /^APISIX/i, true),
  named('openresty', /^openresty/i, true),
  named('nginx', /^(?:nginx|Tengine|angie|freenginx)/i, true),
  named('varnish', /^Varnish/i),
  named('caddy', /^Caddy/i),
  named('vercel', /^(?:Vercel|now$)/i, true),
  named('netlify', /^Netlify/i, true),
  named('railway', /^railway/i, true),
  named('fly', /^Fly\//i, true),
  named('heroku', /^Heroku$/i),
  named('iis', /^Microsoft-(?:IIS|HTTPAPI)\//i),
  named('candor', /^candor/i),
  named('apache', /^Apache(?!-Coyote)(?:\/|\b)/i),
  named(
    'application',
    /^(?:gunicorn|uvicorn|hypercorn|daphne|Kestrel|Werkzeug|waitress|Puma|thin|WEBrick|Jetty|Apache-Coyote|Apache Tomcat|TornadoServer|Cowboy|undertow|WildFly|Mojolicious|PHP|Phusion|Express|Next\.js|Deno|bun|actix|granian|Cheroot|Python|SimpleHTTP|BaseHTTP|aiohttp|Netty|akka|Play|Mongrel|Passenger|GlassFish|WebLogic|Starlet|Hypnotoad|Twisted|lighttpd|LiteSpeed|AmazonS3|MinIO|GitHub\.com)/i,
  ),
  named('application', /\bPython\/\d|\b(?:mod_perl|mod_wsgi)\b/i),
];

/** The layer whose name stands in one line of `Server`. */
export function productOfServer(value: string): ServerName | null {
  return serverNames.find(({ pattern }) => pattern.test(value)) ?? null;
}

/** Names in Via and Proxy-Status. A deployment may choose any name; these patterns match the defaults of products. */
const hopNames: readonly (readonly [layer: Layer, pattern: RegExp])[] = [
  ['cloudfront', /cloudfront/i],
  ['cloudflare', /cloudflare/i],
  ['akamai', /akamai/i],
  ['fastly', /fastly|^cache-[a-z]{3,5}\d?/i],
  ['varnish', /\bvarnish/i],
  ['heroku', /^(?:vegur|heroku(?:-router)?)$/i],
  ['fly', /\bfly\.io$|^fly(?:-proxy)?$/i],
  ['kong', /\bkong\b/i],
  ['apisix', /\bapisix\b/i],
  ['caddy', /^Caddy$/i],
  ['istio', /\bistio/i],
  ['envoy', /\benvoy\b/i],
  ['linkerd', /\blinkerd/i],
  ['google-frontend', /^google frontend/i],
  ['gcp-lb', /^google$|\bgoogle cloud\b|\bGCLB\b/i],
  ['vercel', /\bvercel\b/i],
  ['netlify', /\bnetlify\b/i],
  ['railway', /\brailway\b/i],
  ['render', /^render$|\brender\.com$/i],
  ['haproxy', /\bhaproxy\b/i],
  ['traefik', /\btraefik\b/i],
  ['kamal-proxy', /\bkamal-proxy\b/i],
  ['candor', /\bcandor\b/i],
  ['openresty', /\bopenresty\b/i],
  ['ingress-nginx', /\bingress-nginx\b/i],
  ['nginx', /\bnginx\b/i],
  ['apache', /\bapache\b/i],
  ['azure-front-door', /\bazure\b/i],
];

/** The layer that the hop's name or comment names; null for a name that is no product's. */
export function layerOfHop(name: string, comment = ''): Layer | null {
  for (const text of [name, comment]) {
    const found = text === '' ? undefined : hopNames.find(([, pattern]) => pattern.test(text));
    if (found !== undefined) return found[0];
  }
  return null;
}
