import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMain } from './run-main.ts';

/** A sixth more than the measured figure. `npm run bench:stages -- --allocation` shows where the bytes are allocated. */
const bytesMax = 1770;

test('a small GET allocates no more bytes than its limit', async () => {
  const bytes = Number(await runMain('allocation-main.ts', []));
  assert.ok(bytes > 0);
  assert.ok(bytes <= bytesMax, `${bytes} bytes for each exchange`);
});
