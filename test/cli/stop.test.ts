// Starts processes: signals end the processes.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { GatewayProgram, isAlive } from '../upgrade/gateway-program.ts';

describe('candor stop, of a gateway with an application', () => {
  let program: GatewayProgram;
  let context: FakeProcessContext;

  beforeEach(async () => {
    program = new GatewayProgram();
    context = new FakeProcessContext(program.folder);
    await program.serves();
  });

  afterEach(() => program.end());

  const stop = (...flags: string[]): Promise<number> => context.candor('stop', ...flags);
  const isServing = async (): Promise<boolean> => {
    const { workers } = (await program.ask('GET', '/v1/status')) as { workers: { exchanges_active: number }[] };
    return workers.some(({ exchanges_active }) => exchanges_active > 0);
  };

  test('waits for requests in flight and says so until everything has ended; a second stop finds no gateway', async () => {
    const application = await program.applicationPid();
    const download = program.get('/download');
    await program.until(isServing);
    assert.equal(await stop(), 0, context.stderr.text);
    assert.equal((await download).text.length, 40_000);
    assert.match(context.stderr.text, /^ {2}waiting for 1 request, \d+ seconds? at most$/m);
    assert.match(context.stdout.text, new RegExp(`^Stopped: process ${program.pid} ended after `));
    assert.equal(await program.exited, 0);
    assert.equal(isAlive(application), false);
    assert.match(program.stderr, /"kind":"process_stopping".*"reason":"the gateway stops: admin:socket asked for it"/);
    assert.match(program.stderr, /"kind":"admin_action".*"operation":"stop"/);

    context.stdout.text = '';
    assert.equal(await stop(), 0);
    assert.match(context.stdout.text, /^No gateway answers at [\s\S]*: there\s+is\s+nothing\s+to\s+stop\.$/m);
    context.stdout.text = '';
    assert.equal(await stop('--json'), 0);
    assert.deepEqual(JSON.parse(context.stdout.text), { outcome: 'not_running' });
  });

  test('--timeout ends with 7 while the gateway continues to stop; --now then force closes requests in flight', async () => {
    const download = program.get('/endless').then(
      ({ text }) => text.length,
      () => 'cut',
    );
    await program.until(isServing);
    assert.equal(await stop('--timeout', '0.2', '--json'), 7);
    const failed = JSON.parse(context.stdout.text);
    assert.deepEqual([failed.outcome, failed.kind], ['failed', 'timeout']);
    assert.match(failed.reason, /has not ended within 0\.2 s: it is waiting for 1 request.*`candor stop --now`/);
    context.stdout.text = '';
    assert.equal(await stop('--now', '--json'), 0);
    const { outcome, pid } = JSON.parse(context.stdout.text);
    assert.deepEqual([outcome, pid], ['stopped', program.pid]);
    assert.equal(await program.exited, 0);
    assert.equal(await download, 'cut');
  });
});

describe('candor stop chooses the gateway', () => {
  let folder: string;
  let admin: AdminServer | null;
  let stops: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'candor-stop-'));
    stops = [];
  });

  afterEach(async () => {
    await admin?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const socket = (): string => join(folder, 'candor', 'other.sock');
  const begin = async (withStopper = true): Promise<void> => {
    mkdirSync(join(folder, 'candor'), { mode: 0o700 });
    const stopper = { stop: (actor: string, atOnce: boolean): void => void stops.push(`${actor} ${atOnce}`) };
    const parts = { gateway: new FakeGateway(), spec: socketAlone(socket()), clock: systemClock };
    admin = await startAdminServer({ ...parts, ...(withStopper ? { stopper } : {}) });
  };
  const processContext = (directory = folder): FakeProcessContext =>
    new FakeProcessContext(directory, { env: { XDG_RUNTIME_DIR: folder } });

  test('of candor.yaml in the current folder, and never another one, even the only one that runs', async () => {
    await begin();
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(
      join(project, 'candor.yaml'),
      `admin: { socket: ${join(project, 'own.sock')} }\nroutes: [{ respond: {} }]\n`,
    );
    const there = processContext(project);
    assert.equal(await there.candor('stop', '--timeout', '5'), 0, there.stderr.text);
    assert.match(there.stdout.text, /own\.sock: there\s+is\s+nothing\s+to\s+stop/);
    assert.deepEqual(stops, []);
  });

  test('that is the only one, if none is named', async () => {
    await begin();
    const here = processContext();
    // The fake gateway does not end, so a new pid at its address stands for that.
    assert.equal(await here.candor('stop', '--now'), 0, here.stderr.text);
    assert.deepEqual(stops, ['admin:socket true']);
  });

  test('and ends with 10 if it runs inside another program', async () => {
    await begin(false);
    const here = processContext();
    assert.equal(await here.candor('stop'), 10);
    assert.match(here.stderr.text, /part of another program/);
  });

  test('and reports none only if surely none listens there', async (context) => {
    const here = processContext();
    const stranger = createServer((connection) => connection.destroy());
    context.after(() => stranger.close());
    await new Promise<void>((resolve) => stranger.listen({ port: 0, host: '127.0.0.1' }, resolve));
    const { port } = stranger.address() as { port: number };
    writeFileSync(join(folder, 'token'), `candor_${'x'.repeat(43)}\n`, { mode: 0o600 });
    const flags = ['--token-file', join(folder, 'token'), '--json'];
    assert.equal(await here.candor('stop', '--admin', `http://127.0.0.1:${port}`, ...flags), 8);
    assert.match(here.stdout.text, /"outcome":"failed","kind":"gateway_unreachable"/);
    assert.equal(await here.candor('stop', '--socket', join(folder, 'nothing.sock')), 0);
  });
});
