// Only `npm run test:complete` runs this file: it upgrades a gateway with an overlay. `npm test` has `upgrade.test.ts`, and
// restarts in `test/gateway/overlay.test.ts`.
// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { OverlayStatus } from '../../src/core/schemas/status.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { GatewayProgram } from './gateway-program.ts';

// Changes that operators make at run time outlive the process that received them.

describe('the overlay during an upgrade of the gateway', () => {
  let program: GatewayProgram;

  beforeEach(async () => {
    program = new GatewayProgram();
    await program.serves();
  });

  afterEach(() => program.end());

  const candor = async (...words: string[]): Promise<{ code: number; err: string }> => {
    const context = new FakeProcessContext(program.folder);
    return { code: await context.candor(...words), err: context.stderr.text };
  };
  const overlay = async (): Promise<OverlayStatus> => (await program.ask('GET', '/v1/overlay')) as OverlayStatus;

  test('moves to the new process, and takes no change during the upgrade', async () => {
    assert.deepEqual(await candor('weight', 'web/1', '3'), { code: 0, err: '' });
    const before = await overlay();
    assert.deepEqual([before.revision, before.persisted], [1, true]);

    let refused: Promise<{ code: number; err: string }> | null = null;
    const { lines } = await program.upgrade(50, ({ step }) => {
      if (step === 'starting') refused ??= candor('restore');
    });
    assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines));
    assert.ok(refused !== null);
    const { code, err } = await (refused as Promise<{ code: number; err: string }>);
    assert.equal(code, 10);
    assert.match(err, /^An upgrade is in progress/);

    await program.until(async () => (await program.status()).pid === lines.at(-1)?.pid);
    assert.deepEqual(await overlay(), before);
    await program.until(async () => (await candor('restore')).code === 0);
    assert.deepEqual((await overlay()).entries, []);
  });

  test('pauses requests in the old process until the pause is restored in the new one', async () => {
    assert.equal((await candor('pause', 'web', '--for', '60s')).code, 0);
    const waiting = program.get('/');
    await program.until(async () => {
      const { workers } = (await program.ask('GET', '/v1/status')) as { workers: Record<string, number>[] };
      return workers.some((worker) => (worker['exchanges_active'] ?? worker['exchangesActive'] ?? 0) > 0);
    });
    const { lines } = await program.upgrade();
    assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines));
    await program.until(async () => (await program.status()).pid === lines.at(-1)?.pid);
    await program.until(async () => (await candor('restore')).code === 0);
    assert.equal((await waiting).status, 200);
    assert.equal((await program.get('/')).status, 200);
  });

  test('stays with the old process if the upgrade fails, and takes changes again', async () => {
    assert.equal((await candor('drain', 'web/1')).code, 0);
    program.install('process.exit(1);\n');
    const { lines } = await program.upgrade();
    assert.equal(lines.at(-1)?.outcome, 'failed');
    assert.equal((await overlay()).entries.length, 1);
    assert.equal((await candor('restore')).code, 0);
    await program.until(async () => (await program.get('/')).status === 200);
  });
});
