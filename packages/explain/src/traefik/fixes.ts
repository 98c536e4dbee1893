import type { Fix } from '../finding.ts';
import type { GoCause } from '../go-causes.ts';
import { fixOf } from '../verdict.ts';

const transport = (...lines: string[]): string[] => [
  'http:',
  '  serversTransports:',
  '    app:',
  ...lines.map((line) => `      ${line}`),
];
const forwarding = (line: string): string[] => transport('forwardingTimeouts:', `  ${line}`);
const serverUrl = (url: string): string[] => [
  'http:',
  '  services:',
  '    app:',
  '      loadBalancer:',
  '        servers:',
  `        - url: "${url}"`,
];

const address = fixOf(
  'Start the application, or correct its port: by default Traefik uses the first port that the container exposes.',
  'labels:',
  '- traefik.http.services.app.loadbalancer.server.port=8080',
);
const network = fixOf(
  'Put Traefik and the application on one network, and name it if the container has several.',
  'labels:',
  '- traefik.docker.network=proxy',
);
const answer = fixOf('Read the application’s log at that time: the application closed the connection.');
const content = fixOf('Correct the response in the application: `curl -iv` directly to it shows the response.');
const certificate = fixOf(
  'Configure the servers’ transport with the authority that signed the certificate, and with the name in it.',
  ...transport('rootCAs: [/etc/ssl/app-ca.pem]', 'serverName: app.internal'),
);
const plain = fixOf(
  'Use plain HTTP: the scheme of the service is `https`, but the server at that port does not speak TLS.',
  'labels:',
  '- traefik.http.services.app.loadbalancer.server.scheme=http',
);
const version = fixOf(
  'Set the version of HTTP that the application speaks: the scheme `h2c` is HTTP/2 without TLS; `disableHTTP2` uses HTTP/1.1 with TLS.',
  ...transport('disableHTTP2: true'),
);
const names = fixOf(
  'Correct the host in the URL of the server, or add it to the name server that Traefik uses.',
  ...serverUrl('http://app:8080'),
);

/** What to do in Traefik, or beside it, about each cause. */
export const traefikFixes: Readonly<Record<GoCause, Fix>> = {
  refused: address,
  socket_refused: address,
  socket_missing: address,
  backlog_full: fixOf('Give the application more workers, or a longer queue of connections (its listen backlog).'),
  not_permitted: fixOf('Allow the connection on Traefik’s system: check the firewall and network policies.'),
  connect_reset: network,
  unroutable: network,
  connect_timeout: fixOf(
    'Put Traefik and the application on one Docker network: nothing answers at that address. `dialTimeout` is 30 s by default.',
    'labels:',
    '- traefik.docker.network=proxy',
  ),
  tls_timeout: fixOf('Find out why the application does not finish its TLS handshake: check its load, and locks.'),
  ports_spent: fixOf(
    'Keep connections alive (`maxIdleConnsPerHost`), or widen the range of ports.',
    ...transport('maxIdleConnsPerHost: 200'),
  ),
  descriptors_spent: fixOf('Raise the number of files that Traefik may open.', 'ulimits:', '  nofile: 1048576'),
  name_not_found: names,
  name_server_failed: names,
  name_server_silent: names,
  bad_address: fixOf('Write the server as a URL with scheme, host and port.', ...serverUrl('http://app:8080')),
  certificate,
  tls_alert: fixOf(
    'Send the server name that the application expects, and a client certificate if it requires one.',
    ...transport('serverName: app.internal'),
  ),
  tls_plain_peer: plain,
  tls_protocol: certificate,
  head_timeout: fixOf(
    'Make the application answer sooner, or raise `responseHeaderTimeout`.',
    ...forwarding('responseHeaderTimeout: 60s'),
  ),
  read_timeout: fixOf(
    'Make the application answer sooner, or raise `responseHeaderTimeout`.',
    ...forwarding('responseHeaderTimeout: 60s'),
  ),
  write_timeout: fixOf('Find out why the application does not read the request.'),
  closed: fixOf(
    'Check whether the application stopped or crashed at that time. If it answers all other requests, it closes idle connections sooner than Traefik: set `idleConnTimeout` below the application’s keep-alive (Node’s is 5 s).',
    ...forwarding('idleConnTimeout: 4s'),
  ),
  reset: answer,
  send_failed: answer,
  content_cut: answer,
  not_http: fixOf(
    'Correct the port: the program that listens there does not speak HTTP.',
    'labels:',
    '- traefik.http.services.app.loadbalancer.server.port=8080',
  ),
  tls_peer: fixOf(
    'Use TLS for this upstream.',
    'labels:',
    '- traefik.http.services.app.loadbalancer.server.scheme=https',
  ),
  http2_peer: version,
  bad_head: content,
  head_too_large: fixOf('Have the application send smaller headers: cookies, most often.'),
  bad_coding: content,
  upgrade_mismatch: content,
  http2_broken: version,
  no_upstreams: fixOf('Find out why the service has no server: its containers, their labels, their health check.'),
  request_too_large: fixOf(
    'Raise `maxRequestBodyBytes` of the middleware `buffering`, if such requests should be allowed.',
  ),
  client_left: fixOf(
    'There is nothing to do, unless it happens often: then the responses come too late for the clients.',
  ),
  client_tls: fixOf('There is nothing to do: scanners and closed browser tabs do this.'),
};

/** At the default level Traefik writes nothing about a failed request. */
export const raiseLevel = fixOf(
  'Set the log level to DEBUG: Traefik writes why a request failed at that level only (`logLevel = "DEBUG"` in version 1).',
  'log:',
  '  level: DEBUG',
);

export const noServer = fixOf(
  'Find out why the service has no available server: no container is running or healthy, the health check fails, or a circuit breaker is open.',
  'curl -s http://localhost:8080/api/http/services',
);
export const noRouter = fixOf(
  'Add a router for this host and path, or correct the rule of the existing one; its entry point and TLS must match too.',
  'labels:',
  '- traefik.http.routers.app.rule=Host(`app.example.com`)',
);
export const ownAnswer = fixOf(
  'Check the middlewares of this router: one of them sent this response. At the level DEBUG the log names it.',
  'log:',
  '  level: DEBUG',
);
