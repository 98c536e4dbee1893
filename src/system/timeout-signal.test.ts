import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { timeoutSignal } from './timeout-signal.ts';

test('a signal aborts after parts of a millisecond, and after no time', async () => {
  for (const ms of [0.25, 0, -1]) {
    const signal = timeoutSignal(ms);
    // The signal's own timer keeps nothing alive.
    const alive = setInterval(() => {}, 1000);
    if (!signal.aborted) await once(signal, 'abort');
    clearInterval(alive);
    assert.equal((signal.reason as Error).name, 'TimeoutError');
  }
});

test('a signal waits for a time that is longer than a timer can count', async () => {
  const signal = timeoutSignal(2 ** 33 + 0.5);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(signal.aborted, false);
});
