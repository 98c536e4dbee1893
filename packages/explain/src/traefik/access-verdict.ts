import { type ProxyErrorType, proxyErrors } from '../../../failures/src/proxy-error.ts';
import type { Fix } from '../finding.ts';
import { goMeanings, type GoCause } from '../go-causes.ts';
import { type Verdict, harmlessVerdict, fixOf } from '../verdict.ts';

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

const noServer = fixOf(
  'Find out why the service has no available server: no container is running or healthy, the health check fails, or a circuit breaker is open.',
  'curl -s http://localhost:8080/api/http/services',
);
const noRouter = fixOf(
  'Add a router for this host and path, or correct the rule of the existing one; its entry point and TLS must match too.',
  'labels:',
  '- traefik.http.routers.app.rule=Host(`app.example.com`)',
);
const ownAnswer = fixOf(
  'Check the middlewares of this router: one of them sent this response. At the level DEBUG the log names it.',
  'log:',
  '  level: DEBUG',
);

/** The fields of an access line, in either format. A field that the format leaves out is null. */
export interface TraefikAccess {
  readonly status: number | null;
  readonly method: string | null;
  /** Bytes of the body that the client was sent. */
  readonly sizeBytes: number | null;
  readonly router: string | null;
  /** The server that was chosen. */
  readonly server: string | null;
  /** Whether the format has a field for the server. */
  readonly namesServer: boolean;
  readonly durationMs: number | null;
  /** A header that only a response of the application has, in the line's own spelling. */
  readonly applicationSign: string | null;
}

interface TraefikJudgement {
  readonly verdict: Verdict;
  readonly evidence: readonly string[];
}

/** Traefik's own responses have only their reason phrase as a body. */
const ownSizes: Readonly<Record<number, number>> = { 500: 21, 502: 11, 504: 15 };

/** `no available server` with its line end; the response of a circuit breaker is the reason phrase. */
const noServerBytes = 20;

const dialTimeoutMs = 30_000;
const dialToleranceMs = 500;

const noFailure: TraefikJudgement = { verdict: harmlessVerdict, evidence: [] };

export function judgeAccess(access: TraefikAccess): TraefikJudgement {
  const { status } = access;
  if (status === null) return noFailure;
  if (status === 499) return clientLeft;
  if (status < 500) return refusal(access, status);
  if (access.applicationSign !== null) return appError(status, [`status=${status}`, access.applicationSign]);
  if (access.namesServer && access.server === null) return notForwarded(access, status);
  return failureOrAnswer(access, status);
}

const clientLeft: TraefikJudgement = {
  verdict: {
    ...harmlessVerdict,
    shape: 'client_abort',
    type: 'http_request_error',
    born: 'client',
    whose: 'client',
    sentence: 'The client closed the connection before the response came.',
  },
  evidence: ['status=499'],
};

function refused(type: ProxyErrorType, sentence: string, fix: Fix, whose: 'operator' | 'application'): Verdict {
  const { shape } = proxyErrors[type];
  return { shape, type, stage: 'route', born: 'reverse-proxy', whose, sentence, fix };
}

/** A 4xx is the application's, unless no server was chosen for it. */
function refusal({ namesServer, server, router }: TraefikAccess, status: number): TraefikJudgement {
  if (!namesServer || server !== null) return noFailure;
  const evidence = [`status=${status}`, `router=${router ?? '-'}`, 'server=-'];
  if (status === 404 && router === null)
    return {
      verdict: refused('destination_not_found', 'No router matches this request.', noRouter, 'operator'),
      evidence,
    };
  if (status !== 429 && status !== 403) return noFailure;
  const sentence =
    status === 429 ? 'A limit of Traefik denied this request.' : 'A middleware of Traefik denied this request.';
  return { verdict: refused('http_request_denied', sentence, ownAnswer, 'operator'), evidence };
}

function notForwarded({ sizeBytes }: TraefikAccess, status: number): TraefikJudgement {
  const evidence = [`status=${status}`, 'server=-', ...sizeText(sizeBytes)];
  if (status === 503) {
    const isNone = sizeBytes === noServerBytes;
    const sentence = isNone
      ? 'The service has no available server.'
      : 'No server was contacted: none exists, or a circuit breaker is open.';
    const verdict = refused('destination_unavailable', sentence, noServer, 'application');
    return { verdict: { ...verdict, isConsequence: true }, evidence };
  }
  const sentence = `Traefik answered with ${status} itself, without contacting a server.`;
  const verdict: Verdict = {
    ...harmlessVerdict,
    shape: 'refused_by_gateway',
    stage: 'route',
    born: 'reverse-proxy',
    sentence,
    fix: ownAnswer,
  };
  return { verdict, evidence };
}

function sizeText(sizeBytes: number | null): readonly string[] {
  return sizeBytes === null ? [] : [`size=${sizeBytes}`];
}

/**
 * If the origin never answered, the status logged as the origin's is Traefik's own. The size distinguishes them: a body
 * of another size than Traefik's own text is the application's.
 */
function failureOrAnswer(access: TraefikAccess, status: number): TraefikJudgement {
  const { sizeBytes, durationMs } = access;
  const evidence = [`status=${status}`, ...sizeText(sizeBytes)];
  const ownBytes = ownSizes[status];
  const isCounted = sizeBytes !== null && access.method !== 'HEAD';
  if (isCounted && sizeBytes !== ownBytes) return appError(status, evidence);
  if (!isCounted && ownBytes === undefined) return appError(status, evidence);
  const overMs = durationMs === null ? -1 : durationMs - dialTimeoutMs;
  if (status === 504 && isCounted && overMs >= 0 && overMs < dialToleranceMs)
    return { verdict: dialTimeout(access.server), evidence: [...evidence, `duration=${durationMs}ms`] };
  return { verdict: unknownFailure(status), evidence };
}

function dialTimeout(server: string | null): Verdict {
  const { shape, type, stage, born, whose, sentence } = goMeanings.connect_timeout;
  const words = `${sentence.replace('%s', () => server ?? 'the server')} (30 s is the default of \`dialTimeout\`.)`;
  return { shape, type, stage, born, whose, sentence: words, fix: traefikFixes.connect_timeout };
}

function unknownFailure(status: number): Verdict {
  const sentence = `Traefik answered this request with ${status}, and the access log does not say why.`;
  return { ...harmlessVerdict, shape: 'unknown', born: 'reverse-proxy', sentence, fix: raiseLevel };
}

function appError(status: number, evidence: readonly string[]): TraefikJudgement {
  const sentence = `The application itself answered with ${status}; Traefik passed it on.`;
  return {
    verdict: { ...harmlessVerdict, shape: 'app_error', born: 'application', whose: 'application', sentence },
    evidence,
  };
}
