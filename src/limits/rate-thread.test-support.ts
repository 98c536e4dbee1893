import { workerData } from 'node:worker_threads';
import { RateTable, type TablePolicy } from './rate-table.ts';
import { SharedWords } from './shared-words.ts';

/** What a thread of the test is born with. */
export interface RateThreadInit {
  readonly memory: SharedArrayBuffer;
  readonly policy: TablePolicy;
  /** Of entries that are over at once: they come and go between those of the keys. */
  readonly passing: TablePolicy;
  /** How many requests of each key were admitted, by all threads; then how many threads have begun, then how many are done. */
  readonly counts: SharedArrayBuffer;
  readonly keys: number;
  readonly threads: number;
  readonly rounds: number;
}

const { memory, policy, passing, counts, keys, threads, rounds } = workerData as RateThreadInit;
const admitted = new Int32Array(counts);
const table = new RateTable(new SharedWords(memory), memory.byteLength);

// All begin together.
Atomics.add(admitted, keys, 1);
Atomics.notify(admitted, keys);
for (let seen = Atomics.load(admitted, keys); seen < threads; seen = Atomics.load(admitted, keys))
  Atomics.wait(admitted, keys, seen, 1000);

for (let round = 0; round < rounds; round++) {
  for (let key = 0; key < keys; key++) {
    if (table.take(policy, `key ${key}`, 1, 1000) >= 0) Atomics.add(admitted, key, 1);
    table.take(passing, `passing ${(round * 7 + key) % 97}`, 1, 1000 + round * 10);
  }
}
Atomics.add(admitted, keys + 1, 1);
