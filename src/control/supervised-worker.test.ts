import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { WorkerHandle } from './worker-handle.ts';
import { SupervisedWorker } from './supervised-worker.ts';

const serving = { state: 'serving' } as unknown as WorkerHandle;

test('a post is filled again at once where its worker has lasted, and after growing pauses where it has not', async () => {
  const clock = new SimulatedClock();
  const supervised = new SupervisedWorker(clock);
  let due = 0;
  const lose = (): number => {
    supervised.worker = { state: 'lost' } as unknown as WorkerHandle;
    return supervised.scheduleReplacement(() => (due += 1)).afterMs;
  };
  const pauses: number[] = [];
  for (let time = 1; time <= 8; time++) {
    supervised.assign(serving);
    assert.equal(supervised.isDue, false);
    const pauseMs = lose();
    pauses.push(pauseMs);
    assert.equal(supervised.isDue, false, 'not before its pause is over');
    await clock.advance(pauseMs);
    assert.equal(due, time);
    assert.equal(supervised.isDue, true);
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  supervised.assign(serving);
  await clock.advance(10_000);
  assert.equal(lose(), 0);
  await clock.advance(0);
  assert.equal(due, 9);
  supervised.assign(serving);
  assert.equal(lose(), 1000, 'one that lasted ends a row; the next failure is the second in a new one');
});

test('a post that is filled, or given up, is not due any more', async () => {
  const clock = new SimulatedClock();
  const supervised = new SupervisedWorker(clock);
  let due = 0;
  supervised.scheduleReplacement(() => (due += 1));
  supervised.assign(serving);
  await clock.advance(60_000);
  supervised.scheduleReplacement(() => (due += 1));
  supervised.cancelReplacement();
  await clock.advance(60_000);
  assert.equal(due, 0);
});
