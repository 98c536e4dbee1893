// Starts processes: the outputs of a process are full or closed.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { candorProgram } from '../program.ts';

const skip = process.platform === 'linux' ? false : 'there is no /dev/full';

/** Far longer than a start takes on a busy machine. */
const waitMs = 60_000;

describe('a gateway continues to serve if its standard error', { skip }, () => {
  let folder: string;
  let port: number;
  let gateway: ChildProcess | null;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-unwritable-'));
    port = await freePort();
    writeFileSync(
      join(folder, 'candor.yaml'),
      `listeners: { http: "127.0.0.1:${port}" }\nworkers: 1\nstate: none\nroutes: [{ path: /, respond: { status: 200, body: here } }]\n`,
    );
  });

  afterEach(async () => {
    if (gateway?.exitCode === null) {
      gateway.kill('SIGKILL');
      await once(gateway, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  test('is on a full disk', async () => {
    const full = openSync('/dev/full', 'w');
    gateway = start(full);
    closeSync(full);
    await servesThroughReloads();
  });

  test('has lost its reader', async () => {
    gateway = start('pipe');
    gateway.stderr?.once('data', () => gateway?.stderr?.destroy());
    await servesThroughReloads();
  });

  function start(stderr: number | 'pipe'): ChildProcess {
    const args = [candorProgram, 'up', '-c', join(folder, 'candor.yaml')];
    return spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', stderr] });
  }

  /** Each reload writes an event. */
  async function servesThroughReloads(): Promise<void> {
    await until(async () => (await status()) === 200);
    for (let time = 0; time < 3; time++) {
      gateway?.kill('SIGHUP');
      await sleep(50);
      assert.equal(await status(), 200);
    }
    gateway?.kill('SIGTERM');
    const [code] = (await once(gateway as ChildProcess, 'exit')) as [number | null];
    assert.equal(code, 0);
  }

  async function status(): Promise<number> {
    const request = get({ host: '127.0.0.1', port, agent: false });
    const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    response.resume();
    return response.statusCode ?? 0;
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    for (const giveUpAt = performance.now() + waitMs; performance.now() < giveUpAt; await sleep(50)) {
      assert.equal(gateway?.exitCode, null, 'it has not ended');
      if (await holds().catch(() => false)) return;
    }
    assert.fail('it does not serve');
  }
});

test('a reader that reads late gets a whole result', () => {
  // A pipe holds 64 KiB; the schema has more than twice as much. The reader begins when the command has had time to end.
  const line = '"$0" "$1" schema | (sleep 2; cat)';
  const printed = execFileSync('sh', ['-c', line, process.execPath, candorProgram], { maxBuffer: 1e7 });
  assert.ok(printed.length > 131_072, `${printed.length} bytes`);
  assert.equal(JSON.parse(printed.toString('utf8')).type, 'object');
});
