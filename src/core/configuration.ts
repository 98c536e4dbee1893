import type { ApplicationId, EndpointAddress, RouteId, UpstreamId } from './endpoint.ts';

/**
 * A configuration with every default filled in: what `config/` makes of a file and everybody else reads.
 * Plain, immutable, structured-cloneable.
 */
export interface Configuration {
  /** The name in Proxy-Status and Via: of this deployment, never of the product. */
  readonly deployment: string;
  readonly member: string;
  readonly workers: WorkersSpec;
  readonly drain: DrainSpec;
  /** Absolute path of the folder for what a later process has to know; null: none. */
  readonly stateFolder: string | null;
  readonly listeners: readonly ListenerSpec[];
  readonly routes: readonly RouteSpec[];
  /** For answers to requests that no route has got. */
  readonly unrouted: AnswerSettings;
  readonly upstreams: readonly UpstreamSpec[];
  readonly applications: readonly ApplicationSpec[];
  /** CIDR blocks of the peers whose word on client, scheme and request id is taken. */
  readonly trustedPeers: readonly string[];
  /** Lowercase: the header in which they name the client; null: X-Forwarded-For, then Forwarded. */
  readonly clientAddressHeader: string | null;
  readonly client: ClientLimits;
  readonly dns: DnsSpec;
  readonly admin: AdminSpec;
  readonly log: LogSpec;
}

/** The threads that serve. */
export interface WorkersSpec {
  /** Null: as many as cores. */
  readonly count: number | null;
  /** Of each. */
  readonly memoryBytesMax: number;
}

/** How something ends under which exchanges are under way: the gateway, a listener, an instance. */
export interface DrainSpec {
  /** How long what is under way may take. */
  readonly timeoutMs: number;
  /** How long the gateway serves on, not ready any more, before its listeners close. */
  readonly lameDuckMs: number;
  /** Whether tunnels may last as long as exchanges, or end when the listeners close. */
  readonly tunnels: 'wait' | 'end';
}

/** How the names of endpoints are looked up, and where they may lead. */
export interface DnsSpec {
  /** Name servers, as `address:port`; empty: those of the system, and all else that it knows of names. */
  readonly servers: readonly string[];
  /** CIDR blocks that names may lead to, whatever `deny` and our own judgement say. */
  readonly allow: readonly string[];
  /** CIDR blocks that names may not lead to. */
  readonly deny: readonly string[];
}

/** Which addresses of a name are used: of one family only, or of one family first and the other where that fails. */
export type FamilyChoice = 'ipv4' | 'ipv6' | 'prefer_ipv4' | 'prefer_ipv6';

export interface ListenerSpec {
  readonly id: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Whether connections begin with a PROXY protocol header; only from trusted peers. */
  readonly proxyProtocol: boolean;
}

export interface ClientLimits {
  /** For a whole request head, from its first byte (408). */
  readonly headMs: number;
  /** Between bytes of request content (408). */
  readonly contentMs: number;
  /** Between requests on a kept-alive connection; closed without a word. */
  readonly keepAliveMs: number;
  /** Between bytes that the client takes of a response. */
  readonly writeMs: number;
  readonly headBytesMax: number;
  readonly fieldsMax: number;
  readonly targetBytesMax: number;
  /** Null: no limit. */
  readonly contentBytesMax: number | null;
  /** In all workers together. */
  readonly connectionsMax: number;
  /** From one address, in all workers together, trusted peers apart; null: no limit. */
  readonly connectionsPerAddressMax: number | null;
  /** How many leading bits of an IPv6 address count as one address. */
  readonly ipv6PrefixBits: number;
  /** Requests ahead of their answers on one connection. */
  readonly pipelinedMax: number;
  /** Bytes per second that a head, content, and the taking of a response must reach after `rateGraceMs`; 0: no limit. */
  readonly headRateMin: number;
  readonly contentRateMin: number;
  readonly writeRateMin: number;
  readonly rateGraceMs: number;
}

/** How answers of our own are made. */
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
  /** How long a response may be held back, so that a failure in it is still an answer; 0: it goes on at once. */
  readonly commitDelayMs: number;
}

/** What a stranger is told of a failure: its type, or also endpoint and detail. */
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
  /** The location may have `{path}`, `{query}` and `{host}`, which stand for those of the request. */
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'maintenance'; readonly message: string; readonly retryAfterS: number }
  /** Whether the gateway takes requests, for load balancers before it. */
  | { readonly kind: 'readiness' };

export interface RouteRewrite {
  /** Replaces the matched prefix; null leaves the path. */
  readonly pathPrefix: string | null;
  /** 'client': the client's Host goes on; 'endpoint': the endpoint's own; otherwise this one. */
  readonly host: string;
}

export interface FieldEdits {
  readonly remove: readonly string[];
  /** Replaces every line of that name. */
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}

/** Each its own, each with the failure that it produces. Milliseconds. */
export interface Timeouts {
  readonly dnsMs: number; // dns_timeout; of the routes to an upstream the shortest holds for its names
  readonly connectMs: number; // connect_timeout
  readonly tlsMs: number; // tls_timeout
  readonly responseHeadMs: number; // response_head_timeout
  readonly idleMs: number; // response_head_stalled, response_body_stalled, request_write_timeout
  /** The whole exchange; null: no limit. */
  readonly exchangeMs: number | null; // exchange_timeout
}

/**
 * Whether a connection that has served a request may serve another one: always; after the system was asked whether the
 * endpoint has sent anything meanwhile; or never.
 */
export type ConnectionReuse = 'always' | 'after_check' | 'never';

export interface UpstreamSpec {
  readonly id: UpstreamId;
  readonly endpoints: readonly EndpointSpec[];
  /** Of endpoints that are names. */
  readonly family: FamilyChoice;
  /** Whose instances are the endpoints; null where they are configured addresses. */
  readonly application: ApplicationId | null;
  readonly tls: UpstreamTls | null;
  readonly check: CheckSpec;
  /** How many connections each worker keeps idle per endpoint, and for how long. */
  readonly idleConnectionsMax: number;
  readonly idleConnectionMs: number;
  readonly connectionReuse: ConnectionReuse;
  /** Connections per endpoint, idle ones included, of all workers together. */
  readonly connectionsMax: number;
  /** How many exchanges may wait for a connection to an endpoint, in all workers, and for how long. */
  readonly queueMax: number;
  readonly queueMs: number;
  /** Attempts per exchange, the first included. */
  readonly attemptsMax: number;
  readonly responseHeadBytesMax: number;
}

export interface EndpointSpec {
  readonly address: EndpointAddress;
}

export interface UpstreamTls {
  /** Asked for (SNI), and verified; null: the host name of the endpoint. */
  readonly serverName: string | null;
  readonly verify: boolean;
  /** PEM; null: the system's. */
  readonly ca: string | null;
  /** Shown to endpoints that ask who the gateway is: PEM, with intermediate certificates after it; null: none. */
  readonly certificate: string | null;
  /** Its private key, in PEM. */
  readonly key: string | null;
}

export type CheckSpec =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'tcp';
      readonly intervalMs: number;
      readonly timeoutMs: number;
      readonly passes: number;
      /** The same after refused connections; absent: `passes`. */
      readonly passesAfterRefusal?: number;
      readonly fails: number;
    }
  | {
      readonly kind: 'http';
      readonly path: string;
      readonly host: string | null;
      readonly intervalMs: number;
      readonly timeoutMs: number;
      readonly passes: number;
      /** The same after refused connections; absent: `passes`. */
      readonly passesAfterRefusal?: number;
      readonly fails: number;
    };

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
  /** Null: a free port per instance, told by PORT. */
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
  /** In a row. */
  readonly passes: number;
  /** For the first readiness after a start; then the instance is reported, and checked on. */
  readonly startMs: number;
}

export interface AdminSpec {
  /** Path of the unix socket; null: none. */
  readonly socket: string | null;
  /** Where it listens over TCP too; null: nowhere. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly tokens: readonly AdminToken[];
  /** Lowercase. Names by which it may be asked over TCP, beside localhost and its own address. */
  readonly hosts: readonly string[];
}

export interface AdminToken {
  /** The actor in events. */
  readonly name: string;
  /** 'sha256:' and 64 hexadecimal digits. */
  readonly hash: string;
}

export interface LogSpec {
  /** Path of the exchange log; '-' is standard output; null: none. */
  readonly path: string | null;
  /** The size at which the file is put aside; null: never. */
  readonly rotateBytes: number | null;
  /** How many files that were put aside are kept. */
  readonly keepMax: number;
  /** Query values kept in the record; every other value is redacted. Lowercase. */
  readonly queryAllowed: readonly string[];
  /** Names, beside those that are known, of fields and settings whose values are taken out of texts. Lowercase. */
  readonly secretFields: readonly string[];
}
