import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { RecordBatch } from './batch.ts';
import type { RecordLines } from '../core/record-lines.ts';

/** A batch whose owner takes full batches, as a worker does. */
function workerBatch(limits: { bytesMax?: number; waitMs?: number; unacknowledgedMax?: number } = {}) {
  const clock = new SimulatedClock();
  const taken: RecordLines[] = [];
  const batch: RecordBatch = new RecordBatch({
    clock,
    onReady: () => {
      const lines = batch.take();
      if (lines !== null) taken.push(lines);
    },
    ...limits,
  });
  return { clock, taken, batch };
}

const text = (lines: RecordLines | null | undefined): string => Buffer.from(lines?.bytes ?? []).toString('latin1');

test('the first line of a batch waits for 100 ms at most', () => {
  const { clock, taken, batch } = workerBatch();
  batch.append('a\n', false);
  clock.advanceSync(99);
  batch.append('b\n', true);
  assert.equal(taken.length, 0);
  clock.advanceSync(1);
  assert.equal(text(taken[0]), 'a\nb\n');
  assert.deepEqual([taken[0]?.lines, taken[0]?.failed], [2, [2, 4]]);
  assert.equal(clock.timersLive, 0);
});

test('a full batch is sent at once, and no batch is larger than its limit', () => {
  const { taken, batch } = workerBatch({ bytesMax: 10 });
  for (const line of ['aaaa\n', 'bbbb\n', 'cccc\n']) assert.equal(batch.append(line, false), 5);
  assert.deepEqual(taken.map(text), ['aaaa\nbbbb\n']);
  assert.equal(text(batch.take()), 'cccc\n');
  assert.equal(batch.take(), null);
});

test('a line longer than a batch is sent alone', () => {
  const { taken, batch } = workerBatch({ bytesMax: 10 });
  batch.append('a\n', false);
  batch.append(`${'x'.repeat(30)}\n`, true);
  batch.append('b\n', false);
  assert.deepEqual(taken.map(text), ['a\n', `${'x'.repeat(30)}\n`]);
  assert.deepEqual(taken[1]?.failed, [0, 31]);
  assert.equal(text(batch.take()), 'b\n');
});

test('while main does not acknowledge, lines are dropped and counted, and nothing waits', () => {
  const { clock, taken, batch } = workerBatch({ bytesMax: 10, unacknowledgedMax: 2 });
  const appended = Array.from({ length: 10 }, () => batch.append('aaaa\n', false));
  assert.deepEqual([taken.length, batch.unacknowledged, batch.dropped], [2, 2, 4]);
  assert.deepEqual(appended, [5, 5, 5, 5, 5, 5, 0, 0, 0, 0]);
  clock.advanceSync(1000);
  assert.equal(taken.length, 2);
  // Lines that were held back are sent as soon as the main thread acknowledges.
  batch.acknowledge();
  assert.deepEqual([taken.length, batch.unacknowledged], [3, 2]);
  batch.append('bbbb\n', false);
  batch.acknowledge(2);
  clock.advanceSync(100);
  assert.deepEqual(
    taken.map((lines) => lines.lines),
    [2, 2, 2, 1],
  );
  assert.equal(batch.dropped, 4);
});

test('bytes that were taken are not written again', () => {
  const { batch } = workerBatch({ bytesMax: 10 });
  for (const first of ['aaaa\n', 'aaaaaaaa\n']) {
    batch.append(first, false);
    const lines = batch.take();
    batch.append('bbbbbbbb\n', false);
    assert.equal(text(lines), first);
    batch.take();
  }
});

test('a returned buffer is reused, one of another size is not', () => {
  const { batch } = workerBatch({ bytesMax: 10 });
  batch.append('aaaaaaaa\n', false);
  const buffer = batch.take()?.bytes.buffer;
  assert.ok(buffer !== undefined);
  batch.reuse(new ArrayBuffer(9));
  batch.reuse(buffer);
  batch.append('bbbbbbbb\n', false);
  assert.notEqual(batch.take()?.bytes.buffer, buffer);
  batch.append('cccccccc\n', false);
  const lines = batch.take();
  assert.equal(lines?.bytes.buffer, buffer);
  assert.equal(text(lines), 'cccccccc\n');
});

test('every line arrives once, in order, or is counted', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 }).map((word) => `${word}\n`);
  const step = fc.oneof(
    { weight: 8, arbitrary: line },
    { weight: 1, arbitrary: fc.constant('acknowledge' as const) },
    { weight: 1, arbitrary: fc.constant('wait' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { clock, taken, batch } = workerBatch({ bytesMax: 40, unacknowledgedMax: 3 });
      let accepted = '';
      let dropped = 0;
      for (const next of steps) {
        if (next === 'acknowledge') batch.acknowledge();
        else if (next === 'wait') clock.advanceSync(100);
        else if (batch.append(next, next.includes('b')) > 0) accepted += next;
        else dropped += 1;
      }
      batch.acknowledge(batch.unacknowledged);
      const last = batch.take();
      const all = [...taken, ...(last === null ? [] : [last])];
      assert.equal(all.map(text).join(''), accepted);
      assert.equal(batch.dropped, dropped);
      for (const lines of all) {
        assert.equal(lines.lines, text(lines).split('\n').length - 1);
        const marked = Array.from({ length: lines.failed.length / 2 }, (_, n) =>
          text(lines).slice(lines.failed[2 * n], lines.failed[2 * n + 1]),
        );
        assert.deepEqual(
          marked,
          (text(lines).match(/[ab]*\n/g) ?? []).filter((each) => each.includes('b')),
        );
      }
    }),
    { numRuns: 200 },
  );
});
