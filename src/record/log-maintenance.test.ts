// Starts processes: only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:fs';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import type { EventSink, NewEvent } from '../core/event.ts';
import type { Result } from '#failures/result.ts';
import { after, type Instant } from '../core/time.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type LogFile, type LogFileOptions, openLogFile } from './log-file.ts';
import { searchLogFiles } from './log-files.ts';
import { CoreShare } from './core-share.ts';
import { LogArchiver, rotateFile } from './log-archiver.ts';
import { type LogFileState, type LogOutput, type LogProblem, openLogOutput } from './log-output.ts';

// Real files and simulated time.

let folder: string;
let path: string;
let clock: SimulatedClock;
let told: NewEvent[];
let log: LogFile | null;
/** Lines that are neither written nor dropped yet, and those that were dropped. */
let queued: number;
let lost: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'candor-care-'));
  path = join(folder, 'log');
  clock = new SimulatedClock();
  told = [];
  log = null;
  queued = 0;
  lost = 0;
});
afterEach(async () => {
  await log?.close();
  await rm(folder, { recursive: true, force: true });
});

const events: EventSink = { emit: (event) => void told.push(event as NewEvent) };

async function openLog(options: Partial<LogFileOptions> = {}): Promise<LogFile> {
  const onLost = (lines: number): void => {
    lost += lines;
  };
  const opened = await openLogFile(path, { clock, events, onLost, ...options });
  assert.ok(opened.ok, opened.ok ? '' : opened.failure.reason);
  log = opened.value;
  return log;
}

function append(bytes: Uint8Array): void {
  queued += 1;
  log?.append(bytes, () => {
    queued -= 1;
  });
}

const compression = 'zstd';

/** Whatever is measured with it takes a millisecond. */
class WorkingClock extends SimulatedClock {
  #workedMs = 0;

  override now(): Instant {
    return after(super.now(), this.#workedMs++);
  }
}

/** Without rests: it spends nothing. */
function compressRotated(): Promise<Result<null, string>> {
  return new LogArchiver(path, new CoreShare(clock, () => 0)).compress(compression);
}

const line = (text: string): Uint8Array => Buffer.from(`${text}\n`);

function kinds(): string[] {
  return told.map(({ kind }) => kind);
}

/** Advances time until the condition holds: files take real time. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; !(await isSo()); await sleep(2)) {
    assert.ok(performance.now() < end, `the condition never held; reported: ${JSON.stringify(told)}`);
    await clock.advance(100);
  }
}

async function textOf(name: string): Promise<string> {
  const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0));
  return (name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('latin1');
}

const written = (): Promise<void> => until(() => queued === 0);

describe('a log that grows', () => {
  const rotation = (bytesMax: number, keepMax: number) => () => ({ bytesMax, keepMax, compression }) as const;

  test('is rotated at its size, compressed when another follows, and kept up to the configured number', async () => {
    await openLog({ rotation: rotation(12, 3) });
    for (let n = 0; n < 12; n++) {
      append(line(`line${n}`));
      await written();
      await until(async () => !(await readdir(folder)).some((name) => name.endsWith('.part')));
      await until(async () => !(await readdir(folder)).includes('log.2'));
    }
    const rotated = kinds().filter((kind) => kind === 'log_rotated').length;
    assert.ok(rotated >= 3, `${rotated} times`);
    assert.deepEqual((await readdir(folder)).toSorted(), ['log', 'log.1', 'log.2.zst', 'log.3.zst']);
    const texts = await Promise.all(['log.3.zst', 'log.2.zst', 'log.1', 'log'].map(textOf));
    const last = texts.join('').trim().split('\n');
    assert.deepEqual(last, Array.from({ length: 12 }, (_, n) => `line${n}`).slice(-last.length), 'in order, none lost');
    assert.equal((await stat(join(folder, 'log.2.zst'))).mode & 0o027, 0, 'not for everybody');
    assert.deepEqual(new Set(kinds()), new Set(['log_rotated']));
  });

  test('is rotated again while an earlier file is being compressed', async () => {
    const opened = await openLog({ rotation: rotation(600_000, 3), clock: new WorkingClock() });
    const large = line('x'.repeat(600_000));
    // Time stands still: the compression rests after its first slice, and never goes on.
    for (let n = 0; n < 6; n++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      opened.append(large, resolve);
      await promise;
    }
    await opened.close();
    assert.equal(kinds().filter((kind) => kind === 'log_rotated').length, 5);
    assert.deepEqual((await readdir(folder)).filter((name) => !name.endsWith('.part')).toSorted(), [
      'log',
      'log.1',
      'log.2',
      'log.3',
    ]);
  });

  test('stays where it is while another process writes to it', async () => {
    let alone = false;
    await openLog({ rotation: () => (alone ? rotation(5, 2)() : null) });
    for (const text of ['first', 'second']) append(line(text));
    await written();
    assert.deepEqual(await readdir(folder), ['log']);
    alone = true;
    append(line('third'));
    await written();
    assert.deepEqual([await textOf('log.1'), await textOf('log')], ['first\nsecond\n', 'third\n']);
  });

  test('is rotated before a line that comes while the file is looked at', async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let isHeld = false;
    await openLog({
      rotation: rotation(5, 2),
      open: async (name) => {
        const output = await openLogOutput(name);
        if (!output.ok) return output;
        const { value } = output;
        const look = async (): Promise<LogFileState | null> => {
          if (isHeld) await released;
          return (await value.look?.()) ?? null;
        };
        const write: LogOutput['write'] = (bytes, from) => value.write(bytes, from);
        return { ok: true, value: { write, look, close: () => value.close() } };
      },
    });
    append(line('first'));
    await written();
    isHeld = true;
    await clock.advance(1000);
    append(line('second'));
    release();
    await written();
    assert.deepEqual([await textOf('log.1'), await textOf('log')], ['first\n', 'second\n']);
  });

  test('counts the bytes that the file already had, and follows a changed size limit', async () => {
    await writeFile(path, 'from before\n');
    let bytesMax = 1000;
    await openLog({ rotation: () => ({ bytesMax, keepMax: 1, compression }) });
    append(line('first'));
    await written();
    bytesMax = 10;
    append(line('second'));
    await written();
    assert.deepEqual([await textOf('log.1'), await textOf('log')], ['from before\nfirst\n', 'second\n']);
  });

  test('continues if it cannot be rotated, and reports it', async () => {
    path = join(folder, 'l'.repeat(254)); // there is no room for a number behind it
    await openLog({ rotation: rotation(5, 1) });
    for (const text of ['first', 'second', 'third']) append(line(text));
    await written();
    assert.equal(await textOf(basename(path)), 'first\nsecond\nthird\n');
    assert.equal(kinds()[0], 'log_not_rotated');
    assert.ok(kinds().length < 3, 'not at each line');
  });

  const strange: readonly (readonly [what: string, make: (path: string) => unknown])[] = [
    ['a folder', (at) => mkdir(at)],
    ['a link', (at) => symlink('precious', at)],
    ['a link to nothing', (at) => symlink('nothing', at)],
    ['a pipe', (at) => spawnSync('mkfifo', [at])],
  ];
  for (const [what, make] of strange) {
    test(`passes over a number where ${what} lies, and reads none of it`, async () => {
      await writeFile(join(folder, 'precious'), 'keep me');
      await Promise.all(['log.1', 'log.3'].map((name) => make(join(folder, name))));
      const before = await lstat(join(folder, 'log.3'));
      for (const text of ['first', 'second', 'third', 'fourth']) {
        await writeFile(path, `${text}\n`);
        assert.deepEqual(await rotateFile(path, 3), { ok: true, value: null });
        assert.deepEqual(await compressRotated(), { ok: true, value: null });
      }
      const names = ['log.1', 'log.2', 'log.3', 'log.4.zst', 'log.5.zst', 'precious'];
      assert.deepEqual((await readdir(folder)).toSorted(), names);
      assert.deepEqual(await Promise.all(['log.2', 'log.4.zst', 'log.5.zst'].map(textOf)), [
        'fourth\n',
        'third\n',
        'second\n',
      ]);
      assert.equal(await textOf('precious'), 'keep me');
      assert.equal((await lstat(join(folder, 'log.3'))).ino, before.ino);
      const { searched } = await searchLogFiles(path, 'none');
      assert.equal(searched.length, 3);
    });
  }

  test('follows no link when it is compressed', async () => {
    await writeFile(join(folder, 'precious'), 'keep me');
    await symlink('precious', `${path}.2.zst.part`);
    await writeFile(`${path}.2`, 'old\n');
    assert.deepEqual(await compressRotated(), { ok: true, value: null });
    assert.deepEqual((await readdir(folder)).toSorted(), ['log.2.zst', 'precious']);
    assert.deepEqual([await textOf('precious'), await textOf('log.2.zst')], ['keep me', 'old\n']);
    await mkdir(`${path}.3.zst.part`);
    await writeFile(`${path}.3`, 'older\n');
    assert.equal((await compressRotated()).ok, false);
    assert.equal(await textOf('log.3'), 'older\n');
  });

  test('is searched in all its rotated files', async () => {
    const record = (id: string): string =>
      JSON.stringify({ v: 1, kind: 'exchange', id, at: '2026-01-01T00:00:00.000Z' });
    for (const id of ['a', 'b', 'c']) {
      await writeFile(path, `${record(id)}\n`);
      assert.ok((await rotateFile(path, 5)).ok);
      assert.ok((await compressRotated()).ok);
      await sleep(5);
    }
    assert.deepEqual((await readdir(folder)).toSorted(), ['log.1', 'log.2.zst', 'log.3.zst']);
    const { searched } = await searchLogFiles(path, 'a');
    assert.deepEqual(
      searched.map((file) => basename(file.path)),
      ['log.1', 'log.2.zst', 'log.3.zst'],
      'newest first: compressed files keep their time',
    );
  });

  test('behind a link is rotated in its own folder, and found through the link', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'data'), '');
    await symlink(join(elsewhere, 'data'), path);
    await openLog({ rotation: rotation(5, 5) });
    for (const text of ['first', 'second']) {
      append(line(text));
      await written();
    }
    await until(async () => (await readdir(elsewhere)).includes('data.1'));
    assert.deepEqual((await readdir(elsewhere)).toSorted(), ['data', 'data.1']);
    assert.equal(await textOf('log'), 'second\n');
    const { searched } = await searchLogFiles(path, 'x');
    assert.deepEqual(
      searched.map((file) => basename(file.path)),
      ['log', 'data.1'],
    );
  });

  test('behind an inherited descriptor is never rotated or reopened', async () => {
    const lent = await open(join(folder, 'lent'), 'a');
    await symlink(`/proc/self/fd/${lent.fd}`, path);
    await openLog({ rotation: rotation(5, 5) });
    for (const text of ['first', 'second', 'third']) {
      append(line(text));
      await written();
    }
    await rm(join(folder, 'lent'));
    await clock.advance(5000);
    await sleep(20);
    append(line('fourth'));
    await written();
    assert.deepEqual([await readdir(folder), kinds()], [['log'], []]);
    await lent.close();
  });

  test('leaves other files alone', async () => {
    for (const name of ['log', 'log.20260101', 'log.1.bak', 'log.0', 'log2.1', 'log.3'])
      await writeFile(join(folder, name), name);
    assert.ok((await rotateFile(path, 2)).ok);
    assert.deepEqual(
      (await readdir(folder)).toSorted(),
      ['log.0', 'log.1', 'log.1.bak', 'log.20260101', 'log2.1'],
      'log.3 is older than the two that are kept',
    );
  });
});

describe('a log that is deleted by another program', () => {
  test('is reopened, and gets the lines that were written meanwhile', async () => {
    await openLog();
    append(line('before'));
    await written();
    await clock.advance(1000);
    await until(async () => (await textOf('log')) === 'before\n');
    await sleep(20);
    await rm(path);
    append(line('meanwhile'));
    await written();
    await until(() => kinds().includes('log_reopened'));
    append(line('after'));
    await written();
    const text = await textOf('log');
    assert.ok(text.endsWith('meanwhile\nafter\n'), JSON.stringify(text));
    const evidence = told[0]?.evidence as { was: string; bytesSaved: number };
    assert.equal(evidence.was, 'deleted');
    assert.equal(lost, 0);
  });

  test('with its folder is reopened in a new folder, while nothing is written', async () => {
    const deep = join(folder, 'deep');
    await mkdir(deep);
    path = join(deep, 'log');
    await openLog();
    await rm(deep, { recursive: true });
    await until(() =>
      readdir(deep).then(
        (names) => names.includes('log'),
        () => false,
      ),
    );
  });

  test('and cannot be reopened keeps lines, reports those that had to be dropped, and recovers', async () => {
    const opened = await openLog();
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder');
    await until(() => kinds().includes('log_dropped'));
    for (let n = 0; n < 3; n++) append(line(`line${n}`));
    opened.lost(2);
    await clock.advance(1000);
    await rm(folder);
    await until(() => kinds().includes('log_reopened'));
    await written();
    assert.equal(await textOf('log'), 'line0\nline1\nline2\n');
    await until(() => told.at(-1)?.kind === 'log_dropped' && told.at(-1)?.to === 'writing');
    const counts = told.flatMap((event) =>
      event.kind === 'log_dropped' ? [(event as NewEvent<'log_dropped'>).evidence.count] : [],
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      2,
      'as many as were told',
    );
  });

  test('or moved without a signal continues under its path; the moved file is left alone', async () => {
    await openLog();
    append(line('before'));
    await written();
    await rename(path, `${path}.old`);
    await until(() => kinds().includes('log_reopened'));
    append(line('after'));
    await written();
    assert.deepEqual([await textOf('log.old'), await textOf('log')], ['before\n', 'after\n']);
  });

  test('and still has another name does not copy lines', async () => {
    await openLog();
    append(line('before'));
    await written();
    await link(path, `${path}.kept`);
    await rm(path);
    await until(() => kinds().includes('log_reopened'));
    assert.deepEqual([await textOf('log.kept'), await textOf('log')], ['before\n', '']);
  });

  test('and replaced by one whose last line is incomplete ends that line before it copies others', async () => {
    await openLog();
    append(line('before'));
    await written();
    await clock.advance(1000);
    await sleep(20);
    await rm(path);
    append(line('meanwhile'));
    await written();
    await writeFile(path, 'cut');
    await until(() => kinds().includes('log_reopened'));
    append(line('after'));
    await written();
    assert.match(await textOf('log'), /^cut\n(?:before\n)?meanwhile\nafter\n$/);
    assert.equal(lost, 0);
  });

  test('or truncated in place continues in the same file, with its header, and reports it', async () => {
    await openLog({ header: () => line('header') });
    for (const text of ['first', 'second']) append(line(text));
    await written();
    await writeFile(path, 'other\n');
    // Shorter than what has been written, although a look has seen no more than the header.
    await until(() => kinds().includes('log_truncated'));
    append(line('after'));
    await written();
    await clock.advance(5000);
    assert.deepEqual([await textOf('log'), kinds()], ['other\nheader\nafter\n', ['log_truncated']]);
    assert.deepEqual(told[0]?.evidence, { path, bytesBefore: 20, bytes: 6 });
    assert.match(told[0]?.reason ?? '', /truncated its file from 20 to 6 bytes/);
  });

  test('or truncated within a line of which the disk has taken a part gets that line whole', async () => {
    let isFull = true;
    const openFull = async (name: string): Promise<Result<LogOutput, LogProblem>> => {
      const output = await openLogOutput(name);
      if (!output.ok) return output;
      const { value } = output;
      let isFirst = true;
      const write: LogOutput['write'] = (bytes, from) => {
        if (!isFull) return value.write(bytes, from);
        if (!isFirst) return Promise.resolve({ ok: false, failure: 'ENOSPC' });
        isFirst = false;
        return value.write(bytes.subarray(0, 16), from);
      };
      const { look, endsMidLine } = value;
      return {
        ok: true,
        value: { write, close: () => value.close(), ...(look && { look }), ...(endsMidLine && { endsMidLine }) },
      };
    };
    let isHeaded = false;
    await openLog({ open: openFull, header: () => (isHeaded ? line('header') : null) });
    append(line('first line\nsecond line'));
    await until(async () => (await textOf('log')) === 'first line\nsecon');
    isHeaded = true;
    await writeFile(path, '');
    await until(() => kinds().includes('log_truncated'));
    isFull = false;
    await written();
    assert.equal(await textOf('log'), 'header\nsecond line\n');
  });

  test('or truncated in place counts its size anew', async () => {
    await openLog({ rotation: () => ({ bytesMax: 20, keepMax: 1, compression }) });
    append(line('nearly twenty'));
    await written();
    await writeFile(path, '');
    await clock.advance(1000);
    await until(async () => (await stat(path)).size === 0);
    await sleep(20);
    append(line('after'));
    await written();
    assert.deepEqual([await textOf('log'), kinds()], ['after\n', ['log_truncated']]);
  });
});

describe('a log in a pipe', () => {
  const hasPipes = spawnSync('mkfifo', ['--version']).status === 0;
  const options = { skip: hasPipes ? false : 'there is no mkfifo' };

  test('without a reader cannot be opened, and says so at once', options, async () => {
    spawnSync('mkfifo', [path]);
    const opened = await openLogFile(path, { clock, events });
    assert.ok(!opened.ok);
    assert.deepEqual([opened.failure.errno, /start its reader/.test(opened.failure.reason)], ['ENXIO', true]);
  });

  test('whose reader rests: keeps its lines until it reads on, and says what they wait for', options, async () => {
    spawnSync('mkfifo', [path]);
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const opened = await openLog();
    const lines = 400;
    for (let n = 0; n < lines; n++) {
      append(line(`${n}:${'x'.repeat(995)}`));
      await clock.advance(0);
    }
    await until(() => {
      opened.lost(1);
      return told.some((event) => event.reason.includes('a pipe that its reader does not read fast enough'));
    });
    let text = '';
    await until(async () => {
      const { bytesRead, buffer } = await reader
        .read(Buffer.alloc(65_536))
        .catch(() => ({ bytesRead: 0, buffer: Buffer.alloc(0) }));
      text += buffer.toString('latin1', 0, bytesRead);
      return queued === 0 && bytesRead === 0;
    });
    assert.equal(text.trim().split('\n').length, lines, 'each line has come');
    await reader.close();
  });

  test('whose reader leaves drops and counts lines, and continues with the next reader', options, async () => {
    spawnSync('mkfifo', [path]);
    const first = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await openLog();
    await first.close();
    append(line('lost'));
    await until(() => lost === 1);
    const second = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    await clock.advance(1000);
    let text = '';
    await until(async () => {
      append(line('again'));
      const { bytesRead, buffer } = await second
        .read(Buffer.alloc(4096))
        .catch(() => ({ bytesRead: 0, buffer: Buffer.alloc(0) }));
      text += buffer.toString('latin1', 0, bytesRead);
      return text.includes('again');
    });
    await second.close();
  });
});
