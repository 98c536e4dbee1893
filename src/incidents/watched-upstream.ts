import type { EndpointState, ReadinessFinding } from '../core/endpoint.ts';
import type { SpokenProtocol } from '#failures/guess-words.ts';
import type { Cause } from '#failures/failure.ts';
import type { StoppedProcesses } from '#failures/process-note.ts';
import type { ConcurrencySpec, UpstreamSpec } from '../core/upstream-spec.ts';

/** What the gateway met at an endpoint when it looked there itself. */
export interface DirectLook {
  readonly endpoint: string;
  readonly isAccepting: boolean;
  /** Nothing came in time: no connection, or no answer. */
  readonly isHanging: boolean;
  /** Null: none, or it hung. */
  readonly cause: Cause | null;
  /** What it has shown to speak in place of HTTP/1.1; absent: nothing. */
  readonly speaks?: SpokenProtocol;
  /** What came back, one clause: 'answered 200'. */
  readonly answer: string;
  /** How long the response took, in milliseconds; null: none came. */
  readonly tookMs: number | null;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** The newest stored failure of an incident. */
export interface NewestFailure {
  /** Of its record. */
  readonly id: string;
  /** Null: not known. */
  readonly method: string | null;
}

/** In milliseconds; null: none. */
export interface RouteLimits {
  readonly responseHeadMs: number;
  readonly attemptMs: number | null;
  readonly exchangeMs: number | null;
}

/** Settings of an upstream that steps name. */
export interface UpstreamSettings
  extends Pick<UpstreamSpec, 'connectionsMax' | 'requestsMax' | 'idleConnectionMs' | 'queueMs'> {
  /** Its bound of requests in flight; absent: it has none. */
  readonly concurrency?: ConcurrencySpec;
  /** Requests of one client go to one endpoint; absent: to any. */
  readonly isSticky?: true;
}

/** What is known of the endpoints of an upstream. */
export interface WatchedUpstream {
  /** Null: none, or those of several upstreams. */
  readonly application: string | null;
  /** Of several upstreams; absent: of one. */
  readonly applications?: readonly string[];
  /** Of an application that the gateway runs. */
  readonly processes?: readonly {
    readonly instance: string;
    /** What it used before it last ended, one clause; null: not known. */
    readonly beforeExit: string | null;
    /** Requests that it had when it ended by itself, such as 'GET /orders/{id}'; absent: not known. */
    readonly openAtExit?: readonly string[];
    /** What it has nearly used up now, each one clause. */
    readonly strains: readonly string[];
    /** Open descriptors and their limit, where it has nearly used them up; absent: it has not, or that is not known. */
    readonly descriptors?: { readonly open: number; readonly max: number };
    /** The share of time in which its control group had used up its CPU limit, where that is much; absent: it is not, or that is not known. */
    readonly throttledShare?: number;
    /** Processes of it that a signal has stopped; absent: none is known to be. `hasEnded`: they were, earlier in the incident. */
    readonly stopped?: StoppedProcesses & { readonly hasEnded?: true };
  }[];
  /** The configuration no longer has the upstream, or none of several; absent: it has. */
  readonly isRemoved?: true;
  /** Each request goes to an endpoint by chance, so that these can be compared; absent: clients, paths or releases decide, or that is not known. */
  readonly sendsByChance?: true;
  /** What applications print can be searched; absent: it is not stored. */
  readonly storesOutput?: true;
  /** The gateway speaks TLS with the endpoints; absent: it does not, or they are those of several upstreams. */
  readonly tls?: true;
  /** Of the active configuration; absent: not known, or of several upstreams. */
  readonly settings?: UpstreamSettings;
  /** The bound of a route's requests in flight; null: it has none. Absent: not known. */
  readonly concurrencyOf?: (route: string) => ConcurrencySpec | null;
  /** The timeouts of a route; null: there is no such route. Absent: not known. */
  readonly limitsOf?: (route: string) => RouteLimits | null;
  /** The timeouts of a route that a revision of the configuration has replaced by others; null: it has not, or that is no longer known. */
  readonly limitsBefore?: (route: string, revision: number) => RouteLimits | null;
  readonly endpoints: readonly {
    readonly id: string;
    /** Null for an address. */
    readonly name: string | null;
    readonly state: string;
    /** It is no longer one of them; absent: it is. */
    readonly isRemoved?: true;
    readonly reason: string;
    /** What keeps an instance that the gateway runs from being ready; absent: nothing is known to. */
    readonly finding?: Pick<ReadinessFinding, 'fix' | 'exits'>;
    /** The operator who has taken it out of use; absent: none has. */
    readonly takenOutBy?: string;
    /** What its last check failed with; null: it passed, or the response was not the expected one. */
    readonly checkCause: Cause | null;
    /** What its health document says of its parts that do not work; null: nothing. */
    readonly advice: string | null;
    /** The first lines that it answered a check with which failed; absent: none is known. `at`: milliseconds since the Unix epoch. */
    readonly checkAnswer?: { readonly at: number; readonly status: number | null; readonly lines: readonly string[] };
  }[];
}

export function applicationsOf({ application, applications }: WatchedUpstream): readonly string[] {
  return applications ?? (application === null ? [] : [application]);
}

/** Several upstreams as one. */
export function watchedTogether(all: readonly WatchedUpstream[]): WatchedUpstream {
  const [only, ...others] = all;
  if (only !== undefined && others.length === 0) return only;
  return {
    application: null,
    applications: all.flatMap(({ application }) => application ?? []),
    endpoints: all.flatMap(({ endpoints }) => endpoints),
    ...(all.length > 0 && all.every(({ isRemoved }) => isRemoved === true) ? { isRemoved: true as const } : {}),
    ...(all.some(({ storesOutput }) => storesOutput === true) ? { storesOutput: true as const } : {}),
  };
}

/** Requests that have stopped coming say nothing of an upstream whose checks go on failing. */
export function isDown({ endpoints }: WatchedUpstream): boolean {
  return endpoints.length > 0 && endpoints.every(({ state }) => downStates.has(state));
}

const downStates = new Set<string>(['unhealthy', 'starting', 'gone'] satisfies readonly EndpointState[]);

/** Those that get no requests, or single ones, since they have failed before: they may be as bad as ever. */
export const keptOut = ({ endpoints }: WatchedUpstream): readonly string[] =>
  endpoints.flatMap(({ id, state, takenOutBy, isRemoved }) =>
    keptOutStates.has(state) && takenOutBy === undefined && isRemoved !== true ? [id] : [],
  );

const keptOutStates = new Set<string>(['ejected', 'probation'] satisfies readonly EndpointState[]);

/** An operator has taken all of them out of use. */
export function isTakenOut({ endpoints }: WatchedUpstream): boolean {
  return endpoints.length > 0 && endpoints.every(({ takenOutBy }) => takenOutBy !== undefined);
}

/** With which most checks fail that keep endpoints out. */
export function checkCauseOf({ endpoints }: WatchedUpstream): Cause | null {
  const causes = endpoints.flatMap(({ state, checkCause }) => (state === 'unhealthy' ? [checkCause] : []));
  const [first = null] = causes;
  return first !== null && causes.every((cause) => cause === first) ? first : null;
}
