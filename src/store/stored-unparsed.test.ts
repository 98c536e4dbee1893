import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { UnparsedJson } from '../core/unparsed-bytes.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { StoredUnparsed, UnparsedFiles } from './stored-unparsed.ts';

let folder: string;
let files: UnparsedFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-unparsed-'));
  files = new UnparsedFiles(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const begin = Date.UTC(2026, 10, 24, 13, 59, 59, 900);
const names = (): string[] => readdirSync(folder).toSorted();
const unparsed = (bytes = '00ff'): UnparsedJson[] => [{ attempt: 1, part: 'head', offset: 0, bytes }];

test('the bytes of an exchange are found by its id, in files of an hour that their user alone can read', () => {
  files.append([
    { id: 'a', at: begin, unparsed: unparsed('01') },
    { id: 'b', at: begin + 200, unparsed: unparsed('02') },
  ]);
  assert.deepEqual(names(), ['unparsed-2026-11-24T13.ndjson', 'unparsed-2026-11-24T14.ndjson']);
  for (const name of names()) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  assert.deepEqual(files.find('a', begin, 0), unparsed('01'));
  // The time of the record is rounded.
  assert.deepEqual(files.find('b', begin, 0), unparsed('02'));
  assert.deepEqual(files.find('c', begin, 0), []);
  assert.deepEqual(files.find('a', begin + 5 * hourMs, 0), []);
});

test('after seven days nothing of them is shown, nor left on the disk', () => {
  files.append([{ id: 'a', at: begin, unparsed: unparsed() }]);
  files.append([{ id: 'b', at: begin + 2 * dayMs, unparsed: unparsed() }]);
  writeFileSync(join(folder, 'exchanges-000001.sqlite'), '');
  assert.deepEqual(files.find('a', begin, begin + 1), [], 'before its file is deleted');
  files.maintain(begin + 7 * dayMs - hourMs);
  assert.equal(names().length, 3);
  files.maintain(null);
  assert.equal(names().length, 3, 'a clock that was set deletes nothing');
  files.maintain(begin + 7 * dayMs);
  assert.deepEqual(names(), ['exchanges-000001.sqlite', 'unparsed-2026-11-26T13.ndjson']);
});

test('beyond 32 MiB the oldest go', () => {
  for (let hour = 0; hour < 3; hour += 1) {
    files.append([{ id: 'a', at: begin + hour * hourMs, unparsed: unparsed() }]);
    appendFileSync(join(folder, names().at(-1) ?? ''), Buffer.alloc(15 * 1024 * 1024));
  }
  files.maintain(begin);
  assert.deepEqual(names(), ['unparsed-2026-11-24T14.ndjson', 'unparsed-2026-11-24T15.ndjson']);
});

test('a line that a killed process has cut off hides no other one', () => {
  files.append([{ id: 'a', at: begin, unparsed: unparsed('01') }]);
  appendFileSync(join(folder, names()[0] ?? ''), '{"id":"b","at');
  files.append([{ id: 'b', at: begin, unparsed: unparsed('02') }]);
  assert.deepEqual(files.find('b', begin, 0), unparsed('02'));
});

test('a gateway without requests deletes what is too old all the same, and a link in place of a file gets nothing', async () => {
  const clock = new SimulatedClock();
  const stored = new StoredUnparsed(clock);
  stored.use(folder);
  const line = (id: string) => `u ${JSON.stringify({ id, at: clock.wallTime(), unparsed: unparsed() })}`;
  assert.equal(stored.take('7 {"v":1}'), false);
  assert.equal(stored.take(line('a')), true);
  assert.equal(stored.store(), 0);
  assert.equal(names().length, 1);
  assert.deepEqual(stored.find('a', clock.wallTime()), unparsed());
  clock.advanceSync(7 * dayMs + hourMs);
  assert.deepEqual(names(), []);
  const target = join(folder, 'elsewhere');
  writeFileSync(target, '');
  const name = `unparsed-${new Date(clock.wallTime()).toISOString().slice(0, 13)}.ndjson`;
  symlinkSync(target, join(folder, name));
  stored.take(line('b'));
  assert.equal(stored.store(), 1, 'it is counted as lost');
  assert.equal(statSync(target).size, 0);
  stored.close();
});
