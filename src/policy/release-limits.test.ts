import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArmCounts } from '../core/release.ts';
import type { Instant } from '../core/time.ts';
import { names } from './release-judge.test-support.ts';
import { chosenJudgement, leakReason, type MemorySample, restartsReason } from './release-limits.ts';

const counts = (requests: number, serverErrors: number): ArmCounts => ({
  requests,
  failures: 0,
  serverErrors,
  late: 0,
});

test('a canary that was not drawn is bad where half of ten requests fail, and the old release does better', () => {
  const cases = [
    { old: counts(0, 0), fresh: counts(9, 9), bad: false },
    { old: counts(0, 0), fresh: counts(10, 5), bad: true },
    { old: counts(100, 0), fresh: counts(10, 4), bad: false },
    { old: counts(100, 90), fresh: counts(10, 9), bad: false },
    { old: counts(100, 30), fresh: counts(10, 9), bad: true },
  ];
  for (const { bad, ...arms } of cases)
    assert.equal(chosenJudgement(names, arms).verdict, bad ? 'bad' : 'inconclusive', JSON.stringify(arms));
  const judgement = chosenJudgement(names, { old: counts(100, 0), fresh: counts(1200, 1100) });
  assert.equal(judgement.verdict, 'bad');
  assert.equal(judgement.reason, '1,100 of 1,200 requests of r13 failed, 0 of 100 of r12');
  const good = chosenJudgement(names, { old: counts(1000, 0), fresh: counts(12, 1) });
  assert.equal(good.reason, '12 of 1,012 requests seen, chosen for r13: nothing is compared');
});

test('a release that was restarted three times is bad, unless the old one was restarted too', () => {
  assert.equal(restartsReason(names, { old: 0, fresh: 2 }), null);
  assert.equal(restartsReason(names, { old: 1, fresh: 9 }), null);
  assert.equal(restartsReason(names, { old: 0, fresh: 3 }), 'r13 has ended and was restarted 3 times, r12 not at all');
});

const mib = 1024 ** 2;
const minutes = 5;

/** One each five seconds, by minutes that have passed. */
const samples = (mibAt: (minute: number) => number): MemorySample[] =>
  Array.from({ length: minutes * 12 + 1 }, (_, index) => ({
    at: (index * 5000) as Instant,
    bytes: mibAt(index / 12) * mib,
  }));

const flat = (): number => 100;

const memories: readonly {
  readonly what: string;
  readonly fresh: (minute: number) => number;
  readonly old?: (minute: number) => number;
  readonly limitMib?: number | null;
  readonly leaks: boolean;
}[] = [
  { what: 'no growth', fresh: flat, leaks: false },
  { what: 'a leak that reaches the limit within the hour', fresh: (minute) => 90 + 10 * minute, leaks: true },
  { what: 'the same, limit not known', fresh: (minute) => 90 + 10 * minute, limitMib: null, leaks: false },
  { what: 'growth to what the old one has', fresh: (minute) => 60 + 10 * minute, leaks: false },
  { what: 'a leak that does not', fresh: (minute) => 120 + 4 * minute, limitMib: 512, leaks: false },
  { what: 'twice as much, and growing', fresh: (minute) => 180 + 10 * minute, limitMib: null, leaks: true },
  { what: 'twice as much, and no longer growing', fresh: () => 250, limitMib: null, leaks: false },
  {
    what: 'the old one grows alike',
    fresh: (minute) => 200 + 20 * minute,
    old: (minute) => 100 + 20 * minute,
    leaks: false,
  },
  { what: 'a program that warms up', fresh: (minute) => 230 - 150 * Math.exp(-minute), leaks: false },
  { what: 'garbage that is collected', fresh: (minute) => 130 + 200 * ((minute * 3) % 1), leaks: false },
  { what: 'garbage upon a leak', fresh: (minute) => 130 + 20 * minute + 50 * ((minute * 3) % 1), leaks: true },
];

for (const { what, fresh, old = flat, limitMib = 512, leaks } of memories) {
  test(`memory: ${what}`, () => {
    const arms = { old: samples(old), fresh: samples(fresh) };
    const reason = leakReason(names, arms, limitMib === null ? null : limitMib * mib, (minutes * 60_000) as Instant);
    assert.equal(reason !== null, leaks, String(reason));
  });
}

test('a leak is told with its figures, and not before three minutes', () => {
  const arms = { old: samples(flat), fresh: samples((minute) => 180 + 20 * minute) };
  const text = 'r13 has 267 MiB and grows by 20 MiB a minute, r12 has 100 MiB';
  assert.equal(leakReason(names, arms, null, 300_000 as Instant), text);
  const early = { old: arms.old, fresh: arms.fresh.filter(({ at }) => at > 150_000) };
  assert.equal(leakReason(names, early, null, 300_000 as Instant), null);
});
