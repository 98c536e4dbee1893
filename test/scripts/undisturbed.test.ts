import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undisturbed } from '../undisturbed.ts';

/** Holds this thread up. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('a body that fails while the process is held up runs again', async () => {
  let attempts = 0;
  await undisturbed(async () => {
    if (++attempts > 1) return;
    block(300);
    assert.fail('the time limit of a gateway passed');
  });
  assert.equal(attempts, 2);
});

test('a body that fails each time fails, with its own error', async () => {
  let attempts = 0;
  const body = async (): Promise<void> => {
    attempts++;
    block(300);
    throw new RangeError('a defect');
  };
  await assert.rejects(undisturbed(body), new RangeError('a defect'));
  assert.equal(attempts, 4);
});

test('a body that holds runs once, even if the process is held up', async () => {
  let attempts = 0;
  await undisturbed(async () => {
    attempts++;
    block(300);
  });
  assert.equal(attempts, 1);
});
