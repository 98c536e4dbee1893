// Only `npm run test:complete` runs this file: it upgrades gateways on a terminal. `npm test` has `upgrade.test.ts`.
// Starts processes: an upgrade replaces a process, and a terminal has a process group.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { GatewayProgram, isAlive } from './gateway-program.ts';

const hasTerminals = spawnSync('script', ['--version']).status === 0;

describe('on a terminal', { skip: hasTerminals ? false : '`script` is not installed, which makes a terminal' }, () => {
  let program: GatewayProgram;

  beforeEach(async () => {
    program = new GatewayProgram('', 0, true);
    await program.serves();
  });

  afterEach(() => program.end());

  test('Ctrl-C ends a gateway that was upgraded twice, and the shell sees its end', async () => {
    const pids: number[] = [];
    for (let upgrade = 0; upgrade < 2; upgrade += 1) {
      const { pid } = await program.status();
      pids.push(pid);
      const { lines } = await program.upgrade();
      assert.equal(lines.at(-1)?.outcome, 'done');
      const successor = lines.at(-1)?.pid;
      await program.until(async () => program.stderr.includes(`Process ${successor} serves in this terminal now`));
    }
    const { pid: last } = await program.status();
    assert.deepEqual([...pids, last].map(isAlive), [true, true, true]);
    assert.equal(program.child.exitCode, null);
    program.child.stdin?.write('\u0003');
    assert.equal(await program.exited, 0, program.stderr);
    assert.deepEqual([...pids, last].map(isAlive), [false, false, false]);
  });

  test('SIGTERM to the process that the shell knows reaches the serving process, and its exit code comes back', async () => {
    const { pid: first } = await program.status();
    const { lines } = await program.upgrade();
    const successor = lines.at(-1)?.pid as number;
    await program.until(async () => program.stderr.includes(`Process ${successor} serves in this terminal now`));
    process.kill(first, 'SIGTERM');
    assert.equal(await program.exited, 0, program.stderr);
    assert.equal(isAlive(successor), false);
  });
});
