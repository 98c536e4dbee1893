import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soakMixed } from './mixed-soak.ts';

// The short form of `npm run soak:mixed`; docs/development/testing.md has its promises.

test('after all failures at once, counters, log and clients agree, and no resource is left', async () => {
  const seed = 'suite';
  const figures = await soakMixed({ seconds: 10, rate: 60, seed, reloadEveryMs: 2500, killEveryMs: 4000 });
  assert.deepEqual(
    figures.broken,
    [],
    `${figures.agreement.examples.slice(0, 5).join('\n')}\nonce more: --seed ${seed}`,
  );
  assert.ok(figures.requests > 300, `${figures.requests} requests`);
  assert.ok(figures.reloads > 0 && figures.kills > 0, `${figures.reloads} reloads, ${figures.kills} workers ended`);
});
