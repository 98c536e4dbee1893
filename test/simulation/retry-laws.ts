import assert from 'node:assert/strict';
import type { RetrySpec } from '../../src/core/configuration.ts';
import type { EndedExchange, RetryReason } from '../../src/core/exchange.ts';
import { mayBeStale } from '../../src/exchange/retry.ts';
import type { SeededRandom } from '../../src/testing/seeded-random.ts';
import { defaultRetry } from '../exchange/world.ts';

// What a simulated route with `retry` has, and what it promises.

/** Attempts per exchange, where the route says nothing. */
export const upstreamAttemptsMax = 3;

/** Without hedges: two attempts at a time may both be answered. */
export function drawRetry(random: SeededRandom): RetrySpec {
  return {
    ...defaultRetry,
    attemptsMax: random.pick([null, 1, 2, 4]),
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

const countedReasons: ReadonlySet<RetryReason> = new Set(['idempotent', 'retriable_status']);

/** At any time: thirty retries, one for each five requests until then, and ten for each second. */
export function verifyRetryBudget(records: readonly EndedExchange[]): void {
  const starts = records.map(({ startedAt }) => startedAt).toSorted((one, other) => one - other);
  const retries = records.flatMap(({ attempts, startedAt }) =>
    attempts
      .filter((attempt) => attempt.retry && countedReasons.has(attempt.retryReason) && !mayBeStale(attempt))
      .map(({ endedMs }) => startedAt + endedMs),
  );
  for (const [index, at] of retries.toSorted((one, other) => one - other).entries()) {
    const requests = starts.filter((startedAt) => startedAt <= at).length;
    const allowed = 30 + requests / 5 + at / 100;
    assert.ok(index + 1 <= allowed, `${index + 1} retries of ${requests} requests within ${at} ms`);
  }
}
