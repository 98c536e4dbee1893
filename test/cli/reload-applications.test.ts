// Starts processes: commands reload a gateway with applications.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { candorProgram } from '../program.ts';

/** One gateway whose application changes while it runs. Each test continues from the one before. */
describe('a reload with another command', { timeout: 240_000 }, () => {
  let folder: string;
  let gateway: ChildProcess;

  const serving = (name: string): string =>
    `require('node:http').createServer((q, s) => s.end('${name}')).listen(process.env.PORT, '127.0.0.1')`;

  const configure = (script: string): void => {
    const command = JSON.stringify([process.execPath, '-e', script]);
    writeFileSync(
      join(folder, 'candor.yaml'),
      [
        'listeners: { http: "127.0.0.1:0" }',
        'workers: { count: 1 }',
        'state: none',
        'log: { path: none }',
        'admin: { socket: ./candor.sock }',
        `applications: { web: { command: ${command}, readiness: { interval: 50ms, passes: 1 }, restart: { first_delay: 60s } } }`,
        'routes: [{ path: /, to: web }]',
        '',
      ].join('\n'),
    );
  };

  const candor = async (...argv: string[]): Promise<{ code: number; text: string }> => {
    const context = new FakeProcessContext(folder);
    const code = await context.candor(...argv);
    return { code, text: `${context.stdout.text}${context.stderr.text}`.replaceAll(/\s+/g, ' ') };
  };

  const until = async (text: RegExp): Promise<string> => {
    for (let round = 0; ; round++) {
      const { text: seen } = await candor('status');
      if (text.test(seen)) return seen;
      assert.ok(round < 600, `never so: ${seen}`);
      await passTime(100);
    }
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-reload-app-'));
    configure(serving('one'));
    gateway = spawn(process.execPath, [candorProgram, 'up', '-c', 'candor.yaml'], {
      cwd: folder,
      stdio: 'ignore',
    });
    await until(/web\/1 ready/);
  });

  after(async () => {
    const ended = gateway.exitCode === null && gateway.signalCode === null ? once(gateway, 'exit') : null;
    await candor('stop', '--now', '--timeout', '30');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  test('that fails says that the old instance serves, and status shows what runs and the failure', async () => {
    configure('process.exit(3)');
    const { code, text } = await candor('reload');
    assert.equal(code, 0, text);
    assert.match(
      text,
      /Revision 2 is active\. Changed: applications \(web\)\. web: .*; web\/1 of the earlier configuration serves meanwhile\./,
    );
    const seen = await until(/web\/2 backing off/);
    assert.match(
      seen,
      /PROBLEMS ✖ web: the new instance web\/2 is not ready: .*code 3.*; web\/1 of the earlier configuration serves/,
    );
    assert.match(seen, /web\/1 ready .* from the earlier configuration, runs \S+ -e require/);
  });

  test('with --wait ends with 5 if the new instance fails', async () => {
    configure('process.exit(4)');
    const { code, text } = await candor('reload', '--wait');
    assert.equal(code, 5, text);
    assert.match(
      text,
      /web: the new instance web\/3 is not ready: .*code 4.*; web\/1 of the earlier configuration serves/,
    );
  });

  test('with --wait ends with 5 again when nothing has changed since', async () => {
    const { code, text } = await candor('reload', '--wait');
    assert.equal(code, 5, text);
    assert.match(
      text.replaceAll(/\s+/g, ' '),
      /Nothing has changed\. Instances go on with the program .* another value under `environment`/,
    );
    assert.match(text, /Nothing has changed\..*web: the new instance web\/3 is not ready/);
  });

  for (const flags of [['--wait'], []])
    test(`back to what still runs says which instance serves (${flags.join('') || 'without --wait'})`, async () => {
      configure(serving('one'));
      const { code, text } = await candor('reload', ...flags);
      assert.equal(code, 0, text);
      assert.match(text, /Changed: applications \(web\)\. web: web\/1 serves already\. (?:warning: .*)?$/);
      configure('process.exit(4)');
      await candor('reload');
    });

  test('with --wait ends with 7 at the time limit', async () => {
    configure('setInterval(() => {}, 1000)');
    const { code, text } = await candor('reload', '--wait', '--timeout', '1');
    assert.equal(code, 7, text);
    assert.match(
      text,
      /web: new instances are being started; web\/1 .* serves meanwhile\. This did not change within 1 s\. web: the new instance web\/\d+ is not ready yet: /,
    );
  });

  test('with --wait ends with 0 once the new instance serves, and status shows no problem', async () => {
    configure(serving('two'));
    const { code, text } = await candor('reload', '--wait', '--timeout', '120');
    assert.equal(code, 0, text);
    const seen = await until(/web\/\d+ ready/);
    assert.doesNotMatch(seen, /PROBLEMS/);
  });

  test('is not needed to replace an instance: `candor restart` does, and the audit says so', async () => {
    const ready = /web\/\d+(?= ready)/;
    const [old = ''] = ready.exec(await until(ready)) ?? [];
    const { code, text } = await candor('restart', old);
    assert.deepEqual([code, text], [0, `A new instance takes the place of ${old}. candor status `]);
    await until(new RegExp(`web/(?!${old.slice(4)} )\\d+ ready`));
    const { code: missing, text: why } = await candor('restart', 'web/99', '--json');
    assert.equal(missing, 9, why);
    assert.match(
      (await candor('events', '--json')).text,
      new RegExp(`"restartInstance","outcome":"done".*"target":"${old}"`),
    );
  });
});
