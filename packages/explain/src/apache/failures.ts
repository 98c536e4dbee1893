import type { Verdict } from '../verdict.ts';
import { fixOf, harmlessVerdict } from '../verdict.ts';

const gatewayBorn = { born: 'reverse-proxy' } as const;

export const refused: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'connection_refused',
  stage: 'connect',
  whose: 'application',
  sentence: 'Nothing listens at the address that Apache forwards to.',
  fix: fixOf(
    'Start the application, or correct the address and port in `ProxyPass`',
    'ProxyPass "/" "http://127.0.0.1:3000/"',
  ),
};

export const socketMissing: Verdict = {
  ...refused,
  sentence: 'The unix socket that Apache forwards to does not exist.',
  fix: fixOf(
    'Start the application, or correct the path of the socket',
    'ProxyPass "/" "unix:/run/app/app.sock|http://localhost/"',
  ),
};

export const backlogFull: Verdict = {
  ...refused,
  sentence: 'The queue of the unix socket is full: the application accepts connections too slowly.',
  fix: fixOf(
    'Give the application more workers, or a longer queue (`listen.backlog` and `pm.max_children` of PHP-FPM)',
  ),
};

export const notPermitted: Verdict = {
  ...refused,
  whose: 'operator',
  sentence: 'The system does not allow Apache to connect: permissions of the socket, or SELinux.',
  fix: fixOf(
    'Allow the web server to connect to the network (SELinux), or give its user access to the socket',
    'setsebool -P httpd_can_network_connect 1',
  ),
};

export const unroutable: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'destination_ip_unroutable',
  stage: 'connect',
  whose: 'network',
  sentence: 'There is no route from Apache to the address that it forwards to.',
  fix: fixOf(
    'Check routes and firewalls between the two, or correct the address in `ProxyPass`',
    'ip route get ADDRESS',
  ),
};

export const connectTimeout: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'connection_timeout',
  stage: 'connect',
  whose: 'network',
  sentence: 'The application did not accept the connection in time.',
  fix: fixOf(
    'Check that packets reach the application (address, firewall); `connectiontimeout=` sets how long Apache waits',
    'ProxyPass "/" "http://10.0.0.5:3000/" connectiontimeout=5',
  ),
};

export const nameUnknown: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'dns_error',
  stage: 'dns',
  whose: 'operator',
  sentence: 'The name that Apache forwards to could not be looked up.',
  fix: fixOf('Correct the name in `ProxyPass`, or make it known to the resolver of this machine', 'getent hosts NAME'),
};

export const nameTimeout: Verdict = {
  ...nameUnknown,
  type: 'dns_timeout',
  whose: 'network',
  sentence: 'The name server did not answer when Apache looked up the application.',
};

/** A connection failed, and the line does not say why. */
export const connectFailed: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: null,
  stage: 'connect',
  whose: null,
  sentence: 'Apache could not connect to the application; the line before this one has the cause.',
  fix: fixOf('Look for the line "attempt to connect to … failed" (AH00957) before it; it has the number of the error'),
};

export const tlsFailed: Verdict = {
  ...gatewayBorn,
  shape: 'unreachable',
  type: 'tls_protocol_error',
  stage: 'tls',
  whose: 'operator',
  sentence: 'The TLS handshake with the application failed.',
  fix: fixOf(
    'Check whether the application speaks TLS at that port (otherwise use `http://` in `ProxyPass`), and which versions; raise the log level to see the reason',
    'LogLevel warn ssl:info',
  ),
};

export const certificateRefused: Verdict = {
  ...tlsFailed,
  type: 'tls_certificate_error',
  sentence: 'Apache did not accept the certificate of the application.',
  fix: fixOf(
    'Trust the authority that signed it, or give the application a certificate for the name that `ProxyPass` uses',
    'SSLProxyCACertificateFile "/etc/ssl/certs/internal-ca.pem"',
  ),
};

export const tlsSwitchedOff: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'proxy_configuration_error',
  stage: 'tls',
  whose: 'operator',
  sentence: '`ProxyPass` requires TLS to the application, but TLS is not enabled for it in Apache.',
  fix: fixOf('Switch it on', 'SSLProxyEngine on'),
};

export const tooSlow: Verdict = {
  ...gatewayBorn,
  shape: 'too_slow',
  type: 'connection_read_timeout',
  stage: 'response',
  whose: 'application',
  sentence: 'The application did not answer within `ProxyTimeout`. Apache calls this a 502.',
  fix: fixOf('Make the application answer sooner, or raise the limit above what it needs', 'ProxyTimeout 120'),
};

export const bodyTooSlow: Verdict = {
  ...tooSlow,
  stage: 'body',
  sentence: 'The application fell silent in the middle of its answer, for longer than `ProxyTimeout`.',
};

export const sendTooSlow: Verdict = {
  ...tooSlow,
  type: 'connection_write_timeout',
  stage: 'send',
  sentence: 'The application did not read the request body within `ProxyTimeout`.',
};

export const tunnelIdle: Verdict = {
  ...tooSlow,
  stage: 'body',
  sentence: 'The tunnel was idle for longer than its timeout, so Apache closed it.',
  fix: fixOf('Send pings more often than that, or raise the limit', 'ProxyTimeout 3600'),
};

export const closedEarly: Verdict = {
  ...gatewayBorn,
  shape: 'reset',
  type: 'connection_terminated',
  stage: 'response',
  whose: 'application',
  sentence: 'The application closed the connection before its response had begun.',
  fix: fixOf(
    'Check whether the application crashed; if it only closes idle connections, have Apache close them sooner than the application does',
    'ProxyPass "/" "http://127.0.0.1:3000/" ttl=4',
  ),
};

export const closedWhileSending: Verdict = {
  ...closedEarly,
  stage: 'send',
  sentence: 'The application closed the connection while Apache was sending it the request.',
};

export const cutShort: Verdict = {
  ...gatewayBorn,
  shape: 'reset',
  type: 'http_response_incomplete',
  stage: 'body',
  whose: 'application',
  sentence: 'The application closed the connection in the middle of its response.',
  fix: fixOf('Read the log of the application at that time: it crashed, was restarted, or broke off the response'),
};

export const headCutShort: Verdict = {
  ...cutShort,
  stage: 'response',
  sentence: 'The application closed the connection in the middle of its response head.',
};

export const badAnswer: Verdict = {
  ...gatewayBorn,
  shape: 'garbage',
  type: 'http_protocol_error',
  stage: 'response',
  whose: 'application',
  sentence: "The application's response is not valid HTTP.",
  fix: fixOf(
    'Send a request directly to the application and look at the first lines of the response: it may not speak HTTP at that port',
    'curl -v http://127.0.0.1:3000/',
  ),
};

/** `ProxyBadHeader` lets such a response pass, as far as it can be read. */
export const toleratedAnswer: Verdict = {
  ...badAnswer,
  sentence:
    'The response head has a line that is no header; Apache passed on the parts of the response that it could read.',
  fix: fixOf(
    'Correct the response headers in the application; `ProxyBadHeader` sets what Apache does with invalid ones',
  ),
};

export const badHeader: Verdict = {
  ...badAnswer,
  sentence: 'A header of the response has characters that are not allowed there, so Apache answered 500 instead.',
  fix: fixOf('Correct that header in the application; the line names it'),
};

export const badScriptAnswer: Verdict = {
  ...badAnswer,
  sentence: "The application's response is not valid FastCGI, or its headers are invalid.",
  fix: fixOf(
    'Check that the application speaks FastCGI at that address, and writes its headers and an empty line before anything else',
  ),
};

export const fieldTooLarge: Verdict = {
  ...badAnswer,
  type: 'http_response_header_size',
  sentence: 'A header of the response is longer than Apache accepts.',
  fix: fixOf(
    'Make the header shorter (often a cookie), or raise the limit',
    'ProxyPass "/" "http://127.0.0.1:3000/" responsefieldsize=16384',
  ),
};

export const badTransferCoding: Verdict = {
  ...badAnswer,
  type: 'http_response_transfer_coding',
  sentence: 'The response does not follow its transfer coding: a chunk, or the name of the coding, is invalid.',
};

export const upgradeFailed: Verdict = {
  ...badAnswer,
  type: 'http_upgrade_failed',
  sentence: 'The application switched to a protocol that the request did not ask for.',
  fix: fixOf(
    'Set `upgrade=` to the protocol that the application may switch to',
    'ProxyPass "/" "http://127.0.0.1:3000/" upgrade=websocket',
  ),
};

export const workerDisabled: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'destination_unavailable',
  stage: 'route',
  whose: 'application',
  sentence:
    'Apache refused the request without contacting the application, which had failed shortly before (`retry=`).',
  fix: fixOf(
    'Fix the cause in the earlier lines; `retry=` (60 seconds) sets how long Apache waits',
    'ProxyPass "/" "http://127.0.0.1:3000/" retry=5',
  ),
  isConsequence: true,
};

export const noWorkerLeft: Verdict = {
  ...workerDisabled,
  sentence: 'Every member of the balancer is in the error state, so Apache had nowhere to send the request.',
  fix: fixOf(
    'Fix the causes in the earlier lines about its members; `retry=` (60 seconds) sets how long Apache waits',
    'BalancerMember "http://10.0.0.5:3000" retry=5',
  ),
};

export const poolFull: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'connection_limit_reached',
  stage: 'queue',
  whose: 'application',
  sentence: 'All connections that Apache may open to the application were in use.',
  fix: fixOf(
    'Make the application faster or add members; raise `max=` (and `acquire=`) only if the application can handle more connections',
    'ProxyPass "/" "http://127.0.0.1:3000/" max=100 acquire=3000',
  ),
};

export const portsSpent: Verdict = {
  ...poolFull,
  stage: 'connect',
  whose: 'gateway',
  sentence: 'No local port was left for another connection to the application.',
  fix: fixOf(
    'Keep connections to the application open (no `disablereuse=On`), or widen the range',
    'sysctl -w net.ipv4.ip_local_port_range="1024 65535"',
  ),
};

export const descriptorsSpent: Verdict = {
  ...portsSpent,
  sentence: 'Apache had no file descriptor left for another connection.',
  fix: fixOf('Raise the limit of descriptors of the service', 'LimitNOFILE=65536'),
};

export const noHandler: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'proxy_configuration_error',
  stage: 'route',
  whose: 'operator',
  sentence: 'Apache has no module loaded for the protocol that `ProxyPass` names.',
  fix: fixOf('Load it: `mod_proxy_http` for http://, `mod_proxy_fcgi` for fcgi://, and so on', 'a2enmod proxy_http'),
};

export const denied: Verdict = {
  ...gatewayBorn,
  shape: 'refused_by_gateway',
  type: 'http_request_denied',
  stage: 'route',
  whose: 'client',
  sentence: 'Apache refused to forward the request.',
  fix: fixOf(
    'If it should be allowed, check `ProxyBlock`, and `RewriteRule`s that put decoded characters into the target (flag `B`)',
  ),
};

export const deniedByRule: Verdict = {
  ...denied,
  sentence: "Apache's access rules deny this client the path.",
  fix: fixOf('If it should be allowed, check `Require` for this path', 'Require all granted'),
};

export const loop: Verdict = {
  ...denied,
  type: 'proxy_loop_detected',
  whose: 'operator',
  sentence: 'The request had passed through too many proxies: perhaps Apache forwards to itself.',
  fix: fixOf('Check that the target of `ProxyPass` is not Apache itself'),
};

export const badRequest: Verdict = {
  shape: 'client_abort',
  type: 'http_request_error',
  stage: 'request',
  born: 'client',
  whose: 'client',
  sentence: 'The client sent an invalid request.',
  fix: null,
};

export const clientBrokeOff: Verdict = {
  ...badRequest,
  type: null,
  sentence:
    'The client closed the connection before the exchange had ended; the gateway and the application did not fail.',
};

export const appFault: Verdict = {
  shape: 'app_error',
  type: null,
  stage: null,
  born: 'application',
  whose: 'application',
  sentence: 'The application wrote this error, and Apache logged it.',
  fix: fixOf('Read the text of the line: the application wrote it'),
};

export const unknown: Verdict = {
  ...gatewayBorn,
  shape: 'unknown',
  type: null,
  stage: null,
  whose: null,
  sentence: 'Apache got no response from the application; this line does not have the cause.',
  fix: fixOf(
    'Read the line before it, of the same process and thread; if there is none, raise the log level of the proxy modules',
    'LogLevel warn proxy:debug proxy_http:debug proxy_fcgi:debug ssl:info',
  ),
};

export const noFailure = harmlessVerdict;
