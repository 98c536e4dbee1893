import { closedEarly } from './apache/failures.ts';
import { caddyFixes } from './caddy/fixes.ts';
import { envoyFixes } from './envoy/fixes.ts';
import type { Fix, GatewayProduct } from './finding.ts';
import { keepApplicationConnected } from './nginx/fixes.ts';
import type { NginxProduct } from './nginx/product.ts';
import { traefikFixes } from './traefik/fixes.ts';

/** The setting of each gateway for how long it keeps an idle connection to an application. */
const snippets: Readonly<Partial<Record<GatewayProduct, string | null>>> = {
  nginx: snippetOfNginx('nginx'),
  openresty: snippetOfNginx('openresty'),
  'ingress-nginx': snippetOfNginx('ingress-nginx'),
  kong: snippetOfNginx('kong'),
  apache: closedEarly.fix?.snippet ?? null,
  haproxy: 'backend app\n    # keeps no idle connections\n    default-server pool-max-conn 0',
  envoy: envoyFixes.keepAlive.snippet,
  istio: 'trafficPolicy:\n  connectionPool:\n    http:\n      idleTimeout: 4s',
  caddy: caddyFixes.closed.snippet,
  traefik: traefikFixes.closed.snippet,
};

function snippetOfNginx(product: NginxProduct): string | null {
  return keepApplicationConnected({ product, module: 'proxy', isStream: false }).snippet;
}

/** One of two settings has to change, so that the gateway closes idle connections first. */
export function keepAliveFix(gateway: GatewayProduct): Fix {
  const snippet = snippets[gateway] ?? null;
  const ofApplication = 'have the application keep idle connections open longer than the gateway does';
  if (snippet === null)
    return {
      text: `${ofApplication.replace('have', 'Have')} (Node: server.keepAliveTimeout = 75_000; many servers close after 5 s)`,
      snippet: null,
    };
  const text = `Have the gateway close idle connections before the application does (many servers close after 5 s), or ${ofApplication}`;
  return { text, snippet };
}
