import { shownSeconds } from '../core/ago-text.ts';
import type { ApplicationProblemKind } from '../core/problem-kinds.ts';
import type { ServiceVerdict } from '../core/schemas/status.ts';

/** Requests of a time, and how many of them failed. */
interface RecentRequests {
  readonly requests: number;
  readonly errors: number;
}

/** Routes of an upstream or a gateway. */
export interface RouteMaintenance {
  /** The ids of those that an operator has closed for maintenance, or whose requests an operator holds. */
  readonly closed: readonly string[];
  /** Those of them that are not closed, but paused. */
  readonly paused: readonly string[];
  /** How many others there are. */
  readonly open: number;
}

/** Requests that wait, and for how long the first of them has. */
interface WaitingFacts {
  readonly count: number;
  readonly oldestMs: number;
}

/** What is known about an upstream. */
export interface UpstreamFacts {
  /** Of the last `recentSeconds`. */
  readonly recent: RecentRequests;
  readonly lastMinute: RecentRequests;
  /** Whole seconds since the last request of the last minute; null: none came, or it is not known. */
  readonly silentS: number | null;
  /** All endpoints; the classes below are of these, and exclude each other. */
  readonly endpoints: number;
  /** Those that get requests, and of which nothing speaks against it. */
  readonly usable: number;
  /** Of all but those that drain: how many are processes that a signal has stopped (SIGSTOP), so that they take requests and answer none. */
  readonly stopped: number;
  /** What keeps requests from those that are in none of these classes, a clause; null: it is not known, or there are none. */
  readonly trouble: string | null;
  /** Requests that wait until an endpoint is ready; null: none does. */
  readonly waiting: WaitingFacts | null;
  /** Requests that wait for a connection to one; null: none does. */
  readonly queued: WaitingFacts | null;
  /** Requests that have been sent, and whose responses have not begun; null: there are none. */
  readonly awaited: (WaitingFacts & { readonly newestMs: number }) | null;
  /** In how many milliseconds 99 of 100 requests of the last minute ended; null: none did. */
  readonly usualMs: number | null;
  /** Those that get single requests, which show whether they are well: on probation, or behind a half-open circuit breaker. */
  readonly onProbation: number;
  /** Those that get all requests although something speaks against them, because no other endpoint is left; a class of its own only then. */
  readonly tried: number;
  /** Those of which nothing is known yet. */
  readonly unknown: number;
  /** Those that an operator or the endpoint itself has drained, or that an operator has ejected. */
  readonly draining: number;
  /** Circuit breakers of its routes that are not closed. */
  readonly breakersOpen: number;
  /** What is wrong with an instance of its application; null: nothing, or it has none. */
  readonly applicationProblem: ApplicationProblemKind | null;
  /** Of its application no instance runs, because an operator has stopped it. */
  readonly isApplicationStopped: boolean;
  readonly maintenance: RouteMaintenance;
}

/** What is known about a gateway. */
export interface GatewayFacts {
  readonly state: 'starting' | 'serving' | 'draining' | 'stopped';
  readonly recent: RecentRequests;
  readonly lastMinute: RecentRequests;
  /** Whole seconds since the last request of the last minute; null: none came, or it is not known. */
  readonly silentS: number | null;
  /** Why clients are refused now, one clause; null: none is, or only those of an address that has too many connections. */
  readonly refusal: string | null;
  /** Problems of the gateway itself, each a clause. */
  readonly problems: readonly string[];
  /** Those that go on. */
  readonly incidents: number;
  /** Applications whose new instances are not ready, while old ones serve. */
  readonly unreadyReleases: readonly string[];
  readonly upstreams: readonly {
    readonly id: string;
    readonly verdict: ServiceVerdict;
    /** It has had requests in the last `recentSeconds`, or some wait there. */
    readonly isUsed: boolean;
    /** It has not, and nothing but requests that have failed before speaks against it. */
    readonly isPast: boolean;
  }[];
  readonly maintenance: RouteMaintenance;
}

/** The time over which failures are judged first: a person who looks sees what is now. */
export const recentSeconds = 5;

/** Above this share of failures nothing is well. */
const degradedShare = 0.01;
/** Above this one it is no longer the exception. */
const failingShare = 0.1;

/** What its requests say comes first; endpoints and checks are opinions. Behind closed routes both may fail. */
export function judgeUpstream(facts: UpstreamFacts): ServiceVerdict {
  const { endpoints, usable, unknown, draining, breakersOpen, maintenance } = facts;
  if (isClosed(maintenance)) return closedVerdict(maintenance);
  const judged = judgeRequests(facts);
  const now = judgePresent(facts);
  const cause = knownCause(facts);
  if (cause !== null) {
    const effect = effectOf(cause, facts, judged, now);
    if (effect !== null) return effect;
    if (facts.stopped > 0 || cause.state === 'failing') return cause;
  }
  // What is now comes before what was: failures of the last minute may be over.
  if (judged?.state === 'failing' && facts.recent.requests > 0) return judged;
  if (judged?.state === 'failing') return now === null ? judged : { state: 'failing', reason: now.reason };
  if (now !== null) return now;
  if (endpoints === 0) return { state: 'failing', reason: 'it has no endpoint' };
  // Between two runs nothing is known of the next one, and during a run or a start nothing speaks against it.
  if (unknown === endpoints) return judged ?? cause ?? { state: 'unknown', reason: 'no endpoint has been checked yet' };
  if (usable === 0 && draining === endpoints)
    return { state: 'failing', reason: 'all its endpoints are drained or ejected' };
  if (usable === 0 && unknown === 0) return judgeWithoutHealthy(facts);
  if (judged !== null) return judged;
  if (cause !== null) return cause;
  if (breakersOpen > 0)
    return {
      state: 'degraded',
      reason: `${breakersOpen === 1 ? 'a circuit breaker of its routes is' : `${breakersOpen} circuit breakers of its routes are`} not closed`,
    };
  const unhealthy = endpoints - usable - draining - unknown;
  if (unhealthy > 0)
    return {
      state: 'degraded',
      reason: `${unhealthy} of ${endpoints} endpoints ${unhealthy === 1 ? 'is' : 'are'} not healthy`,
    };
  if (maintenance.closed.length > 0) return closedVerdict(maintenance);
  return wellOrIdle(facts.lastMinute);
}

/** What is known of the processes and the endpoints themselves, the surest first; null: nothing speaks against them. */
function knownCause(facts: UpstreamFacts): ServiceVerdict | null {
  const { stopped, endpoints, draining, usable, onProbation, tried, unknown, trouble, applicationProblem } = facts;
  if (facts.isApplicationStopped)
    return { state: 'failing', reason: 'an operator has stopped its application (`candor app start`)' };
  if (stopped > 0) {
    const left = endpoints - draining;
    const all = stopped === 1 ? 'its only instance is' : `all ${stopped} instances are`;
    const some = `${stopped} of ${left} instances ${stopped === 1 ? 'is' : 'are'}`;
    return {
      state: stopped >= left ? 'failing' : 'degraded',
      reason: `${stopped >= left ? all : some} stopped by a signal`,
    };
  }
  if (trouble !== null && usable + onProbation + tried + unknown === 0)
    return { state: 'failing', reason: noneText(facts) };
  return applicationProblem === null ? null : applicationVerdicts[applicationProblem];
}

/** Requests that fail, wait, or find no connection never displace their cause; null: none do. */
function effectOf(
  { state, reason }: ServiceVerdict,
  { recent, stopped, trouble, awaited, queued, waiting }: UpstreamFacts,
  judged: ServiceVerdict | null,
  now: ServiceVerdict | null,
): ServiceVerdict | null {
  // Where nothing answers, every request that is awaited waits for that.
  const waits = stopped > 0 || trouble !== null ? [awaited, queued, waiting].find(isLong) : undefined;
  const waited = waits === undefined || waits === null ? undefined : waitText(waits);
  // What is now comes before what was.
  const effects = recent.requests > 0 ? [judged?.reason, waited] : [waited, judged?.reason];
  const effect = [...effects, now?.reason].find((one) => one !== undefined);
  if (effect === undefined) return null;
  const isFailing = [state, judged?.state, now?.state].includes('failing');
  return { state: isFailing ? 'failing' : 'degraded', reason: `${reason}; ${effect}` };
}

const isLong = (waits: WaitingFacts | null): boolean => waits !== null && waits.oldestMs >= waitMs;

/** Requests wait at present, and nothing says that they will be answered. */
function judgePresent(facts: UpstreamFacts): ServiceVerdict | null {
  const { usable, onProbation, tried, waiting, queued, awaited, unknown } = facts;
  const someTakes = usable + onProbation + tried > 0;
  if (waiting !== null && isLong(waiting))
    return someTakes || unknown > 0
      ? { state: 'degraded', reason: `no endpoint is ready; ${waitText(waiting)}` }
      : { state: 'failing', reason: `${noneText(facts)}; ${waitText(waiting)}` };
  if (awaited !== null && isHanging(facts, awaited)) {
    const reason = `no response has come for ${facts.silentS} s; ${waitText(awaited)}`;
    return { state: awaited.oldestMs >= hangFailingMs ? 'failing' : 'degraded', reason };
  }
  return queued === null || !isLong(queued) || !someTakes
    ? null
    : { state: 'degraded', reason: `no connection is free; ${waitText(queued)}` };
}

/** With the cause, where it is known. */
function noneText({ trouble }: UpstreamFacts): string {
  return `no endpoint may get requests${trouble === null ? '' : `: ${trouble}`}`;
}

/** While an application restarts, requests wait for less than this, and clients do not notice it. */
const waitMs = 1000;

/** A pause for garbage may take so long. */
const hangMs = 3000;
/** No pause does. */
const hangFailingMs = 10_000;
/** A single request may be a slow one. */
const hangRequests = 3;
/** Requests keep coming for so long after the last response. */
const cameAfterMs = 2000;

/**
 * Whether an upstream answers nothing although requests keep coming: some wait longer than requests do there, and others were sent well after
 * its last response. Long polls are not taken for it: they wait no longer than those that ended in the last minute, and the
 * first ones were sent right after the page that makes them was answered.
 */
function isHanging({ silentS, usualMs }: UpstreamFacts, awaited: NonNullable<UpstreamFacts['awaited']>): boolean {
  if (silentS === null || usualMs === null || awaited.count < hangRequests) return false;
  const silentMs = silentS * 1000;
  if (silentMs < hangMs || awaited.oldestMs < hangMs || awaited.oldestMs <= usualMs) return false;
  return silentMs - awaited.newestMs >= cameAfterMs;
}

function waitText({ count, oldestMs }: WaitingFacts): string {
  const s = Math.floor(oldestMs / 1000);
  return count === 1 ? `1 request waits, for ${s} s` : `${count} requests wait, the oldest for ${s} s`;
}

const applicationVerdicts: Readonly<Record<ApplicationProblemKind, ServiceVerdict>> = {
  crash_loop: { state: 'degraded', reason: 'an instance of its application ends again and again' },
  application_not_ready: { state: 'degraded', reason: 'an instance of its application does not become ready' },
};

/** An endpoint that gets requests may answer them: only requests that fail show that it does not. */
function judgeWithoutHealthy(facts: UpstreamFacts): ServiceVerdict {
  const { endpoints, tried, onProbation } = facts;
  if (tried + onProbation === 0) return { state: 'failing', reason: noneText(facts) };
  const some = tried > 0 ? tried : onProbation;
  const gets = some === 1 ? 'gets' : 'get';
  const how =
    tried > 0
      ? `${gets} requests all the same`
      : `${gets} single requests, which show whether ${some === 1 ? 'it is' : 'they are'} well`;
  return { state: 'degraded', reason: `no endpoint is healthy; ${some} of ${endpoints} ${how}` };
}

/** As its worst upstream, and never better than its own requests. */
export function judgeGateway(facts: GatewayFacts): ServiceVerdict {
  const { state, upstreams, maintenance } = facts;
  if (state === 'starting') return { state: 'unknown', reason: 'the gateway starts' };
  // Requests of clients that are refused are counted nowhere.
  if (facts.refusal !== null) return { state: 'failing', reason: facts.refusal };
  // Failures of the last minute are from before.
  const failure = isClosed(maintenance) ? null : judgeFailures(facts);
  const trouble = failure ?? troubleOfItself(facts);
  if (trouble !== null) return trouble;
  if (maintenance.closed.length > 0) return closedVerdict(maintenance);
  const unknown = upstreams.filter(({ verdict }) => verdict.state === 'unknown');
  if (upstreams.length > 0 && unknown.length === upstreams.length)
    return { state: 'unknown', reason: reasonOf(unknown) };
  return wellOrIdle(facts.lastMinute);
}

/** By its requests, and those of its upstreams. */
function judgeFailures(facts: GatewayFacts): ServiceVerdict | null {
  const judged = judgeRequests(facts);
  const open = facts.upstreams.filter(({ verdict }) => verdict.state !== 'maintenance');
  const failing = open.filter(({ verdict }) => verdict.state === 'failing');
  if (judged?.state === 'failing' && facts.recent.requests > 0) {
    // What is known of the upstreams says why they fail.
    const asked = failing.filter(({ isUsed }) => isUsed);
    return asked.length === 0 ? judged : { state: 'failing', reason: reasonOf(asked) };
  }
  const degraded = open.filter(({ verdict }) => verdict.state === 'degraded');
  // One that fails does not fail the others, unless there are no requests for these.
  const used = open.filter(({ isUsed }) => isUsed);
  const isAllFailing = (some: typeof open): boolean =>
    some.length > 0 && some.every(({ verdict }) => verdict.state === 'failing');
  if (isAllFailing(used)) return { state: 'failing', reason: reasonOf(used) };
  if (isAllFailing(open)) return { state: 'failing', reason: reasonOf(failing) };
  // Of what is past people hear only while nothing else is wrong.
  const some = [...failing, ...degraded].some(({ isPast }) => !isPast);
  if (judged?.state === 'failing' && !some) return judged;
  const [failingNow, degradedNow] = [failing.filter(isOfNow), degraded.filter(isOfNow)];
  if (failingNow.length > 0) return { state: 'degraded', reason: reasonOf(failingNow) };
  if (degradedNow.length > 0) return { state: 'degraded', reason: reasonOf(degradedNow) };
  if (judged !== null && facts.recent.requests > 0) return judged;
  if (failing.length > 0) return { state: 'degraded', reason: reasonOf(failing) };
  if (judged !== null) return judged;
  return degraded.length > 0 ? { state: 'degraded', reason: reasonOf(degraded) } : null;
}

const isOfNow = ({ isPast }: GatewayFacts['upstreams'][number]): boolean => !isPast;

function troubleOfItself({ state, incidents, problems, unreadyReleases }: GatewayFacts): ServiceVerdict | null {
  if (incidents > 0)
    return { state: 'degraded', reason: `${incidents === 1 ? 'an incident goes' : `${incidents} incidents go`} on` };
  const named = [...new Set(problems)];
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const more = named.length > namesShown ? `; and ${named.length - namesShown} more` : '';
  const own = `the gateway itself has ${count}: ${named.slice(0, namesShown).join('; ')}${more}`;
  const trouble = [...(problems.length > 0 ? [own] : []), ...releaseTexts(unreadyReleases)];
  if (trouble.length > 0) return { state: 'degraded', reason: trouble.join(', and ') };
  return state === 'serving' ? null : { state: 'degraded', reason: `the gateway is ${state}` };
}

function releaseTexts(applications: readonly string[]): readonly string[] {
  if (applications.length === 0) return [];
  const isOne = applications.length === 1;
  const names = namesText(applications);
  return [isOne ? `the new release of ${names} is not ready` : `the new releases of ${names} are not ready`];
}

function isClosed({ closed, open }: RouteMaintenance): boolean {
  return closed.length > 0 && open === 0;
}

function closedVerdict({ closed, paused, open }: RouteMaintenance): ServiceVerdict {
  const [first] = closed;
  const what =
    paused.length === 0 ? 'in maintenance' : paused.length === closed.length ? 'paused' : 'in maintenance or paused';
  const reason =
    open === 0 && closed.length > 1
      ? `all ${closed.length} routes are ${what}`
      : closed.length === 1
        ? `route ${first} is ${what}`
        : `${closed.length} of ${closed.length + open} routes are ${what}`;
  return { state: 'maintenance', reason };
}

/** Null: too few of them failed to say anything, or there were none. */
function judgeRequests({
  recent,
  lastMinute,
  silentS,
}: Pick<UpstreamFacts, 'recent' | 'lastMinute' | 'silentS'>): ServiceVerdict | null {
  // Without requests now, those before are the latest that is known.
  const isPast = recent.requests === 0;
  const { requests, errors } = isPast ? lastMinute : recent;
  if (requests === 0 || errors / requests <= degradedShare) return null;
  // One request that failed among others says little, and nothing any more when it is past.
  const isSingle = errors === 1 && requests > 1;
  if (isSingle && isPast) return null;
  const since = isPast && silentS !== null ? `; none has come for ${shownSeconds(silentS)} s` : '';
  const reason = `${errors} of ${requests} requests failed in the last ${isPast ? 'minute' : `${recentSeconds} s`}${since}`;
  return { state: errors / requests > failingShare && !isSingle ? 'failing' : 'degraded', reason };
}

function wellOrIdle({ requests, errors }: RecentRequests): ServiceVerdict {
  if (requests === 0) return { state: 'idle', reason: 'no requests in the last minute' };
  const failed = errors === 0 ? 'none failed' : `${errors} failed`;
  return { state: 'ok', reason: `${counted(requests, 'request')} in the last minute, ${failed}` };
}

const namesShown = 3;

/** 'upstream api: 3 of 10 requests failed in the last 5 s' */
function reasonOf(all: GatewayFacts['upstreams']): string {
  const [first] = all;
  if (all.length === 1 && first !== undefined) return `upstream ${first.id}: ${first.verdict.reason}`;
  return `upstreams ${namesText(all.map(({ id }) => id))}: ${first?.verdict.reason ?? ''}`;
}

function namesText(names: readonly string[]): string {
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : '';
  return `${names.slice(0, namesShown).join(', ')}${more}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
