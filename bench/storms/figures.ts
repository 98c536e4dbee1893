import { percentile } from '../latency-summary.ts';
import type { Outcome } from './client.ts';
import type { OriginTotals } from './origins.ts';
import type { StormGateway } from './gateways.ts';

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
}

export interface StormFigures {
  readonly storm: string;
  readonly gateway: StormGateway;
  readonly requests: number;
  readonly ok: number;
  /** Everything but 'ok', by kind: a status, 'reset', 'timeout', 'truncated', 'refused', 'garbage', 'wrong body'. */
  readonly failures: Readonly<Record<string, number>>;
  /** The same for GETs alone. */
  readonly failedGets: number;
  /** GETs that were due in the first second of trouble: a POST that an origin may have executed is not repeated. */
  readonly failedGetsInFirstSecond: number;
  readonly getsInFirstSecond: number;
  /** From one second after trouble began until it was over. */
  readonly failedLater: number;
  readonly wrongStatuses: number;
  readonly executedTwice: number;
  /** Requests and refused connections at origins, divided by requests of clients. */
  readonly amplification: number;
  readonly refusedConnections: number | null;
  /** Those that had ended when the storm had. */
  readonly goodPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The longest time from the beginning of trouble until the last request that failed; null: until the end, or an outage. */
  readonly recoveredMs: number | null;
  /** From the end of an outage until as many requests a second went well as before it; null: not in this run. */
  readonly fullAgainMs: number | null;
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
  const isLater = ({ dueMs }: Outcome): boolean => dueMs >= first + 1000 && dueMs < (run.overMs ?? Infinity);
  return {
    ...{ storm, gateway, requests: outcomes.length, ok: good.length },
    failures: countBy(failed, ({ result }) => result),
    failedGets: failed.filter(isGet).length,
    failedGetsInFirstSecond: failed.filter((outcome) => isFirst(outcome) && isGet(outcome)).length,
    getsInFirstSecond: outcomes.filter((outcome) => isFirst(outcome) && isGet(outcome)).length,
    failedLater: failed.filter(isLater).length,
    wrongStatuses: failed.filter((outcome) => isWrong(outcome, run.truthful)).length,
    executedTwice: totals.executedTwice,
    amplification: (totals.requests + (refusedConnections ?? 0)) / outcomes.length,
    refusedConnections,
    goodPerSecond: good.filter(({ endedMs }) => endedMs <= seconds * 1000).length / seconds,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
    recoveredMs: run.isOutage ? null : recoveredMs(failed, run),
    fullAgainMs: run.isOutage && run.overMs !== null ? fullAgainMs(good, first, run.overMs, seconds * 1000) : null,
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
function recoveredMs(failed: readonly Outcome[], { beganMs, overMs, seconds }: StormRun): number | null {
  let longest = 0;
  for (const [index, from] of beganMs.entries()) {
    const next = beganMs[index + 1] ?? Infinity;
    const until = Math.min(next, overMs ?? seconds * 1000);
    const own = failed.filter(({ dueMs, endedMs }) => endedMs >= from && endedMs < next && dueMs < until);
    const last = Math.max(from, ...own.map(({ dueMs }) => dueMs));
    if (last > until - lastMs) return null;
    longest = Math.max(longest, last - from);
  }
  return longest;
}

const windowMs = 500;

/** By when answers came. */
function fullAgainMs(good: readonly Outcome[], beganMs: number, overMs: number, endMs: number): number | null {
  const ends = good.map(({ endedMs }) => endedMs);
  const before = ends.filter((at) => at >= beganMs / 2 && at < beganMs).length / (beganMs / 2);
  for (let from = overMs; from + windowMs <= endMs; from += 50) {
    const now = ends.filter((at) => at >= from && at < from + windowMs).length / windowMs;
    if (now >= 0.9 * before) return from - overMs;
  }
  return null;
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
