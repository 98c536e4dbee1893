import type { Fix, Gateway } from './finding.ts';

const nginx = ['upstream app {', '    server 10.0.0.1:8080;', '    keepalive 32;', '    keepalive_timeout 4s;', '}'];

/** How long each gateway keeps an idle connection to an application is set by: */
const snippets: Readonly<Partial<Record<Gateway, readonly string[]>>> = {
  nginx,
  openresty: nginx,
  'ingress-nginx': ['# ConfigMap of the controller', 'upstream-keepalive-timeout: "4"'],
  kong: ['# kong.conf', 'upstream_keepalive_idle_timeout = 4'],
  apache: ['ProxyPass "/" "http://10.0.0.1:8080/" ttl=4'],
  haproxy: ['backend app', '    # keeps no idle connections', '    default-server pool-max-conn 0'],
  envoy: ['common_http_protocol_options:', '  idle_timeout: 4s'],
  istio: ['trafficPolicy:', '  connectionPool:', '    http:', '      idleTimeout: 4s'],
  caddy: ['reverse_proxy 10.0.0.1:8080 {', '    transport http {', '        keepalive 4s', '    }', '}'],
  traefik: ['http:', '  serversTransports:', '    app:', '      forwardingTimeouts:', '        idleConnTimeout: 4s'],
};

/** One of the two sides has to give way, and it must be the gateway that closes first. */
export function keepAliveFix(gateway: Gateway): Fix {
  const lines = snippets[gateway];
  const ofApplication = 'have the application keep idle connections longer than the gateway does';
  if (lines === undefined)
    return {
      text: `${ofApplication.replace('have', 'Have')} (Node: server.keepAliveTimeout = 75_000; many servers close after 5 s)`,
      snippet: null,
    };
  const text = `Have the gateway close idle connections before the application does (many servers close after 5 s), or ${ofApplication}`;
  return { text, snippet: lines.join('\n') };
}
