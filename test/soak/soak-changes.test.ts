// Only `npm run test:complete` runs this file: it is a soak with reloads, kills and an upgrade. `npm test` has tests of each of
// these, and the parts of soaks (`soak-parts.test.ts`).
// Starts processes: the soak is a program in a network of its own.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { mayHaveOwnNetwork } from './may-have-own-network.ts';

// The short form of `npm run soak:changes`; docs/development/testing.md has its promises.

test('clients notice no reload and no upgrade, and a worker that ends loses only its own exchanges', (context) => {
  if (!mayHaveOwnNetwork()) return context.skip('this machine allows no network namespace (unshare -n)');
  const words = '--reloads 2 --kills 2 --upgrades 1 --rate 60 --rest 300 --seed suite --json -'.split(' ');
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'run-changes.ts'), ...words], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  });
  assert.equal(run.status, 0, run.stderr);
  const { requests, processes } = JSON.parse(run.stdout) as { requests: number; processes: number };
  assert.ok(requests > 300, `${requests} requests`);
  assert.equal(processes, 2);
});
