import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { StoreInit } from '../core/store-messages.ts';
import { createRecordRing, createWakeWord, RecordRingReader, RecordRingWriter } from '../record/record-ring.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { StoreWriter } from './store-writer.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-store-writer-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const kibibyte = 1024;

test('records are stored each half second, and each tenth of one after a ring that held a mebibyte', async () => {
  const count = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const init: StoreInit = { wakeWord: createWakeWord(), lost: count(), entriesDone: count() };
  const memory = createRecordRing(init.wakeWord);
  const ring = new RecordRingWriter(memory);
  const clock = new SimulatedClock();
  const writer = new StoreWriter(init, clock, () => undefined);
  writer.handle({
    kind: 'use',
    spec: { path: join(folder, 'store'), keepAgeMs: 1e9, keepBytes: 1e9, successesPerSecond: 200, slowMs: 1000 },
  });
  writer.handle({ kind: 'ring', memory });
  const line = 'x'.repeat(kibibyte - 1);
  const append = (lines: number): void => {
    for (let one = 0; one < lines; one += 1) ring.append(`${line}\n`, false);
  };
  /** What was stored is released. */
  const isTaken = (): boolean => !new RecordRingReader(memory).hasLines;

  append(kibibyte);
  // The thread wakes up in a turn of the event loop.
  for (let turns = 0; turns < 1000 && clock.nextDueAt !== 500; turns += 1) await new Promise(setImmediate);
  /** When the lines that wait are taken, in milliseconds from now. */
  const takenAfter = (): number => {
    for (let ms = 0; ms <= 1000; ms += 1) {
      if (isTaken()) return ms;
      clock.advanceSync(1);
    }
    return Infinity;
  };
  assert.equal(takenAfter(), 500);
  append(1);
  assert.equal(takenAfter(), 100);
  append(kibibyte);
  assert.equal(takenAfter(), 500);
  append(kibibyte);
  assert.equal(takenAfter(), 100);
  writer.handle({ kind: 'close', request: 1 });
});
