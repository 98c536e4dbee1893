import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { RecordBatch } from './batch.ts';
import type { RecordLines } from '../core/record-lines.ts';
import { RecentRecords } from './recent.ts';
import { sampleExchange } from './sample-exchange.test-support.ts';
import { RecordWriter } from './write-record.ts';

const batch = new RecordBatch({ clock: new SimulatedClock(), onReady: () => undefined });
const writer = new RecordWriter({
  deployment: 'shop',
  member: 'gw-1',
  processStartedUnixMs: 0,
  processKey: 'k3f9xa',
  worker: 1,
  queryAllowed: [],
  batch,
});

function linesOf(...exchanges: readonly (readonly [id: string, isFailed: boolean])[]): RecordLines {
  for (const [id, isFailed] of exchanges) writer.write(sampleExchange({ id, statusReceived: isFailed ? 500 : 200 }));
  const lines = batch.take();
  batch.acknowledge();
  assert.ok(lines !== null);
  return lines;
}

/** Bytes of one line; ids in these tests have six characters. */
const lineBytes = writer.line(sampleExchange({ id: 'a00000' })).length;
const idOf = (n: number): string => `a${String(n).padStart(5, '0')}`;

test('a record is found by its id, from either ring', () => {
  const recent = new RecentRecords();
  recent.add(linesOf(['a', false], ['b', true], ['c', false]));
  for (const id of ['a', 'b', 'c']) assert.equal(recent.find(id)?.id, id);
  assert.equal(recent.find('d'), null);
  assert.equal(recent.find(''), null);
});

test('exchanges are found by a prefix of their ids, failures first, at most ten', () => {
  const recent = new RecentRecords();
  recent.add(linesOf(['begins-alike-1', false], ['begins-alike-2', true], ['x-begins-alike', true]));
  const found = recent.findByPrefix('begins-alike').map(({ id }) => id);
  assert.deepEqual(found, ['begins-alike-2', 'begins-alike-1']);
  assert.deepEqual(recent.findByPrefix('begins-alike-3'), []);
  for (let n = 0; n < 20; n++) recent.add(linesOf([`begins-${n}-many`, n % 2 === 0]));
  assert.equal(recent.findByPrefix('begins-').length, 10);
});

test('an id is compared completely, and only with the key of the id', () => {
  const recent = new RecentRecords();
  recent.add(linesOf(['abc', false]));
  for (const id of ['ab', 'bc', 'abcd', 'shop', '"', '","kind":"']) assert.equal(recent.find(id), null);
  writer.write(sampleExchange({ id: 'x', target: '/"id":"fake"', authority: '"id":"fake"' }));
  recent.add(batch.take() as RecordLines);
  assert.equal(recent.find('fake'), null);
});

test('ids of a peer are found as they were sent', () => {
  const recent = new RecentRecords();
  const ids = ['a"b\\c', 'ünïcödé\u2028', 'x'.repeat(500), '\ud800'];
  for (const id of ids) recent.add(linesOf([id, false]));
  for (const id of ids) assert.ok(recent.find(id) !== null, id);
});

test('the newest of two records with the same id is found', () => {
  const recent = new RecentRecords();
  for (const revision of [1, 2]) {
    writer.write(sampleExchange({ id: 'same', revision }));
    recent.add(batch.take() as RecordLines);
  }
  assert.equal(recent.find('same')?.revision, 2);
});

test('many successes do not evict a failure, nor many failures a success', () => {
  const limits = { bytesMax: lineBytes * 10, failedBytesMax: lineBytes * 10 };
  for (const isFailed of [true, false]) {
    const recent = new RecentRecords(limits);
    recent.add(linesOf(['lonely', isFailed]));
    for (let n = 0; n < 100; n++) recent.add(linesOf([idOf(n), !isFailed]));
    assert.equal(recent.find('lonely')?.id, 'lonely');
    assert.equal(recent.find(idOf(0)), null);
  }
});

test('the last N records are always found, earlier ones are gone, and no record is found incomplete', () => {
  const property = fc.property(
    fc.integer({ min: 3, max: 12 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 25 }),
    (fits, groups) => {
      const recent = new RecentRecords({ bytesMax: lineBytes * fits + 7, failedBytesMax: 1 });
      let written = 0;
      for (const size of groups) {
        recent.add(linesOf(...Array.from({ length: size }, () => [idOf(written++), false] as const)));
        // The end of a round may leave room for less than a whole group: at most that much is held less.
        const surely = Math.min(written, Math.max(size, fits - 2));
        for (let n = 0; n < written; n++) {
          const found = recent.find(idOf(n));
          if (found !== null) assert.equal(found.id, idOf(n));
          if (n >= written - surely)
            assert.ok(found !== null, `${n} of ${written}, ${fits} fit, groups ${groups.join()}`);
          if (n < written - fits) assert.equal(found, null);
        }
      }
    },
  );
  fc.assert(property, { numRuns: 150 });
});
