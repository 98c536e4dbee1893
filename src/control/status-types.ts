import type { AlertTargetStatus } from '../core/alert.ts';
import type { ObjectiveStatus } from '../core/objective.ts';
import type { IncidentStatus } from '../incidents/incident-status.ts';
import type { OtlpDropReason, OtlpSignal } from '../core/otlp-counts.ts';
import type { ProcessFigures } from '#failures/process-note.ts';
import type { ChallengeKind } from '../core/listener-spec.ts';
import type { ManagedStep } from '../core/managed-tls.ts';
import type { EndpointState } from '../core/endpoint.ts';
import type { CircuitState } from '../core/gateway-state.ts';
import type { HealthCheckReport } from '../core/health-check-report.ts';
import type { EndpointFigures } from '../record/endpoint-minute.ts';
import type { ProblemKind } from '../core/problem-kinds.ts';
import type { ServiceVerdict } from '../core/service-verdict.ts';
import type { MinuteFigures } from '../record/last-minute.ts';
import type { OverlaySetting, OverlayValues } from '../core/overlay.ts';
import type { WaitingFor } from '../core/waiting-requests.ts';

/** What `Gateway.status` says: the shapes of each part. The admin API gives them in snake case (`admin/status-schemas.ts`). */

/** The changes that operators have made at run time: they win over the file until they are cleared. */
export interface OverlayStatus {
  /** Grows with each change. */
  readonly revision: number;
  /** Whether the entries are on disk, where a later process finds them. */
  readonly persisted: boolean;
  /** Why the entries are not on disk, one clause; null if they are. */
  readonly memoryReason: string | null;
  readonly entries: readonly OverlayEntryStatus[];
}

export interface OverlayEntryStatus {
  /** Such as 'maintenance:/api' or 'drain:api/10.0.0.1:3000'. */
  readonly id: string;
  readonly kind: OverlaySetting['kind'];
  /** A route, an upstream or an endpoint; null: all routes. */
  readonly target: string | null;
  readonly values: OverlayValues;
  /** The effect of the entry, one clause. */
  readonly reason: string;
  /** False if the configuration has no such target: the entry has no effect. */
  readonly matched: boolean;
  /** Revision of the overlay that made the entry. */
  readonly revision: number;
  /** ISO 8601. */
  readonly at: string;
  readonly actor: string;
}

export interface CertificateStatus {
  readonly names: readonly string[];
  /** RFC 3339. */
  readonly notAfter: string;
  /** The same; null where it is not known: of endpoints, and of certificates that the gateway has obtained. */
  readonly notBefore: string | null;
  /** Who issued it, or `self-signed`; null where it is not known. */
  readonly issuer: string | null;
}

/** A host for which the gateway obtains certificates by itself. */
export interface ManagedCertificateStatus {
  readonly name: string;
  /** 'pending': there is no certificate yet. */
  readonly state: 'pending' | 'valid' | 'expired';
  /** RFC 3339, as below; null: there is none yet. */
  readonly notAfter: string | null;
  /** When it will be renewed; null: there is none yet. */
  readonly renewAt: string | null;
  /** The last attempt, if it has failed. */
  readonly failure: {
    /** One sentence each. */
    readonly reason: string;
    readonly nextStep: string;
    readonly at: string;
    readonly retryAt: string;
  } | null;
  /** What the order in progress, or the one that is due, waits for; null: nothing is to be ordered now. */
  readonly progress: {
    readonly step: ManagedStep;
    /** URL of the directory of the CA; null before one is asked. */
    readonly authority: string | null;
    /** Of the challenge; null at other steps. */
    readonly name: string | null;
    readonly challenge: ChallengeKind | null;
    /** When the step began. */
    readonly since: string;
  } | null;
}

export interface GatewayStatus {
  /**
   * Number of this owner of the state folder: the previous owner's plus one. Null if it owns no folder, because it has
   * no applications, or `state` is none.
   */
  readonly generation: number | null;
  readonly deployment: string;
  readonly member: string;
  readonly version: string;
  readonly pid: number;
  readonly epoch: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly uptimeS: number;
  readonly revision: number;
  readonly contentHash: string;
  /** Path of the configuration file; null for `candor run`. */
  readonly source: string | null;
  readonly state: 'starting' | 'serving' | 'draining' | 'stopped';
  /** Whether requests are served well: `ok` only while at most 1 % of them have failed in the last 5 s. */
  readonly verdict: ServiceVerdict;
  /** Progress of the shutdown; null until it begins. */
  readonly drain: {
    readonly phase: 'lame_duck' | 'draining' | 'force_closing' | 'drained';
    /** Time until the phase ends in any case. */
    readonly leftMs: number;
    /** Active requests, without tunnels. */
    readonly exchanges: number;
    readonly tunnels: number;
    readonly connections: number;
  } | null;
  /** Current problems of the gateway itself, and of new instances that do not replace old ones, worst first. Problems of other endpoints and applications are in their states. */
  readonly problems: readonly StatusProblem[];
  /** Those that go on. */
  readonly incidents: readonly IncidentStatus[];
  readonly overlay: OverlayStatus;
  /** Of all requests. */
  readonly lastMinute: MinuteFigures;
  readonly listeners: readonly {
    readonly id: string;
    readonly address: string;
    /** 'closed': the gateway is stopping, or no worker serves at the moment. */
    readonly state: 'waiting' | 'open' | 'closed' | 'failed';
    /** Those that TLS clients are shown; empty without TLS. */
    readonly certificates: readonly CertificateStatus[];
  }[];
  /** Those that the gateway obtains by itself. */
  readonly certificates: readonly ManagedCertificateStatus[];
  readonly upstreams: readonly UpstreamStatus[];
  /** The store of exchanges and events; null: the configuration has none. That it fails now is a problem. */
  readonly store: StoreStatus | null;
  /** Logs that applications write, which are read for the store. */
  readonly logFiles: readonly TailedFileStatus[];
  /** Who is told of incidents and the like; empty: the configuration names no target. */
  readonly alerts: readonly AlertTargetStatus[];
  /** The collector that gets spans, records and metrics over OTLP; null: the configuration has none. That it fails now is a problem. */
  readonly otlp: OtlpStatus | null;
  /** Of routes (`slo`). */
  readonly objectives: readonly ObjectiveStatus[];
  /** Timeouts of routes that do not fit what is stored; without a store only those that cannot fire. */
  readonly timeouts: readonly TimeoutStatus[];
  /** Bounds of requests in flight (`concurrency`) of routes and upstreams. */
  readonly bounds: readonly BoundStatus[];
  readonly breakers: readonly RouteBreakerStatus[];
  readonly applications: readonly ApplicationStatus[];
  readonly workers: readonly {
    readonly id: number;
    /** 'retiring': its listeners are closed, and its requests in flight finish. */
    readonly state: 'starting' | 'serving' | 'retiring' | 'lost';
    readonly revision: number;
    readonly exchangesActive: number;
    readonly clientConnections: number;
  }[];
}

export interface StatusProblem {
  readonly kind: ProblemKind;
  readonly sinceS: number;
  /** One sentence. */
  readonly reason: string;
  /** What to do or look at next, one sentence. */
  readonly nextStep: string;
  /** Whose new instances are not ready, whose instances end again and again, or who prints too fast; absent: it is a problem of the gateway itself, or of an upstream. */
  readonly application?: string;
  /** Of which no endpoint is available; absent: it is another problem. */
  readonly upstream?: string;
}

export interface UpstreamStatus {
  readonly id: string;
  readonly application: string | null;
  readonly verdict: ServiceVerdict;
  /** Of the requests that routes sent here, including those that got no connection. */
  readonly lastMinute: MinuteFigures;
  /** For an endpoint, for a connection to one, or for a response longer than usual; without those that wait for their turn. */
  readonly waiting: readonly WaitingStatus[];
  readonly endpoints: readonly EndpointStatus[];
}

/** Requests that wait, in all workers. */
export interface WaitingStatus {
  /** `endpoint`: until one is ready (`when_none_ready`); `connection`: until one is free; `turn`: because of `concurrency`; `response`: they are sent, and none has begun. */
  readonly for: WaitingFor;
  readonly count: number;
  /** For how long the one has waited that has waited longest. */
  readonly oldestMs: number;
}

export interface OtlpStatus {
  readonly endpoint: string;
  readonly signals: readonly {
    readonly signal: OtlpSignal;
    /** Spans, log records or data points that the collector has taken, since the start. */
    readonly exported: number;
    /** Requests to the collector that it did not answer, or not with success. */
    readonly failedRequests: number;
    readonly dropped: readonly { readonly reason: OtlpDropReason; readonly count: number }[];
    /** The collector has last rejected a part of a request at `at` (RFC 3339). `message`: its words, '' without any. Null: never. */
    readonly lastRejection: { readonly message: string; readonly at: string } | null;
  }[];
}

export interface TimeoutStatus {
  readonly route: string;
  readonly kind: 'never_fires' | 'cuts_ordinary' | 'longer_than_needed';
  /** `timeouts.response_head`, and what it should be. */
  readonly limitMs: number;
  readonly advisedMs: number;
  /** One sentence, with the evidence. */
  readonly reason: string;
  readonly nextStep: string;
}

export interface StoreStatus {
  readonly path: string;
  /** Records, events, lines of applications and notes about their processes that were to be stored and were lost, since the start. */
  readonly lost: number;
  /** Applications that have printed too fast since the start, so that lines of them were left out; these are not among `lost`. */
  readonly leftOut: readonly LeftOutStatus[];
}

export interface LeftOutStatus {
  readonly application: string;
  readonly lines: number;
  /** Since when it prints too fast, or did last. RFC 3339. */
  readonly since: string;
  /** When the last of these lines came. RFC 3339. */
  readonly lastAt: string;
}

/** A log of an application (`logs`) that the gateway follows. */
export interface TailedFileStatus {
  /** The application or the upstream. */
  readonly owner: string;
  readonly path: string;
  readonly state: 'following' | 'absent' | 'unreadable';
  /** Why it is not followed; '' while it is. */
  readonly reason: string;
  /** Bytes that were not read because the file grew too fast. */
  readonly skippedBytes: number;
}

export interface BoundStatus {
  readonly kind: 'route' | 'upstream';
  readonly id: string;
  /** Requests in flight, in all workers. */
  readonly requests: number;
  /** How many there may be; null: a bound that adapts and has had no request yet. */
  readonly limit: number | null;
  readonly adaptive: boolean;
  readonly waiting: readonly WaitingStatus[];
}

/** The circuit breaker of a route. */
export interface RouteBreakerStatus {
  readonly route: string;
  readonly upstream: string;
  readonly state: CircuitState;
  /** Why it is not closed; '' where it is. */
  readonly reason: string;
  readonly sinceS: number;
  /** When it becomes half-open, rounded up; null where it is not open. */
  readonly retryAfterS: number | null;
}

export interface EndpointStatus {
  readonly id: string;
  readonly address: string;
  readonly state: EndpointState;
  readonly reason: string;
  readonly sinceS: number;
  /** Its share of new requests relative to the other endpoints; 1 unless an operator has changed it. */
  readonly weight: number;
  /** Connections in all workers, including idle ones. */
  readonly connections: number;
  /** `connections.max` of its upstream. */
  readonly connectionsMax: number;
  /** How many of the connections are idle. */
  readonly idle: number;
  /** Connections besides these, with a tunnel or a response that is a stream. */
  readonly longLived: number;
  /**
   * Requests in flight, in all workers; where they are not bounded, the connections that are not idle. Null: not known, because they
   * share connections (HTTP/2).
   */
  readonly inFlight: number | null;
  /** Attempts in the last minute. */
  readonly lastMinute: EndpointFigures;
  /** What the last check has sent and got; null: there was none, or it is an instance, whose own checks its phase tells. */
  readonly lastCheck: CheckStatus | null;
  /** Requests that wait for a connection, in all workers. */
  readonly waiting: number;
  /** What it has shown in its latest handshake; null before the first, and without TLS. */
  readonly certificate: CertificateStatus | null;
}

/** As `HealthCheckReport`, with its time in RFC 3339. */
export type CheckStatus = Omit<HealthCheckReport, 'at'> & { readonly at: string };

export interface ApplicationStatus {
  readonly id: string;
  readonly command: readonly string[];
  readonly instances: readonly InstanceStatus[];
}

export interface InstanceStatus {
  readonly id: string;
  readonly pid: number | null;
  readonly port: number;
  readonly phase: 'starting' | 'ready' | 'failing' | 'backing_off' | 'stopping' | 'stopped';
  /** Why it is in that phase, one sentence. */
  readonly reason: string;
  readonly restarts: number;
  /** It starts, and `readiness.start_timeout` is over. */
  readonly late: boolean;
  /** What its process and those that it has started used a few seconds ago at most; null: not known, or none runs. */
  readonly usage: ProcessFigures | null;
  /** Its command, if an earlier configuration started it and a new instance will replace it; else null. */
  readonly earlierCommand: readonly string[] | null;
  /** Address at which clients can bypass the gateway, such as '0.0.0.0:41213'; null if there is none, or it is not known. */
  readonly exposedAt: string | null;
  readonly lastLines: readonly string[];
}
