import type {
  AnswerSettings,
  ClientLimits,
  DrainSpec,
  ListenerSpec,
  RouteSpec,
  UpstreamSpec,
} from './configuration.ts';
import type {
  ApplicationId,
  EndpointAddress,
  EndpointId,
  EndpointState,
  InstanceExit,
  ReadinessFinding,
  UpstreamId,
} from './endpoint.ts';
import type { Cause, Failure } from './failure.ts';
import type { SemaphoreHandle } from './semaphores.ts';

/** Everything a serving worker needs to know, whole and immutable. A worker takes all of it or nothing. */
export interface Snapshot {
  readonly revision: number;
  readonly contentHash: string;
  readonly deployment: string;
  readonly member: string;
  readonly drain: DrainSpec;
  readonly listeners: readonly ListenerSpec[];
  readonly routes: readonly RouteSpec[];
  readonly unrouted: AnswerSettings;
  readonly upstreams: readonly UpstreamSnapshot[];
  readonly trustedPeers: readonly string[];
  readonly clientAddressHeader: string | null;
  readonly client: ClientLimits;
  readonly queryAllowed: readonly string[];
  readonly secretFields: readonly string[];
}

export interface UpstreamSnapshot extends Omit<UpstreamSpec, 'endpoints' | 'family' | 'check' | 'application'> {
  readonly id: UpstreamId;
  readonly application: ApplicationId | null;
  readonly endpoints: readonly EndpointSnapshot[];
}

export interface EndpointSnapshot {
  readonly id: EndpointId;
  /** The instance behind it, where Candor runs the application. */
  readonly instance?: string;
  /** A literal address or a path; a name only where it has led nowhere yet, and then `failure` says why. */
  readonly address: EndpointAddress;
  /** The name that was looked up to find the address: for Host and TLS. Absent where the file has the address itself. */
  readonly name?: string;
  /** An address of the same name in the other family, to be raced when this one does not answer at once (RFC 8305). */
  readonly secondAddress?: string;
  /** The name does not vouch for the address any more: its lookup fails, or it leads where nothing is ready. */
  readonly addressStale?: true;
  /** Nothing can be sent there, and this is what an exchange is told that could go nowhere else. */
  readonly failure?: Failure;
  /** What its last check met; absent where that passed, or got an answer that is none of these. */
  readonly checkCause?: Cause;
  /** Where all workers count what they have there; absent: each counts for itself. */
  readonly semaphores?: SemaphoreHandle;
  readonly state: EndpointState;
  /** Why it is in that state, one sentence. */
  readonly reason: string;
  /** Of an instance that is not ready: what its checks see. */
  readonly finding?: ReadinessFinding;
  /** When the state began, on the process-wide monotonic clock. */
  readonly sinceInstant: number;
  /** By which Retry-After is computed; null without checks. */
  readonly checks: CheckSchedule | null;
  readonly release: string | null;
  readonly exit: InstanceExit | null;
}

/**
 * When checks can next change an endpoint's state, as it was when the endpoint last changed: checks that found nothing new
 * since then are not told of, and came in their rhythm.
 */
export interface CheckSchedule {
  /** When the next one is due, on the process-wide monotonic clock. */
  readonly nextInstant: number;
  readonly everyMs: number;
  /** How many must pass before it gets requests. */
  readonly passesNeeded: number;
}

/** A change smaller than a snapshot: endpoints of one upstream. */
export interface UpstreamDelta {
  /** Of the snapshot that it changes; to another one it says nothing. */
  readonly revision: number;
  readonly upstream: UpstreamId;
  /** These are all of its endpoints; else those that have changed, while the others are there and are as they were. */
  readonly whole: boolean;
  readonly endpoints: readonly EndpointSnapshot[];
}
