import { percentile } from '../latency-summary.ts';
import type { Outcome } from './client.ts';
import type { OriginTotals } from './origins.ts';
import type { StormGateway } from './configurations.ts';

/** What a run of a storm has recorded. */
export interface StormRun {
  readonly outcomes: readonly Outcome[];
  readonly totals: OriginTotals;
  readonly seconds: number;
  /** When trouble began, or each time that it did: milliseconds of the storm. */
  readonly beganMs: readonly number[];
  /** When it was over; null where it lasts until the end. */
  readonly overMs: number | null;
  /** Whether all origins are gone for a while, so that recovery begins when they are back. */
  readonly isOutage: boolean;
  /** Connections of the gateway that were refused in the whole run; null where others use this network too. */
  readonly refusedConnections: number | null;
  /** Statuses by which a gateway says truthfully what happens in this storm. */
  readonly truthful: readonly number[];
  readonly origins: number;
  readonly slowClients: SlowClients | null;
  /** When Candor had named each origin whose checks and requests disagree: milliseconds of the storm; null: it was not to. */
  readonly namedAtMs: number | 'never' | null;
}

/** Slow clients that were to connect, and that did. */
export interface SlowClients {
  readonly asked: number;
  readonly connected: number;
}

export interface StormFigures {
  readonly storm: string;
  readonly gateway: StormGateway;
  readonly requests: number;
  readonly ok: number;
  readonly seconds: number;
  /** How often trouble began. */
  readonly troubles: number;
  /** Everything but 'ok', by kind: a status, 'reset', 'timeout', 'truncated', 'refused', 'garbage', 'wrong body'. */
  readonly failures: Readonly<Record<string, number>>;
  /** The same for GETs alone. */
  readonly failedGets: number;
  /** GETs that were due in the first second of trouble: a POST that an origin may have executed is not repeated. */
  readonly failedGetsInFirstSecond: number;
  readonly getsInFirstSecond: number;
  /** GETs that were due from one second after trouble began until it was over. */
  readonly failedGetsLater: number;
  readonly getsLater: number;
  readonly wrongStatuses: number;
  readonly executedTwice: number;
  /** Requests and refused connections at origins, divided by requests of clients. */
  readonly amplification: number;
  readonly refusedConnections: number | null;
  /** The same by origin and second of trouble. */
  readonly refusedPerOriginSecond: number | null;
  /** Those that had ended when the storm had. */
  readonly goodPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The longest time from the beginning of trouble until the last request that failed; null: trouble has no beginning, or is an outage. */
  readonly recoveredMs: number | 'never' | null;
  /** From the end of an outage until as many requests a second went well as before it; null: there was none. */
  readonly fullAgainMs: number | 'never' | null;
  /** From the beginning of trouble until Candor had named each origin whose checks and requests disagree; null: it was not to. */
  readonly namedMs: number | 'never' | null;
  readonly slowClients: SlowClients | null;
  readonly refusals: number;
  readonly refusalsWithRetryAfter: number;
  readonly causes: Readonly<Record<string, number>>;
  /** For each second of the storm: requests that went well, and that failed, by when they were due. */
  readonly perSecond: readonly (readonly [ok: number, failed: number])[];
}

export function stormFigures(storm: string, gateway: StormGateway, run: StormRun): StormFigures {
  const { outcomes, totals, seconds, refusedConnections } = run;
  const good = outcomes.filter(isGood);
  const failed = outcomes.filter((outcome) => !isGood(outcome));
  const tookMs = Float64Array.from(good, ({ dueMs, endedMs }) => endedMs - dueMs).sort();
  const refusals = failed.filter(({ result, isOrigins }) => !isOrigins && (result === '503' || result === '429'));
  const [first = 0] = run.beganMs;
  const isFirst = ({ dueMs }: Outcome): boolean => dueMs >= first && dueMs < first + 1000;
  const overMs = run.overMs ?? seconds * 1000;
  const isLater = ({ dueMs }: Outcome): boolean => dueMs >= first + 1000 && dueMs < overMs;
  return {
    ...{ storm, gateway, requests: outcomes.length, ok: good.length, seconds, troubles: run.beganMs.length },
    failures: countBy(failed, ({ result }) => result),
    failedGets: failed.filter(isGet).length,
    failedGetsInFirstSecond: failed.filter((outcome) => isFirst(outcome) && isGet(outcome)).length,
    getsInFirstSecond: outcomes.filter((outcome) => isFirst(outcome) && isGet(outcome)).length,
    failedGetsLater: failed.filter((outcome) => isLater(outcome) && isGet(outcome)).length,
    getsLater: outcomes.filter((outcome) => isLater(outcome) && isGet(outcome)).length,
    wrongStatuses: failed.filter((outcome) => isWrong(outcome, run.truthful)).length,
    executedTwice: totals.executedTwice,
    amplification: outcomes.length === 0 ? 0 : (totals.requests + (refusedConnections ?? 0)) / outcomes.length,
    refusedConnections,
    refusedPerOriginSecond:
      refusedConnections === null ? null : refusedConnections / run.origins / Math.max(1, (overMs - first) / 1000),
    goodPerSecond: good.filter(({ endedMs }) => endedMs <= seconds * 1000).length / seconds,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    recoveredMs: run.isOutage || run.beganMs.length === 0 ? null : recoveredMs(failed, run),
    fullAgainMs: run.isOutage && run.overMs !== null ? fullAgainMs(good, first, run.overMs, seconds * 1000) : null,
    namedMs: typeof run.namedAtMs === 'number' ? Math.max(0, run.namedAtMs - first) : run.namedAtMs,
    slowClients: run.slowClients,
    refusals: refusals.length,
    refusalsWithRetryAfter: refusals.filter(({ retryAfterS }) => retryAfterS !== null).length,
    causes: countBy(
      failed.filter(({ cause }) => cause !== null),
      ({ cause }) => cause as string,
    ),
    perSecond: perSecond(outcomes, seconds),
  };
}

function isGood({ result }: Outcome): boolean {
  return result === 'ok';
}

function isGet({ method }: Outcome): boolean {
  return method === 'GET';
}

/** A status of the gateway that does not say what happened, or a body that belongs to another request. */
function isWrong({ result, isOrigins }: Outcome, truthful: readonly number[]): boolean {
  if (result === 'wrong body') return true;
  return !isOrigins && /^\d+$/.test(result) && !truthful.includes(Number(result));
}

/** A failure this close to the end of its part says that the gateway has not recovered. */
const lastMs = 500;

/** A request that was in flight when trouble began again belongs to that time. */
function recoveredMs(failed: readonly Outcome[], { beganMs, overMs, seconds }: StormRun): number | 'never' {
  let longest = 0;
  for (const [index, from] of beganMs.entries()) {
    const next = beganMs[index + 1] ?? Infinity;
    const until = Math.min(next, overMs ?? seconds * 1000);
    const own = failed.filter(({ dueMs, endedMs }) => endedMs >= from && endedMs < next && dueMs < until);
    const last = Math.max(from, ...own.map(({ dueMs }) => dueMs));
    if (last > until - lastMs) return 'never';
    longest = Math.max(longest, last - from);
  }
  return longest;
}

const windowMs = 500;

/** By when answers came. */
function fullAgainMs(good: readonly Outcome[], beganMs: number, overMs: number, endMs: number): number | 'never' {
  const ends = good.map(({ endedMs }) => endedMs);
  const before = ends.filter((at) => at >= beganMs / 2 && at < beganMs).length / (beganMs / 2);
  // Where nothing went well before, nothing says what full is.
  if (before === 0) return 'never';
  for (let from = overMs; from + windowMs <= endMs; from += 50) {
    const now = ends.filter((at) => at >= from && at < from + windowMs).length / windowMs;
    if (now >= 0.9 * before) return from - overMs;
  }
  return 'never';
}

function perSecond(outcomes: readonly Outcome[], seconds: number): (readonly [number, number])[] {
  const counts = Array.from({ length: Math.ceil(seconds) }, (): [number, number] => [0, 0]);
  for (const outcome of outcomes) {
    const count = counts[Math.floor(outcome.dueMs / 1000)];
    if (count !== undefined) count[isGood(outcome) ? 0 : 1]++;
  }
  return counts;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const groups = Object.entries(Object.groupBy(items, key)).map(([name, some]) => [name, some?.length ?? 0] as const);
  return Object.fromEntries(groups.toSorted((a, b) => b[1] - a[1]));
}
