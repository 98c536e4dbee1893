import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { socketsOfOthers } from '../../src/cli/runtime-folder.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { statusSample } from '../fakes/samples.ts';

let folder: string;
let gateway: FakeGateway;
let stops: string[];
let admin: AdminServer | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-which-'));
  gateway = new FakeGateway();
  stops = [];
  admin = null;
  for (const name of ['candor.yaml', 'two.yaml'])
    writeFileSync(join(folder, name), 'listeners: { main: "127.0.0.1:0" }\nroutes: [{ respond: {} }]\n');
});

afterEach(async () => {
  await admin?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A gateway at the socket of both files, running one of them. */
async function serves(source: string | null, path: string = join(folder, 'candor.sock')): Promise<void> {
  gateway.statusNow = { ...statusSample, source };
  const stop = (actor: string, atOnce: boolean): void => {
    stops.push(`${actor} ${atOnce}`);
    gateway.statusNow = { ...gateway.statusNow, pid: statusSample.pid + 1 }; // The process that was asked has ended.
  };
  const stopper = { stop };
  admin = await startAdminServer({
    ...{ gateway, spec: socketAlone(path), clock: systemClock, stopper },
  });
}

describe('-c', () => {
  for (const [command, code] of [
    ['stop', 10],
    ['reload', 10],
    ['upgrade', 10],
    ['status', 8],
    ['events', 8],
  ] as const) {
    test(`${command} leaves the gateway of another configuration alone, and says which file that gateway runs`, async () => {
      await serves(join(folder, 'candor.yaml'));
      const context = new FakeProcessContext(folder);
      assert.equal(await context.candor(command, '-c', 'two.yaml'), code, context.stdout.text);
      const said = context.stderr.text.replaceAll(/\s+/g, ' ');
      assert.ok(said.startsWith(`two.yaml does not run: the gateway at ${join(folder, 'candor.sock')} `), said);
      assert.ok(said.includes(`runs ${join(folder, 'candor.yaml')}. `), said);
      assert.deepEqual([stops, gateway.calls], [[], []]);
      assert.equal(context.stdout.text, '');
    });
  }

  test('finds the gateway of a file that was renamed by its new name, and says by that name what works', async () => {
    await serves(join(folder, 'candor.yaml'));
    rmSync(join(folder, 'candor.yaml'));
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('reload', '-c', 'candor.yaml'), 0, context.stderr.text);
    assert.deepEqual(gateway.calls, ['reload admin:socket'], 'the gateway answers that its file is missing');
    assert.equal(await context.candor('status', '-c', 'candor.yaml'), 0, context.stderr.text);
    assert.match(context.stderr.text, /candor\.yaml is no longer there; this command found the gateway/);
    assert.equal(await context.candor('reload', '-c', 'two.yaml'), 10);
    const said = context.stderr.text.replaceAll(/\s+/g, ' ');
    assert.ok(said.includes(`candor stop --socket ${join(folder, 'candor.sock')}\``), said);
    assert.ok(said.includes('start one with -c two.yaml'), said);
    assert.doesNotMatch(said, /add with -c/);
  });

  test('finds the gateway of a file through a symbolic link', async () => {
    symlinkSync(join(folder, 'two.yaml'), join(folder, 'link.yaml'));
    await serves(join(folder, 'link.yaml'));
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('reload', '-c', 'two.yaml'), 0, context.stderr.text);
    assert.deepEqual(gateway.calls, ['reload admin:socket']);
  });

  test('without it, the socket of candor.yaml in this folder is not used if its gateway runs another file', async () => {
    await serves(join(folder, 'two.yaml'));
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('stop'), 10);
    assert.deepEqual(stops, []);
  });

  for (const [command, code] of [
    ['stop', 0],
    ['reload', 8],
    ['upgrade', 8],
  ] as const)
    test(`without it, ${command} means candor.yaml in this folder, and not the only gateway, which runs another file`, async () => {
      const runtime = join(folder, `candor-${process.geteuid?.()}`);
      mkdirSync(runtime, { mode: 0o700 });
      gateway.statusNow = { ...statusSample, source: '/elsewhere/candor.yaml' };
      const stopper = { stop: (actor: string, atOnce: boolean): void => void stops.push(`${actor} ${atOnce}`) };
      const spec = socketAlone(join(runtime, 'run-9.sock'));
      admin = await startAdminServer({ gateway, spec, clock: systemClock, stopper });
      const context = new FakeProcessContext(folder);
      assert.equal(await context.candor('status'), 0, context.stderr.text);
      assert.equal(await context.candor(command), code, context.stdout.text);
      const said = `${context.stdout.text}${context.stderr.text}`.replaceAll(/\s+/g, ' ');
      assert.ok(said.includes(`No gateway answers at ${join(folder, 'candor.sock')}`), said);
      assert.deepEqual([stops, gateway.calls], [[], []]);
    });

  test('without it, an invalid candor.yaml in this folder belongs to the gateway that says that it runs it', async () => {
    await serves(join(folder, 'candor.yaml'));
    writeFileSync(join(folder, 'candor.yaml'), 'listeners: 7\n');
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('reload'), 0, context.stderr.text);
    assert.deepEqual(gateway.calls, ['reload admin:socket']);
    gateway.statusNow = { ...statusSample, source: '/elsewhere/candor.yaml' };
    assert.equal(await context.candor('reload'), 10, context.stdout.text);
    assert.match(context.stderr.text.replaceAll(/\s+/g, ' '), /candor\.yaml does not run: the gateway at /);
    assert.deepEqual(gateway.calls, ['reload admin:socket']);
  });

  const usable = 'deployment: shop\nadmin: { socket: own.sock }\nroutes: [{ respond: {} }]\n';
  for (const [what, text] of [
    ['an unknown key', `${usable}lisseners: {}\n`],
    [
      'a certificate file that is gone',
      `${usable}listeners: { a: { bind: ":0", tls: { certificates: [{ certificate_file: no.pem, key_file: no.key }] } } }\n`,
    ],
    ['an error of syntax', `${usable}listeners: { a: ":0"\nupstreams: {]\n`],
    ['an error in its admin section', usable.replace('own.sock', 'own.sock, lissen: 9')],
  ] as const)
    for (const flags of [['-c', 'two.yaml'], []])
      test(`a file with ${what} does not keep commands from its gateway (${flags.join(' ') || 'unnamed'})`, async () => {
        const file = flags[1] ?? 'candor.yaml';
        writeFileSync(join(folder, file), text);
        gateway.statusNow = { ...statusSample, source: join(folder, file) };
        const stopper = { stop: (actor: string, atOnce: boolean): void => void stops.push(`${actor} ${atOnce}`) };
        admin = await startAdminServer({
          ...{ gateway, spec: socketAlone(join(folder, 'own.sock')), clock: systemClock, stopper },
        });
        for (const command of ['status', 'events', 'reload']) {
          const context = new FakeProcessContext(folder);
          assert.equal(await context.candor(command, ...flags), 0, `${command}: ${context.stderr.text}`);
          const line = `${file} has errors; this command takes only the address of its gateway from it. \`candor check -c ${file}\` lists them.\n`;
          // The gateway answers `reload` with the mistakes.
          assert.equal(context.stderr.text, command === 'reload' ? '' : line, command);
        }
      });

  test('a file with errors whose gateway does not run is said to be so', async () => {
    writeFileSync(join(folder, 'two.yaml'), 'listeners: 7\n');
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('stop', '-c', 'two.yaml'), 0, context.stderr.text);
    assert.match(context.stdout.text, /there is nothing to\sstop/);
    assert.match(context.stderr.text, /^two\.yaml has errors/);
  });

  test('of a file whose syntax hides where its gateway is, the mistakes are listed, without warnings', async () => {
    writeFileSync(join(folder, 'two.yaml'), 'listeners: {]\n');
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('status', '-c', 'two.yaml'), 4, context.stderr.text);
    assert.match(context.stderr.text, /^two\.yaml has errors:\n {2}two\.yaml:1:/);
  });

  test('up says which gateway has the admin socket before it starts anything', async () => {
    await serves(join(folder, 'candor.yaml'));
    const context = new FakeProcessContext(folder);
    assert.equal(await context.candor('up', '-c', 'two.yaml'), 1);
    const notices = context.stderr.text.trimEnd().split('\n');
    const [last] = notices.slice(-1).map((line) => JSON.parse(line));
    assert.match(
      last.reason,
      /^Another gateway answers at the admin socket \S+: process 4711, which runs \S+candor\.yaml\./,
    );
    assert.match(last.reason, /Nothing was started\.$/);
    assert.ok(!context.stderr.text.includes('"kind":"configuration_applied"'), context.stderr.text);
    assert.ok(!context.stderr.text.includes('"kind":"listener_opened"'), context.stderr.text);
  });
});

describe('a socket of another program', () => {
  let server: Server | NetServer;
  let asked: string[];
  let open: Set<Socket>;

  /** An application that answers every request with JSON. */
  const listens = async (name: string, answers: boolean): Promise<void> => {
    asked = [];
    open = new Set();
    server = answers
      ? createServer((request, response) => {
          asked.push(`${request.method} ${request.url}`);
          response.setHeader('Content-Type', 'application/json').end('{"status":"ok","deployment":"x","epoch":"y"}');
        })
      : createNetServer((socket) => {
          open.add(socket);
          socket.on('error', () => {});
        });
    await new Promise<void>((resolve) => server.listen({ path: join(folder, name) }, resolve));
  };
  afterEach(() => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });

  test('is not asked if it is in the current folder', async () => {
    rmSync(join(folder, 'candor.yaml'));
    await listens('app.sock', true);
    const context = new FakeProcessContext(folder);
    assert.deepEqual(
      [await context.candor('status'), await context.candor('stop'), await context.candor('reload')],
      [8, 0, 8],
    );
    assert.deepEqual(asked, []);
  });

  for (const flags of [['--socket', 'candor.sock'], ['-c', 'candor.yaml'], []])
    test(`gets a request for its status and no other (${flags.join(' ') || 'unnamed'})`, async () => {
      await listens('candor.sock', true);
      for (const command of ['status', 'stop', 'reload', 'upgrade', 'events']) {
        const context = new FakeProcessContext(folder);
        assert.equal(await context.candor(command, ...flags), 8, context.stdout.text);
        assert.doesNotMatch(context.stderr.text, /Candor made a mistake/);
      }
      assert.deepEqual([...new Set(asked)], ['GET /v1/status']);
    });

  test('that never answers is given up after a second, and named', async () => {
    rmSync(join(folder, 'candor.yaml'));
    await listens('candor.sock', false);
    const around = new FakeProcessContext(folder);
    assert.equal(await around.candor('stop'), 8);
    assert.match(around.stderr.text.replaceAll(/\s+/g, ' '), /candor\.sock did not answer within 1 s\./);
  });

  for (const command of ['status', 'incidents', 'logs'])
    test(`that closes connections at once, as a gateway without descriptors does, is named (${command})`, async () => {
      const path = join(folder, 'candor.sock');
      const server = createNetServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => server.listen(path, resolve));
      try {
        const around = new FakeProcessContext(folder);
        assert.equal(await around.candor(command), 8);
        assert.match(
          around.stderr.text.replaceAll(/\s+/g, ' '),
          /candor\.sock closed the connection .* no descriptor left/,
        );
      } finally {
        server.close();
      }
    });
});

describe('root', { skip: process.geteuid?.() !== 0 }, () => {
  const other = 4711;

  test('finds the gateway of another user in a folder that only that user can have created', async () => {
    const theirs = join(folder, `candor-${other}`);
    mkdirSync(theirs, { mode: 0o700 });
    rmSync(join(folder, 'candor.yaml'));
    admin = await startAdminServer({ gateway, spec: socketAlone(join(theirs, 'run-9.sock')), clock: systemClock });
    chownSync(theirs, other, other);
    chmodSync(folder, 0o1777);
    const around = new FakeProcessContext(folder);
    assert.equal(await around.candor('status'), 0, around.stderr.text);
    assert.deepEqual(socketsOfOthers({ TMPDIR: folder }), [join(theirs, 'run-9.sock')]);
    const given = join(folder, 'user', `${other}`);
    mkdirSync(join(given, 'candor'), { recursive: true, mode: 0o700 });
    chownSync(given, other, other);
    symlinkSync(join(theirs, 'run-9.sock'), join(given, 'candor', 'link.sock'));
    assert.deepEqual(socketsOfOthers({ TMPDIR: given }, 0, join(folder, 'user')), [], 'a link is no socket');
    const inGiven = createServer().listen(join(given, 'candor', 'vm.sock'));
    await once(inGiven, 'listening');
    assert.deepEqual(socketsOfOthers({ TMPDIR: given }, 0, join(folder, 'user')), [join(given, 'candor', 'vm.sock')]);
    inGiven.close();
    // A user who may write to the parent folder could have replaced the folder.
    chmodSync(folder, 0o777);
    assert.deepEqual(socketsOfOthers({ TMPDIR: folder }), []);
    chmodSync(folder, 0o1777);
    chownSync(theirs, other + 1, other);
    assert.deepEqual(socketsOfOthers({ TMPDIR: folder }), []);
    assert.deepEqual(socketsOfOthers({ TMPDIR: folder }, other), []);
  });

  for (const [command, ...flags] of [
    ['stop'],
    ['stop', '-c', 'candor.yaml'],
    ['reload'],
    ['maintenance', 'on'],
    ['status'],
    ['status', '-c', 'candor.yaml'],
  ] as const)
    test(`finds the gateway of a file that another user runs, also beside one of its own (${[command, ...flags].join(' ')})`, async () => {
      const [theirs, own] = [join(folder, `candor-${other}`), join(folder, 'candor-0')];
      for (const one of [theirs, own]) mkdirSync(one, { mode: 0o700 });
      await serves(join(folder, 'candor.yaml'), join(theirs, 'vm.sock'));
      const second = new FakeGateway();
      second.statusNow = { ...statusSample, source: join(folder, 'two.yaml') };
      const spec = socketAlone(join(own, 'run-1.sock'));
      const beside = await startAdminServer({ gateway: second, spec, clock: systemClock });
      try {
        chownSync(theirs, other, other);
        chmodSync(folder, 0o1777);
        const context = new FakeProcessContext(folder);
        assert.equal(await context.candor(command, ...flags), 0, context.stderr.text);
        assert.equal(stops.length, command === 'stop' ? 1 : 0, context.stdout.text);
        assert.deepEqual(second.calls, []);
      } finally {
        await beside.close();
      }
    });
});
