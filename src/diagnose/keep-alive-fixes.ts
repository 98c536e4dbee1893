import { closedEarly } from './apache/failures.ts';
import { caddyFixes } from './caddy/fixes.ts';
import { envoyFixes } from './envoy/fixes.ts';
import type { Fix, GatewayProduct } from './finding.ts';
import { keepApplicationConnected } from './nginx/fixes.ts';
import type { NginxProduct } from './nginx/product.ts';
import { traefikFixes } from './traefik/fixes.ts';

/** How long each gateway keeps an idle connection to an application is set by what its own fixes say, and else by: */
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

/** One of the two sides has to give way, and it must be the gateway that closes first. */
export function keepAliveFix(gateway: GatewayProduct): Fix {
  const snippet = snippets[gateway] ?? null;
  const ofApplication = 'have the application keep idle connections longer than the gateway does';
  if (snippet === null)
    return {
      text: `${ofApplication.replace('have', 'Have')} (Node: server.keepAliveTimeout = 75_000; many servers close after 5 s)`,
      snippet: null,
    };
  const text = `Have the gateway close idle connections before the application does (many servers close after 5 s), or ${ofApplication}`;
  return { text, snippet };
}
