import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { WorkerHandle } from './worker-handle.ts';
import { SupervisedWorker } from './supervised-worker.ts';

const serving = { state: 'serving' } as unknown as WorkerHandle;

test('a worker that ran stably is replaced at once, and one that failed early after growing pauses', async () => {
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
  assert.equal(lose(), 1000, 'a stable worker ends the row of failures; the next failure is the second of a new row');
});

test('no replacement is due after a worker has started or the supervision has stopped', async () => {
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
