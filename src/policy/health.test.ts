import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import {
  checkPauseMs,
  type CheckOutcome,
  type Health,
  healthyInMs,
  nextHealth,
  noteRefusedRequest,
  passesNeeded,
  unknownHealth,
} from './health.ts';

const thresholds = { passes: 2, fails: 3 };

const outcomes: Readonly<Record<string, CheckOutcome>> = { '+': 'passed', '-': 'failed', x: 'refused' };

/** Results as a row of signs: + passed, - failed, x refused; r: a request was refused. */
function after(results: string, passesAfterRefusal = 1, all = { ...thresholds, failsAfterRefusal: 2 }): Health {
  const step = (health: Health, sign: string): Health =>
    sign === 'r'
      ? noteRefusedRequest(health)
      : nextHealth(health, outcomes[sign] ?? 'failed', { ...all, passesAfterRefusal });
  return [...results].reduce(step, unknownHealth);
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
  ['x+', 'healthy'],
  ['+xxx+', 'healthy'],
  ['xxx-+', 'unhealthy'],
  ['---x+', 'healthy'],
  ['+x', 'healthy'],
  ['+xx', 'unhealthy'],
  ['+r', 'healthy'],
  ['+rrr', 'healthy'],
  ['+rx', 'unhealthy'],
  ['+rxr+', 'healthy'],
  ['+r+x', 'healthy'],
  ['+x-x', 'unhealthy'],
  ['+r-x', 'healthy'],
  ['rx', 'unhealthy'],
];

describe('the health of an endpoint', () => {
  for (const [results, state] of table) {
    it(`is ${state} after "${results}"`, () => assert.equal(after(results).state, state));
  }

  it('waits for the number of passes in the configuration, also after refusals', () => {
    assert.equal(after('x++', 3).state, 'unhealthy');
    assert.equal(after('x+++', 3).state, 'healthy');
  });

  it('waits for the number of fails in the configuration, also after refusals', () => {
    const configured = { ...thresholds, fails: 3, failsAfterRefusal: undefined as unknown as number };
    assert.equal(after('+rxx', 1, configured).state, 'healthy');
    assert.equal(after('+rxxx', 1, configured).state, 'unhealthy');
  });

  it('changes only after as many results in a row as its threshold says', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (results) => {
        let health: Health = unknownHealth;
        results.forEach((passed, n) => {
          const before = health.state;
          health = nextHealth(health, passed ? 'passed' : 'failed', thresholds);
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

describe('how long after a check the next one follows', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('a troubled endpoint is checked every 250 ms, give or take a fifth', () => {
    fc.assert(
      fc.property(chance, fc.integer({ min: 250, max: 600_000 }), (at, intervalMs) => {
        const pauseMs = checkPauseMs('troubled', { intervalMs, troubled: 1, chance: at });
        assert.ok(pauseMs >= 200 && pauseMs <= 300, `${pauseMs}`);
      }),
    );
  });

  it('another endpoint is checked at the interval of the configuration, give or take a tenth', () => {
    fc.assert(
      fc.property(chance, fc.integer({ min: 1, max: 600_000 }), (at, intervalMs) => {
        const pauseMs = checkPauseMs('usual', { intervalMs, troubled: 500, chance: at });
        assert.ok(pauseMs >= 0.9 * intervalMs && pauseMs <= 1.1 * intervalMs, `${pauseMs}`);
      }),
    );
  });

  it('a check that failed is repeated after half of the interval, give or take a tenth, while the endpoint is healthy', () => {
    fc.assert(
      fc.property(chance, fc.integer({ min: 1, max: 600_000 }), (at, intervalMs) => {
        const pauseMs = checkPauseMs('failing', { intervalMs, troubled: 500, chance: at });
        assert.ok(pauseMs >= 0.45 * intervalMs && pauseMs <= 0.55 * intervalMs, `${pauseMs}`);
      }),
    );
  });

  it('the pause is never longer than the interval of the configuration, nor so short that all troubled endpoints make 1,000 checks a second', () => {
    fc.assert(
      fc.property(chance, fc.integer({ min: 1, max: 2048 }), (at, troubled) => {
        const pauseMs = checkPauseMs('troubled', { intervalMs: 5000, troubled, chance: at });
        assert.ok(pauseMs <= 1.2 * 5000 && (troubled * 1000) / pauseMs <= 1010, `${pauseMs} for ${troubled}`);
      }),
    );
    assert.ok(checkPauseMs('troubled', { intervalMs: 40, troubled: 1, chance: 0.5 }) === 40);
  });
});
