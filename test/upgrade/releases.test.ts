// Starts processes: an upgrade replaces the process of the gateway, and a kill ends it.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProgram } from './gateway-program.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { killDuringRollout, sweepMs } from './release-kill-sweep.ts';

let gateway: GatewayProgram;
afterEach(() => gateway?.end());

const version = (name: string): string => `require('node:http').createServer((_, response) => response.end('${name}'))
  .listen(process.env.PORT, '127.0.0.1');`;

interface Shown {
  readonly in_force: string;
  readonly rollout: {
    readonly state: string;
    readonly share: number;
    readonly judgement: { readonly fresh: { readonly requests: number } };
  } | null;
}

test('an upgrade during a rollout goes on with it, at the same share and with what was seen', async () => {
  gateway = new GatewayProgram('workers: 1\n');
  gateway.configure('workers: 1\n', '    releases: { strategy: canary, steps: [50% 1h], bake: 1s }\n');
  await gateway.serves();
  const folder = join(gateway.folder, 'next');
  mkdirSync(folder);
  writeFileSync(join(folder, 'application.cjs'), version('next'));
  const answers = new Map<string, number>();
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const { status, text } = await gateway.get('/');
      const key = `${status} ${text === 'next' ? 'next' : 'first'}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
      await sleep(15);
    }
  })();
  const shown = async (): Promise<Shown> =>
    ((await gateway.ask('GET', '/v1/releases')) as { applications: Shown[] }).applications[0] as Shown;
  await gateway.ask('POST', '/v1/releases/deploy', { application: 'web', from: { kind: 'folder', path: folder } });
  await gateway.until(async () => ((await shown()).rollout?.judgement.fresh.requests ?? 0) > 20);
  const before = await shown();
  const { lines } = await gateway.upgrade();
  assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines.at(-1)));
  const after = await shown();
  assert.deepEqual([after.rollout?.state, after.rollout?.share, after.in_force], ['shifting', 0.5, 'r1']);
  const seen = (one: Shown): number => one.rollout?.judgement.fresh.requests ?? 0;
  assert.ok(seen(after) >= seen(before), `${seen(after)} of ${seen(before)} requests`);
  await gateway.ask('POST', '/v1/releases/promote', { application: 'web' });
  await gateway.until(async () => (await shown()).rollout === null);
  assert.equal((await shown()).in_force, 'r2');
  isOver = true;
  await asking;
  assert.deepEqual([...answers.keys()].sort(), ['200 first', '200 next']);
});

test('a gateway that is killed during a rollout runs one of the two releases afterwards', async () => {
  for (const afterMs of sampled([0, 3 * sweepMs, 20 * sweepMs], 3, 1)) {
    const { inForce, answer, wanted } = await killDuringRollout(afterMs);
    assert.deepEqual([answer, inForce], [wanted, inForce], `killed after ${afterMs} ms`);
  }
});
