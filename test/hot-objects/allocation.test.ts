import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMain } from './run-main.ts';

/** A sixth more than was measured when this was written. Where it is: `npm run bench:stages -- --allocation`. */
const bytesMax = 1770;

test('a small GET allocates no more than it did', async () => {
  const bytes = Number(await runMain('allocation-main.ts', []));
  assert.ok(bytes > 0);
  assert.ok(bytes <= bytesMax, `${bytes} bytes for each exchange`);
});
