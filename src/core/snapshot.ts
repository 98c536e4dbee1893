import type { DrainSpec } from './configuration.ts';
import type { ClientLimits, ListenerSpec } from './listener-spec.ts';
import type { UnroutedSettings, RouteSpec } from './route-spec.ts';
import type { UpstreamSpec } from './upstream-spec.ts';
import type { FeatureSemaphores } from './feature.ts';
import type {
  ApplicationId,
  EndpointAddress,
  EndpointId,
  EndpointState,
  ReadinessFinding,
  UpstreamId,
} from './endpoint.ts';
import type { ArmName } from './endpoint-release.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import type { RouteOverlay } from './overlay.ts';
import type { SemaphoreHandle } from './semaphores.ts';

/** Everything that a serving worker needs to serve one configuration revision. Immutable; a worker applies all of it or nothing. */
export interface Snapshot {
  readonly revision: number;
  readonly contentHash: string;
  readonly deployment: string;
  readonly member: string;
  /** The key of the tokens that stand for routes in CDN-Loop: the same on all members with the same routes. */
  readonly hopKey: string;
  readonly drain: DrainSpec;
  readonly listeners: readonly ListenerSpec[];
  readonly routes: readonly RouteSpec[];
  readonly unrouted: UnroutedSettings;
  /** Absent: no feature shares any. */
  readonly featureSemaphores?: FeatureSemaphores;
  readonly upstreams: readonly UpstreamSnapshot[];
  /** The overlay of routes when the snapshot was created; a worker may have received a newer one since. */
  readonly overlay: RouteOverlay;
  readonly trustedPeers: readonly string[];
  readonly clientAddressHeader: string | null;
  /** Lowercase: no request of a client has these headers at an endpoint. Absent: none. */
  readonly headersReserved?: readonly string[];
  readonly client: ClientLimits;
  /** From this delay of a worker's event loop on it refuses requests; absent or null: it refuses none for that. */
  readonly loopDelayMaxMs?: number | null;
  readonly queryAllowed: readonly string[];
  readonly secretHeaders: readonly string[];
  /** Request headers that records have; lowercase. */
  readonly recordedHeaderNames: readonly string[];
  readonly fullDetail: boolean;
  /** Records name the deployment, the member and the process themselves. */
  readonly inlineConstants: boolean;
  /** What the worker stores of exchanges; null: nothing. */
  readonly store: StoreSelection | null;
  /** What the worker passes on to the exporter of OTLP; absent: nothing. */
  readonly otlp?: OtlpSelection;
}

export interface UpstreamSnapshot extends Omit<UpstreamSpec, 'endpoints' | 'family' | 'check' | 'application'> {
  readonly id: UpstreamId;
  readonly application: ApplicationId | null;
  readonly endpoints: readonly EndpointSnapshot[];
}

export interface EndpointSnapshot {
  readonly id: EndpointId;
  /** The id of its instance, if Candor runs the application. */
  readonly instance?: string;
  /** A literal address or a path. A name only while it has not been resolved; `failure` then has the reason. */
  readonly address: EndpointAddress;
  /** The name that resolved to the address, for Host and TLS. Absent if the configuration has the address itself. */
  readonly name?: string;
  /** An address of the same name in the other family, tried too when this one does not answer at once (RFC 8305). */
  readonly secondAddress?: string;
  /** The name no longer resolves to the address: its lookup fails, or its new addresses are not ready. */
  readonly addressStale?: true;
  /** No request can be sent there; the failure of a request that has no other endpoint. */
  readonly failure?: Failure;
  /** The cause with which its last check failed; absent if the check passed or its result is not one of the causes. */
  readonly checkCause?: Cause;
  /** It is unhealthy by a check that may be wrong about requests: good traffic keeps it in use. Absent: only checks bring it back. */
  readonly mayStay?: true;
  /** The semaphores that all workers share for it; absent: each worker has its own. */
  readonly semaphores?: SemaphoreHandle;
  /** Its share of the requests, relative to the others; absent: 1. With 0 it gets requests only while no other may. */
  readonly weight?: number;
  /** How many requests it gets at a time while it is half-open, over all workers; absent: 1. */
  readonly probesMax?: number;
  /** While it is on probation it gets requests of these routes, on which it failed; absent: of any. */
  readonly probationRoutes?: readonly string[];
  /** Where it runs, such as a data centre; absent: not known. */
  readonly zone?: string;
  /** Endpoints of the lowest number get the requests, the next ones only while none of those may; absent: 0. */
  readonly priority?: number;
  readonly state: EndpointState;
  /** The operator who has taken it out of use; absent: none has. */
  readonly takenOutBy?: string;
  /** Why it is in that state, one sentence. */
  readonly reason: string;
  /** What the checks of an instance that is not ready observe. */
  readonly finding?: ReadinessFinding;
  /** When the state began, on the process-wide monotonic clock. */
  readonly sinceInstant: number;
  /** Retry-After is computed from it; null without checks. */
  readonly checks: CheckSchedule | null;
  readonly release: string | null;
  /** The share of requests that the endpoints of its release get together, from 0 to 1; absent: only one release runs. With 0 they get requests only while no other may; null: those that are chosen for them. */
  readonly share?: number | null;
  /** Which of two releases that is; absent as above. */
  readonly arm?: ArmName;
  readonly exit: InstanceExit | null;
  /** All processes of its instance that a signal has stopped, where none is left that could answer; absent: some may, or it is not known. */
  readonly stoppedPids?: readonly number[];
}

/**
 * When checks can next change an endpoint's state, as known when the endpoint last changed. Later checks that changed nothing
 * are not reported to workers; they follow at the same interval.
 */
export interface CheckSchedule {
  /** When the next check is due, on the process-wide monotonic clock. */
  readonly nextInstant: number;
  readonly everyMs: number;
  /** How many checks must pass before the endpoint gets requests. */
  readonly passesNeeded: number;
}

/** A change of endpoints of one upstream. */
export interface UpstreamDelta {
  /** The revision of the snapshot that it changes; a worker with another one ignores it. */
  readonly revision: number;
  readonly upstream: UpstreamId;
  /** True: `endpoints` are all endpoints of the upstream. False: those that changed; the others stay as they are. */
  readonly whole: boolean;
  readonly endpoints: readonly EndpointSnapshot[];
}

/** Which exchanges a worker passes on to the store. */
export interface StoreSelection {
  /** Of each route, by this worker. */
  readonly successesPerSecond: number;
  readonly slowMs: number;
}

/** Which exchanges a worker passes on to the exporter of OTLP. */
export interface OtlpSelection {
  /** Of the traces that the gateway begins, the share that is sampled; null: there are no spans. */
  readonly share: number | null;
  readonly logs: 'all' | 'failed' | 'none';
}
