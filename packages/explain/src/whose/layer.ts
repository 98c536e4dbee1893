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
