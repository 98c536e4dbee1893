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

/** Layers that may stand between a client and an application, and the application itself. */
export const layers = [
  'nginx',
  'openresty',
  'ingress-nginx',
  'apache',
  'haproxy',
  'envoy',
  'istio',
  'caddy',
  'traefik',
  'kong',
  'apisix',
  'varnish',
  'fastly',
  'cloudflare',
  'cloudfront',
  'aws-alb',
  'aws-clb',
  'aws-api-gateway',
  'heroku',
  'fly',
  'vercel',
  'gcp-lb',
  'google-frontend',
  'azure-app-gateway',
  'azure-front-door',
  'iis',
  'akamai',
  'linkerd',
  'kamal-proxy',
  'candor',
  'render',
  'railway',
  'netlify',
  'application',
  'unknown',
] as const;

export type Layer = (typeof layers)[number];

/** The names in sentences. */
export const layerNames: Readonly<Record<Layer, string>> = {
  nginx: 'nginx',
  openresty: 'OpenResty',
  'ingress-nginx': 'ingress-nginx',
  apache: 'Apache httpd',
  haproxy: 'HAProxy',
  envoy: 'Envoy',
  istio: 'Istio',
  caddy: 'Caddy',
  traefik: 'Traefik',
  kong: 'Kong',
  apisix: 'APISIX',
  varnish: 'Varnish',
  fastly: 'Fastly',
  cloudflare: 'Cloudflare',
  cloudfront: 'CloudFront',
  'aws-alb': 'the AWS application load balancer',
  'aws-clb': 'the AWS classic load balancer',
  'aws-api-gateway': 'the AWS API gateway',
  heroku: "Heroku's router",
  fly: "Fly's proxy",
  vercel: 'Vercel',
  'gcp-lb': "Google Cloud's load balancer",
  'google-frontend': "Google's front end",
  'azure-app-gateway': 'the Azure application gateway',
  'azure-front-door': 'Azure Front Door',
  iis: 'IIS',
  akamai: 'Akamai',
  linkerd: 'linkerd',
  'kamal-proxy': 'kamal-proxy',
  candor: 'Candor',
  render: 'Render',
  railway: "Railway's edge",
  netlify: 'Netlify',
  application: 'the application',
  unknown: 'an unknown program',
};

/**
 * How near to the client a layer usually stands: CDN edges, then load balancers, platforms, gateways, meshes, web
 * servers. This order is used only if the response does not show another one.
 */
const tiers: readonly (readonly Layer[])[] = [
  ['cloudflare', 'akamai'],
  ['cloudfront', 'fastly', 'azure-front-door'],
  ['aws-api-gateway'],
  ['gcp-lb'],
  ['google-frontend'],
  ['aws-alb', 'aws-clb', 'azure-app-gateway'],
  ['netlify', 'vercel', 'heroku', 'fly', 'render', 'railway'],
  ['varnish'],
  ['haproxy', 'traefik', 'caddy', 'kamal-proxy', 'ingress-nginx'],
  ['kong', 'apisix', 'candor'],
  ['nginx', 'openresty', 'apache'],
  ['istio', 'envoy', 'linkerd'],
  ['iis'],
];

export function usualDistance(layer: Layer): number {
  const at = tiers.findIndex((tier) => tier.includes(layer));
  return at < 0 ? tiers.length : at;
}
