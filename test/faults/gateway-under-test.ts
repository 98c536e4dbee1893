import type { Configuration, DnsSpec } from '../../src/core/configuration.ts';
import type { ListenerTls } from '../../src/core/listener-spec.ts';
import type { RouteAction, RouteSpec, Timeouts } from '../../src/core/route-spec.ts';
import type { CheckSpec, UpstreamSpec, UpstreamTls } from '../../src/core/upstream-spec.ts';
import type { RouteId, UpstreamId } from '../../src/core/endpoint.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { Gateway } from '../../src/control/gateway-status.ts';
import { startGateway } from '../gateway/gateway-modules.ts';
import { type CertificateAuthority, RawClient } from '../../src/testing/testing.ts';
import { SecureClient } from '../tls-clients/secure-client.ts';

/** The interface between the run and a gateway. Only this file knows which gateway it is and how it is configured. */
export interface GatewayUnderTest {
  readonly host: string;
  readonly port: number;
  readonly deployment: string;
  /** A client of the gateway, within TLS if its listener has that. */
  connect(): RawClient;
  findRecord(requestId: string): Promise<ExchangeRecord | null>;
  /** Failures that the gateway could not classify. */
  unclassified(): number;
  /** Exchanges that it counted, and how many of them are in flight. */
  exchanges(): { readonly ended: number; readonly active: number; readonly truncated: number };
  stop(): Promise<void>;
}

export interface Target {
  readonly name: string;
  /** Requests for this host only; without it, for any host. */
  readonly hostName?: string;
  /** Path prefixes without a slash at the end. They share an upstream, and so its connections. */
  readonly prefixes: readonly string[];
  readonly to: { readonly host: string; readonly port: number } | 'maintenance';
  /** A second endpoint that is as good as the first. */
  readonly alsoTo?: { readonly host: string; readonly port: number };
  readonly checked?: boolean;
  readonly tls?: UpstreamTls;
  /** Default 64. */
  readonly connectionsMax?: number;
  /** How many requests may wait for a connection, and for how long. Default: none. */
  readonly queueMax?: number;
  readonly queueMs?: number;
  /** Whether connections are kept for the next request. */
  readonly keepsConnections?: boolean;
  /** How long its responses may be held back. Default: not at all. */
  readonly heldMs?: number;
  /** The largest body of its responses. Default: any. */
  readonly responseBytesMax?: number;
}

export interface TestTimeouts {
  readonly connectMs: number;
  readonly responseHeadMs: number;
  readonly idleMs: number;
}

/** `authority`: its listener speaks TLS, with a certificate of this authority; null: clear text. */
export async function startGatewayUnderTest(
  targets: readonly Target[],
  timeouts: TestTimeouts,
  dns: DnsSpec,
  authority: CertificateAuthority | null = null,
): Promise<GatewayUnderTest> {
  const configuration = configure(targets, timeouts, dns, authority === null ? null : listenerTlsOf(authority));
  const gateway = await startGateway({ configuration, source: null });
  const { host, port } = addressOf(gateway);
  return {
    host,
    port,
    // The rows ask for many hosts. A client that names none in its handshake may ask for all of them.
    connect: () =>
      authority === null
        ? new RawClient({ host, port })
        : new SecureClient({ host, port }, { ca: authority.certificate, checkServerIdentity: () => undefined }),
    deployment: configuration.deployment,
    findRecord: (id) => gateway.findExchange(id),
    unclassified: () => gateway.counts().workers.reduce((sum, worker) => sum + worker.unclassifiedTotal, 0),
    exchanges: () => ({
      ended: gateway.counts().exchanges.reduce((sum, cell) => sum + cell.count, 0),
      truncated: gateway.counts().exchanges.reduce((sum, { end, count }) => sum + (end === 'truncated' ? count : 0), 0),
      active: gateway.counts().workers.reduce((sum, worker) => sum + worker.exchangesActive, 0),
    }),
    stop: () => gateway.stop('the test is over'),
  };
}

function addressOf(gateway: Gateway): { host: string; port: number } {
  const [listener] = gateway.status().listeners;
  const [, host, port] = /^(.*):([0-9]+)$/.exec(listener?.address ?? '') ?? [];
  if (host === undefined) throw new Error(`The gateway has no address for its listener: ${JSON.stringify(listener)}`);
  return { host, port: Number(port) };
}

function listenerTlsOf(authority: CertificateAuthority): ListenerTls {
  const names = ['edge.test'];
  return {
    certificates: [{ names, notAfter: Date.UTC(2100, 0), ...authority.issue({ names }) }],
    automatic: null,
    servesUnknownNames: false,
    versionMin: 'TLSv1.2',
    ciphers: 'DEFAULT',
    redirectPort: null,
    hstsSeconds: null,
    clientCertificates: null,
  };
}

function configure(
  targets: readonly Target[],
  timeouts: TestTimeouts,
  dns: DnsSpec,
  tls: ListenerTls | null,
): Configuration {
  return {
    deployment: 'edge.test',
    member: 'one',
    workers: { count: 1, memoryBytesMax: 1024 ** 3, delayMaxMs: null },
    drain: { timeoutMs: 10_000, lameDuckMs: 0, tunnels: 'wait' },
    stateFolder: null,
    store: null,
    otlp: null,
    listeners: [{ id: 'http', host: '127.0.0.1', port: 0, proxyProtocol: false, http2: true, tls }],
    routes: targets.flatMap((target) => target.prefixes.map((prefix) => routeTo(target, prefix, timeouts))),
    unrouted: { errorPages: {}, disclosure: 'operator' },
    upstreams: targets.flatMap((target) => upstreamOf(target)),
    applications: [],
    // The run chooses its request ids itself, since a client may get no response that names one.
    trustedPeers: ['127.0.0.0/8'],
    clientAddressHeader: null,
    dns,
    client: {
      headMs: 5000,
      bodyMs: 5000,
      keepAliveMs: 5000,
      writeMs: 5000,
      headBytesMax: 32_768,
      headersMax: 128,
      targetBytesMax: 8192,
      bodyBytesMax: null,
      connectionsMax: 1000,
      connectionsPerAddressMax: null,
      handshakesPerSecondMax: null,
      ipv6PrefixBits: 64,
      pipelinedMax: 16,
      headRateMin: 0,
      bodyRateMin: 0,
      writeRateMin: 0,
      rateGraceMs: 10_000,
      bufferBytesMax: 134_217_728,
    },
    admin: { socket: null, listen: null, tokens: [], hosts: [] },
    log: {
      path: null,
      rotateBytes: null,
      keepMax: 5,
      compression: 'none',
      queryAllowed: [],
      secretHeaders: [],
      format: 'json',
      recordedHeaderNames: [],
      fullDetail: false,
    },
  };
}

function routeTo(target: Target, prefix: string, timeouts: TestTimeouts): RouteSpec {
  const { name, hostName, to, heldMs = 0, responseBytesMax } = target;
  const action: RouteAction =
    to === 'maintenance'
      ? { kind: 'feature', feature: 'maintenance' }
      : { kind: 'upstream', upstream: name as UpstreamId };
  return {
    id: `${name}${prefix}` as RouteId,
    match: { hosts: hostName === undefined ? [] : [hostName], pathPrefix: prefix, methods: [] },
    action,
    ...(to === 'maintenance' ? { features: { maintenance: { message: 'Back soon.', retryAfterS: 60 } } } : {}),
    ...(responseBytesMax === undefined ? {} : { features: { body_limits: { responseBytesMax } } }),
    rewrite: { pathPrefix: null, host: 'client' },
    requestHeaders: { remove: [], set: [], add: [] },
    responseHeaders: { remove: [], set: [], add: [] },
    timeouts: timeoutsOf(timeouts),
    tunnel: { idleMs: 3_600_000, pingMs: null },
    commitDelayMs: heldMs,
    buffer: { requestBytesMax: 65_536, requestWaitMs: 50, responseBytesMax: 262_144 },
    errorPages: {},
    disclosure: 'operator',
  };
}

function timeoutsOf({ connectMs, responseHeadMs, idleMs }: TestTimeouts): Timeouts {
  return { dnsMs: connectMs, connectMs, tlsMs: connectMs, responseHeadMs, idleMs, exchangeMs: null };
}

function upstreamOf(target: Target): UpstreamSpec[] {
  const { name, to, alsoTo, tls = null, checked = false, keepsConnections = true, connectionsMax = 64 } = target;
  const { queueMax = 0, queueMs = 1000 } = target;
  if (to === 'maintenance') return [];
  const addresses = alsoTo === undefined ? [to] : [to, alsoTo];
  return [
    {
      id: name as UpstreamId,
      endpoints: addresses.map(({ host, port }) => ({ address: { kind: 'tcp', host, port } })),
      family: 'prefer_ipv4',
      application: null,
      tls,
      check: checked ? tcpCheck : { kind: 'none' },
      idleConnectionsMax: keepsConnections ? 8 : 0,
      idleConnectionMs: 4000,
      connectionReuse: 'always',
      connectionsMax,
      queueMax,
      queueMs,
      attemptsMax: 2,
      responseHeadBytesMax: 65_536,
    },
  ];
}

const tcpCheck: CheckSpec = { kind: 'tcp', intervalMs: 200, timeoutMs: 500, passes: 1, fails: 1 };
