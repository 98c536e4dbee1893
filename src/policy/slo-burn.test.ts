import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../../test/properties.ts';
import { BurnCounts, type BurnTier, budgetLeft, burnTiers, openTier } from './slo-burn.ts';

const start = Date.UTC(2026, 0, 1);
const minute = 60_000;
const hour = 60 * minute;

/** Plays phases of traffic, judged every ten seconds: when each tier became the open one, in minutes. */
function play(
  objective: number,
  phases: readonly { readonly minutes: number; readonly perS: number; readonly badShare: number }[],
): { readonly changes: readonly (readonly [minute: number, tier: string])[]; readonly left: number } {
  const counts = new BurnCounts(start);
  const changes: (readonly [number, string])[] = [];
  let tier: BurnTier['name'] | null = null;
  let at = start;
  let owed = 0;
  for (const { minutes, perS, badShare } of phases)
    for (const end = at + minutes * minute; at < end; ) {
      at += 10_000;
      owed += perS * 10 * badShare;
      const bad = Math.floor(owed);
      owed -= bad;
      counts.add(at, perS * 10, bad);
      const now: BurnTier['name'] | null = openTier(counts, objective, tier, at)?.name ?? null;
      if (now !== tier) changes.push([(at - start) / minute, now ?? 'none']);
      tier = now;
    }
  return { changes, left: budgetLeft(counts, objective, at) };
}

describe('an objective of 99.9 %', () => {
  test('that is kept is not reported', () => {
    assert.deepEqual(play(0.999, [{ minutes: 72 * 60, perS: 20, badShare: 0.0008 }]).changes, []);
  });

  test('whose requests all fail is reported within a minute, and no longer five minutes after the end', () => {
    const { changes } = play(0.999, [
      { minutes: 120, perS: 10, badShare: 0 },
      { minutes: 10, perS: 10, badShare: 1 },
      { minutes: 120, perS: 10, badShare: 0 },
    ]);
    assert.equal(changes[0]?.[1], 'fast');
    assert.ok((changes[0]?.[0] ?? 0) <= 121.1, changes.join(' '));
    const closed = changes.find(([, tier]) => tier !== 'fast');
    assert.ok((closed?.[0] ?? Infinity) <= 135.5, changes.join(' '));
  });

  test('a blip right after the start is not reported, since most of the time is not known', () => {
    const { changes } = play(0.999, [
      { minutes: 1, perS: 10, badShare: 0.05 },
      { minutes: 60, perS: 10, badShare: 0 },
    ]);
    assert.deepEqual(changes, []);
  });

  test('two failures of a quiet route are not reported', () => {
    const counts = new BurnCounts(start);
    counts.add(start + hour, 2, 2);
    assert.equal(openTier(counts, 0.999, null, start + hour), null);
  });

  test('without traffic is not reported, and what was reported ends', () => {
    const counts = new BurnCounts(start);
    counts.add(start + 2 * hour, 100, 100);
    assert.equal(openTier(counts, 0.999, null, start + 2 * hour)?.name, 'fast');
    for (const tier of burnTiers)
      assert.equal(openTier(counts, 0.999, tier.name, start + 2 * hour + 7 * hour), null, tier.name);
  });

  test('has used up half of its budget when half as many as allowed have failed', () => {
    const { left } = play(0.999, [{ minutes: 72 * 60, perS: 20, badShare: 0.0005 }]);
    assert.ok(Math.abs(left - 0.5) < 0.01, `${left}`);
  });
});

test('a constant share of failures opens each tier within the time in which it uses up its part of the budget, and none below it', () => {
  const cases = fc.record({
    objective: fc.constantFrom(0.9, 0.99, 0.999),
    tier: fc.constantFrom(...burnTiers.slice(0, 2)),
    factor: fc.double({ min: 1.2, max: 3, noNaN: true }),
  });
  fc.assert(
    fc.property(cases, ({ objective, tier, factor }) => {
      const badShare = Math.min(1, (1 - objective) * tier.rate * factor);
      const burn = badShare / (1 - objective);
      if (burn < tier.rate * 1.1) return;
      const promisedMinutes = (tier.longMs / minute) * (tier.rate / burn) + 2;
      const { changes } = play(objective, [
        { minutes: tier.longMs / minute, perS: 50, badShare: 0 },
        { minutes: promisedMinutes, perS: 50, badShare },
      ]);
      const opened = changes.some(
        ([, name]) => burnTiers.findIndex((one) => one.name === name) <= burnTiers.indexOf(tier) && name !== 'none',
      );
      assert.ok(opened, `${tier.name} ${objective} ${badShare}: ${changes.join(' ')}`);
      const calm = play(objective, [{ minutes: 180, perS: 50, badShare: (1 - objective) * 0.8 }]);
      assert.deepEqual(calm.changes, []);
    }),
    { numRuns: 12 },
  );
});

test('what is kept counts after a restart as before', () => {
  const counts = new BurnCounts(start);
  for (let at = start; at < start + 80 * hour; at += 5 * minute) counts.add(at, 100, at % 7 === 0 ? 3 : 0);
  const now = start + 80 * hour;
  const again = new BurnCounts(now, JSON.parse(JSON.stringify(counts.kept())) as ReturnType<BurnCounts['kept']>);
  for (const { shortMs, longMs } of burnTiers)
    for (const windowMs of [shortMs, longMs]) assert.deepEqual(again.sum(now, windowMs), counts.sum(now, windowMs));
  assert.equal(again.since, counts.since);
});
