import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Health, healthyInMs, nextHealth, passesNeeded, unknownHealth } from './health.ts';

const thresholds = { passes: 2, fails: 3 };

/** Results as a row of signs: + passed, - failed. */
function after(results: string, start: Health = unknownHealth): Health {
  return [...results].reduce((health, result) => nextHealth(health, result === '+', thresholds), start);
}

const table: readonly [results: string, state: Health['state']][] = [
  ['', 'unknown'],
  ['+', 'healthy'],
  ['-', 'unhealthy'],
  ['+--', 'healthy'],
  ['+---', 'unhealthy'],
  ['+--+--', 'healthy'],
  ['-+', 'unhealthy'],
  ['-++', 'healthy'],
  ['-+-+', 'unhealthy'],
  ['+---++', 'healthy'],
];

describe('the health of an endpoint', () => {
  for (const [results, state] of table) {
    it(`is ${state} after "${results}"`, () => assert.equal(after(results).state, state));
  }

  it('changes only after as many results in a row as its threshold says', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (results) => {
        let health: Health = unknownHealth;
        results.forEach((passed, n) => {
          const before = health.state;
          health = nextHealth(health, passed, thresholds);
          if (before === 'unknown' || before === health.state) return;
          const needed = health.state === 'healthy' ? thresholds.passes : thresholds.fails;
          const row = results.slice(n + 1 - needed, n + 1);
          assert.equal(row.length, needed);
          assert.ok(row.every((result) => result === passed));
        });
      }),
    );
  });
});

describe('when an endpoint can be healthy again', () => {
  const needed: readonly [results: string, passes: number][] = [
    ['', 1],
    ['-', 2],
    ['-+', 1],
    ['-+-', 2],
    ['+', 0],
  ];
  for (const [results, passes] of needed) {
    it(`after '${results}' it takes ${passes} passes`, () => {
      assert.equal(passesNeeded(after(results), thresholds), passes);
    });
  }

  const times: readonly [why: string, nextInstant: number, passesNeeded: number, ms: number][] = [
    ['the next check brings it back', 1400, 1, 400],
    ['it takes one more after the next', 1400, 2, 5400],
    ['the check that is due now may have just failed', 1000, 1, 5000],
    ['checks that came without news have failed', 1000 - 12_000, 1, 3000],
  ];
  for (const [why, nextInstant, passes, ms] of times) {
    it(why, () => assert.equal(healthyInMs({ nextInstant, everyMs: 5000, passesNeeded: passes }, 1000), ms));
  }
});
