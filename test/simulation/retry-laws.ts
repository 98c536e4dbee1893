import assert from 'node:assert/strict';
import type { RetrySpec } from '../../src/core/route-spec.ts';
import type { EndedExchange, RetryReason } from '../../src/core/exchange.ts';
import { mayBeStale } from '../../src/exchange/retry.ts';
import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { defaultRetry } from '../exchange/world.ts';

// What a simulated route with `retry` has, and what it promises.

/** Attempts per exchange, where the route says nothing. */
export const upstreamAttemptsMax = 3;

export function drawRetry(random: SeededRandom, hedge: boolean): RetrySpec {
  return {
    ...defaultRetry,
    hedge,
    // With one attempt there is no second one beside it.
    attemptsMax: random.pick([null, hedge ? 3 : 1, 2, 4]),
    statuses: random.pick([[], [503], [500, 503]]),
    attemptMs: random.pick([null, 100, 1500]),
    idempotencyKey: random.next() < 0.5,
    attemptHeaders: random.next() < 0.5,
  };
}

/** Attempts beyond those that are allowed follow where no endpoint has executed anything. */
const harmless: ReadonlySet<RetryReason> = new Set(['nothing_sent', 'may_return', 'refused_by_peer']);

/** As many attempts as allowed; and if an endpoint has given a whole response, the client gets the last one of these rather than one of the gateway. */
export function verifyRetries(key: string, arrived: number, record: EndedExchange, retry: RetrySpec): void {
  const { attempts, endKind, statusSent } = record;
  const attemptsMax = retry.attemptsMax ?? upstreamAttemptsMax;
  const counted = attempts.filter((attempt) => !(attempt.retry && harmless.has(attempt.retryReason)));
  assert.ok(counted.length <= attemptsMax, `request ${key} has ${counted.length} of ${attemptsMax} attempts`);
  assert.ok(arrived <= attempts.length, `request ${key} arrives ${arrived} times, in ${attempts.length} attempts`);
  const last = attempts.findLast((attempt) => attempt.failure === null && attempt.status > 0 && attempt.retry);
  if (last === undefined || endKind === 'abandoned') return;
  assert.notEqual(endKind, 'generated', `request ${key} gets the ${last.status} of an endpoint`);
  const hasLater = attempts.slice(attempts.indexOf(last) + 1).some(({ status }) => status > 0);
  if (!hasLater) assert.equal(statusSent, last.status, `request ${key} gets the last response`);
}

const hedgeReasons: ReadonlySet<RetryReason> = new Set(['hedged', 'superseded']);

/** Two attempts ran at the same time. */
export function isHedged({ attempts }: Pick<EndedExchange, 'attempts'>): boolean {
  return attempts.some(({ retryReason }) => hedgeReasons.has(retryReason));
}

/** Only what is safe to send twice is hedged, once, beside the first attempt, at another endpoint, and one response alone is used. */
export function verifyHedge(key: string, method: string, { attempts }: EndedExchange, retry: RetrySpec | null): void {
  assert.equal(retry?.hedge, true);
  assert.ok(method === 'GET' || method === 'HEAD', `${method} ${key} is hedged`);
  const [first, second] = attempts.toSorted((one, other) => one.startedMs - other.startedMs);
  assert.ok(first !== undefined && second !== undefined, `request ${key} has two attempts`);
  assert.notEqual(first.endpoint, second.endpoint, `the second attempt of request ${key} is made elsewhere`);
  assert.ok(second.startedMs <= first.endedMs, `the attempts of request ${key} run at the same time`);
  const hedges = attempts.filter(({ retryReason }) => hedgeReasons.has(retryReason));
  assert.equal(hedges.length, 1, `one of the two attempts of request ${key} is not used`);
  const [unused] = hedges;
  const others = attempts.filter((attempt) => attempt !== unused);
  for (const attempt of others) assert.ok(attempt.endedMs >= 0, `no attempt of request ${key} is left`);
}

const countedReasons: ReadonlySet<RetryReason> = new Set(['idempotent', 'retriable_status']);

/** At any time: thirty retries, one for each five requests until then, and ten for each second. */
export function verifyRetryBudget(records: readonly EndedExchange[]): void {
  const starts = records.map(({ startedAt }) => startedAt).toSorted((one, other) => one - other);
  const retries = records.flatMap(({ attempts, startedAt }) =>
    attempts
      .filter((attempt) => attempt.retry && countedReasons.has(attempt.retryReason) && !mayBeStale(attempt))
      .map(({ endedMs }) => startedAt + endedMs),
  );
  for (const { attempts, startedAt } of records.filter(isHedged)) {
    const [, second] = attempts.map(({ startedMs }) => startedMs).toSorted((one, other) => one - other);
    retries.push(startedAt + (second ?? 0));
  }
  for (const [index, at] of retries.toSorted((one, other) => one - other).entries()) {
    const requests = starts.filter((startedAt) => startedAt <= at).length;
    const allowed = 30 + requests / 5 + at / 100;
    assert.ok(index + 1 <= allowed, `${index + 1} retries of ${requests} requests within ${at} ms`);
  }
}
