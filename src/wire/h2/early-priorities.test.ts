import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EarlyPriorities } from './early-priorities.ts';
import { h2Limits } from './limits.ts';

test('the last word about a stream is kept until it is taken, once', () => {
  const early = new EarlyPriorities();
  early.note(5, 'u=1');
  early.note(5, 'u=2');
  assert.deepEqual([early.take(3), early.take(5), early.take(5)], [null, 'u=2', null]);
});

test('words about many streams, and long ones, take no memory', () => {
  const early = new EarlyPriorities();
  for (let count = 0; count <= h2Limits.streamsMax; count++) early.note(2 * count + 1, 'u=1');
  early.note(999, `u=1${' '.repeat(100)}`);
  assert.deepEqual([early.take(1), early.take(3), early.take(999)], [null, 'u=1', null]);
});
