import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import {
  createRecordRing,
  createWakeWord,
  RecordRingReader,
  RecordRingWriter,
  type RingSlice,
  WakeWord,
} from './record-ring.ts';
import { TestRing } from './test-ring.test-support.ts';

const line = (n: number, length: number): string => `${String(n).padStart(length - 1, '.')}\n`;

test('the reader gets each committed line once, in order, and every other line is counted as dropped', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 4, max: 40 }), failed: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ reserve: fc.integer({ min: 4, max: 40 }) }) },
      { weight: 2, arbitrary: fc.constant('take' as const) },
      { weight: 2, arbitrary: fc.constant('release' as const) },
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 80, max: 160 }), (all, linesBytes) => {
      const ring = new TestRing({ linesBytes, failuresBytes: 64 });
      const held: { slice: RingSlice; text: string }[] = [];
      let [n, written, read, dropped] = [0, '', '', 0];
      const release = (): void => {
        // In any order, and no slice that is not released is overwritten.
        for (const { slice, text } of held) assert.equal(slice.bytes.toString('latin1'), text);
        const [one] = held.splice(n % Math.max(1, held.length), 1);
        if (one !== undefined) ring.reader.release(one.slice);
      };
      const take = (): void => {
        for (const slice of ring.reader.take()) {
          const text = slice.bytes.toString('latin1');
          read += text;
          held.push({ slice, text });
        }
      };
      for (const step of all) {
        if (step === 'take') take();
        else if (step === 'release') release();
        else if ('reserve' in step) {
          const text = line(n++, step.reserve);
          const bytes = ring.reserve(step.reserve);
          if (bytes === null) continue;
          bytes.write(text, ring.reservedAt, 'latin1');
          ring.commit(ring.reservedAt + text.length);
          written += text;
        } else {
          const text = line(n++, step.append);
          const bytes = ring.append(text, step.failed);
          assert.ok(bytes === text.length || bytes === 0);
          if (bytes === 0) dropped += 1;
          else written += text;
        }
      }
      take();
      assert.equal(read, written);
      assert.equal(ring.reader.takeDropped(), dropped);
      assert.equal(ring.reader.takeDropped(), 0);
      while (held.length > 0) release();
      // With everything released there is room again.
      assert.equal(ring.append(line(n, 40), false), 40);
    }),
    { numRuns: 500 },
  );
});

test('a slice ends with a line and has at most 512 KiB, unless one line is longer', () => {
  const ring = new TestRing({ linesBytes: 3 * 2 ** 20 });
  const long = `${'x'.repeat(520 * 1024 - 1)}\n`.slice(-512 * 1024);
  for (let n = 0; n < 1200; n++) ring.append(line(n, 1000), false);
  ring.append(long, false);
  const slices = ring.reader.take();
  assert.ok(slices.length >= 3);
  for (const { bytes } of slices) {
    assert.ok(bytes.length <= 512 * 1024);
    assert.equal(bytes.at(-1), 0x0a);
  }
});

test('a writer that replaces another one goes on behind its lines, and a reader at the first line that was not released', () => {
  const memory = createRecordRing(createWakeWord(), { linesBytes: 100, failuresBytes: 100 });
  const first = new RecordRingWriter(memory);
  first.append('a\n', false);
  first.append('b\n', true);
  first.reserve(4)?.write('torn', first.reservedAt, 'latin1');
  const reader = new RecordRingReader(memory);
  const [slice] = reader.take();
  assert.equal(slice?.bytes.toString(), 'a\nb\n');
  new RecordRingWriter(memory).append('c\n', false);
  const second = new RecordRingReader(memory);
  assert.equal(second.take()[0]?.bytes.toString(), 'a\nb\nc\n');
  assert.equal(reader.take()[0]?.bytes.toString(), 'c\n');
});

const searchFor = (needle: string) => ({ needle: Buffer.from(needle), read: (text: string): string | null => text });

test('the newest line with the needle is found, also when it was written to the log long ago', () => {
  const ring = new TestRing({ linesBytes: 64, failuresBytes: 64 });
  for (let n = 0; n < 10; n++) {
    ring.append(`{"n":${n},"id":"a"}\n`, false);
    assert.equal(ring.reader.findLast(searchFor('"id":"a"')), `{"n":${n},"id":"a"}`);
    ring.take();
  }
  assert.equal(ring.reader.findLast(searchFor('"n":8')), '{"n":8,"id":"a"}');
  assert.equal(ring.reader.findLast(searchFor('"n":2')), null);
});

test('successes do not overwrite failures', () => {
  const ring = new TestRing({ linesBytes: 64, failuresBytes: 64 });
  ring.append('{"id":"bad"}\n', true);
  for (let n = 0; n < 100; n++) {
    ring.append('{"id":"good"}\n', false);
    ring.take();
  }
  assert.equal(ring.reader.findLast(searchFor('"bad"')), '{"id":"bad"}');
});

test('a committed line wakes a logger that sleeps, and only then', async () => {
  const wakeWord = createWakeWord();
  const memory = createRecordRing(wakeWord, { linesBytes: 100, failuresBytes: 100 });
  const writer = new RecordRingWriter(memory);
  const word = new WakeWord(wakeWord);
  writer.append('a\n', false);
  word.fallAsleep();
  let woken = 0;
  const waiting = word.wait().then(() => (woken += 1));
  await Promise.resolve();
  assert.equal(woken, 0);
  writer.append('b\n', false);
  await waiting;
  assert.equal(woken, 1);
  // Awake: nothing to wait for.
  await word.wait();
});

test('a line longer than any record is dropped and counted', () => {
  const ring = new TestRing({ linesBytes: 2 ** 21 });
  assert.equal(ring.append('x'.repeat(512 * 1024 + 1), false), 0);
  assert.equal(ring.dropped, 1);
});

test('a line that the worker is writing over an older one is not found as a mixture of both', () => {
  const ring = new TestRing({ linesBytes: 4096 });
  const text = (n: number): string =>
    `{"id":"${String(n).padStart(4, '0')}","path":"/${String(n).padStart(4, '0')}"}\n`;
  for (let n = 0; n < 1000; n++) {
    ring.append(text(n), false);
    ring.take();
    const begun = Buffer.from(text(9999)).subarray(0, 14);
    const bytes = ring.reserve(100);
    if (bytes !== null) begun.copy(bytes, ring.reservedAt);
    assert.equal(ring.reader.findLast(searchFor('"id":"9999"')), null);
    assert.equal(ring.reader.findLast(searchFor(`"path":"/${String(n).padStart(4, '0')}"`)), text(n).trim());
  }
});

test('a failure that did not fit is still found', () => {
  const ring = new TestRing({ linesBytes: 64, failuresBytes: 64 });
  while (ring.append('{"id":"good"}\n', false) > 0);
  assert.equal(ring.append('{"id":"bad"}\n', true), 0);
  assert.equal(ring.reader.findLast(searchFor('"bad"')), '{"id":"bad"}');
});
