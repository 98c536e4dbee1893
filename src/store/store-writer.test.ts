import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { FromStore, StoreInit } from '../core/store-messages.ts';
import { createRecordRing, createWakeWord, RecordRingReader, RecordRingWriter } from '../record/record-ring.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { golden, outputOf, recordIn, storeForEachTest } from './exchange-store.test-support.ts';
import { StoreWriter } from './store-writer.ts';

storeForEachTest();

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-store-writer-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const kibibyte = 1024;

/** A writer of the store in the folder `name`, with a ring of one worker. */
function startWriter(name: string) {
  const path = join(folder, name);
  const count = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const init: StoreInit = { wakeWord: createWakeWord(), lost: count(), entriesDone: count() };
  const memory = createRecordRing(init.wakeWord);
  const clock = new SimulatedClock();
  const sent: FromStore[] = [];
  const writer = new StoreWriter(init, clock, (message) => void sent.push(message));
  const use = (): void =>
    writer.handle({
      kind: 'use',
      spec: { path, keepAgeMs: 1e9, keepBytes: 1e9, successesPerSecond: 200, slowMs: 1000 },
    });
  use();
  writer.handle({ kind: 'ring', memory });
  return { path, memory, clock, sent, writer, use };
}

test('records are stored each half second, and each tenth of one after a ring that held a mebibyte', async () => {
  const { memory, clock, writer } = startWriter('store');
  const ring = new RecordRingWriter(memory);
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

test('while output waits because the store cannot be written, no request is said to have had all of it', () => {
  const { path, memory, clock, sent, writer } = startWriter('locked');
  const at = clock.wallTime();
  const print = (text: string): void => writer.handle({ kind: 'output', lines: [outputOf(text, { at: at - 1 })] });
  const hasAllOutput = (): boolean | undefined => {
    const visits = [{ instance: 'shop/1', attempt: 1, since: at, until: at + 100, ended: at + 50 }];
    const ids = [recordIn(golden[0] ?? '').id];
    writer.handle({ kind: 'context', request: 1, search: { ids, endedAt: at + 100, visits } });
    return sent.findLast((message) => message.kind === 'context_found')?.context.hasAllOutput;
  };

  new RecordRingWriter(memory).append(`1 ${golden[0]}\n`, false);
  print('before');
  hasAllOutput();
  clock.advanceSync(10_000);
  assert.equal(hasAllOutput(), true);

  const [file = ''] = readdirSync(path).filter((name) => name.endsWith('.sqlite'));
  const other = new DatabaseSync(join(path, file));
  other.exec('BEGIN IMMEDIATE');
  print('waits');
  assert.equal(hasAllOutput(), false);

  other.exec('ROLLBACK');
  other.close();
  assert.equal(hasAllOutput(), true);
  writer.handle({ kind: 'close', request: 2 });
});

test('a search says that the store fails, since when and why, until what has waited is found', () => {
  const { path, memory, clock, sent, writer } = startWriter('failing');
  const search = { query: '', limit: 10, cursor: null, after: null };
  const results = (): readonly unknown[] => {
    writer.handle({ kind: 'search', request: 1, search });
    writer.handle({ kind: 'search_output', request: 2, search });
    writer.handle({ kind: 'search_events', request: 3, search: { since: null, until: null, limit: 10, cursor: null } });
    const found = sent.splice(0).flatMap((message) => ('result' in message ? [message.result] : []));
    return found.map((result) => (result.kind === 'page' && result.failing) ?? null);
  };
  const found = (): number => {
    writer.handle({ kind: 'search', request: 4, search });
    const last = sent.splice(0).findLast((message) => message.kind === 'searched')?.result;
    return last?.kind === 'page' ? last.exchanges.length : -1;
  };
  const ring = new RecordRingWriter(memory);
  ring.append(`1 ${golden[0]}\n`, false);
  assert.deepEqual(results(), [null, null, null]);
  assert.equal(found(), 1);

  const [file = ''] = readdirSync(path).filter((name) => name.endsWith('.sqlite'));
  const other = new DatabaseSync(join(path, file));
  other.exec('BEGIN IMMEDIATE');
  ring.append(`1 ${golden[1]}\n`, false);
  const reason = `The store ${path} cannot be used: another program has locked a file; records wait in memory, and those that do not fit are lost. Requests are not affected.`;
  const failing = { since: clock.wallTime(), reason };
  assert.deepEqual(results(), [failing, failing, failing]);
  clock.advanceSync(5000);
  assert.deepEqual(results(), [failing, failing, failing]);
  assert.equal(found(), 1);

  other.exec('ROLLBACK');
  other.close();
  assert.deepEqual(results(), [null, null, null]);
  assert.equal(found(), 2);
  writer.handle({ kind: 'close', request: 5 });
});

test('a file of another version is told once, though the store is opened again, and records go to the next file', () => {
  const path = join(folder, 'other');
  mkdirSync(path);
  const file = join(path, 'exchanges-000001.sqlite');
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE exchanges (id)');
  other.close();
  const { memory, sent, writer, use } = startWriter('other');
  new RecordRingWriter(memory).append(`1 ${golden[0]}\n`, false);
  for (let times = 0; times < 2; times += 1) {
    const { id } = recordIn(golden[0] ?? '');
    writer.handle({ kind: 'find', request: times, id });
    assert.equal(sent.findLast((message) => message.kind === 'stored')?.record?.id, id);
    use();
  }
  const told = sent.flatMap((message) => (message.kind === 'event' ? [message.event] : []));
  assert.deepEqual(
    told.map(({ to, evidence }) => [to, 'fault' in evidence && evidence.fault]),
    [['failing', 'other_version']],
  );
  assert.ok(told[0]?.reason.includes(`${file} is neither read nor changed`), 'names the file');
  writer.handle({ kind: 'close', request: 2 });
});
