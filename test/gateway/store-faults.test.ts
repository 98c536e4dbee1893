// Starts processes: a full disk needs a mount of its own, and gateways are killed.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, open, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Event } from '../../src/core/event.ts';
import { eventOfJson } from '../../src/core/event-json.ts';
import { candorProgram } from '../program.ts';
import { openDatabase } from '../../src/store/database.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';
import { timeoutMs, until } from './start-from-yaml.ts';

// The store's disk is full or read-only, or the gateway is killed: requests are answered, and losses are counted.

/** The commands that run a process with its own disk. */
const unshare = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-rm'];
const mounts =
  spawnSync(unshare[0] ?? '', [...unshare.slice(1), 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /mnt']).status === 0;

let folder: string;
let child: ChildProcess;
let stderr: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'candor-store-faults-'));
  await mkdir(join(folder, 'disk'));
  await writeFile(
    join(folder, 'candor.yaml'),
    `listeners: { http: "127.0.0.1:0" }
workers: 1
upstreams: { gone: { endpoints: "127.0.0.1:1", check: none } }
admin: { socket: ./admin.sock }
state: none
log: { path: none, query_allowed: [q] }
store: { path: ./disk/store }
`,
  );
});
afterEach(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  await rm(folder, { recursive: true, force: true });
});

/** Resolves with the port where the gateway listens. */
async function start(command: readonly string[]): Promise<number> {
  const [program = '', ...rest] = command;
  child = spawn(program, rest, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await until('it listens', () => events('listener_opened').length > 0, 30_000);
  await until(
    'its admin API answers',
    () =>
      admin('/v1/ready').then(
        () => true,
        () => false,
      ),
    30_000,
  );
  return Number((events('listener_opened')[0]?.evidence.address ?? '').split(':').at(-1));
}

const up = [process.execPath, candorProgram, 'up', '-c', 'candor.yaml'];
const upOnDisk = (size: string): string[] => {
  const script = `mount -t tmpfs -o size=${size} tmpfs '${join(folder, 'disk')}' && exec '${process.execPath}' '${candorProgram}' up -c candor.yaml`;
  return [...unshare, 'sh', '-c', script];
};

function events<K extends Event['kind']>(kind: K): Extract<Event, { kind: K }>[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines
    .map((line) => eventOfJson(JSON.parse(line)))
    .filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
}

function inItsPlace(...command: string[]): void {
  const done = spawnSync('nsenter', [
    '-t',
    String(child.pid),
    '-m',
    ...(unshare.includes('-rm') ? ['-U'] : []),
    ...command,
  ]);
  assert.equal(done.status, 0, done.stderr.toString());
}

async function read(options: object): Promise<{ status: number; text: string }> {
  const sent = request(options);
  sent.end();
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  let text = '';
  for await (const piece of response) text += String(piece);
  return { status: response.statusCode, text };
}

const admin = (path: string) => read({ socketPath: join(folder, 'admin.sock'), path });
/** By pages: on a busy machine a search ends before it has looked at all. */
const storedPaths = async (): Promise<string[]> => {
  const paths: string[] = [];
  let cursor: string | null = null;
  do {
    const { text } = await admin(`/v1/exchanges?limit=1000${cursor === null ? '' : `&cursor=${cursor}`}`);
    const page = JSON.parse(text) as { exchanges?: { path: string }[]; cursor?: string | null };
    paths.push(...(page.exchanges ?? []).map(({ path }) => path));
    cursor = page.cursor ?? null;
  } while (cursor !== null);
  return paths;
};
const lostTotal = async (): Promise<number> =>
  Number(/^candor_store_lost_total (\d+)$/m.exec((await admin('/metrics')).text)?.[1]);

/** Asks for paths that nothing answers, so that each exchange is stored. Returns the time of the slowest. */
async function ask(port: number, from: number, count: number, padding = ''): Promise<number> {
  let slowestMs = 0;
  for (let n = from; n < from + count; n += 20) {
    const batch = Array.from({ length: Math.min(20, from + count - n) }, async (_, m) => {
      const began = performance.now();
      const { status } = await read({ port, path: `/n/${n + m}${padding === '' ? '' : `?q=${n + m}${padding}`}` });
      slowestMs = Math.max(slowestMs, performance.now() - began);
      assert.ok(status === 502 || status === 503, `${status}`);
    });
    await Promise.all(batch);
  }
  return slowestMs;
}

describe('a store whose disk', { skip: mounts ? false : 'nothing may be mounted here' }, () => {
  test('is full: each request is answered, the event and the status say so, records wait, and are stored when there is room', async () => {
    const port = await start(upOnDisk('1m'));
    await ask(port, 0, 5);
    await until('they are stored', async () => (await storedPaths()).length === 5);
    const slowest = await ask(port, 5, 600, 'x'.repeat(1500));
    assert.ok(slowest < 3000, `the slowest took ${slowest} ms`);
    await until('the full disk is reported', () => events('store_failing').length > 0);
    assert.equal(events('store_failing')[0]?.evidence.fault, 'full');
    assert.match((await admin('/v1/status')).text, /"store_failing"/);
    const search = (await admin('/v1/exchanges')).text;
    assert.match(
      search,
      /"store_failing":\{"since":"[^"]*Z","reason":"The store [^"]* cannot be used: the disk is full; /,
    );
    inItsPlace('mount', '-o', 'remount,size=64m', join(folder, 'disk'));
    await until('it stores again', () => events('store_failing').at(-1)?.to === 'storing');
    await until(
      'each exchange is stored or counted',
      async () => (await storedPaths()).length + (await lostTotal()) === 605,
    );
    assert.equal(await lostTotal(), 0);
    assert.match((await admin('/v1/exchanges')).text, /"store_failing":null/);
    assert.match((await admin('/v1/status')).text, /"store":\{"path":"[^"]*store","lost":0,/);
    assert.doesNotMatch((await admin('/v1/status')).text, /"store_failing"/);
  });

  if (isWholeSweep)
    test('is read-only for some time: each request is answered, and nothing is lost', async () => {
      const port = await start(upOnDisk('64m,ro'));
      await ask(port, 0, 20);
      await until('it is reported', () => events('store_failing').length > 0);
      inItsPlace('mount', '-o', 'remount,rw', join(folder, 'disk'));
      await until('all are stored', async () => (await storedPaths()).length === 20);
      assert.equal(await lostTotal(), 0);
    });
});

test('what a search has found is still there after kill -9, and the files are whole', {
  timeout: 12 * timeoutMs,
}, async () => {
  const port = await start(up);
  await ask(port, 0, 100);
  await until('they are stored', async () => (await storedPaths()).length === 100);
  // In the middle of more.
  const more = ask(port, 1000, 200).catch(() => undefined);
  await until('some of them are stored', async () => (await storedPaths()).length > 100);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await Promise.all([exited, more]);
  await start(up);
  const paths = new Set(await storedPaths());
  for (let n = 0; n < 100; n += 1) assert.ok(paths.has(`/n/${n}`), `/n/${n} is lost`);
  assert.ok(paths.size > 100);
  assert.deepEqual(events('store_failing'), []);
});

test('a folder that cannot be made costs no request', async () => {
  await writeFile(join(folder, 'disk', 'store'), 'a file stands here');
  const port = await start(up);
  await ask(port, 0, 5);
  await until('it is reported', () => events('store_failing').length > 0);
  assert.equal((await admin('/v1/exchanges')).status, 409);
  await chmod(join(folder, 'disk'), 0o700);
});

const store = (): string => join(folder, 'disk', 'store');
const file = async (): Promise<string> => {
  const names = (await readdir(store())).filter((name) => name.endsWith('.sqlite'));
  return join(store(), names.toSorted().at(-1) ?? '');
};

async function overwrite(at: number, bytes: number): Promise<void> {
  const handle = await open(await file(), 'r+');
  await handle.write(Buffer.alloc(bytes, 'x'), 0, bytes, at);
  await handle.close();
}

/** What happens to the files of a store; some of it with `npm test`, all with `npm run test:complete`. */
const damages: Readonly<Record<string, () => Promise<void>>> = {
  'the folder is removed': () => rm(store(), { recursive: true }),
  'the file is removed': async () => rm(await file()),
  'the WAL is lost': async () => rm(`${await file()}-wal`, { force: true }),
  'the header is overwritten': () => overwrite(0, 8192),
  'the middle is overwritten': () => overwrite(3 * 8192, 4 * 8192),
  'the file is truncated': async () => truncate(await file(), 3 * 8192),
  'the file is empty': async () => truncate(await file(), 0),
};

describe('while requests come', () => {
  for (const [what, damage] of sampled(Object.entries(damages), 7, 3))
    test(`${what}: each request is answered, and later ones are stored, also after kill -9`, async () => {
      const first = await start(up);
      await ask(first, 0, 60);
      await until('they are stored', async () => (await storedPaths()).length === 60);
      const load = ask(first, 1000, 300);
      await damage();
      await load;
      await ask(first, 2000, 20);
      const areStored = (from: number, count: number) => async (): Promise<boolean> => {
        const paths = new Set(await storedPaths());
        return Array.from({ length: count }, (_, n) => paths.has(`/n/${from + n}`)).every(Boolean);
      };
      await until('later ones are stored', areStored(2000, 20));
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await damage();
      const second = await start(up);
      await ask(second, 3000, 20);
      await until('those of the next process are stored', areStored(3000, 20));
      assert.doesNotMatch((await admin('/v1/status')).text, /"store_failing"/);
    });

  if (isWholeSweep)
    test('another program locks the file: each request is answered, records wait, and are stored when it is free', async () => {
      const port = await start(up);
      await ask(port, 0, 20);
      await until('they are stored', async () => (await storedPaths()).length === 20);
      const other = openDatabase(await file());
      other.execute('BEGIN EXCLUSIVE');
      await ask(port, 1000, 300);
      await until('it is reported', () => events('store_failing').length > 0);
      assert.equal(events('store_failing')[0]?.evidence.fault, 'locked');
      assert.match((await admin('/v1/status')).text, /"store_failing"/);
      other.execute('COMMIT');
      other.close();
      await until('all are stored', async () => (await storedPaths()).length === 320);
      assert.equal(await lostTotal(), 0);
      assert.doesNotMatch((await admin('/v1/status')).text, /"store_failing"/);
    });
});
