import type { AdminRole } from './admin-roles.ts';
import type { AlertsSpec } from './alert.ts';
import type { ApplicationId } from './endpoint.ts';
import type { FeatureSpecs } from './feature.ts';
import type { ClientLimits, ListenerCertificate, ListenerSpec, TlsVersions } from './listener-spec.ts';
import type { UnroutedSettings, RouteSpec } from './route-spec.ts';
import type { SyslogSpec } from './syslog-spec.ts';
import type { EndpointProtocol, ResponseExpectation, UpstreamSpec } from './upstream-spec.ts';

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
  readonly unrouted: UnroutedSettings;
  readonly upstreams: readonly UpstreamSpec[];
  readonly applications: readonly ApplicationSpec[];
  /** CIDR blocks of peers from which the gateway accepts client address, scheme and request id. */
  readonly trustedPeers: readonly string[];
  /** Lowercase: the header in which these peers name the client; null: X-Forwarded-For, then Forwarded. */
  readonly clientAddressHeader: string | null;
  /** Lowercase: what features tell endpoints by these headers, no client may. Absent: none. */
  readonly headersReserved?: readonly string[];
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
  /** Of the file as a whole. Absent: none. */
  readonly features?: FeatureSpecs;
}

/** The worker threads. */
export interface WorkersSpec {
  /** Null: one per core. */
  readonly count: number | null;
  /** For each worker. */
  readonly memoryBytesMax: number;
  /** How late the event loop may be for a second, before requests are refused; null: however late. */
  readonly delayMaxMs: number | null;
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

/**
 * A program that Candor runs. The instances of an application become the endpoints of the upstream with the same name. A worker of an
 * application is one of these too: no upstream has its name, and its `readiness` has `program`.
 */
export interface ApplicationSpec {
  readonly id: ApplicationId;
  /** Of a worker: its application, whose release it runs. */
  readonly of?: ApplicationId;
  /** Of a worker: its own variables, which win over those of the release. */
  readonly ownEnvironment?: Readonly<Record<string, string>>;
  /** An instance that is replaced ends before the new one starts. */
  readonly replace?: 'stop_first';
  /** Of an application without a command, which has no upstream: what its upstream would have. */
  readonly endpointFeatures?: FeatureSpecs;
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** The words of it that came from variables whose names mark secrets, by their index. */
  readonly secretWords?: readonly number[];
  /** The feature that answers its requests in place of instances, such as `files`; absent: none does. */
  readonly answeredBy?: string;
  /** From the command line of `candor run`, not from a file. */
  readonly fromCommand?: true;
  /** The name of the release that it runs; absent: it was never deployed. */
  readonly release?: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly instances: number;
  /** Null: a free port per instance, passed in PORT. */
  readonly port: number | null;
  readonly readiness: ReadinessSpec;
  /** How long after SIGTERM before SIGKILL. */
  readonly stopMs: number;
  readonly restart: { readonly firstMs: number; readonly maxMs: number; readonly resetAfterMs: number };
  /** Of it as processes; what it has as an upstream stands there. Absent: none. */
  readonly features?: FeatureSpecs;
}

export interface ReadinessSpec extends ResponseExpectation {
  readonly path: string;
  /** A connection is enough: nothing is asked. */
  readonly tcp?: true;
  /** Headers of the check. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** What is spoken with the application; absent: http1. */
  readonly protocol?: EndpointProtocol;
  /** In a row. */
  readonly passes: number;
  /** Time for the first readiness after a start; then the instance is reported, and checks continue. */
  readonly startMs: number;
  /** Of a program that listens on no port: how it shows that it is ready. Then no request asks it, and `path` does not count. */
  readonly program?: ProgramReadiness;
}

/** How a program without a port shows that it is ready. */
export type ProgramReadiness =
  /** It prints a line that has this text, or matches this pattern. */
  | { readonly kind: 'line'; readonly text: string; readonly isPattern: boolean }
  /** It writes this file. A relative path begins at its directory. */
  | { readonly kind: 'file'; readonly path: string }
  /** This command exits with 0. */
  | { readonly kind: 'command'; readonly command: readonly string[] }
  /** It stays up for so long. */
  | { readonly kind: 'after'; readonly afterMs: number };

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
  readonly secretHeaders: readonly string[];
  /** 'json', 'combined', or a text with variables. */
  readonly format: string;
  /** Where its lines go beside the file; null or absent: nowhere. */
  readonly syslog?: SyslogSpec | null;
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
