import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerExitOf } from './worker-exit.ts';

const outOfMemory = Object.assign(new Error('Worker terminated due to reaching memory limit: JS heap out of memory'), {
  code: 'ERR_WORKER_OUT_OF_MEMORY',
});

const table: readonly [thrown: unknown, why: string, code: string | null, threw: RegExp][] = [
  [new RangeError('on purpose'), 'it threw RangeError', null, /^RangeError: on purpose at .*worker-exit\.test/],
  [outOfMemory, 'it ran out of memory (workers.memory_max)', 'ERR_WORKER_OUT_OF_MEMORY', /^Error: Worker terminated/],
  ['a text', 'it threw', null, /^a text$/],
  [undefined, 'it threw', null, /^undefined$/],
];

for (const [thrown, why, code, threw] of table) {
  test(`describes the exit of a thread that threw ${String(thrown)}`, () => {
    const end = workerExitOf(thrown);
    assert.deepEqual([end.why, end.code], [why, code]);
    assert.match(end.threw ?? '', threw);
    assert.doesNotMatch(end.threw ?? '', /\n/);
  });
}
