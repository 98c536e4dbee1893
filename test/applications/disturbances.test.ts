// Starts processes: pieces of a gateway are killed and frozen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { allDisturbances, type Disturbance } from './disturbances.ts';
import { playDisturbances } from './play-disturbances.ts';

// The short form of `npm run soak:disturbances`.

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

const few: readonly Disturbance[] = [
  { operation: 'tick', blow: { kind: 'kill', at: 'gateway' }, afterMs: 300 },
  { operation: 'secret', blow: { kind: 'kill', at: 'gateway' }, afterMs: 40 },
];
/** As many as a test file may take, on a busy machine. */
const many = allDisturbances([0, 150, 400], 5).slice(0, 40);

test('a gateway whose pieces are killed, frozen and starved has everything once afterwards, runs no time of a job twice, and leaves nothing behind', {
  skip,
  timeout: 230_000,
}, async () => {
  const forMs = isWholeSweep ? 180_000 : 60_000;
  const { played, broken } = await playDisturbances(isWholeSweep ? many : few, { forMs });
  assert.deepEqual(broken, []);
  assert.ok(played > 0);
});
