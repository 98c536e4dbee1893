// Starts processes: a full disk needs a mount of its own, and only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { eventOfJson } from '../../src/core/event-json.ts';
import type { Configuration } from '../../src/core/configuration.ts';
import type { Event } from '../../src/core/event.ts';
import { searchLogFiles } from '../../src/record/log-files.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { headerOf, RawClient } from '../../src/testing/testing.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { recordsIn } from '../records.ts';
import { candorProgram } from '../program.ts';

// Whatever happens to the exchange log, requests are answered, and each has a line or is counted as lost.

/** A log that is rotated soon: no configuration may have a size as small. */
const rotatingAt =
  (rotateBytes: number) =>
  (configuration: Configuration): Configuration =>
    configuration.log.rotateBytes === null
      ? configuration
      : { ...configuration, log: { ...configuration.log, rotateBytes } };

const answering = 'routes: [ { path: /, respond: { body: ok } } ]\n';

/** Sends requests one after the other, each with its own path; fails if one is not answered 200. */
async function ask(
  place: { host: string; port: number },
  paths: readonly string[],
): Promise<{ slowestMs: number; ids: string[] }> {
  const client = new RawClient(place);
  const ids: string[] = [];
  let slowestMs = 0;
  for (const path of paths) {
    const began = performance.now();
    client.write(requestText('GET', path));
    const response = await responseOn(client);
    slowestMs = Math.max(slowestMs, performance.now() - began);
    assert.equal(response.status, 200);
    ids.push(headerOf(response, 'x-request-id') ?? '');
  }
  client.close();
  return { slowestMs, ids };
}

const numbered = (count: number, name = ''): string[] => Array.from({ length: count }, (_, n) => `/${name}${n}`);

/** Complete lines only: the last one may be half written. */
function pathsIn(text: string): string[] {
  return recordsIn(text).map(({ path }) => path);
}

describe('the exchange log', () => {
  let edge: YamlGateway;
  afterEach(() => edge.stop());

  const inFolder = (name: string): string => join(edge.folder, name);
  const textOf = async (name: string): Promise<string> => {
    const bytes = await readFile(inFolder(name)).catch(() => Buffer.alloc(0));
    // The file may just have been renamed.
    return (name.endsWith('.zst') && bytes.length > 0 ? zstdDecompressSync(bytes) : bytes).toString();
  };

  /** The logger answers this after it has handled what it was sent before. `ids`: of requests whose lines are written. */
  const loggerKnows = ([id = '']: readonly string[]): Promise<unknown> => edge.gateway.findExchange(id);

  test('is rotated at its size while requests go on; each request has one line in one of the files', async () => {
    edge = await startFromYaml(`${answering}log: { path: ./exchange.log, keep: 50 }\n`, {
      change: rotatingAt(7 * 1024),
    });
    const files = async (): Promise<string[]> =>
      (await readdir(edge.folder)).filter((name) => /^exchange\.log(\.\d+)?(\.zst)?$/.test(name));
    const all = async (): Promise<string[]> => (await Promise.all((await files()).map(textOf))).flatMap(pathsIn);
    const ids: string[] = [];
    const rounds = [0, 1, 2, 3, 4, 5];
    for (const round of rounds) {
      ids.push(...(await ask(edge.address(), numbered(50, `${round}-`))).ids);
      await until('each request has a line', async () => (await all()).length === ids.length);
    }
    await until('older files are compressed', async () => (await files()).some((name) => name.endsWith('.zst')));
    await until('no file is being compressed', async () => {
      const plain = (await files()).filter((name) => !name.endsWith('.zst'));
      return plain.toSorted().join(' ') === 'exchange.log exchange.log.1';
    });
    assert.deepEqual(new Set(await all()), new Set(rounds.flatMap((round) => numbered(50, `${round}-`))));
    // How many there are follows from how many lines are written at once.
    const older = (await files()).length - 1;
    assert.ok(older >= 2, `${older}`);
    await until('each rotation is told', () => edge.eventsOf('log_rotated').length === older);
    const { record, searched } = await searchLogFiles(inFolder('exchange.log'), ids[0] ?? '');
    assert.equal(record?.path, '/0-0');
    assert.match(searched.at(-1)?.path ?? '', /\.zst$/);
    assert.equal(edge.gateway.counts().logDropped, 0);
  });

  test('has the request headers that log.headers names, and those of the combined format', async () => {
    const log = 'log: { path: ./exchange.log, headers: [user-agent] }\n';
    edge = await startFromYaml(`${answering}${log}`);
    await edge.send(requestText('GET', '/one', ['User-Agent: probe/1', 'Accept: */*']));
    await until('the line is written', async () => (await textOf('exchange.log')).includes('/one'));
    const [record] = recordsIn(await textOf('exchange.log'));
    assert.deepEqual(record?.headers, { 'user-agent': 'probe/1' });
    await edge.reload(`${answering}log: { path: ./combined.log, format: combined }\n`);
    await edge.send(requestText('GET', '/two', ['User-Agent: probe/2', 'Referer: http://a.test/']));
    await until('the line is written', async () => (await textOf('combined.log')).includes('/two'));
    assert.match(await textOf('combined.log'), /"http:\/\/a\.test\/" "probe\/2"/);
  });

  test('takes a new size with a reload', async () => {
    const change = rotatingAt(1024);
    edge = await startFromYaml(`${answering}log: { path: ./exchange.log, rotate_at: none }\n`, { change });
    const { ids } = await ask(edge.address(), numbered(20));
    await until('the lines are written', async () => pathsIn(await textOf('exchange.log')).length === 20);
    assert.equal((await edge.reload(`${answering}log: { path: ./exchange.log, rotate_at: 1MiB }\n`)).ok, true);
    await loggerKnows(ids);
    await ask(edge.address(), ['/after']);
    await until('the log has been rotated', async () => pathsIn(await textOf('exchange.log.1')).length === 20);
    await until('the log is empty again', async () => pathsIn(await textOf('exchange.log')).join('') === '/after');
  });

  test('is not rotated while a predecessor or a successor writes to it too', async () => {
    const { promise: predecessorEnded, resolve: end } = Promise.withResolvers<void>();
    const adopt = {
      predecessorEnded,
      whenHandedOff: async () => ({ ticketKey: null, ticketKeyAgeMs: 0, features: {} }),
    };
    const rotating = `${answering}state: none\nlog: { path: ./exchange.log }\n`;
    const rotateBytes = 1024;
    edge = await startFromYaml(rotating, { gateway: { adopt }, change: rotatingAt(rotateBytes) });
    const written = async (name: string): Promise<number> => pathsIn(await textOf(name)).length;
    let ids: string[] = [];
    for (const round of [1, 2]) {
      ({ ids } = await ask(edge.address(), numbered(10)));
      await until('the lines are written', async () => (await written('exchange.log')) === 10 * round);
    }
    end();
    await predecessorEnded;
    await loggerKnows(ids);
    await ask(edge.address(), ['/alone']);
    await until('the log has been rotated', async () => (await written('exchange.log.1')) === 20);

    const client = edge.connect();
    await until('the successor is connected', () => edge.counts().clients > 0);
    // Each line is waited for: of those that are written later than others, the next rotation could keep some apart.
    let lines = 1;
    while ((await textOf('exchange.log')).length < rotateBytes) {
      client.write(requestText('GET', `/${lines++}`));
      await responseOn(client);
      await until('the line is written', async () => (await written('exchange.log')) === lines);
    }
    const rotations = edge.eventsOf('log_rotated').length;
    const stopping = edge.gateway.stop('another has taken over', { hasSuccessor: true });
    await loggerKnows(ids);
    client.write(requestText('GET', '/last'));
    await responseOn(client);
    client.close();
    await stopping;
    assert.equal(edge.eventsOf('log_rotated').length, rotations);
    assert.equal(await written('exchange.log'), lines + 1);
  });

  test('is reopened when its file is deleted under load, and no later line is lost', async () => {
    edge = await startFromYaml(`${answering}log: { path: ./exchange.log }\n`);
    await ask(edge.address(), numbered(50, 'before'));
    const before = numbered(50, 'before').length;
    await until('the lines are written', async () => pathsIn(await textOf('exchange.log')).length === before);
    // Lines in the deleted file may be gone with it; a process that has the file open can still read them.
    const deleted = await open(inFolder('exchange.log'));
    await rm(inFolder('exchange.log'));
    let asked = 0;
    while (edge.eventsOf('log_reopened').length === 0) {
      await ask(edge.address(), numbered(20, `during${asked}-`));
      asked += 20;
      await sleep(20);
    }
    await ask(edge.address(), numbered(50, 'after'));
    const expected = asked + 50;
    await until('each request has a line', async () => {
      const paths = pathsIn(await textOf('exchange.log'));
      return paths.filter((path) => !path.startsWith('/before')).length === expected;
    });
    const paths = pathsIn(await textOf('exchange.log'));
    assert.equal(new Set(paths).size, paths.length, 'no line is there twice');
    await deleted.close();
    assert.equal(edge.eventsOf('log_reopened')[0]?.evidence.was, 'deleted');
    assert.equal(edge.gateway.counts().logDropped, 0);
  });

  test('in a pipe whose reader pauses: requests go on, and each line comes in the end or is counted', {
    skip: spawnSync('mkfifo', ['--version']).status === 0 ? false : 'mkfifo is not installed',
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'candor-pipe-'));
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    const reader = await open(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    edge = await startFromYaml(`${answering}log: { path: ${pipe} }\n`);
    const { slowestMs } = await ask(edge.address(), numbered(400, 'x'.repeat(1000)));
    assert.ok(slowestMs < 2000, `the slowest took ${slowestMs} ms`);
    assert.equal(edge.gateway.counts().logDropped, 0, 'the queue holds the lines');
    let text = '';
    await until('the other lines come when the reader goes on', async () => {
      const buffer = Buffer.alloc(65_536);
      const { bytesRead } = await reader.read(buffer).catch(() => ({ bytesRead: 0 }));
      text += buffer.toString('latin1', 0, bytesRead);
      return recordsIn(text).length === 400;
    });
    await reader.close();
    // The reader is gone: lines from now on are lost, and counted once the write fails.
    await ask(edge.address(), numbered(7, 'lost'));
    await until('the lost lines are counted', () => edge.gateway.counts().logDropped === 7);
    await until(
      'and told',
      () => edge.eventsOf('log_dropped').reduce((sum, { evidence }) => sum + evidence.count, 0) > 0,
    );
    await edge.gateway.stop('to reveal the rest');
    const told = edge.eventsOf('log_dropped').reduce((sum, { evidence }) => sum + evidence.count, 0);
    assert.equal(told, edge.gateway.counts().logDropped);
    await rm(folder, { recursive: true });
  });
});

/** The commands that run a process with its own disk. */
const unshare = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-rm'];
const mounts =
  spawnSync(unshare[0] ?? '', [...unshare.slice(1), 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /mnt']).status === 0;

describe('an exchange log on a disk of 1 MiB', { skip: mounts ? false : 'nothing may be mounted here' }, () => {
  let folder: string;
  let child: ChildProcess;
  let stderr: string;
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** Resolves with the address where the gateway listens. */
  async function start(): Promise<{ host: string; port: number }> {
    folder = await mkdtemp(join(tmpdir(), 'candor-disk-'));
    await mkdir(join(folder, 'disk'));
    await writeFile(
      join(folder, 'candor.yaml'),
      `listeners: { http: "127.0.0.1:0" }\nworkers: 1\n${answering}admin: { socket: ./admin.sock }\nstate: none\nlog: { path: ./disk/exchange.log, query_allowed: [q] }\n`,
    );
    const script = `mount -t tmpfs -o size=1m tmpfs '${join(folder, 'disk')}' && exec '${process.execPath}' '${candorProgram}' up -c candor.yaml`;
    const [program = '', ...rest] = unshare;
    child = spawn(program, [...rest, 'sh', '-c', script], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    await until('it listens', () => events('listener_opened').length > 0, 30_000);
    const { address = '' } = events('listener_opened')[0]?.evidence ?? {};
    return { host: '127.0.0.1', port: Number(address.split(':').at(-1)) };
  }

  function events<K extends Event['kind']>(kind: K): Extract<Event, { kind: K }>[] {
    const lines = stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines
      .map((line) => eventOfJson(JSON.parse(line)))
      .filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }

  /** The file as the process sees it. */
  const logText = (): Promise<string> =>
    readFile(join(`/proc/${child.pid}/root`, folder, 'disk', 'exchange.log'), 'utf8').catch(() => '');

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

  async function droppedTotal(): Promise<number> {
    const sent = request({ socketPath: join(folder, 'admin.sock'), path: '/metrics' });
    sent.end();
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    let text = '';
    for await (const piece of response) text += String(piece);
    return Number(/^candor_log_dropped_total (\d+)$/m.exec(text)?.[1]);
  }

  async function endsOrderly(): Promise<void> {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual((await exited)[0], 0);
  }

  test('that is full: the gateway answers every request, keeps the lines that its queue holds, counts all others, and recovers', async () => {
    const place = await start();
    // A line has some 4.6 KiB: the disk takes 220, the queue 3,600, and there are more requests than that.
    const each = 1400;
    const long = (n: number): string[] =>
      numbered(each, `${n}/${'x'.repeat(2000)}/`).map((path) => `${path}?q=${'y'.repeat(2000)}`);
    const asked = await Promise.all([1, 2, 3].map((n) => ask(place, long(n))));
    const slowestMs = Math.max(...asked.map((one) => one.slowestMs));
    assert.ok(slowestMs < 3000, `the slowest took ${slowestMs} ms`);
    await until('lines are dropped', async () => (await droppedTotal()) > 0);
    assert.equal(events('log_dropped')[0]?.evidence.errno, 'ENOSPC');
    inItsPlace('mount', '-o', 'remount,size=64m', join(folder, 'disk'));
    await until('each request has a line or is counted', async () => {
      const [dropped, lines] = [await droppedTotal(), recordsIn(await logText()).length];
      return dropped + lines === 3 * each;
    });
    const dropped = await droppedTotal();
    assert.equal(new Set(pathsIn(await logText())).size, 3 * each - dropped, 'each line is complete and appears once');
    await ask(place, ['/again']);
    await until('lines are written again', async () => (await logText()).includes('"path":"/again"'));
    await endsOrderly();
    const told = events('log_dropped').reduce((sum, { evidence }) => sum + evidence.count, 0);
    assert.equal(told, dropped, 'events and metric say the same');
    assert.equal(events('log_dropped').at(-1)?.to, 'writing');
  });

  test('that becomes read-only: the gateway answers every request, says why it writes nothing, and loses no line', async () => {
    const place = await start();
    await ask(place, numbered(20, 'before'));
    await until('the lines are written', async () => pathsIn(await logText()).length === 20);
    const disk = join(folder, 'disk');
    inItsPlace('mount', '-t', 'tmpfs', '-o', 'ro', 'tmpfs', disk);
    await until('the trouble is reported', () => events('log_dropped').length > 0);
    assert.equal(events('log_dropped')[0]?.evidence.errno, 'EROFS');
    await ask(place, numbered(20, 'during'));
    inItsPlace('umount', disk);
    await until('the lines are written', async () => pathsIn(await logText()).length === 40);
    assert.deepEqual(
      new Set(pathsIn(await logText())),
      new Set([...numbered(20, 'before'), ...numbered(20, 'during')]),
    );
    assert.equal(await droppedTotal(), 0);
    await endsOrderly();
  });

  // `npm test` shows in `test/cli/serving.test.ts` that it is reopened.
  if (isWholeSweep)
    test('is reopened at once on SIGUSR2, as logrotate needs it', async () => {
      const place = await start();
      await ask(place, numbered(20, 'before'));
      await until('the lines are written', async () => pathsIn(await logText()).length === 20);
      const disk = join(`/proc/${child.pid}/root`, folder, 'disk');
      await rename(join(disk, 'exchange.log'), join(disk, 'exchange.log.1'));
      child.kill('SIGUSR2');
      await until('the new file exists', async () => (await readdir(disk)).includes('exchange.log'));
      await ask(place, numbered(20, 'after'));
      await until('the lines are written', async () => pathsIn(await logText()).length === 20);
      assert.equal(pathsIn(await readFile(join(disk, 'exchange.log.1'), 'utf8')).length, 20);
      await endsOrderly();
    });
});
