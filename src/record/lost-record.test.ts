import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { LostRecord } from '../core/record.ts';
import { lostRecordLine } from './lost-record.ts';
import { parseRecord } from './parse-record.ts';

const golden = readFileSync(new URL('../../test/golden/lost-v1.ndjson', import.meta.url), 'latin1');

const record: LostRecord = {
  v: 1,
  kind: 'lost',
  at: '2026-11-21T08:43:02.114Z',
  process: 'k3f9xa',
  deployment: null,
  member: null,
  process_started_at: null,
  worker: 1,
  revision: 3,
  exchanges: 17,
  unread_connections: null,
  reason: 'it threw RangeError',
};

test('the line of a lost worker is byte for byte as version 1 defines', () => {
  assert.equal(Buffer.from(lostRecordLine(record)).toString('latin1'), golden);
});

test('it is one line of ASCII, for any reason', () => {
  const line = Buffer.from(lostRecordLine({ ...record, reason: 'é\n"\u{1f600}' })).toString('latin1');
  assert.match(line, /^[ -~]+\n$/);
  assert.equal((JSON.parse(line) as LostRecord).reason, 'é\n"\u{1f600}');
});

const constants = { deployment: 'shop', member: 'gw-1', process_started_at: '2026-11-20T22:15:00.000Z' };

test('on standard output, the line has the constants of the process itself', () => {
  const line = Buffer.from(lostRecordLine({ ...record, ...constants })).toString('latin1');
  assert.deepEqual(JSON.parse(line), { ...record, ...constants });
});

test('readers of exchanges skip it as another kind', () => {
  assert.deepEqual(parseRecord(golden), { ok: false, reason: 'other_kind' });
});
