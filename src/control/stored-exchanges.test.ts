import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { Event } from '../core/event.ts';
import type { ProcessConstants } from '../core/logger-messages.ts';
import type { OutputLine } from '../core/output-line.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { EventHub } from '../record/event-hub.ts';
import { systemClock } from '../system/system.ts';
import { StoredExchanges } from './stored-exchanges.ts';

/** A thread that is done with each line but 'kept' and each note but those of process 0, and ends by itself at 'die'. At 'fails: FAULT' its store fails. */
const storeModule = new URL(
  `data:text/javascript,${encodeURIComponent(`
import { parentPort, workerData } from 'node:worker_threads';
const done = new Int32Array(workerData.entriesDone);
parentPort.on('message', ({ kind, lines, notes, request }) => {
  if (kind === 'close') parentPort.postMessage({ kind: 'closed', request });
  if (kind === 'find') parentPort.postMessage({ kind: 'stored', request, record: null });
  if (kind === 'processes') Atomics.add(done, 0, notes.filter(({ pid }) => pid !== 0).length);
  if (kind !== 'output') return;
  for (const { text } of lines) {
    const [, fault] = text.split('fails: ');
    const evidence = { path: '/store', fault, limit: null, needed: null };
    if (fault) parentPort.postMessage({ kind: 'event', event: { kind: 'store_failing', subject: 'store', reason: '', evidence } });
  }
  if (lines.some(({ text }) => text === 'die')) throw new RangeError('on purpose');
  Atomics.add(done, 0, lines.filter(({ text }) => text !== 'kept').length);
});`)}`,
);

let stored: StoredExchanges;
afterEach(() => stored.close());

const line = (text: string): OutputLine => ({
  ...{ at: 0, text, leftOut: 0 },
  source: { application: 'shop', instance: null, pid: null, stream: 'file', path: '/log' },
});

const note = (pid: number): ProcessNote => ({
  ...{ kind: 'exit', at: 0, instance: 'shop/0', pid, code: 1, signal: null, outOfMemory: false, ranMs: 1 },
});

test('lines and notes that the thread of the store had, and those that came while there was none, are counted as lost', async () => {
  const lost = Promise.withResolvers<void>();
  const events = {
    subscribe: () => () => {},
    since: () => ({ events: [] as readonly Event[] }),
    emit: ({ kind }: { kind: string }) => kind === 'store_lost' && lost.resolve(),
  };
  stored = new StoredExchanges({
    ...{ storeModule, clock: systemClock, events: events as unknown as EventHub },
    process: {} as ProcessConstants,
    descriptors: () => null,
  });
  await stored.use({ path: '/store', keepAgeMs: 1, keepBytes: 1, successesPerSecond: 1, slowMs: 1 });
  stored.storeOutput([line('one'), line('two'), line('kept')]);
  stored.storeProcesses([note(1), note(0)]);
  await stored.find('x');
  assert.equal(stored.lost, 0, 'a line that waits is not lost');
  stored.storeOutput([line('die'), line('with it')]);
  await lost.promise;
  assert.equal(stored.lost, 4, 'the line and the note that it had kept, and two lines that it had not looked at');
  stored.storeOutput([line('between')]);
  stored.storeProcesses([note(2), note(3)]);
  assert.equal(stored.lost, 7);
});

for (const [fault, evidence] of [
  ['descriptors_exhausted', { limit: 200, needed: 11_024 }],
  ['full', { limit: null, needed: null }],
] as const)
  test(`a store that fails (${fault}) is reported with ${evidence.limit ?? 'no'} descriptors`, async () => {
    const told = Promise.withResolvers<object>();
    const events = {
      subscribe: () => () => {},
      since: () => ({ events: [] as readonly Event[] }),
      emit: (event: { evidence: object }) => told.resolve(event.evidence),
    };
    stored = new StoredExchanges({
      ...{ storeModule, clock: systemClock, events: events as unknown as EventHub },
      process: {} as ProcessConstants,
      descriptors: () => ({ limit: 200, needed: 11_024 }),
    });
    await stored.use({ path: '/store', keepAgeMs: 1, keepBytes: 1, successesPerSecond: 1, slowMs: 1 });
    stored.storeOutput([line(`fails: ${fault}`)]);
    assert.deepEqual(await told.promise, { path: '/store', fault, ...evidence });
  });

for (const [what, hasFile, advice] of [
  ['a file', true, /^The configuration has no store: `store: /],
  ['no file, as with `candor run`', false, /`candor run`, has no store: .*`candor up` with a file that has `store: /],
] as const)
  test(`without a store a gateway that has ${what} says what can be done`, async () => {
    const events = { subscribe: () => () => {} } as unknown as EventHub;
    const parts = { storeModule, clock: systemClock, events, process: {} as ProcessConstants, descriptors: () => null };
    const result = await new StoredExchanges({ ...parts, hasFile }).search({
      query: '',
      limit: 9,
      cursor: null,
      after: null,
    });
    assert.match(result.kind === 'unavailable' ? result.problem : '', advice);
  });
