import type { Fix } from '../finding.ts';
import type { GoCause } from '../go-causes.ts';
import { fixOf } from '../verdict.ts';

const proxied = (...lines: string[]): string[] => [
  'reverse_proxy app:8080 {',
  ...lines.map((line) => `\t${line}`),
  '}',
];
const transported = (...lines: string[]): string[] =>
  proxied('transport http {', ...lines.map((line) => `\t${line}`), '}');

const address = fixOf(
  'Start the application, or correct the address and the port in `reverse_proxy`; `localhost` may mean `[::1]`, and in a container it means the container itself.',
  'reverse_proxy 127.0.0.1:8080',
);
const network = fixOf(
  'Correct the address in `reverse_proxy`, and check the network between Caddy and it (routes, firewall, the containers’ network).',
);
const answer = fixOf('Read the application’s log at that time: the application closed the connection.');
const content = fixOf('Correct the response in the application: `curl -iv` directly to it shows the response.');
const certificate = fixOf(
  'Have Caddy trust the authority that signed the application’s certificate, and connect with the name in the certificate (before version 2.8 the directive is `tls_trusted_ca_certs`).',
  ...transported('tls', 'tls_trust_pool file /etc/caddy/app-ca.pem', 'tls_server_name app.internal'),
);
const plain = fixOf(
  'Remove `https://` (or `tls` in `transport http`), or use the port at which the application speaks TLS.',
  'reverse_proxy http://app:8080',
);
const version = fixOf(
  'Set the version of HTTP that the application speaks: `h2c` for HTTP/2 without TLS, otherwise `1.1`.',
  ...transported('versions 1.1'),
);
const names = fixOf('Correct the name in `reverse_proxy`, or add it to the name server that Caddy uses.');

/** What to do in Caddy, or beside it, about each cause. */
export const caddyFixes: Readonly<Record<GoCause, Fix>> = {
  refused: address,
  socket_refused: fixOf('Start the application; the socket’s file is left over from an earlier run.'),
  socket_missing: fixOf(
    'Start the application, or correct the path of its socket in `reverse_proxy`.',
    'reverse_proxy unix//run/app.sock',
  ),
  backlog_full: fixOf('Give the application more workers, or a longer queue of connections (its listen backlog).'),
  not_permitted: fixOf(
    'Allow the user that Caddy runs as to use the socket or the port: its mode, its group, SELinux.',
  ),
  connect_reset: network,
  unroutable: network,
  connect_timeout: fixOf(
    'Correct the address, since nothing answers there, or check firewalls and container networks. `dial_timeout` is 3 s by default.',
    ...transported('dial_timeout 3s'),
  ),
  tls_timeout: fixOf(
    'Find out why the application does not finish its handshake; `tls_timeout` sets how long Caddy waits.',
    ...transported('tls_timeout 10s'),
  ),
  ports_spent: fixOf('Keep connections alive, or widen the range of ports.', 'sysctl net.ipv4.ip_local_port_range'),
  descriptors_spent: fixOf('Raise the number of files that Caddy may open.', '[Service]', 'LimitNOFILE=1048576'),
  name_not_found: names,
  name_server_failed: names,
  name_server_silent: names,
  bad_address: fixOf('Write the upstream as host and port.', 'reverse_proxy app:8080'),
  certificate,
  tls_alert: fixOf(
    'Send the server name that the application expects, and a client certificate if it requires one.',
    ...transported('tls_server_name app.internal'),
  ),
  tls_plain_peer: plain,
  tls_protocol: certificate,
  head_timeout: fixOf(
    'Make the application answer sooner, or raise `response_header_timeout`.',
    ...transported('response_header_timeout 60s'),
  ),
  read_timeout: fixOf(
    'Make the application answer sooner, or raise `read_timeout`.',
    ...transported('read_timeout 60s'),
  ),
  write_timeout: fixOf(
    'Find out why the application does not read the request, or raise `write_timeout`.',
    ...transported('write_timeout 60s'),
  ),
  closed: fixOf(
    'Check whether the application stopped or crashed at that time. If it answers all other requests, it closes idle connections sooner than Caddy does: set `keepalive` below the application’s keep-alive (Node’s is 5 s).',
    ...transported('keepalive 4s'),
  ),
  reset: answer,
  send_failed: answer,
  content_cut: answer,
  not_http: fixOf('Correct the port: the program that listens there does not speak HTTP.', 'reverse_proxy app:8080'),
  tls_peer: fixOf('Use TLS for this upstream.', 'reverse_proxy https://app:8443'),
  http2_peer: version,
  bad_head: content,
  head_too_large: fixOf(
    'Have the application send smaller headers (cookies, most often), or raise `max_response_header`.',
    ...transported('max_response_header 1MB'),
  ),
  bad_coding: content,
  upgrade_mismatch: content,
  http2_broken: version,
  no_upstreams: fixOf(
    'Read the lines before this one: they show why the upstreams are considered down. Fix that, or the health check.',
  ),
  request_too_large: fixOf(
    'Raise the limit, if such requests should be allowed.',
    'request_body {',
    '\tmax_size 50MB',
    '}',
  ),
  client_left: fixOf(
    'There is nothing to do, unless it happens often: then the responses come too late for the clients.',
  ),
  client_tls: fixOf('There is nothing to do: scanners and closed browser tabs do this.'),
};

/** The access log has only the status; the cause is in a line of another logger, at the level ERROR. */
export const readErrorLog = fixOf(
  'Read Caddy’s own log at that time: the line of the logger `http.log.error` has the cause. If there is none, configure a log for it; `debug` in the global options also logs the upstream of every attempt.',
  '{',
  '\tdebug',
  '\tlog default {',
  '\t\tlevel DEBUG',
  '\t}',
  '}',
);
