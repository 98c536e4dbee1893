// Starts processes: only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from '../../test/properties.ts';
import { searchLogFiles, searchLogFilesForPrefix } from './log-files.ts';
import { compressSlice, sliceBytes } from './log-slice.ts';
import { IdSearch } from './parse-record.ts';
import { sampleExchange } from './sample-exchange.test-support.ts';
import { searchArchive, searchLog } from './search-log.ts';
import { TestRing } from './test-ring.test-support.ts';
import { RecordWriter } from './write-record.ts';

const ring = new TestRing();
const parts = {
  deployment: 'shop',
  member: 'gw-1',
  processStartedUnixMs: 0,
  processKey: 'k3f9xa',
  worker: 1,
  queryAllowed: [],
  ring,
};
const writer = new RecordWriter(parts);
const line = (id: string, revision = 1): string => writer.line(sampleExchange({ id, revision }));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'candor-archive-'));
});
after(() => rm(folder, { recursive: true }));

let files = 0;
async function fileWith(bytes: string | Uint8Array): Promise<string> {
  const path = join(folder, `file${files++}`);
  await writeFile(path, bytes);
  return path;
}

const packers: readonly (readonly [string, (text: string) => Buffer])[] = [
  ['zstd', (text) => zstdCompressSync(text)],
  ['gzip', (text) => gzipSync(text)],
];

for (const [name, pack] of packers) {
  describe(`a log compressed with ${name}`, () => {
    test('gives the newest line of the exchange, also if it has no line end', async () => {
      for (const end of ['\n', '']) {
        const path = await fileWith(pack(`${line('a', 1)}${line('b')}not ours\n${line('a', 2).trimEnd()}${end}`));
        const { record, end: reached } = await searchArchive(path, new IdSearch('a'));
        assert.deepEqual([record?.revision, reached.kind], [2, 'whole']);
      }
    });

    test('is searched across its frames, wherever they split a line', async () => {
      const text = line('a') + line('wanted', 7) + line('b');
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 4 }), async (cuts) => {
          const bounds = [0, ...cuts.toSorted((a, b) => a - b), text.length];
          const frames = bounds.slice(1).map((end, n) => pack(text.slice(bounds[n], end)));
          const { record } = await searchArchive(await fileWith(Buffer.concat(frames)), new IdSearch('wanted'));
          assert.equal(record?.revision, 7);
        }),
        { numRuns: 30 },
      );
    });

    test('is searched up to where it is readable, and the end is reported', async () => {
      const first = pack(line('first') + 'x'.repeat(200) + '\n');
      const second = pack(line('second'));
      const truncated = await fileWith(Buffer.concat([first, second.subarray(0, -5)]));
      const found = await searchArchive(truncated, new IdSearch('first'));
      assert.deepEqual([found.record?.id, found.end.kind], ['first', 'cut']);
    });

    test('that is damaged is searched up to a step before the defect', async () => {
      const ids = Array.from({ length: 1200 }, (_, n) => `id-${n}-${(n * 7919) % 100_003}`);
      const bytes = pack(ids.map((id) => line(id)).join(''));
      bytes.fill(0xff, bytes.length - 200, bytes.length - 100);
      const found = await searchArchive(await fileWith(bytes), new IdSearch(ids[10] ?? ''));
      assert.deepEqual([found.record?.id, found.end.kind], [ids[10], 'damaged']);
    });

    test('lists exchanges with a prefix, the newest first, and no more than five', async () => {
      const ids = Array.from({ length: 15 }, (_, n) => `0197f3a0-${String(n).padStart(4, '0')}-7000-8000-000000000000`);
      const path = await fileWith(pack(ids.map((id) => line(id)).join('')));
      const found = await searchLogFilesForPrefix(path, '0197f3a0');
      assert.deepEqual(
        found.map(({ id }) => id),
        ids.toReversed().slice(0, 5),
      );
    });
  });
}

test('a line that is longer than any record is skipped in little memory, and the lines behind it are read', async () => {
  const long = zstdCompressSync(Buffer.alloc(120 * 1024 ** 2, 'x'));
  const path = await fileWith(Buffer.concat([long, zstdCompressSync(`\n${line('a')}`)]));
  const before = process.memoryUsage().rss;
  const { record } = await searchArchive(path, new IdSearch('a'));
  assert.equal(record?.id, 'a');
  assert.ok(process.memoryUsage().rss - before < 60 * 1024 ** 2);
});

test('an archive that was made to expand without end is left after a gigabyte', { timeout: 30_000 }, async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 ** 2));
  const path = await fileWith(Buffer.concat(Array.from({ length: 40 }, () => bomb)));
  const { end } = await searchArchive(path, new IdSearch('a'));
  assert.equal(end.kind, 'refused');
  assert.match(end.kind === 'refused' ? end.why : '', /expands to more than 500 times its size/);
});

test('what the archiver writes is no such archive, even if all lines are the same', async () => {
  const text = 'GET /health 200\n'.repeat(sliceBytes / 16);
  const slice = compressSlice(Buffer.from(text), 'zstd');
  const { record, end } = await searchArchive(
    await fileWith(
      Buffer.concat([...Array.from({ length: 400 }, () => slice), compressSlice(Buffer.from(line('a')), 'zstd')]),
    ),
    new IdSearch('a'),
  );
  assert.deepEqual([record?.id, end.kind], ['a', 'whole']);
});

describe('the running gateway', () => {
  for (const [suffix, pack] of [
    ['.1', (text: string) => Buffer.from(text)],
    ['.1.zst', zstdCompressSync],
    ['.1.gz', gzipSync],
  ] as const) {
    test(`finds an exchange in the newest rotated file, ${suffix}`, async () => {
      const path = await fileWith(line('new'));
      await writeFile(`${path}${suffix}`, pack(line('old')));
      assert.equal((await searchLog(path, 'old'))?.id, 'old');
      assert.equal((await searchLog(path, 'new'))?.id, 'new');
      assert.equal(await searchLog(path, 'none'), null);
    });
  }

  test('takes nothing from the reader of a pipe', async (t) => {
    const path = join(folder, 'pipe');
    if (spawnSync('mkfifo', [path]).status !== 0) return t.skip('there is no mkfifo');
    assert.equal(await searchLog(path, 'a'), null);
  });
});

test('a file that gets another name at any moment of the search is found under it', async () => {
  const path = await fileWith(line('new'));
  let name = `${path}.2`;
  await writeFile(name, line('wanted'));
  for (let turns = 0; turns < 60; turns++) {
    const search = searchLogFiles(path, 'wanted');
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    const next = `${path}.${turns + 3}`;
    await rename(name, next);
    name = next;
    assert.equal((await search).record?.id, 'wanted', `after ${turns} turns`);
  }
});

test('bytes behind an archive, or between two parts of it, are not read, and that is said', async () => {
  const other = Buffer.alloc(512);
  for (const bytes of [
    Buffer.concat([zstdCompressSync(line('a')), other, zstdCompressSync(line('b'))]),
    Buffer.concat([gzipSync(line('a')), other, gzipSync(line('b'))]),
    Buffer.concat([zstdCompressSync(line('a')), gzipSync(line('b'))]),
    Buffer.concat([zstdCompressSync(line('a')), Buffer.from(line('b'))]),
  ]) {
    const { record, end } = await searchArchive(await fileWith(bytes), new IdSearch('a'));
    assert.deepEqual([record?.id, end.kind], ['a', 'followed']);
  }
});
