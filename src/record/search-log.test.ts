import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { after, before, test } from 'node:test';
import { TestRing } from './test-ring.test-support.ts';
import { sampleExchange } from './sample-exchange.test-support.ts';
import { searchFile, searchLog } from './search-log.ts';
import { IdSearch } from './parse-record.ts';
import { processHeaderLine } from './process-header.ts';
import { RecordWriter } from './write-record.ts';

const ring = new TestRing();
const writer = new RecordWriter({
  deployment: 'shop',
  member: 'gw-1',
  processStartedUnixMs: 0,
  processKey: 'k3f9xa',
  worker: 1,
  queryAllowed: [],
  ring,
});
const line = (id: string, revision = 1): string => writer.line(sampleExchange({ id, revision }));

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'candor-log-'));
});
after(() => rm(folder, { recursive: true }));

async function logWith(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text, 'latin1');
  return path;
}

test('the newest line of the exchange is found', async () => {
  const path = await logWith('newest', line('a', 1) + line('b') + line('a', 2) + line('c'));
  assert.equal((await searchLog(path, 'a'))?.revision, 2);
  assert.equal((await searchLog(path, 'b'))?.id, 'b');
  assert.equal(await searchLog(path, 'd'), null);
});

test('incomplete lines and lines of other programs are skipped', async () => {
  const torn = line('a', 9).slice(0, -100);
  const text = `127.0.0.1 - - "id":"a"\n${line('a', 1)}${torn}\n{"id":"a"}\n\n[{"id":"a"}]\n${torn}`;
  assert.equal((await searchLog(await logWith('torn', text), 'a'))?.revision, 1);
});

test('a last line without LF is read if it is complete', async () => {
  assert.equal((await searchLog(await logWith('unended', line('b') + line('a').trimEnd()), 'a'))?.id, 'a');
});

test('the line is found wherever a step of 64 KiB splits it', async () => {
  const step = 64 * 1024;
  const length = line('wanted').length;
  const needleAt = line('wanted').indexOf('"id"');
  const cuts = [0, 1, needleAt - 1, needleAt, needleAt + 1, needleAt + 5, needleAt + 13, length - 1, length];
  for (const behind of cuts.map((cut) => step - length + cut)) {
    const path = await logWith('cut', `${'x'.repeat(70_000)}\n${line('wanted')}${'y'.repeat(behind)}`);
    assert.equal((await searchLog(path, 'wanted'))?.id, 'wanted', `${behind} bytes behind it`);
  }
});

test('a long line is read whole', async () => {
  const long = writer.line(sampleExchange({ id: 'long', target: `/${'\u2028'.repeat(3000)}`, upstream: 'u' }));
  assert.ok(long.length > 8192);
  assert.equal((await searchLog(await logWith('long', line('a') + long + line('b')), 'long'))?.upstream, 'u');
});

test('the file before the last rotation is searched too', async () => {
  const path = await logWith('rotated', line('new'));
  await logWith('rotated.1', line('old'));
  assert.equal((await searchLog(path, 'old'))?.id, 'old');
  await rm(path);
  assert.equal((await searchLog(path, 'old'))?.id, 'old');
});

test('a file that cannot be read has no result', async () => {
  for (const path of [join(folder, 'missing'), folder, '-', await logWith('empty', '')])
    assert.equal(await searchLog(path, 'a'), null);
});

test('a file of a gigabyte is searched in little memory', async () => {
  const path = await logWith('large', line('first'));
  const file = await open(path, 'r+');
  // A sparse file: needs no space on the disk, and reads as zeros.
  await file.write(Buffer.from(`\n${line('last')}`), 0, null, 1024 ** 3);
  await file.close();
  const before = process.memoryUsage().rss;
  assert.equal((await searchLog(path, 'last'))?.id, 'last');
  assert.ok(process.memoryUsage().rss - before < 50 * 1024 ** 2);
});

test('a record gets the constants of its process from the header line of its file, compressed or not', async () => {
  const constants = { started_at: '2026-11-20T22:15:00.000Z', version: '1', pid: 1 };
  const header = (process: string, member: string): string =>
    Buffer.from(
      processHeaderLine({ ...constants, process, deployment: 'shop', member }, '2026-11-21T08:00:00.000Z'),
    ).toString();
  const text = header('k3f9xa', 'gw-1') + line('a') + header('other1', 'gw-2') + line('b');
  const plain = await logWith('with-header', text);
  const packed = join(folder, 'with-header.zst');
  await writeFile(packed, zstdCompressSync(text));
  for (const path of [plain, packed]) {
    const { record } = await searchFile(path, new IdSearch('b'));
    assert.deepEqual(
      [record?.deployment, record?.member, record?.process_started_at],
      ['shop', 'gw-1', constants.started_at],
    );
  }
  const { record } = await searchFile(await logWith('without-header', line('a')), new IdSearch('a'));
  assert.deepEqual([record?.id, record?.process, record?.member], ['a', 'k3f9xa', null]);
});
