import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapStatistics } from 'node:v8';
import { giveMemoryBack } from '../gateway/system.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { forgetStart } from './memory-of-start.ts';

function forgetting() {
  const clock = new SimulatedClock();
  const forgotten: number[] = [];
  const startedAt = clock.now();
  const timer = forgetStart(clock, () => void forgotten.push(clock.now() - startedAt));
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
  giveMemoryBack();
  const { total_heap_size: octets, used_heap_size: used } = getHeapStatistics();
  assert.ok(octets < whileHeld - 10 * 1024 * 1024, `${whileHeld} octets before, ${octets} after`);
  assert.ok(octets - used < 4 * 1024 * 1024, `${octets - used} octets that nobody uses`);
});
