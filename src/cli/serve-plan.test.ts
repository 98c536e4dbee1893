import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { fewDescriptorsText, releaseStartupMemory } from './serve-plan.ts';
import { getHeapStatistics } from 'node:v8';
import { releaseMemory } from '../system/system.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';

function configuration(workers: number | null, listeners: number): Configuration {
  return { workers: { count: workers }, listeners: Array.from({ length: listeners }) } as unknown as Configuration;
}

for (const [workers, listeners, needed] of [
  // Measured: a gateway starts with this number of descriptors, and does not with one less.
  [1, 1, 35],
  [2, 1, 42],
  [4, 1, 56],
  [1, 3, 37],
  [2, 3, 46],
] as const)
  test(`${workers} workers with ${listeners} listeners need ${needed} descriptors, and room for clients; with fewer the start is refused and says what to do`, () => {
    const text = fewDescriptorsText(configuration(workers, listeners), needed - 1);
    assert.equal(
      text,
      `This process may have ${needed - 1} files open, and a start with workers: ${workers} takes about ${needed}. ` +
        'Set LimitNOFILE=4096 in the unit of the gateway (`ulimit -n 4096` in the shell that starts it).',
    );
    // The reserve of such a limit is 16, and eight clients are the fewest.
    const enough = needed + 16 + 8;
    for (const limit of [needed, enough - 1])
      assert.equal(
        fewDescriptorsText(configuration(workers, listeners), limit),
        `This process may have ${limit} files open, and a start with workers: ${workers} takes about ${needed}; ` +
          'since 16 stay free of clients, hardly any client would be served. ' +
          'Set LimitNOFILE=4096 in the unit of the gateway (`ulimit -n 4096` in the shell that starts it).',
      );
    assert.equal(fewDescriptorsText(configuration(workers, listeners), enough), null);
  });

test('without a number of workers there is one for each core; where no limit is known there is nothing to say', () => {
  assert.match(fewDescriptorsText(configuration(null, 1), 30, 4) ?? '', /workers: 4 takes about 56/);
  assert.equal(fewDescriptorsText(configuration(1, 1), null), null);
});

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
  // The tests before have left holes in pages, and V8 keeps its young generation: these are a few MiB, what was released is some 30.
  assert.ok(bytes - used < 12 * 1024 * 1024, `${bytes - used} unused bytes`);
});
