import type { FeatureSpecs } from './feature.ts';
import type { ApplicationId, EndpointAddress, UpstreamId } from './endpoint.ts';
import type { NamedBalancer, defaultBalancer } from './named-balancers.ts';

/** Which addresses of a name are used: of one family only, or of one family first and of the other if that fails. */
export type FamilyChoice = 'ipv4' | 'ipv6' | 'prefer_ipv4' | 'prefer_ipv6';

/** A bound of requests in flight, in all workers together. */
export interface ConcurrencySpec {
  /** Null: none but the one that adapts. */
  readonly requestsMax: number | null;
  /** Whether the bound adapts to the latency of the requests, below `requestsMax`. */
  readonly adaptive: boolean;
  /** How many requests may wait for their turn, and for how long. */
  readonly queueMax: number;
  readonly queueMs: number;
  /** While every request waits for longer, none may wait for more than twice as long; absent: `queueMs` is all that bounds the wait. */
  readonly queueTargetMs?: number;
}

/**
 * Whether a connection that has served a request may serve another one: always; after a check whether the
 * endpoint has sent or closed anything meanwhile; or never.
 */
export type ConnectionReuse = 'always' | 'after_check' | 'never';

/** HAProxy, "The PROXY protocol": a line of text (§2.1), or a binary header (§2.2). */
export type ProxyProtocolVersion = 'v1' | 'v2';

/** What may be spoken with endpoints. `http2`: within TLS where the endpoint chooses it (ALPN), and in clear text always. */
export const endpointProtocols = ['http1', 'http2', 'fastcgi'] as const;

export type EndpointProtocol = (typeof endpointProtocols)[number];

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
  /** What is spoken with the endpoints; absent: http1. */
  readonly protocol?: EndpointProtocol;
  /** How an endpoint is picked for each request; absent: two are drawn at random, and the less loaded one is picked. */
  readonly balance?: BalanceSpec;
  /** How long a request may wait until an endpoint is ready, and how many requests in each worker; absent: none does. */
  readonly whenNoneReady?: { readonly waitMs: number; readonly waitersMax: number };
  /** Endpoints that are unhealthy by their checks get requests while no other may. Absent: they get none. */
  readonly triesUnhealthy?: true;
  readonly check: CheckSpec;
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
  /** What it says of features; absent: of none. */
  readonly features?: FeatureSpecs;
  /** Attempts per exchange, including the first. */
  readonly attemptsMax: number;
  readonly responseHeadBytesMax: number;
  /** Files that the application writes, which the main thread follows for the store; absent: none. */
  readonly logs?: readonly string[];
}

/** Besides its health document (`application/health+json`) an endpoint says it by a header of a response. */
export interface DrainSignalSpec {
  /** Lowercase. */
  readonly header: string;
  /** What its value must be; null: anything but `false`. */
  readonly value: string | null;
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
    } & ResponseExpectation &
      CheckTimes);

/** What the response to a check must be like to pass. */
export interface ResponseExpectation {
  /** The statuses that pass; absent: 200 to 299. */
  readonly expectStatus?: readonly StatusRange[];
  /** A text that the body must contain; absent: a check of an upstream does not read the body. */
  readonly expectBody?: string;
  /** Headers that the response must have, with these values; names are lowercase. */
  readonly expectHeaders?: readonly (readonly [name: string, value: string])[];
}

interface CheckTimes {
  /** The port to check, where it is another one than that of requests; absent: it is the same. */
  readonly port?: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly passes: number;
  /** Like `passes`, after refused connections; absent: `passes`. */
  readonly passesAfterRefusal?: number;
  readonly fails: number;
  /** Like `fails`, of refused connections; absent: `fails`. */
  readonly failsAfterRefusal?: number;
}
