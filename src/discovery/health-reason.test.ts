import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Health } from '../policy/health.ts';
import { healthReason } from './health-reason.ts';

const thresholds = { passes: 3, passesAfterRefusal: 2, fails: 3, failsAfterRefusal: 2 };

// Every state with what its last check can have found: no sentence puts a state beside an observation that denies it.
const table: readonly (readonly [health: Health, found: string, reason: string])[] = [
  [{ state: 'unknown' }, '', 'its first check is not back yet'],
  [{ state: 'healthy', failsInRow: 0, refusals: 0 }, 'accepts connections', 'accepts connections'],
  [
    { state: 'healthy', failsInRow: 1, refusals: 0 },
    'answered 500',
    'its last check failed (answered 500), 1 of 3 in a row that take it out',
  ],
  [
    { state: 'healthy', failsInRow: 0, refusals: 1 },
    'accepts connections',
    'a request was refused a connection; a check follows at once',
  ],
  [
    { state: 'healthy', failsInRow: 1, refusals: 1 },
    'nothing listens there',
    'its last check failed (nothing listens there), 1 of 2 in a row that take it out',
  ],
  [{ state: 'unhealthy', passesInRow: 0, refuses: false }, 'answered 500', 'answered 500'],
  [
    { state: 'unhealthy', passesInRow: 1, refuses: false },
    'answered 200',
    'its last check passed (answered 200), 1 of 3 in a row that bring it back',
  ],
  [
    { state: 'unhealthy', passesInRow: 1, refuses: true },
    'accepts connections',
    'its last check passed (accepts connections), 1 of 2 in a row that bring it back',
  ],
];

for (const [health, found, reason] of table) {
  const row = 'failsInRow' in health ? health.failsInRow : 'passesInRow' in health ? health.passesInRow : 0;
  test(`${health.state} after "${found}", the ${row} of its row, says: ${reason}`, () => {
    assert.equal(healthReason(health, found, thresholds), reason);
  });
}
