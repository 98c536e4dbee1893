import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMain } from './run-main.ts';

/** A sixth more than was measured when this was written. Where it is: `npm run bench:stages -- --allocation`. */
const octetsMax = 2300;

test('a small GET allocates no more than it did', async () => {
  const octets = Number(await runMain('allocation-main.ts', []));
  assert.ok(octets > 0);
  assert.ok(octets <= octetsMax, `${octets} octets for each exchange`);
});
