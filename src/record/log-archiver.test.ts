import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from '../../test/properties.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CoreShare } from './core-share.ts';
import { LogArchiver } from './log-archiver.ts';
import { type LogArchive, sliceBytes } from './log-slice.ts';

// Real files, simulated time, and steps that cost 1 ms each.

let folder: string;
let path: string;
let clock: SimulatedClock;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'candor-archiver-'));
  path = join(folder, 'log');
  clock = new SimulatedClock();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function archiver(costMs = 1): LogArchiver {
  let spentMs = 0;
  return new LogArchiver(path, new CoreShare(clock, () => (spentMs += costMs)));
}

const names = async (): Promise<string[]> => (await readdir(folder)).toSorted();
const text = (name: string): Promise<string> => readFile(join(folder, name), 'latin1');

/** Lines that differ, of about this many bytes altogether. */
function linesOf(bytes: number, seed = ''): string {
  let lines = '';
  for (let n = 0; lines.length < bytes; n++) lines += `${seed}${n} ${(n * 7919) % 100_003} ${'x'.repeat(n % 90)}\n`;
  return lines;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; !(await isSo()); await sleep(1))
    assert.ok(performance.now() < end, 'the condition never held');
}

/** Waits until the archiver rests after a slice. */
const resting = (): Promise<void> => until(() => clock.timersLive > 0);

/** Lets time pass until the work is done. */
async function finish<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  void work.finally(() => (isDone = true));
  await until(async () => {
    await clock.advance(1000);
    return isDone;
  });
  return work;
}

describe('a rotated file', () => {
  const tools: readonly (readonly [LogArchive, string, string])[] = [
    ['zstd', '.zst', 'zstd'],
    ['gzip', '.gz', 'gzip'],
  ];
  for (const [archive, suffix, tool] of tools) {
    const hasTool = spawnSync(tool, ['--version']).status === 0;
    test(`compressed with ${archive} is one valid file for Node and for ${tool}`, async (t) => {
      const lines = linesOf(5 * sliceBytes);
      await writeFile(`${path}.2`, lines);
      const at = new Date(Date.UTC(2026, 0, 1));
      await utimes(`${path}.2`, at, at);
      assert.deepEqual(await finish(archiver().compress(archive)), { ok: true, value: null });
      assert.deepEqual(await names(), [`log.2${suffix}`]);
      const bytes = await readFile(`${path}.2${suffix}`);
      const unpacked = archive === 'zstd' ? zstdDecompressSync(bytes) : gunzipSync(bytes);
      assert.ok(unpacked.toString('latin1') === lines);
      const { mtime, mode } = await stat(`${path}.2${suffix}`);
      assert.deepEqual([mtime, mode & 0o027], [at, 0]);
      if (!hasTool) return t.diagnostic(`there is no ${tool}`);
      const out = spawnSync(tool, ['-dc', `${path}.2${suffix}`], { maxBuffer: 2 * lines.length });
      assert.ok(out.stdout.toString('latin1') === lines, out.stderr.toString());
    });
  }

  test('is compressed in slices of whole lines, none longer than the limit', async () => {
    await writeFile(`${path}.2`, linesOf(4 * sliceBytes));
    await finish(archiver().compress('zstd'));
    const frames = framesOf(await readFile(`${path}.2.zst`));
    assert.ok(frames.length >= 5, `${frames.length} frames`);
    for (const frame of frames) {
      const slice = zstdDecompressSync(frame);
      assert.ok(slice.length <= sliceBytes && slice.at(-1) === 0x0a, `${slice.length} bytes`);
    }
  });

  test('rests after each slice: 19 ms for 1 ms', async () => {
    await writeFile(`${path}.2`, linesOf(4 * sliceBytes));
    const work = archiver().compress('zstd');
    let [rests, isDone] = [0, false];
    void work.then(() => (isDone = true));
    for (;;) {
      await until(() => isDone || clock.timersLive > 0);
      if (isDone) break;
      rests += 1;
      await clock.advance(18);
      assert.equal(clock.timersLive, 1);
      await clock.advance(1);
    }
    assert.equal(rests, framesOf(await readFile(`${path}.2.zst`)).length);
  });

  test('of any bytes comes out as it was', async () => {
    const contents = fc.array(
      fc.constantFrom('\n', 'line\n', 'x'.repeat(sliceBytes), 'y'.repeat(sliceBytes - 1), 'z'),
      {
        maxLength: 6,
      },
    );
    await fc.assert(
      fc.asyncProperty(contents, async (parts) => {
        await writeFile(`${path}.2`, parts.join(''));
        assert.ok((await archiver(0).compress('zstd')).ok);
        assert.ok(zstdDecompressSync(await readFile(`${path}.2.zst`)).toString() === parts.join(''));
      }),
      { numRuns: 30 },
    );
  });

  test('stays as it is when it is written to meanwhile', async () => {
    await writeFile(`${path}.2`, linesOf(2 * sliceBytes));
    const work = archiver().compress('zstd');
    await resting();
    await appendFile(`${path}.2`, 'more\n');
    await finish(work);
    assert.deepEqual(await names(), ['log.2']);
    assert.ok((await text('log.2')).endsWith('more\n'));
  });

  test('is left alone when nothing is to be compressed', async () => {
    await writeFile(`${path}.2`, 'old\n');
    assert.deepEqual(await archiver().compress('none'), { ok: true, value: null });
    assert.deepEqual(await names(), ['log.2']);
  });

  test('that is the newest, or is compressed already, is left alone', async () => {
    for (const name of ['log.1', 'log.2.gz', 'log.3.zst', 'log.4']) await writeFile(join(folder, name), name);
    await finish(archiver().compress('zstd'));
    assert.deepEqual(await names(), ['log.1', 'log.2.gz', 'log.3.zst', 'log.4.zst']);
  });
});

describe('rotation', () => {
  test('does not wait for compression, which names its file by the number that it has by then', async () => {
    const lines = linesOf(3 * sliceBytes);
    await writeFile(`${path}.2`, lines);
    await writeFile(path, 'a\n');
    const log = archiver();
    const work = log.compress('zstd');
    await resting();
    assert.ok((await log.rotate(9)).ok);
    await writeFile(path, 'b\n');
    assert.ok((await log.rotate(9)).ok);
    assert.deepEqual(await names(), ['log.1', 'log.2', 'log.2.zst.part', 'log.4']);
    assert.deepEqual(await log.compress('zstd'), { ok: true, value: null }, 'returns at once');
    await finish(work);
    assert.deepEqual(await names(), ['log.1', 'log.2.zst', 'log.4.zst'], 'and later files too');
    assert.ok(zstdDecompressSync(await readFile(`${path}.4.zst`)).toString() === lines);
    assert.equal(await text('log.1'), 'b\n');
  });

  test('that removes a file before it is compressed leaves nothing of it', async () => {
    await writeFile(`${path}.2`, linesOf(9 * sliceBytes));
    await writeFile(path, 'a\n');
    const log = archiver();
    const work = log.compress('zstd');
    await resting();
    assert.ok((await log.rotate(2)).ok);
    // One rest, and no further slice.
    await clock.advance(19);
    assert.deepEqual(await work, { ok: true, value: null });
    assert.deepEqual(await names(), ['log.1']);
  });

  test('takes up no more space than the files that it keeps, however slow compression is', async () => {
    const log = archiver(1e9);
    const works: Promise<unknown>[] = [];
    for (let n = 0; n < 10; n++) {
      await writeFile(path, linesOf(2 * sliceBytes, `${n}:`));
      assert.ok((await log.rotate(3)).ok);
      works.push(log.compress('zstd'));
      await until(async () => (await names()).length <= 4 || clock.timersLive > 0);
      const found = await names();
      assert.ok(found.filter((name) => !name.endsWith('.part')).length <= 3, found.join());
      assert.ok(found.filter((name) => name.endsWith('.part')).length <= 1, found.join());
    }
    log.stop();
    await Promise.all(works);
    assert.deepEqual(await names(), ['log.1', 'log.2', 'log.3']);
  });

  test('counts compressed files of each kind', async () => {
    for (const name of ['log', 'log.1', 'log.2.gz', 'log.3.zst', 'log.4.gz']) await writeFile(join(folder, name), name);
    assert.ok((await archiver().rotate(4)).ok);
    assert.deepEqual(await names(), ['log.1', 'log.2', 'log.3.gz', 'log.4.zst']);
  });
});

describe('compression that cannot be completed', () => {
  test('by a killed process loses nothing, and the next one removes what it left', async () => {
    const lines = linesOf(3 * sliceBytes);
    await writeFile(`${path}.2`, lines);
    const program = fileURLToPath(new URL('fixtures/compress-forever.ts', import.meta.url));
    const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual(await names(), ['log.2', 'log.2.zst.part']);
    assert.ok((await text('log.2')) === lines);
    await writeFile(path, 'next\n');
    const log = archiver();
    assert.ok((await log.rotate(5)).ok);
    await finish(log.compress('zstd'));
    assert.deepEqual(await names(), ['log.1', 'log.3.zst']);
    assert.ok(zstdDecompressSync(await readFile(`${path}.3.zst`)).toString() === lines);
  });

  test('since the log is closed leaves the file as it is', async () => {
    await writeFile(`${path}.2`, linesOf(3 * sliceBytes));
    const log = archiver();
    const work = log.compress('zstd');
    await resting();
    log.stop();
    assert.deepEqual(await work, { ok: true, value: null });
    assert.deepEqual([await names(), clock.timersLive], [['log.2'], 0]);
    assert.deepEqual(await log.compress('zstd'), { ok: true, value: null });
    assert.deepEqual(await names(), ['log.2']);
  });

  test('does not take the unfinished file of another process for its own', async () => {
    await writeFile(`${path}.2`, linesOf(3 * sliceBytes));
    const work = archiver().compress('zstd');
    await resting();
    await rm(`${path}.2.zst.part`);
    await writeFile(`${path}.2.zst.part`, 'half of it');
    await finish(work);
    assert.ok((await names()).includes('log.2'));
    assert.ok(!(await names()).includes('log.2.zst'));
  });

  test('since the disk is full leaves the file, removes the part, and says so', async (t) => {
    const disk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1200k', 'tmpfs', folder]);
    if (disk.status !== 0) return t.skip('this user cannot mount a small disk');
    try {
      // Random digits do not become small enough for what is left.
      const lines = Array.from({ length: 60_000 }, () => `${Math.random()}`.slice(0, 17).padEnd(17, '0')).join('\n');
      await writeFile(`${path}.2`, lines);
      assert.deepEqual(await finish(archiver().compress('zstd')), { ok: false, failure: 'ENOSPC' });
      assert.deepEqual(await names(), ['log.2']);
      assert.ok((await text('log.2')) === lines);
    } finally {
      spawnSync('umount', [folder]);
    }
  });

  test('leaves files of other programs alone when it removes what was left', async () => {
    for (const name of [
      'log.gz.part',
      'log.7.gz.part',
      'log.8.zst.part',
      'log.part',
      'log.x.zst.part',
      'logs.1.gz.part',
    ])
      await writeFile(join(folder, name), name);
    await archiver().compress('zstd');
    assert.deepEqual(await names(), ['log.gz.part', 'log.part', 'log.x.zst.part', 'logs.1.gz.part']);
  });
});

/** Frames of zstd begin with four fixed bytes. */
function framesOf(bytes: Buffer): Buffer[] {
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  const frames: Buffer[] = [];
  for (let at = bytes.indexOf(magic); at !== -1; ) {
    const next = bytes.indexOf(magic, at + 4);
    frames.push(bytes.subarray(at, next === -1 ? bytes.length : next));
    at = next;
  }
  return frames;
}
