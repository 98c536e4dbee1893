import type { Cause } from '#failures/failure.ts';
import type { Shape, Whose } from '#failures/shape.ts';

/** Failures that usually have one reason, so that they belong to one incident. */
export type FailureFamily =
  | 'gone' // the application ended: its connections are cut, then refused
  | 'network' // no packets come back
  | 'dns'
  | 'tls'
  | 'slow'
  | 'slower' // nothing fails: responses begin much later than before
  | 'changed' // nothing fails: the application answers otherwise what it answered well before: with 4xx, another type, nothing, or much less
  | 'garbage'
  | 'full' // a bound of connections, requests or waiting requests is reached
  | 'not_ready' // no endpoint may get requests: mostly a consequence of earlier failures
  | 'gateway' // the gateway's own shortage or fault
  | 'application'; // 5xx that the application itself sends

/** Failures with one reason, of one upstream or of several, from their beginning to their end. Times are milliseconds since the Unix epoch. */
export interface LiveIncident {
  /** Grows by one; it begins with 1 again only without a state folder. */
  readonly id: number;
  /** '' for failures before an upstream was chosen, and for failures of several upstreams. */
  readonly upstream: string;
  /** The upstreams whose requests fail, the one with the most failures first. */
  readonly upstreams: readonly CountedUpstream[];
  readonly family: FailureFamily;
  /** Of the first failures that are no consequence; null: the application itself answered with 5xx. */
  readonly cause: Cause | null;
  readonly shape: Shape;
  readonly whose: Whose;
  /** When the first of its failures ended: a request, or an attempt that another one answered. */
  readonly startedAt: number;
  /** When the earliest request that failed, or had an attempt that failed, began: at or before `startedAt`. */
  readonly firstRequestAt: number;
  readonly openedAt: number;
  /** Of the last failure. */
  readonly lastAt: number;
  /** When the failures that it began with have ended, while others may go on; absent: they go on. */
  readonly firstUntil?: number;
  /** Null while it goes on. */
  readonly resolvedAt: number | null;
  /** The number of the incident that it turned out to be part of; absent: of none. */
  readonly joined?: number;
  /** It ended since the configuration no longer has its upstreams; absent: it has. */
  readonly isRemoved?: true;
  /** Requests of the upstream that ended from its first failure to its last, and how many of them failed. */
  readonly requests: number;
  readonly failed: number;
  /** Attempts that failed, of the application's own 5xx too; more than `failed` where other attempts have answered. */
  readonly attemptsFailed: number;
  readonly causes: readonly CountedCause[];
  readonly routes: readonly CountedRoute[];
  readonly endpoints: readonly CountedEndpoint[];
  /** Requests each second: in the minutes before it started, while there were any (null: not known), and from its first failure to its last. */
  readonly rate: { readonly before: number | null; readonly during: number };
  readonly suspects: readonly IncidentSuspect[];
  /** What began to fail while it went on, the earliest first. */
  readonly additions: readonly IncidentAddition[];
  /** Of family `slower`: how slow a route is; absent: it is of another family, or that is not known. */
  readonly lateness?: Lateness;
  /** What the application itself has said, of each source the first and the newest; absent: nothing is known. */
  readonly excerpts?: readonly IncidentExcerpt[];
  /** Of family `changed`, where it answers with 2xx or 3xx; absent: with 4xx, or it is of another family. */
  readonly answers?: AnswerChange;
  /** It goes on with a clearly smaller share of failures than it opened with, which is more than usual still; absent: it does not. */
  readonly rarer?: RarerFailures;
  /** What is common to most of the requests that failed; absent: not known. */
  readonly most?: AlikeRequests;
  /** Absent: what was told of its cause first has not been corrected. */
  readonly corrected?: CorrectedCause;
}

/** Requests that failed alike. */
export interface AlikeRequests {
  readonly route: string;
  /** 'other': one that clients seldom use. */
  readonly method: string;
  /** That their clients got; 0: none. */
  readonly status: number;
  /** Whether the application has sent it. */
  readonly isOfApplication: boolean;
  readonly failed: number;
  /** Of nearly all of them, without the query and without secrets; null: they have different ones. Clients choose it: it belongs into no chat or mail. */
  readonly path: string | null;
  /** Nearly all took so long; null: they took different times. */
  readonly tookMs: number | null;
}

export interface RarerFailures {
  /** That has nearly all of them; null: several have. */
  readonly route: string | null;
  /** Of the requests of this route, or of all routes that fail: from 0 to 1. */
  readonly share: number;
}

/** Another cause is the likeliest than the one that people were told when the incident opened. */
export interface CorrectedCause {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Null: it was not known. */
  readonly from: Pick<IncidentSuspect, 'name' | 'sentence'> | null;
  readonly to: Pick<IncidentSuspect, 'name' | 'sentence'>;
}

export const excerptSources = ['response', 'check', 'log'] as const;

/** The first lines of a 5xx of the application or of a failed check, or lines of its log, without secrets. */
export interface IncidentExcerpt {
  readonly source: (typeof excerptSources)[number];
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** The first of its source that is known; the other one is the newest. */
  readonly isFirst: boolean;
  /** The endpoint, or the instance whose log it is. */
  readonly where: string;
  /** Null: of a check or a log. */
  readonly route: string | null;
  /** Null: of a log. */
  readonly status: number | null;
  readonly lines: readonly string[];
}

/** How long responses of a route take. */
export interface Lateness {
  readonly route: string;
  /** It is about paths that look alike ('/orders/#'); absent: about the whole route. */
  readonly path?: string;
  /** Half of them took no longer than this, and take no longer now. */
  readonly usualMs: number;
  readonly nowMs: number;
  /** What takes longer is late. */
  readonly limitMs: number;
  /** Nothing is: clients leave requests after one time, before the response or in its middle; absent: they do not. */
  readonly left?: { readonly afterMs: number; readonly isInBody: boolean };
  /** They begin as soon as ever: it is how long they take until they are complete; absent: until they begin. */
  readonly isOfBody?: true;
}

/** How a route answers now, and how it usually does: 'HTML', 'JSON'. */
export interface AnswerChange {
  readonly route: string;
  /** As of `Lateness`. */
  readonly path?: string;
  readonly now: string;
  readonly usual: string;
  /** Where requests are missing that clients send to paths of `route` now, which never were; absent: that is not so. */
  readonly missing?: { readonly route: string; readonly path: string };
}

/** Requests of a route that their clients have left, of the last minute. */
export interface AbandonedRequests {
  readonly route: string;
  readonly count: number;
  /** Nearly all were left after this time; null: after different ones. */
  readonly afterMs: number | null;
}

/** Routes or endpoints that had worked while the incident went on, and then began to fail as well; or another way to fail. */
export interface IncidentAddition {
  /** Milliseconds since the Unix epoch. */
  readonly since: number;
  /** Of its last failure, where they have ended; absent: they go on. */
  readonly until?: number;
  readonly routes: readonly string[];
  readonly endpoints: readonly string[];
  /** Failures of a kind that the incident did not have before; of checks, where those keep requests from being sent. */
  readonly causes: readonly CountedCause['cause'][];
  /** Requests and attempts that failed with them; absent: requests are not sent, or it has no causes. */
  readonly failed?: number;
  readonly attemptsFailed?: number;
  /** What may have caused it, apart from what has caused the incident; the likeliest first. */
  readonly suspects: readonly IncidentSuspect[];
}

/** What an operator has said of an incident. */
export interface OperatorMark {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** As in the audit: 'admin:token:oncall'. */
  readonly by: string;
  /** Null: no reason was given. */
  readonly reason: string | null;
}

/** What operators have said of an incident. */
export interface IncidentMarks {
  /** Absent: nobody has taken it. */
  readonly acknowledged?: OperatorMark;
  /** Until then no message about it is sent, except of its end; absent: they are. */
  readonly muted?: OperatorMark & { readonly until: number };
}

/** `until` of a mute: milliseconds since the Unix epoch; null: it ends now. */
export type IncidentOrder = { readonly incident: number; readonly reason: string | null } & (
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'mute'; readonly until: number | null }
);

/** An incident with what outlives the process. */
export interface KeptIncident extends LiveIncident, IncidentMarks {
  /** Unique also across runs of the process. */
  readonly key: string;
  /** The process ended while it went on: whether it was resolved later is not known, and `resolvedAt` is when that was found. */
  readonly interrupted: boolean;
  /** What the gateway found when it looked at once, each one clause; empty: nothing yet. */
  readonly findings: readonly string[];
  /** When it looked; absent: it has not. */
  readonly findingsAt?: number;
}

const excerptNouns: Readonly<Record<IncidentExcerpt['source'], (one: ExcerptOrigin) => string>> = {
  response: ({ status, where, route }) => `${status} of ${where} on the route ${route}`,
  check: ({ status, where }) => `failed check of ${where}, answered ${status}`,
  log: ({ where }) => `lines in the log of ${where}`,
};

type ExcerptOrigin = Pick<IncidentExcerpt, 'source' | 'isFirst' | 'where' | 'route' | 'status'>;

/** 'the first 503 of shop/1 on the route /pay': what the lines are. */
export const excerptTitle = (one: ExcerptOrigin): string =>
  `the ${one.isFirst ? 'first' : 'newest'} ${excerptNouns[one.source](one)}`;

export interface CountedCause {
  /** A 5xx of the application's own has no cause: it has the name of its shape, which queries know. A late or a changed response is no failure. */
  readonly cause: Cause | 'app_error' | 'late_response' | 'changed_response';
  /** Of `failed` and `attemptsFailed` the larger. */
  readonly count: number;
  /** Requests. */
  readonly failed: number;
  readonly attemptsFailed: number;
  /** A failure of this kind follows from the others. */
  readonly isConsequence: boolean;
}

export interface CountedUpstream {
  readonly upstream: string;
  /** Requests. */
  readonly failed: number;
  readonly attemptsFailed: number;
}

interface CountedRoute {
  readonly route: string;
  /** Requests. */
  readonly failed: number;
}

export interface CountedEndpoint {
  readonly endpoint: string;
  /** From the first failure of the incident to its last. */
  readonly attempts: number;
  /** Attempts. */
  readonly failed: number;
}

/** What may have caused an incident, the likeliest first. */
export interface IncidentSuspect {
  readonly name: SuspectKind;
  /** From 0 to 1: how well the facts fit. It orders suspects; it is no measured probability. */
  readonly fit: number;
  /** One sentence. */
  readonly sentence: string;
  /** Facts, each one clause. */
  readonly evidence: readonly string[];
  /** A fact that speaks against it, one clause, and has lowered it; absent: none is known. */
  readonly refutedBy?: string;
  /** What to do next, one sentence. */
  readonly nextStep: string;
}

export const suspectKinds = [
  'out_of_memory',
  'crash',
  'not_started',
  'release',
  'configuration_change',
  'operator_action',
  'one_endpoint',
  'pool_full',
  'traffic_growth',
  'descriptors',
  'application_descriptors',
  'gateway_limit',
  'timeout_too_short',
  'dns',
  'dns_change',
  'certificate',
  'tls_settings',
  'keep_alive_race',
  'dependency',
  'lying_check',
  'failing_check',
  'another_program',
  'invalid_responses',
  'connections_cut',
  'nothing_listens',
  'network',
  'slow_application',
  'application_errors',
  'gateway_worker',
  'client_timeout',
  'one_client',
  'client_retries',
  'resource_limit',
  'changed_responses',
] as const;

export type SuspectKind = (typeof suspectKinds)[number];

interface ShownCause {
  readonly cause: string | null;
  readonly suspects: readonly Pick<IncidentSuspect, 'name'>[];
}

/** Checks alone have taken the endpoints out: that the application does not answer requests is not known. */
export const isOfChecksAlone = ({ cause, suspects }: ShownCause): boolean =>
  cause === 'no_endpoint_ready' && suspects[0]?.name === 'failing_check';
