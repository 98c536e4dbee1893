import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMain } from './run-main.ts';

/**
 * A tenth more than the usual figure, which is 1,620 to 1,750: what V8 inlines, and so need not allocate, differs from run to run.
 * `npm run bench:stages -- --allocation` shows where the bytes are allocated.
 */
const bytesMax = 1850;

test('a small GET allocates no more bytes than its limit', async () => {
  const bytes = Number(await runMain('allocation-main.ts', []));
  assert.ok(bytes > 0);
  assert.ok(bytes <= bytesMax, `${bytes} bytes for each exchange`);
});
