import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countsNow, sharedCounts } from './worker-counts.ts';

test('a copy of the counts can be sent to another thread, has the active exchanges, and does not change', () => {
  const memory = new SharedArrayBuffer(4);
  const counts = sharedCounts(3, memory);
  counts.exchangesActive += 2;
  counts.clientConnections = 5;
  const now = countsNow(counts);
  counts.exchangesActive--;
  const { worker, exchangesActive, clientConnections } = structuredClone(now);
  assert.deepEqual([worker, exchangesActive, clientConnections], [3, 2, 5]);
  assert.equal(new Int32Array(memory)[0], 1, 'the main thread reads it in shared memory after the thread has ended');
});
