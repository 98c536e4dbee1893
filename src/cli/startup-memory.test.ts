import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapStatistics } from 'node:v8';
import { releaseMemory } from '../system/system.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { releaseStartupMemory } from './startup-memory.ts';

function forgetting() {
  const clock = new SimulatedClock();
  const forgotten: number[] = [];
  const startedAt = clock.now();
  const timer = releaseStartupMemory(clock, () => void forgotten.push(clock.now() - startedAt));
  return { clock, forgotten, timer };
}

test('what the start has left is forgotten once, a while after it', () => {
  const { clock, forgotten } = forgetting();
  clock.advanceSync(1499);
  assert.deepEqual(forgotten, []);
  clock.advanceSync(60_000);
  assert.deepEqual(forgotten, [1500]);
});

test('a gateway that has ended before has nothing to forget', () => {
  const { clock, forgotten, timer } = forgetting();
  timer.cancel();
  clock.advanceSync(60_000);
  assert.deepEqual(forgotten, []);
});

test('memory that is given back is room that V8 does not keep', () => {
  let made: object[] | null = Array.from({ length: 300_000 }, (_, index) => ({ index, text: `number ${index}` }));
  const whileHeld = getHeapStatistics().total_heap_size;
  assert.equal(made.length, 300_000);
  made = null;
  releaseMemory();
  const { total_heap_size: bytes, used_heap_size: used } = getHeapStatistics();
  assert.ok(bytes < whileHeld - 10 * 1024 * 1024, `${whileHeld} bytes before, ${bytes} after`);
  assert.ok(bytes - used < 4 * 1024 * 1024, `${bytes - used} bytes that nobody uses`);
});
