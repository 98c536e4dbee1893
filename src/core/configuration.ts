import type { AdminRole } from './admin-roles.ts';
import type { AlertsSpec } from './alert.ts';
import type { SloSpec } from './objective.ts';
import type { LogFormatName } from './log-formats.ts';
import type { defaultBalancer, NamedBalancer } from './named-balancers.ts';
import type { ApplicationId, EndpointAddress, RouteId, UpstreamId } from './endpoint.ts';

/**
 * A configuration with all defaults filled in: `config/` creates it from a file, all other parts read it.
 * Plain, immutable, structured-cloneable.
 */
export interface Configuration {
  /** The name in Proxy-Status and Via: of this deployment, never of the product. */
  readonly deployment: string;
  readonly member: string;
  readonly workers: WorkersSpec;
  readonly drain: DrainSpec;
  /** Absolute path of the folder for state that outlives the process; null for none. */
  readonly stateFolder: string | null;
  readonly listeners: readonly ListenerSpec[];
  readonly routes: readonly RouteSpec[];
  /** For responses to requests that match no route. */
  readonly unrouted: AnswerSettings;
  readonly upstreams: readonly UpstreamSpec[];
  readonly applications: readonly ApplicationSpec[];
  /** CIDR blocks of peers from which the gateway accepts client address, scheme and request id. */
  readonly trustedPeers: readonly string[];
  /** Lowercase: the header in which these peers name the client; null: X-Forwarded-For, then Forwarded. */
  readonly clientAddressHeader: string | null;
  readonly client: ClientLimits;
  readonly dns: DnsSpec;
  readonly admin: AdminSpec;
  readonly log: LogSpec;
  /** Null: no exchange is stored, and no thread runs for it. */
  readonly store: StoreSpec | null;
  /** Absent: no alert is sent. */
  readonly alerts?: AlertsSpec;
  /** Where spans, records and metrics go by OTLP; null: nowhere. */
  readonly otlp: OtlpSpec | null;
}

/** The worker threads. */
export interface WorkersSpec {
  /** Null: one per core. */
  readonly count: number | null;
  /** For each worker. */
  readonly memoryBytesMax: number;
}

/** How the gateway, a listener or an instance drains before it ends. */
export interface DrainSpec {
  /** How long requests in flight may take. */
  readonly timeoutMs: number;
  /** How long the gateway still serves, with failing readiness, before its listeners close. */
  readonly lameDuckMs: number;
  /** Whether tunnels may last as long as exchanges, or end when the listeners close. */
  readonly tunnels: 'wait' | 'end';
}

/** How the names of endpoints are resolved, and to which addresses. */
export interface DnsSpec {
  /** Name servers, as `address:port`; empty: the name servers and other sources of the system. */
  readonly servers: readonly string[];
  /** CIDR blocks to which names may resolve, despite `deny` and the built-in rules. */
  readonly allow: readonly string[];
  /** CIDR blocks to which names may not resolve. */
  readonly deny: readonly string[];
}

/** Which addresses of a name are used: of one family only, or of one family first and of the other if that fails. */
export type FamilyChoice = 'ipv4' | 'ipv6' | 'prefer_ipv4' | 'prefer_ipv6';

export interface ListenerSpec {
  readonly id: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Whether connections begin with a PROXY protocol header; only from trusted peers. */
  readonly proxyProtocol: boolean;
  /** Whether clients may speak HTTP/2. */
  readonly http2: boolean;
  /** Null: connections are in clear text. */
  readonly tls: ListenerTls | null;
}

/** What a server accepts of clients. */
export interface TlsVersions {
  readonly versionMin: 'TLSv1.2' | 'TLSv1.3';
  /** Cipher suites of TLS 1.2 by OpenSSL's names. */
  readonly ciphers: string;
}

/** TLS at a listener. */
export interface ListenerTls extends TlsVersions {
  /** From files; at least one unless `automatic` is there. Clients that name no host get the first. */
  readonly certificates: readonly ListenerCertificate[];
  /** Certificates that the gateway obtains by itself; null: none. */
  readonly automatic: AutomaticTls | null;
  /** Clients that name another host than the certificates have get the first certificate too; otherwise they are refused. */
  readonly servesUnknownNames: boolean;
  /** Requests in clear text for a host that has a certificate here are redirected to this port; null: they are not. */
  readonly redirectPort: number | null;
  /** Browsers are told to use TLS alone for so long (RFC 6797); null: they are told nothing. */
  readonly hstsSeconds: number | null;
  /** Null: clients are not asked for certificates. */
  readonly clientCertificates: ClientCertificates | null;
}

/** Certificates that the gateway obtains by itself. */
export type AutomaticTls = AcmeTls | LocalTls;

/** From CAs that speak ACME (RFC 8555). */
export interface AcmeTls {
  readonly kind: 'acme';
  /** In lowercase, wildcards included; each gets a certificate of its own. Those of `certificates` are not among them. */
  readonly hosts: readonly string[];
  /** Mail addresses. */
  readonly contacts: readonly string[];
  /** URLs of the CAs' directories, the preferred one first. */
  readonly directories: readonly string[];
  /** Root certificates in PEM that the CAs' servers are trusted by, besides the public ones; null: none. */
  readonly roots: string | null;
  /** How names are proven, the preferred way first. */
  readonly challenges: readonly ChallengeKind[];
  /** The command that sets DNS records; null: there is none. */
  readonly dnsHook: readonly string[] | null;
  /** How long a record that the command has set is waited for until the CA is let look; 0: not at all. */
  readonly propagationMs: number;
  /** Null: only `hosts` get certificates. */
  readonly onDemand: OnDemandTls | null;
  /** An account at the first CA that exists elsewhere, to which the ACME account is bound (RFC 8555 §7.3.4); null: none. A secret. */
  readonly externalAccount: { readonly keyId: string; readonly hmacKey: string } | null;
}

/** Certificates for names that no route has literally, obtained when a client asks for one. At least one of `allow` and `ask` is given. */
export interface OnDemandTls {
  /** The wildcards of the routes' hosts; null: there is a route for every host. */
  readonly routes: readonly string[] | null;
  /** Names, and wildcards that stand for one label. */
  readonly allow: readonly string[];
  /** The URL that is asked about other names; null: they get none. */
  readonly ask: string | null;
}

/** How a CA may convince itself that a name is ours. */
export type ChallengeKind = 'http-01' | 'tls-alpn-01' | 'dns-01';

/** From a CA of the gateway's own, which only those trust who were told to. */
export interface LocalTls {
  readonly kind: 'internal';
  readonly hosts: readonly string[];
}

/** A certificate that clients are shown. */
export interface ListenerCertificate {
  /** The host names that it has, in lowercase; one with `*.` in front has all names one level below. */
  readonly names: readonly string[];
  /** In PEM, followed by intermediate certificates. */
  readonly certificate: string;
  /** Its private key, in PEM. */
  readonly key: string;
  /** When it expires, in milliseconds since the Unix epoch: the first of it and its intermediate certificates. */
  readonly notAfter: number;
  /** Absent where the gateway has obtained the certificate: such a one is valid at once, and alone for its names. */
  readonly facts?: FileCertificateFacts;
}

/** What the file of a certificate says. */
export interface FileCertificateFacts {
  /** The kind of its key, such as `rsa` or `ec`. A host name may have one certificate of each. */
  readonly keyType: string;
  /** From when on it and its intermediate certificates are valid, in milliseconds since the Unix epoch. */
  readonly notBefore: number;
  /** Who issued it, as people know it by; null: it is self-signed. */
  readonly issuer: string | null;
}

export interface ClientCertificates {
  /** The authorities whose certificates are accepted, in PEM. */
  readonly authorities: string;
  /** A client without a certificate is refused. */
  readonly isRequired: boolean;
}

export interface ClientLimits {
  /** For a whole request head, from its first byte (408). */
  readonly headMs: number;
  /** Between bytes of a request body (408). */
  readonly contentMs: number;
  /** Between requests on a kept-alive connection; then it is closed without a response. */
  readonly keepAliveMs: number;
  /** Between bytes of a response that the client reads. */
  readonly writeMs: number;
  readonly headBytesMax: number;
  readonly fieldsMax: number;
  readonly targetBytesMax: number;
  /** Null: no limit. */
  readonly contentBytesMax: number | null;
  /** In all workers together. */
  readonly connectionsMax: number;
  /** From one address, in all workers together, except trusted peers; null: no limit. */
  readonly connectionsPerAddressMax: number | null;
  /** TLS handshakes a second from one address, in each worker, except trusted peers; null: no limit. */
  readonly handshakesPerSecondMax: number | null;
  /** How many leading bits of an IPv6 address count as one address. */
  readonly ipv6PrefixBits: number;
  /** Requests on one connection that wait for their responses (pipelining). */
  readonly pipelinedMax: number;
  /** Minimum bytes per second of a head, of a body, and of reading a response, after `rateGraceMs`; 0: no limit. */
  readonly headRateMin: number;
  readonly contentRateMin: number;
  readonly writeRateMin: number;
  readonly rateGraceMs: number;
  /** What the buffers of all exchanges of one worker take together. */
  readonly bufferBytesMax: number;
}

/** How the gateway's own responses are created. */
export interface AnswerSettings {
  /** Whole HTML documents by status ('502') or 'default', with the placeholders of `page-template.ts`. */
  readonly errorPages: Readonly<Record<string, string>>;
  readonly disclosure: Disclosure;
}

export interface RouteSpec extends AnswerSettings {
  readonly id: RouteId;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly rewrite: RouteRewrite;
  readonly requestFields: FieldEdits;
  readonly responseFields: FieldEdits;
  readonly timeouts: Timeouts;
  readonly tunnel: TunnelSpec;
  /** How long a response may be held, so that a failure in it can still be answered with an error; 0: it is forwarded at once. */
  readonly commitDelayMs: number;
  readonly buffer: BufferSpec;
  /** What users of the route were promised; absent: nothing. */
  readonly slo?: SloSpec;
  /** What the route says of retries; absent: nothing, and a request that may have been executed is retried once at most. */
  readonly retry?: RetrySpec;
  /** How many of its requests may be in flight; absent: the route has no such bound. */
  readonly concurrency?: ConcurrencySpec;
  /** When it answers requests itself for a short time, because they fail; absent: never. */
  readonly circuitBreaker?: RouteBreakerSpec;
  /** Whose turn comes first where requests wait for one; absent: 'normal'. */
  readonly priority?: RequestPriority;
}

export type RequestPriority = 'high' | 'normal' | 'low';

/** A bound of requests in flight, in all workers together. */
export interface ConcurrencySpec {
  /** Null: none but the one that adapts. */
  readonly requestsMax: number | null;
  /** Whether the bound adapts to the latency of the requests, below `requestsMax`. */
  readonly adaptive: boolean;
  /** How many requests may wait for their turn, and for how long. */
  readonly queueMax: number;
  readonly queueMs: number;
}

/** How exchanges of a route are retried. */
export interface RetrySpec {
  /** Attempts per exchange, including the first; null: as many as its upstream says. */
  readonly attemptsMax: number | null;
  /** Statuses of endpoints after which another attempt is made. */
  readonly statuses: readonly number[];
  /** From the time when a request is sent until the head of its response has come; null: no limit. */
  readonly attemptMs: number | null; // attempt_timeout
  /** Full jitter: a retry waits for a time drawn from 0 to this, twice as much for each further retry, and `backoffMaxMs` at most. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** A request with an Idempotency-Key is retried as if its method were idempotent. */
  readonly idempotencyKey: boolean;
  /** Endpoints are told the number of the attempt and how long its response is waited for. */
  readonly attemptHeaders: boolean;
  /** A second attempt is made beside one of a GET or HEAD that takes longer than most. */
  readonly hedge: boolean;
}

/** How much of a body waits in the gateway, so that a slow client holds no connection to an endpoint. */
export interface BufferSpec {
  /** Bytes of a request's body that come before an endpoint is chosen; 0: none. */
  readonly requestBytesMax: number;
  /** How long they are waited for where the length of the body is not known. */
  readonly requestWaitMs: number;
  /** Bytes of a response that wait for its client before the endpoint must wait; 0: none. */
  readonly responseBytesMax: number;
}

/** For requests that become tunnels, such as WebSockets. */
export interface TunnelSpec {
  /** How long both sides may be silent; with pings, each of them. */
  readonly idleMs: number; // tunnel_idle
  /** How long a side of a WebSocket may be silent before the gateway pings it; null: the gateway sends no pings. */
  readonly pingMs: number | null;
}

/** What responses show of a failure: its type, or also endpoint and detail. */
export type Disclosure = 'public' | 'operator';

export interface RouteMatch {
  /** Lowercase; '*.example.org' matches any subdomain; empty: any host. */
  readonly hosts: readonly string[];
  /** '/' matches everything; '/api' matches '/api' and '/api/…', not '/apiary'. */
  readonly pathPrefix: string;
  /** Empty: any method. */
  readonly methods: readonly string[];
  readonly fields: readonly FieldMatch[];
}

export interface FieldMatch {
  /** Lowercase. */
  readonly name: string;
  /** Null: present with any value. */
  readonly value: string | null;
}

export type RouteAction =
  | { readonly kind: 'upstream'; readonly upstream: UpstreamId }
  | { readonly kind: 'respond'; readonly status: number; readonly contentType: string; readonly content: string }
  /** The location may have `{path}`, `{query}` and `{host}`, which are replaced by those of the request. */
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'maintenance'; readonly message: string; readonly retryAfterS: number }
  /** Answers whether the gateway is ready for requests, for load balancers before it. */
  | { readonly kind: 'readiness' };

export interface RouteRewrite {
  /** Replaces the matched prefix; null leaves the path. */
  readonly pathPrefix: string | null;
  /** 'client': forwards the client's Host; 'endpoint': sends the endpoint's own; otherwise this value. */
  readonly host: string;
}

export interface FieldEdits {
  readonly remove: readonly string[];
  /** Replaces every line of that name. */
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}

/** In milliseconds; each with the failure that it causes. */
export interface Timeouts {
  readonly dnsMs: number; // dns_timeout; the shortest of all routes to an upstream applies to its names
  readonly connectMs: number; // connect_timeout
  readonly tlsMs: number; // tls_timeout
  readonly responseHeadMs: number; // response_head_timeout
  readonly idleMs: number; // response_head_stalled, response_body_stalled, request_write_timeout
  /** The whole exchange; null: no limit. */
  readonly exchangeMs: number | null; // exchange_timeout
}

/**
 * Whether a connection that has served a request may serve another one: always; after a check whether the
 * endpoint has sent or closed anything meanwhile; or never.
 */
export type ConnectionReuse = 'always' | 'after_check' | 'never';

/** HAProxy, "The PROXY protocol": a line of text (§2.1), or a binary header (§2.2). */
export type ProxyProtocolVersion = 'v1' | 'v2';

export interface UpstreamSpec {
  readonly id: UpstreamId;
  readonly endpoints: readonly EndpointSpec[];
  /** For endpoints that are names. */
  readonly family: FamilyChoice;
  /** The application whose instances are the endpoints; null if they are configured addresses. */
  readonly application: ApplicationId | null;
  readonly tls: UpstreamTls | null;
  /** Connections begin with a PROXY protocol header of this version, which names the client; absent: they do not. */
  readonly proxyProtocol?: ProxyProtocolVersion;
  /** HTTP/2 is spoken with the endpoints: within TLS where they choose it (ALPN), in clear text always. Absent: HTTP/1.1. */
  readonly http2?: true;
  /** How an endpoint is picked for each request; absent: two are drawn at random, and the less loaded one is picked. */
  readonly balance?: BalanceSpec;
  /** Clients stay at the endpoint that answered them first; absent: each request is balanced. */
  readonly sticky?: StickySpec;
  /** An endpoint that became ready gets a growing part of its share for so long; absent: its whole share at once. */
  readonly slowStartMs?: number;
  /** How long a request may wait until an endpoint is ready, and how many requests in each worker; absent: none does. */
  readonly whenNoneReady?: { readonly waitMs: number; readonly waitersMax: number };
  /** Endpoints that are unhealthy by their checks get requests while no other may. Absent: they get none. */
  readonly triesUnhealthy?: true;
  readonly check: CheckSpec;
  /** When traffic takes endpoints out; 'none': never; absent: with the defaults of `policy/outlier-settings.ts`. */
  readonly outlierDetection?: OutlierDetectionSpec | 'none';
  /** An endpoint that fails and that outlier detection may not eject gets no requests for some time all the same; absent: it gets them. */
  readonly circuitBreaker?: CircuitBreakerSpec;
  /** How an endpoint says that it wants no new requests; absent: it is not listened to. */
  readonly drainSignal?: DrainSignalSpec;
  /** How many connections each worker keeps idle per endpoint, and for how long. */
  readonly idleConnectionsMax: number;
  readonly idleConnectionMs: number;
  readonly connectionReuse: ConnectionReuse;
  /** Connections per endpoint in all workers together, including idle ones. */
  readonly connectionsMax: number;
  /** Requests in flight per endpoint in all workers together; absent: as many as its connections carry. */
  readonly requestsMax?: number;
  /** How many exchanges may wait for a connection to an endpoint, in all workers, and for how long. */
  readonly queueMax: number;
  readonly queueMs: number;
  /** How many requests may be in flight at all endpoints together; absent: as many as their connections carry. */
  readonly concurrency?: ConcurrencySpec;
  /** Attempts per exchange, including the first. */
  readonly attemptsMax: number;
  readonly responseHeadBytesMax: number;
  /** Files that the application writes, which the main thread follows for the store; absent: none. */
  readonly logs?: readonly string[];
}

/** How clients stay at an endpoint, by a signed cookie. */
export interface StickySpec {
  /** The name of the cookie. */
  readonly cookie: string;
  readonly path: string;
  /** Null: the host that answers, without its subdomains. */
  readonly domain: string | null;
  /** How long browsers keep it; null: until they are closed. */
  readonly cookieLifetimeMs: number | null;
  /** 'auto': if the client speaks TLS. */
  readonly secure: boolean | 'auto';
  readonly httpOnly: boolean;
  readonly sameSite: 'lax' | 'strict' | 'none';
  /** Whether a draining endpoint keeps its sessions. */
  readonly keepsDraining: boolean;
  /** What signs it; null: the key in the state folder. */
  readonly key: string | null;
}

export interface OutlierDetectionSpec {
  readonly windowMs: number;
  /** Fewer requests within the window decide nothing. */
  readonly requestsMin: number;
  /** A larger share of failures makes an outlier. */
  readonly failureShareMax: number;
  /** So many failures in a row make an outlier. */
  readonly consecutiveFailuresMax: number;
  /** Responses with a 5xx status count as failures, though only over the whole window. */
  readonly countsServerErrors: boolean;
  /** Responses with status 429 and Retry-After count as failures, and the endpoint rests as long as they say. */
  readonly countsRateLimits: boolean;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** Of the endpoints whose checks pass. */
  readonly ejectedShareMax: number;
}

/** Besides its health document (`application/health+json`) an endpoint says it by a header of a response. */
export interface DrainSignalSpec {
  /** Lowercase. */
  readonly header: string;
  /** What its value must be; null: anything but `false`. */
  readonly value: string | null;
}

export interface CircuitBreakerSpec {
  /** How long it is open the first time; each further time is twice as long. */
  readonly openMs: number;
  /** The longest time; null: 2 s while the endpoint's checks pass, 30 s without checks. */
  readonly openMaxMs: number | null;
  /** How many requests the endpoint gets at a time while the breaker is half-open, over all workers; absent: 1. */
  readonly probesMax?: number;
}

/** The circuit breaker of a route, which opens when its requests fail at whatever endpoint. */
export interface RouteBreakerSpec {
  readonly windowMs: number;
  /** Fewer requests within the window decide nothing. */
  readonly requestsMin: number;
  /** A larger share of failures opens it, and so do so many failures in a row. */
  readonly failureShareMax: number;
  readonly consecutiveFailuresMax: number;
  /** Responses with a 5xx status are failures. */
  readonly countsServerErrors: boolean;
  /** How long it is open the first time; each further time is twice as long, up to the longest. */
  readonly openMs: number;
  readonly openMaxMs: number;
  /** How many requests it lets through at a time while it is half-open, over all workers. */
  readonly probesMax: number;
}

export interface EndpointSpec {
  readonly address: EndpointAddress;
  /** Its share of the requests, relative to the others; absent: 1. */
  readonly weight?: number;
  /** Endpoints of the lowest number get the requests, the next ones only while none of those may; absent: 0. */
  readonly priority?: number;
}

/** How an endpoint is picked for each request. */
export type BalanceSpec =
  | { readonly kind: Exclude<NamedBalancer, typeof defaultBalancer> }
  | { readonly kind: 'hash'; readonly key: HashKey };

/** The part of a request by which requests are sent to the same endpoint. */
export type HashKey =
  | { readonly kind: 'address' | 'path' }
  /** `name` of a header: lowercase. */
  | { readonly kind: 'header' | 'cookie'; readonly name: string };

export interface UpstreamTls {
  /** The server name that is sent (SNI) and verified; null: the host name of the endpoint. */
  readonly serverName: string | null;
  readonly verify: boolean;
  /** PEM; null: the system's. */
  readonly ca: string | null;
  /** The client certificate, in PEM, followed by intermediate certificates; null: none. */
  readonly certificate: string | null;
  /** Its private key, in PEM. */
  readonly key: string | null;
}

/** Statuses of responses, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export type CheckSpec =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'tcp' } & CheckTimes)
  /** grpc.health.v1; `service` '': the whole server. */
  | ({ readonly kind: 'grpc'; readonly service: string; readonly host: string | null } & CheckTimes)
  | ({
      readonly kind: 'http';
      readonly path: string;
      readonly host: string | null;
      readonly headers?: readonly (readonly [name: string, value: string])[];
      /** The statuses that pass; absent: 200 to 299. */
      readonly expectStatus?: readonly StatusRange[];
      /** A text that the body must contain; absent: the body is not read. */
      readonly expectBody?: string;
      /** Headers that the response must have, with these values; names are lowercase. */
      readonly expectHeaders?: readonly (readonly [name: string, value: string])[];
    } & CheckTimes);

interface CheckTimes {
  /** The port to check, where it is another one than that of requests; absent: it is the same. */
  readonly port?: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly passes: number;
  /** Like `passes`, after refused connections; absent: `passes`. */
  readonly passesAfterRefusal?: number;
  readonly fails: number;
}

/** A program that Candor runs; its instances become the endpoints of the upstream with the same name. */
export interface ApplicationSpec {
  readonly id: ApplicationId;
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** From the command line of `candor run`, not from a file. */
  readonly fromCommand?: true;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly instances: number;
  /** Null: a free port per instance, passed in PORT. */
  readonly port: number | null;
  readonly readiness: ReadinessSpec;
  /** How long after SIGTERM before SIGKILL. */
  readonly stopMs: number;
  readonly restart: { readonly firstMs: number; readonly maxMs: number; readonly resetAfterMs: number };
}

export interface ReadinessSpec {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** HTTP/2 is spoken with the application (`UpstreamSpec.http2`). */
  readonly http2?: true;
  /** In a row. */
  readonly passes: number;
  /** Time for the first readiness after a start; then the instance is reported, and checks continue. */
  readonly startMs: number;
}

export interface AdminSpec {
  /** Path of the unix socket; null: none. */
  readonly socket: string | null;
  /** The TCP address of the admin API; null: not over TCP. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** TLS at that address. Absent: it is in clear text. */
  readonly tls?: AdminTls;
  readonly tokens: readonly AdminToken[];
  /** Lowercase. Host names to which it answers over TCP, besides localhost and its own address. */
  readonly hosts: readonly string[];
}

export interface AdminTls extends TlsVersions {
  readonly certificate: ListenerCertificate;
}

export interface AdminToken {
  /** The actor in events. */
  readonly name: string;
  /** 'sha256:' and 64 hexadecimal digits. */
  readonly hash: string;
  /** What its holder may do; absent: everything. */
  readonly role?: AdminRole;
}
export interface LogSpec {
  /** Path of the exchange log; '-' is standard output; null: none. */
  readonly path: string | null;
  /** The size at which the file is rotated; null: never. */
  readonly rotateBytes: number | null;
  /** How many rotated files are kept. */
  readonly keepMax: number;
  /** How rotated files but the newest are compressed. */
  readonly compression: 'zstd' | 'gzip' | 'none';
  /** Query parameters whose values are kept in the record; other values are redacted. Lowercase. */
  readonly queryAllowed: readonly string[];
  /** Further names of headers and settings whose values are removed from texts. Lowercase. */
  readonly secretFields: readonly string[];
  readonly format: LogFormatName;
  /** Request headers that records have. Lowercase. */
  readonly recordedHeaderNames: readonly string[];
  /** Records of successes have the same detail as those of failures. */
  readonly fullDetail: boolean;
}

/** Where exchanges are stored for searches, and for how long. */
export interface StoreSpec {
  /** The folder of its files. */
  readonly path: string;
  readonly keepAgeMs: number;
  readonly keepBytes: number;
  /** Of each route, over all workers; failures and slow exchanges are stored beside them. */
  readonly successesPerSecond: number;
  /** An exchange that has taken as long is stored in any case. */
  readonly slowMs: number;
}

/** A collector that gets spans, records and metrics over OTLP/HTTP. */
export interface OtlpSpec {
  /** The URL before `/v1/traces` and the like, without a slash at its end. */
  readonly endpoint: string;
  readonly format: 'protobuf' | 'json';
  /** Of every request to the collector. They may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the bodies of requests. */
  readonly compression: 'gzip' | 'none';
  /** PEM; empty: those of the system. */
  readonly authorities: readonly string[];
  /** What the gateway shows to a collector that asks who it is, in PEM; null: nothing. */
  readonly identity: { readonly certificate: string; readonly key: string } | null;
  /** For how long one request to the collector may take. */
  readonly timeoutMs: number;
  /** Further attributes of the resource. */
  readonly resource: Readonly<Record<string, string>>;
  /** Null: no spans. `share`: of the traces that the gateway begins, which are recorded in any case if they fail. */
  readonly traces: { readonly share: number } | null;
  /** Which records become log records. */
  readonly logs: 'all' | 'failed' | 'none';
  /** Null: no metrics. */
  readonly metrics: { readonly intervalMs: number } | null;
}
