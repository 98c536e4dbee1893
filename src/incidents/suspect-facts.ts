import type { BusyClient, DemandingClient } from './route-rates.ts';
import type { IncidentRetries } from './retried-routes.ts';
import { specOfCause } from '#failures/failure-texts.ts';
import type { FailureSpec } from '#failures/failure-spec.ts';
import { failureTable } from '#failures/failure-table.ts';
import { familyOfCause, isCause, isNotHttp } from './failure-family.ts';
import { failuresText } from '#failures/quantity-text.ts';
import { durationBoundsMs, startOfDuration } from '../core/counters.ts';
import { quantile } from '../core/quantile.ts';
import type { Event, EventKind } from '../core/event.ts';
import type { ExitKind } from './incident-additions.ts';
import type { DirectLook, NewestFailure, WatchedUpstream } from './watched-upstream.ts';
import type { SeenInstance, SeenRevision, SeenRollout } from './seen-releases.ts';
import type { CountedFailure, HeldConnections } from './upstream-failures.ts';
import type { AbandonedRequests, CountedEndpoint, LiveIncident } from '../core/live-incident.ts';
import type { Cause } from '#failures/failure.ts';
import type { RequestSplit } from './compared-requests.ts';
import type { ConnectsAgain, SlowConnects } from './connect-times.ts';
import type { PartThatWaits } from './long-waits.ts';
import type { PausesSeen } from './repeated-pauses.ts';
import type { SilentConnections } from './idle-connections.ts';
import type { WaitedRoutes } from './error-waits.ts';

/** Requests and attempts that failed in one second. */
export type FailedInSecond = readonly [failed: number, attemptsFailed: number];

export interface SuspectContext {
  readonly incident: LiveIncident;
  /** As it is, with what was seen of its endpoints since the incident began. */
  readonly watched: WatchedUpstream;
  /** How much failed in each second of its first minutes, by seconds since the one in which it started. */
  readonly failedAt: ReadonlyMap<number, FailedInSecond>;
  /** The incident started so long after the first of those seconds began; negative: that failure was reported a second later. */
  readonly failedAtOffsetMs: number;
  /** What happened to the gateway; `afterMs` the incident started, negative: before it. */
  readonly events: readonly { readonly event: Event; readonly afterMs: number }[];
  /** The first exits of processes that serve the upstream, by their kinds: milliseconds after the incident started. `events` may have newer ones only. */
  readonly firstExits: ReadonlyMap<ExitKind, number>;
  /** When the incident started, on the time axis of `instances`. */
  readonly startedMs: number;
  /** Of applications, by their names. */
  readonly instances: ReadonlyMap<string, SeenInstance>;
  /** By their applications, the latest last; absent: none is known. */
  readonly rollouts?: ReadonlyMap<string, readonly SeenRollout[]>;
  /** Configurations that were applied, with the attempts while they were active; the latest last. */
  readonly revisions: readonly SeenRevision[];
  /** Configurations with which requests of the same upstreams have failed in the same way before. */
  readonly failedRevisions: ReadonlySet<number>;
  /**
   * When the same upstream began to have such failures, if they were in an earlier incident and too few requests came after it to show that it was
   * over: milliseconds after this incident started, which is negative. Null: there is no such incident.
   */
  readonly failedSinceMs: number | null;
  /** How long successful requests take, and those that were too slow: counts by `durationBoundsMs`. */
  readonly usualDurations: ArrayLike<number>;
  /** The longest of those that are usual; Infinity: not known. */
  readonly usualMaxMs: number;
  readonly slowDurations: ArrayLike<number>;
  /** Of the last seconds; null: not known, or there are several upstreams. */
  readonly held: HeldConnections | null;
  readonly staleReusesFailed: number;
  /** See `answeredBetween` in endpoint-count.ts. */
  readonly answeredBetween: number | null;
  /** The same of valid responses between all that were not. */
  readonly validBetween: number | null;
  /** Requests each second that were usual before; null: requests came too seldom, or for too short a time. */
  readonly steadyRateBefore: number | null;
  /** What the gateway has met when it looked at once; null: not known. */
  readonly directLook: DirectLook | null;
  /** Requests of the routes that fail or are slow whose clients have left; null: none. */
  readonly abandoned: AbandonedRequests | null;
  /** Where the application's own errors come after one time; null: they do not. */
  readonly waited: WaitedRoutes | null;
  /** Connections on which nothing came back since the incident began, because they had been idle; null: none are known. */
  readonly silent: SilentConnections | null;
  /** Of the kept connections that ended before a response, the share of those that had been idle for less than others; null: none ended so. */
  readonly quickResets: number | null;
  /** Null: connections take as long as ever to come about, or that is not known. */
  readonly slowConnects: SlowConnects | null;
  /** What tells requests that fail from those that are served; null: nothing, or there are several upstreams. */
  readonly split: RequestSplit | null;
  /** Requests that wait long while others are answered as ever; null: there are no such, nearly all wait, or it is not about waiting. */
  readonly part: PartThatWaits | null;
  /** Null: all stands still less than four times a minute, or it is not about late responses. */
  readonly pauses: PausesSeen | null;
  /** Null: nearly all new connections come about at once, or that is not known. */
  readonly connectsAgain: (ConnectsAgain & { readonly slowShareOfUsed: number | null }) | null;
  /** With which most of the application's own errors come; null: with different ones, or that is not known. */
  readonly errorStatus: number | null;
  /** The client that has most of the failed requests; null: not known. */
  readonly topClient: FailingClient | null;
  /** The client that has nearly all requests which only say themselves that they are in a loop; null: there is none. */
  readonly loopClient: LoopClient | null;
  /** The client that has nearly all requests which the gateway refuses; null: there is none. */
  readonly refusedClient: LoopClient | null;
  /** Null: clients have retried nothing, their retries cannot be told apart, or there are several upstreams. */
  readonly retries: IncidentRetries | null;
  /** The client with most of the requests; null: not known, or there are several upstreams. */
  readonly busiest: BusyClient | null;
  /** The client that has made one route busy; null: none has. */
  readonly demanding: DemandingClient | null;
  /** Null: nothing is stored, or nothing was found. */
  readonly newestFailure: NewestFailure | null;
  /** By method: when its first request came, relative to the incident, and how many have failed. Absent: not known. */
  readonly methods?: ReadonlyMap<string, { readonly afterMs: number; readonly failed: number }>;
}

/** A client, and how much of the failed requests is its own: from 0 to 1. */
interface LoopClient {
  readonly client: string;
  readonly share: number;
}

export interface FailingClient {
  readonly client: string;
  readonly failed: number;
  /** Requests of the routes that fail which were answered well, and the share of this client in them. */
  readonly answered: number;
  readonly shareOfAnswered: number;
}

/** What a rule says where it applies. */
export interface SuspectFinding {
  readonly fit: number;
  readonly sentence: string;
  readonly evidence: readonly string[];
  /** A fact that speaks against it, one clause; absent: none does. */
  readonly refutedBy?: string;
  readonly nextStep: string;
}

export type Rule = (context: SuspectContext) => SuspectFinding | null;

/** A change so long before an incident is suspected; the nearer, the more. */
export const changeMs = 180_000;
/** Most changes show at once. Events may come a little later than the failures that follow from them. */
export const soonMs = 15_000;
export const lateMs = 5000;

export const shownMax = 5;

export const full: ReadonlySet<CountedFailure> = new Set([
  'pool_full',
  'queue_timeout',
  'concurrency_limit',
  'concurrency_timeout',
  'deadline_unreachable',
]);
export const refused: ReadonlySet<CountedFailure> = new Set([
  'connect_refused',
  'connect_socket_missing',
  'connect_reset',
]);
/** Of these, those that come where nothing listens. A connection that is reset before it is open was met by something: a proxy, a firewall. */
export const unheard: ReadonlySet<CountedFailure> = new Set(['connect_refused', 'connect_socket_missing']);
export const races: ReadonlySet<CountedFailure> = new Set([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
]);
export const otherProtocol: ReadonlySet<CountedFailure> = new Set([
  'response_not_http',
  'response_not_http2',
  'tls_plaintext_peer',
  'tls_not_spoken',
]);
const otherTls: ReadonlySet<CountedFailure> = new Set([...otherProtocol].filter((cause) => !isNotHttp(cause)));

/** Causes that point at another program behind the port. If the same endpoints also answer in HTTP, only TLS causes do. */
export const causesOfAnotherProgram = ({ answeredBetween }: SuspectContext): ReadonlySet<CountedFailure> =>
  answeredBetween === null ? otherProtocol : otherTls;

export const invalid: ReadonlySet<CountedFailure> = new Set(
  (Object.keys(failureTable) as Cause[]).filter((cause) => familyOfCause(cause) === 'garbage'),
);
export const certificates: ReadonlySet<CountedFailure> = new Set([
  'tls_certificate_expired',
  'tls_certificate_not_yet_valid',
  'tls_certificate_name',
  'tls_certificate_self_signed',
  'tls_certificate_untrusted',
  'tls_certificate_unfit',
]);

export type SeenOf<K extends EventKind> = { readonly event: Extract<Event, { kind: K }>; readonly afterMs: number };

/** Events of a kind around the incident: from shortly before its start. */
export function seen<K extends EventKind>(
  { events }: Pick<SuspectContext, 'events'>,
  kind: K,
  is: (event: Extract<Event, { kind: K }>) => boolean,
  beforeMs = soonMs,
): readonly SeenOf<K>[] {
  return events.filter(
    (one): one is SeenOf<K> =>
      one.event.kind === kind && one.afterMs >= -beforeMs && is(one.event as Extract<Event, { kind: K }>),
  );
}

/** The latest event of a kind before the incident that may have caused it. */
export function latestBefore<K extends EventKind>(
  context: SuspectContext,
  kind: K,
  is: (event: Extract<Event, { kind: K }>) => boolean,
  beforeMs = changeMs,
): SeenOf<K> | null {
  return seen(context, kind, is, beforeMs).findLast(({ afterMs }) => afterMs <= lateMs) ?? null;
}

/** Whether requests failed in the same way before this happened: then it has not caused it. */
export function failedBefore({ failedSinceMs }: SuspectContext, afterMs: number): boolean {
  return failedSinceMs !== null && afterMs - lateMs > failedSinceMs;
}

export function reasons<K extends EventKind>(
  context: SuspectContext,
  kind: K,
  is: (event: Extract<Event, { kind: K }>) => boolean,
): readonly string[] {
  return seen(context, kind, is, changeMs)
    .slice(-2)
    .map(({ event }) => event.reason);
}

/** `best` where the change came at most 15 s before, and less until three minutes before. */
export function nearness(afterMs: number, best: number): number {
  const before = Math.max(0, -afterMs - soonMs);
  return best - (0.45 * before) / (changeMs - soonMs);
}

/** A part of a configuration is written 'routes: /api, /shop (timeouts, buffer)', 'listeners', 'timeouts': see control/changes.ts. */
export function namesPart(part: string, key: string, name: string): boolean {
  if (part === key) return true;
  if (!part.startsWith(`${key}: `)) return false;
  const names = part.slice(key.length + 2).split(/, (?![^(]*\))/);
  return names.some((one) => one === name || (one.startsWith(`${name} (`) && one.endsWith(')')));
}

/** What all routes send changes with them, where it is not said at each. */
const forEveryRoute: ReadonlySet<string> = new Set([
  ...['timeouts', 'dns', 'buffer', 'commit_delay', 'concurrency'],
  ...['request_headers', 'client_address_header', 'trusted_peers'],
]);

export function concerns(part: string, upstream: string, routes: readonly string[]): boolean {
  if (forEveryRoute.has(part)) return true;
  return namesPart(part, 'upstreams', upstream) || routes.some((route) => namesPart(part, 'routes', route));
}

/** The application itself refuses requests because it has too much to do (RFC 9110 §15.6.4, RFC 6585 §4). */
export const sheds = ({ incident, errorStatus }: SuspectContext): boolean =>
  isOf(incident, 'application') && (errorStatus === 503 || errorStatus === 429);

export const isOf = ({ family }: LiveIncident, ...families: readonly LiveIncident['family'][]): boolean =>
  families.includes(family);

/** An entry of the overlay is called 'overlay:drain:ENDPOINT', 'overlay:weight:ENDPOINT', 'overlay:pause:route:ROUTE'. */
export function isAbout(subject: string, upstream: string, routes: readonly string[]): boolean {
  const target = subject.replace(/^overlay:/, '').replace(/^\w+:(?:route:|upstream:)?/, '');
  return target === upstream || target.startsWith(`${upstream}/`) || routes.includes(target);
}

/** The most frequent failure of these kinds; null: there is none. */
export function mostFrequentOf({ causes }: LiveIncident, kinds: ReadonlySet<CountedFailure>): CountedFailure | null {
  return causes.filter(({ cause }) => kinds.has(cause)).toSorted((a, b) => b.count - a.count)[0]?.cause ?? null;
}

/** What is known of it. */
export function specOfMost(incident: LiveIncident, kinds: ReadonlySet<CountedFailure>): FailureSpec<Cause> | null {
  const found = mostFrequentOf(incident, kinds);
  return found === null || !isCause(found) ? null : specOfCause(found);
}

/** Whether no request was sent because most checks failed with one of these causes. */
export function checksFound(context: SuspectContext, is: (cause: Cause) => boolean): boolean {
  return checksMet(context, is) !== null;
}

/** The endpoints whose checks failed with one of these causes, and that cause; null: they do not keep requests from being sent. */
export function checksMet(
  { incident, watched }: Pick<SuspectContext, 'incident' | 'watched'>,
  is: (cause: Cause) => boolean,
): { readonly cause: Cause; readonly evidence: readonly string[] } | null {
  const unhealthy = watched.endpoints.filter(({ state }) => state === 'unhealthy');
  const found = unhealthy.filter(({ checkCause }) => checkCause !== null && is(checkCause));
  const cause = found[0]?.checkCause ?? null;
  if (cause === null || found.length * 2 < unhealthy.length) return null;
  if (!isOf(incident, 'not_ready') && !(isMostlyNotReady(incident) && familyOfCause(cause) === 'tls')) return null;
  return { cause, evidence: found.slice(0, shownMax).map(({ id, reason }) => `${id}: ${reason}`) };
}

/** Checks keep requests from being sent: what they meet is what is wrong now, whatever the first requests met. */
function isMostlyNotReady(incident: LiveIncident): boolean {
  const waiting = incident.causes.find(({ cause }) => cause === 'no_endpoint_ready')?.failed ?? 0;
  return waiting > 0.8 * incident.failed;
}

/** Whether the gateway has seen itself that nothing listens: by its look, or by the checks of all endpoints. What requests meet then is an effect. */
export function sawNothingListening({
  incident,
  directLook,
  watched,
}: Pick<SuspectContext, 'incident' | 'directLook' | 'watched'>): boolean {
  const { endpoints } = watched;
  // Checks go on after the look; those that TLS fails have found something that listens.
  const meetsOther =
    isMostlyNotReady(incident) &&
    endpoints.length > 0 &&
    endpoints.every(({ checkCause }) => checkCause !== null && familyOfCause(checkCause) === 'tls');
  if (directLook !== null && directLook.cause !== null && unheard.has(directLook.cause) && !meetsOther) return true;
  const isRefused = ({ state, checkCause }: (typeof endpoints)[number]): boolean =>
    state === 'unhealthy' && checkCause !== null && unheard.has(checkCause);
  return endpoints.length > 0 && endpoints.every(isRefused);
}

export const isEndpointOf = (subject: string, upstream: string): boolean => subject.startsWith(`endpoint:${upstream}/`);

/** The share of these kinds in the failures that are no consequences. */
export function shareOf({ causes }: LiveIncident, kinds: ReadonlySet<CountedFailure>): number {
  const own = causes.filter(({ isConsequence }) => !isConsequence);
  const all = own.reduce((total, { count }) => total + count, 0);
  return all === 0 ? 0 : own.reduce((total, { cause, count }) => total + (kinds.has(cause) ? count : 0), 0) / all;
}

/** '60 % of the failures: pool_full: 30 requests'; where others followed, all by their counts: 'pool_full: 30 requests, followed by no_endpoint_ready: 47 requests'. */
export function shareText(incident: LiveIncident, kinds: ReadonlySet<CountedFailure>): string {
  const followed = incident.causes.filter(({ isConsequence }) => isConsequence);
  if (followed.length === 0) return `${percent(shareOf(incident, kinds))} of the failures: ${names(incident, kinds)}`;
  const first = incident.causes.filter(({ isConsequence }) => !isConsequence);
  return `${names({ causes: first }, null)}, followed by ${names({ causes: followed }, null)}`;
}

export function names({ causes }: Pick<LiveIncident, 'causes'>, kinds: ReadonlySet<CountedFailure> | null): string {
  return causes
    .filter(({ cause }) => kinds === null || kinds.has(cause))
    .slice(0, shownMax)
    .map((one) => `${one.cause}: ${failuresText(one)}`)
    .join('; ');
}

/** The share of the durations that are longer than this; null without enough durations. */
export function shareAbove(durations: ArrayLike<number>, ms: number): number | null {
  let all = 0;
  let above = 0;
  for (let cell = 0; cell < durations.length; cell++) {
    const count = durations[cell] as number;
    const [from, to] = [durationBoundsMs[cell - 1] ?? 0, durationBoundsMs[cell] ?? Infinity];
    all += count;
    // Within a cell they are taken for evenly spread.
    if (from >= ms) above += count;
    else if (to > ms) above += to === Infinity ? 0 : (count * (to - ms)) / (to - from);
  }
  return all < 20 ? null : above / all;
}

/** An upper bound, not above the longest that was usual; null without enough durations. */
export function usualWithin({ usualDurations, usualMaxMs }: UsualDurations, share: number): number | null {
  if (shareAbove(usualDurations, 0) === null) return null;
  const range = { min: 0, max: usualMaxMs };
  return quantile({ cells: usualDurations, startOf: startOfDuration, placement: 'end', range }, share);
}

type UsualDurations = Pick<SuspectContext, 'usualDurations' | 'usualMaxMs'>;

export const sum = (endpoints: readonly CountedEndpoint[]): number =>
  endpoints.reduce((all, { attempts }) => all + attempts, 0);
export const percent = (share: number): string => `${Math.round(share * 100)} %`;
export const times = (factor: number): string =>
  `${factor >= 10 ? Math.round(factor) : Math.round(factor * 10) / 10} times`;
export const rounded = (perS: number): number => (perS >= 10 ? Math.round(perS) : Math.round(perS * 10) / 10);
export const rate = (perS: number): string => `${rounded(perS)} requests/s`;
export const duration = (ms: number): string =>
  ms >= 1000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms)} ms`;

export function listOf(texts: readonly string[]): string {
  if (texts.length === 0) return 'nothing';
  const rest = texts.length > shownMax ? ` and ${texts.length - shownMax} more` : '';
  return `${texts.slice(0, shownMax).join(', ')}${rest}`;
}

/** What stands before "the first failure": '7 s before', 'at the time of'. */
export function beforeText(afterMs: number): string {
  const seconds = Math.round(Math.abs(afterMs) / 1000);
  if (seconds === 0) return 'at the time of';
  return `${seconds} s ${afterMs < 0 ? 'before' : 'after'}`;
}
