// Starts processes: a gateway runs jobs, is reloaded, upgraded and stopped.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { GatewayProgram, isAlive } from '../upgrade/gateway-program.ts';

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

let gateway: GatewayProgram;

interface Shown {
  readonly job: string;
  readonly schedule: string | null;
  readonly next_at: string | null;
  readonly runs: readonly {
    readonly state: string;
    readonly run: number;
    readonly failure: string | null;
    readonly output: readonly string[];
  }[];
}

const shown = async (name: string): Promise<Shown> => {
  const { jobs } = (await gateway.ask('GET', '/v1/jobs')) as { jobs: Shown[] };
  const found = jobs.find(({ job }) => job === name);
  assert.ok(found !== undefined, `there is no ${name}`);
  return found;
};

/** These jobs of the application `web`. */
function configure(jobs: string, settings = 'workers: 1\n'): void {
  gateway.configure(settings, `    environment: { COLOUR: blue }\n    stop_timeout: 2s\n    jobs:\n${jobs}`);
}

async function started(jobs: string, settings?: string): Promise<void> {
  gateway = new GatewayProgram(settings);
  configure(jobs, settings);
  await gateway.serves();
}

async function reloaded(jobs: string): Promise<void> {
  configure(jobs);
  assert.equal(((await gateway.ask('POST', '/v1/reload')) as { ok: boolean }).ok, true);
}

const node = (script: string): string => JSON.stringify([process.execPath, '-e', script]);

async function candor(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const context = new FakeProcessContext(gateway.folder);
  const code = await context.candor(...argv);
  return { code, out: context.stdout.text, err: context.stderr.text };
}

describe('jobs of an application', { skip, timeout: 400_000 }, () => {
  after(() => gateway?.end());

  // One gateway: each test goes on from the one before.
  test('run by hand in its environment: the command prints what they print, and exits as they do', async () => {
    const bad = `console.log(process.env.COLOUR, process.env.MORE, process.env.CANDOR_JOB, process.env.PORT); console.error('Error: no paper'); process.exitCode = 7`;
    await started(
      `      bad: { command: ${node(bad)}, environment: { MORE: 5 } }\n` +
        `      slow: { command: ${node(`console.log('begun'); setInterval(() => {}, 1000)`)}, timeout: 1s }\n` +
        `      setup: { command: ${node(`console.log('set up')`)}, schedule: once }\n`,
    );
    const ran = await candor('jobs', 'run', 'web.bad', '--socket', 'admin.sock');
    assert.deepEqual([ran.code, ran.out], [7, 'blue 5 web.bad undefined\nError: no paper\n']);
    assert.match(ran.err, /web\.bad has failed: it exited with code 7; last line: "Error: no paper"/);
    const late = await candor('jobs', 'run', 'slow', '--json', '--socket', 'admin.sock');
    assert.equal(late.code, 128 + 15);
    assert.match(late.out, /"kind":"ended".*"signal":"SIGTERM".*it ran for 1 s, its limit/);
    assert.equal((await candor('jobs', 'run', 'nightly', '--socket', 'admin.sock')).code, 9);
    const [run] = (await shown('web.setup')).runs;
    assert.deepEqual([run?.state, run?.output], ['succeeded', ['set up']]);
    const { problems } = (await gateway.ask('GET', '/v1/status')) as { problems: { kind: string; reason: string }[] };
    assert.deepEqual(
      problems.filter(({ kind }) => kind === 'job_failing').map(({ reason }) => /web\.(\w+)/.exec(reason)?.[1]),
      ['bad', 'slow'],
    );
    const listed = await candor('jobs', 'web.bad', '--socket', 'admin.sock');
    assert.match(
      listed.out,
      /#1 failed \(exit code 7\) after [^|]*it exited with code 7;[^|]*\| blue 5 web\.bad undefined\n +\| Error: no paper\n$/,
    );
    assert.match(gateway.stderr, /blue 5 web\.bad/);
  });

  test('a reload changes a schedule at once, and lets a removed job end by itself', async () => {
    const writes = (name: string): string =>
      node(`setTimeout(() => require('node:fs').writeFileSync('${name}', ''), 1500)`);
    await reloaded(
      `      leaving: { command: ${writes('left')}, schedule: once }\n      other: { command: ${node('0')}, schedule: 0 0 1 1 * }\n`,
    );
    await gateway.until(async () => /-01-01T/.test((await shown('web.other')).next_at ?? ''));
    await reloaded(`      other: { command: ${node(`console.log('x')`)}, schedule: "* * * * * *" }\n`);
    await gateway.until(async () => (await shown('web.other')).runs.some(({ state }) => state === 'succeeded'));
    await gateway.until(async () => existsSync(join(gateway.folder, 'left')));
    const { jobs } = (await gateway.ask('GET', '/v1/jobs')) as { jobs: Shown[] };
    assert.deepEqual(
      jobs.map(({ job }) => job),
      ['web.other'],
    );
  });

  test('a stop of the gateway ends a run by SIGTERM, and it is told', async () => {
    const script = `process.on('SIGTERM', () => { require('node:fs').writeFileSync('told', String(process.pid)); process.exit(0); }); require('node:fs').writeFileSync('ready', ''); setInterval(() => {}, 1000)`;
    await reloaded(`      long: { command: ${node(script)}, schedule: "* * * * * *" }\n`);
    await gateway.until(async () => existsSync(join(gateway.folder, 'ready')));
    gateway.child.kill('SIGTERM');
    await gateway.exited;
    assert.equal(isAlive(Number(readFileSync(join(gateway.folder, 'told'), 'utf8'))), false);
    const ended = gateway.events().find(({ kind, reason }) => kind === 'job_ended' && reason.includes('web.long'));
    assert.match(ended?.reason ?? '', /web\.long has failed after .*: the gateway stops: SIGTERM/);
  });
});

describe('jobs of a gateway that is upgraded', { skip, timeout: 400_000 }, () => {
  after(() => gateway?.end());

  test('an upgrade waits for a run as long as for requests in flight; the new process knows how it ended, and starts none beside it', async () => {
    const script = `const { existsSync } = require('node:fs'); console.log('begun'); setInterval(() => existsSync('go') && process.exit(4), 50)`;
    await started(
      `      long: { command: ${node(script)}, schedule: "* * * * * *" }\n`,
      'workers: 1\ndrain: { lame_duck: 1ms, timeout: 60s }\n',
    );
    await gateway.until(async () => (await shown('web.long')).runs.length === 1);
    const { lines } = await gateway.upgrade();
    assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines.at(-1)));
    const before = await shown('web.long');
    assert.deepEqual(
      before.runs.map(({ run, state }) => [run, state]),
      [[1, 'running']],
    );
    writeFileSync(join(gateway.folder, 'go'), '');
    await gateway.until(async () => (await shown('web.long')).runs.at(-1)?.state === 'failed');
    assert.match((await shown('web.long')).runs.at(-1)?.failure ?? '', /exited with code 4/);
    await gateway.until(async () => (await shown('web.long')).runs.length > 1);
  });
});
