import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapStatistics } from 'node:v8';
import { releaseMemory } from '../system/system.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { releaseStartupMemory } from './startup-memory.ts';

function startedGateway() {
  const clock = new SimulatedClock();
  const released: number[] = [];
  const startedAt = clock.now();
  const timer = releaseStartupMemory(clock, () => void released.push(clock.now() - startedAt));
  return { clock, released, timer };
}

test('memory of the start is released once, a while after it', () => {
  const { clock, released } = startedGateway();
  clock.advanceSync(1499);
  assert.deepEqual(released, []);
  clock.advanceSync(60_000);
  assert.deepEqual(released, [1500]);
});

test('a gateway that ended before that releases nothing', () => {
  const { clock, released, timer } = startedGateway();
  timer.cancel();
  clock.advanceSync(60_000);
  assert.deepEqual(released, []);
});

test('released memory is given back to the system, not kept by V8', () => {
  let made: object[] | null = Array.from({ length: 300_000 }, (_, index) => ({ index, text: `number ${index}` }));
  const whileHeld = getHeapStatistics().total_heap_size;
  assert.equal(made.length, 300_000);
  made = null;
  releaseMemory();
  const { total_heap_size: bytes, used_heap_size: used } = getHeapStatistics();
  assert.ok(bytes < whileHeld - 10 * 1024 * 1024, `${whileHeld} bytes before, ${bytes} after`);
  assert.ok(bytes - used < 4 * 1024 * 1024, `${bytes - used} unused bytes`);
});
