import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { MemoryWatch } from './memory-watch.ts';

/** A worker with a limit of 1000 bytes. */
function watched() {
  const clock = new SimulatedClock();
  const memory = { live: 0, rubbish: 0, external: 0, collections: 0 };
  const heard: string[] = [];
  const startedAt = clock.now();
  const watch = new MemoryWatch({
    clock,
    bytesMax: 1000,
    use: () => ({ heapBytes: memory.live + memory.rubbish, externalBytes: memory.external }),
    collect: () => {
      memory.collections++;
      memory.rubbish = 0;
    },
    onChange: (failure) => void heard.push(`${failure?.cause ?? 'over'} ${clock.now() - startedAt}`),
  });
  watch.begin();
  return { clock, memory, heard };
}

test('near the limit new requests are refused, until usage is clearly below the limit', () => {
  const { clock, memory, heard } = watched();
  memory.live = 849;
  clock.advanceSync(2000);
  assert.deepEqual(heard, []);
  memory.live = 850;
  clock.advanceSync(1000);
  assert.deepEqual(heard, ['shed 3000']);
  memory.live = 751;
  clock.advanceSync(10_000);
  assert.deepEqual(heard, ['shed 3000']);
  memory.live = 749;
  clock.advanceSync(1000);
  assert.deepEqual(heard, ['shed 3000', 'over 14000']);
});

test('buffers outside the heap count like objects', () => {
  const { clock, memory, heard } = watched();
  memory.live = 100;
  memory.external = 800;
  clock.advanceSync(1000);
  assert.deepEqual(heard, ['shed 1000']);
});

test('garbage alone causes no overload, and is not collected at every check', () => {
  const { clock, memory, heard } = watched();
  memory.live = 700;
  for (let second = 0; second < 20; second++) {
    memory.rubbish += 100;
    clock.advanceSync(1000);
  }
  assert.deepEqual(heard, []);
  assert.ok(memory.collections >= 3 && memory.collections <= 8, `${memory.collections} collections`);
});

test('a worker whose remaining memory is garbage stops shedding', () => {
  const { clock, memory, heard } = watched();
  memory.live = 900;
  clock.advanceSync(1000);
  memory.live = 10;
  memory.rubbish = 890;
  clock.advanceSync(6000);
  assert.equal(heard.length, 2);
});
