import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { type BackoffFacts, backoffMs, parseRetryAfter } from './retry-backoff.ts';

const settings = { baseMs: 25, maxMs: 250 };
const lost: BackoffFacts = { attemptsMade: 1, elsewhere: false, retryAfterMs: null, random: 0.5 };

const table: readonly [what: string, facts: Partial<BackoffFacts>, waitMs: number][] = [
  ['the first retry at another endpoint goes at once', { elsewhere: true }, 0],
  ['the first retry at the same endpoint waits', {}, 12.5],
  ['each further retry waits twice as long', { attemptsMade: 3 }, 50],
  ['also at another endpoint', { attemptsMade: 2, elsewhere: true }, 25],
  ['but no longer than the longest wait', { attemptsMade: 9 }, 125],
  ['Retry-After is waited for, and the jitter after it', { retryAfterMs: 2000 }, 2012.5],
  ['also before the first retry at another endpoint', { retryAfterMs: 2000, elsewhere: true, random: 0 }, 2000],
];

describe('the wait before a retry', () => {
  for (const [what, facts, waitMs] of table)
    it(what, () => assert.equal(backoffMs(settings, { ...lost, ...facts }), waitMs));

  it('is drawn from all of the time up to the longest, and is never shorter than Retry-After', () => {
    const facts = fc.record({
      attemptsMade: fc.integer({ min: 1, max: 10 }),
      elsewhere: fc.boolean(),
      retryAfterMs: fc.option(fc.nat(100_000)),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(facts, (some) => {
        const waitMs = backoffMs(settings, some);
        const floorMs = some.retryAfterMs ?? 0;
        assert.ok(waitMs >= floorMs && waitMs <= floorMs + settings.maxMs);
      }),
    );
  });
});

describe('Retry-After', () => {
  const date = 'Sun, 22 Nov 2026 10:00:00 GMT';
  const now = Date.parse('2026-11-22T12:00:00Z');
  const rows: readonly [value: string | null, date: string | null, ms: number | null][] = [
    [null, null, null],
    ['', null, null],
    ['0', null, 0],
    [' 120 ', null, 120_000],
    ['-1', null, null],
    ['1.5', null, null],
    ['soon', null, null],
    ['9999999999', null, null],
    ['Sun, 22 Nov 2026 12:00:30 GMT', null, 30_000],
    ['Sun, 22 Nov 2026 11:00:00 GMT', null, 0],
    ['Sun, 22 Nov 2026 10:00:10 GMT', date, 10_000],
    ['Sunday, 22-Nov-26 12:00:05 GMT', null, 5000],
    ['Sun, 99 Nov 2026 12:00:30 GMT', null, null],
  ];
  for (const [value, sentAt, ms] of rows)
    it(`${value} ${sentAt === null ? '' : `sent at ${sentAt} `}is ${ms} ms`, () =>
      assert.equal(parseRetryAfter(value, sentAt, now), ms));
});
