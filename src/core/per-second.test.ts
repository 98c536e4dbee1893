import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { PerSecond } from './per-second.ts';

test('something is done as often in a second as is allowed, and again in the next one', () => {
  const clock = new SimulatedClock();
  const bound = new PerSecond(clock, 3);
  const taken = (): boolean[] => Array.from({ length: 4 }, () => bound.take());
  assert.deepEqual(taken(), [true, true, true, false]);
  clock.advanceSync(999);
  assert.deepEqual(taken(), [false, false, false, false]);
  clock.advanceSync(1);
  assert.deepEqual(taken(), [true, true, true, false]);
});
