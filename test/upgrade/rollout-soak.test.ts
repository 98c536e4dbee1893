// Only `npm run test:complete` runs this file: it is a soak. `npm test` has `releases.test.ts`, which upgrades during a rollout.
// Starts processes: the soak upgrades a gateway.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rolloutSoak } from './rollout-soak.ts';

// The short form of `npm run soak:rollouts`; docs/development/testing.md has its promises.

test('a rollout goes on through reloads, upgrades and lost workers, and no client notices', async () => {
  const { requests, rollouts, broken } = await rolloutSoak({
    ...{ reloads: 4, upgrades: 1, kills: 1, rate: 60, seed: 'suite' },
  });
  assert.deepEqual(broken, []);
  assert.ok(requests > 300, `${requests} requests`);
  assert.ok(rollouts > 0);
});
