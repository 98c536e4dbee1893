import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ratePolicy } from './gcra.ts';
import { rateTableBytes, seedAt } from './rate-layout.ts';
import { RateTable } from './rate-table.ts';
import type { RateThreadInit } from './rate-thread.test-support.ts';
import { SharedWords } from './shared-words.ts';

const threadFile = new URL('./rate-thread.test-support.ts', import.meta.url);
const [threads, keys, burst] = [3, 24, 500];

describe('threads that share a table of rates', { timeout: 60_000 }, () => {
  it('admit of each key exactly its burst, while entries of others come and go between them, and one thread is killed', async () => {
    const memory = new SharedArrayBuffer(rateTableBytes(512));
    const words = new SharedWords(memory);
    words.store(seedAt, 5);
    const table = new RateTable(words, memory.byteLength);
    const policies = [ratePolicy(1, 86_400_000, burst), ratePolicy(1000, 1000, 1)].map((policy, number) => {
      table.setPolicy(number, policy);
      return { ...policy, number, salt: number };
    });
    const counts = new SharedArrayBuffer(4 * (keys + 2));
    const init: RateThreadInit = {
      ...{ memory, counts, keys, threads, rounds: 2 * burst },
      ...{ policy: policies[0]!, passing: policies[1]! },
    };
    const all = Array.from({ length: threads }, () => new Worker(threadFile, { workerData: init }));
    const exits = all.map((thread) => once(thread, 'exit'));
    const admitted = new Int32Array(counts);
    while (Atomics.load(admitted, 0) < burst / 10) await new Promise(setImmediate);
    await all[0]?.terminate();
    await Promise.all(exits);
    assert.ok(Atomics.load(admitted, keys + 1) >= threads - 1, 'the others went on to their end');
    assert.deepEqual(table.counts, { evicted: 0, untracked: 0 });
    const perKey = [...admitted.subarray(0, keys)];
    // A thread that is killed may have counted a request that it has not reported.
    assert.ok(
      perKey.every((count) => count <= burst),
      perKey.join(' '),
    );
    assert.ok(perKey.reduce((sum, count) => sum + count, 0) >= keys * burst - 1, perKey.join(' '));
  });
});
