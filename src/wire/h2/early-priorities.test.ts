import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EarlyPriorities } from './session-stream.ts';
import { h2Limits } from './limits.ts';

const { streamsMax } = h2Limits;

function noted(count: number, open: number): { early: EarlyPriorities; accepted: boolean } {
  const early = new EarlyPriorities();
  let accepted = true;
  for (let index = 0; index < count; index++) accepted &&= early.note(2 * index + 1, 'u=1', 1, open);
  return { early, accepted };
}

test('the last word about a stream is kept until it is taken, once', () => {
  const early = new EarlyPriorities();
  early.note(5, 'u=1', 1, 0);
  early.note(5, 'u=2', 1, 0);
  assert.deepEqual([early.take(3), early.take(5), early.take(5)], [null, 'u=2', null]);
});

test('a long word says nothing', () => {
  const early = new EarlyPriorities();
  assert.equal(early.note(5, `u=1${' '.repeat(100)}`, 1, 0), true);
  assert.equal(early.take(5), null);
});

test('words are taken about as many streams as may be open, with those that are', () => {
  assert.equal(noted(streamsMax, 0).accepted, true);
  assert.equal(noted(streamsMax + 1, 0).accepted, false);
  assert.equal(noted(streamsMax - 28, 28).accepted, true);
  assert.equal(noted(streamsMax - 27, 28).accepted, false);
});

test('streams that were passed by do not count', () => {
  const { early } = noted(streamsMax, 0);
  const next = 2 * streamsMax + 1;
  assert.equal(early.note(next, 'u=1', 3, 0), true, 'stream 1 will not come');
  assert.deepEqual([early.take(1), early.take(3), early.take(next)], [null, 'u=1', 'u=1']);
});
