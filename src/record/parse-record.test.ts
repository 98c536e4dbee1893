import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandedRecord } from '../core/record-defaults.ts';
import { TestRing } from './test-ring.test-support.ts';
import { parseRecord } from './parse-record.ts';
import { sampleExchange } from './sample-exchange.test-support.ts';
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
const line = writer.line(sampleExchange());
const fields = JSON.parse(line) as Record<string, unknown>;

test('a line of Candor is read', () => {
  const parsed = parseRecord(line);
  assert.ok(parsed.ok);
  assert.equal(parsed.record.id, sampleExchange().id);
});

test('a line of a newer version is read, and its further keys are kept', () => {
  const parsed = parseRecord(JSON.stringify({ ...fields, v: 7, mood: { of: 'the day' } }));
  assert.ok(parsed.ok);
  assert.deepEqual({ ...parsed.record }, { ...expandedRecord(fields), v: 7, mood: { of: 'the day' } });
});

const others: readonly (readonly [name: string, line: string, reason: string])[] = [
  ['a torn line', line.slice(0, 300), 'not_json'],
  ['an empty line', '', 'not_json'],
  ['a foreign line', '127.0.0.1 - - [21/Nov/2026:08:42:18 +0000] "GET / HTTP/1.1" 502 157', 'not_json'],
  ['another kind', '{"v":1,"kind":"lost","worker":1}', 'other_kind'],
  ['an event', '{"epoch":"e","seq":1,"kind":"process_started"}', 'other_kind'],
  ['JSON of another program', '{"level":30,"msg":"listening"}', 'not_a_record'],
  ['no object', '[1]', 'not_a_record'],
  ['null', 'null', 'not_a_record'],
  ['a record without a host', JSON.stringify({ ...fields, host: undefined }), 'not_a_record'],
  ['a record without attempts', JSON.stringify({ ...fields, attempts: 7 }), 'not_a_record'],
  ['a record whose id is a number', JSON.stringify({ ...fields, id: 7 }), 'not_a_record'],
  ['a version before the first', JSON.stringify({ ...fields, v: 0 }), 'not_a_record'],
];
for (const [name, text, reason] of others) {
  test(`${name} is ${reason}`, () => {
    const parsed = parseRecord(text);
    assert.equal(parsed.ok ? 'a record' : parsed.reason, reason);
  });
}
