import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import {
  newProcessKey,
  parseProcessHeader,
  processHeaderLine,
  ProcessHeaderSearch,
  withProcess,
} from './process-header.ts';

const at = '2026-11-21T08:00:00.000Z';
const constants = {
  process: 'k3f9xa',
  deployment: 'shop',
  member: 'gw "1" é',
  started_at: '2026-11-20T22:15:00.000Z',
  version: '1.2.3',
  pid: 4711,
};
const line = Buffer.from(processHeaderLine(constants, at)).toString('latin1');
const record = { process: 'k3f9xa', deployment: null, member: null, process_started_at: null } as ExchangeRecord;

test('the header is one line of ASCII, and is read as it was written', () => {
  assert.match(line, /^\{"v":1,"kind":"process","process":"k3f9xa","at":[ -~]+\n$/);
  assert.deepEqual(parseProcessHeader(line), { v: 1, kind: 'process', at, ...constants });
});

test('a key has six characters, and two processes have different ones', () => {
  const random = new SeededRandom(1);
  const keys = Array.from({ length: 100 }, () => newProcessKey(random));
  for (const key of keys) assert.match(key, /^[0-9a-z]{6}$/);
  assert.equal(new Set(keys).size, 100);
});

test('the longest names leave a line that can be searched', () => {
  const long = { ...constants, deployment: 'd'.repeat(5000), member: 'm'.repeat(5000) };
  assert.ok(processHeaderLine(long, at).length < 1024);
});

test('a record gets the constants of its process, and of no other', () => {
  const completed = withProcess(record, constants);
  assert.deepEqual(
    [completed.deployment, completed.member, completed.process_started_at],
    ['shop', 'gw "1" é', '2026-11-20T22:15:00.000Z'],
  );
  assert.equal(withProcess({ ...record, process: 'zzzzzz' }, constants).deployment, null);
  assert.equal(withProcess(record, null).deployment, null);
  assert.equal(withProcess({ ...record, deployment: 'own' }, constants).deployment, 'own');
});

test('a header is found by its bytes, and only that of the process', () => {
  const search = new ProcessHeaderSearch('k3f9xa');
  assert.ok(line.includes(search.needle.toString('latin1')));
  assert.equal(search.read(line)?.pid, 4711);
  assert.equal(search.read(line.replace('k3f9xa', 'zzzzzz')), null);
});

for (const other of ['', 'null', '[]', '{"v":1,"kind":"process"}', '{"v":1,"kind":"process","process":7}', '{"v":1']) {
  test(`${other === '' ? 'an empty line' : other} is no header`, () => {
    assert.equal(parseProcessHeader(other), null);
  });
}
