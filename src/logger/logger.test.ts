// Starts processes: only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { FromLogger, LogRotationSpec } from '../core/logger-messages.ts';
import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { createRecordRing, createWakeWord, droppedIn, RecordRingWriter } from '../record/record-ring.ts';
import { sampleExchange } from '../record/sample-exchange.test-support.ts';
import { RecordWriter } from '../record/write-record.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { Logger } from './logger.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'candor-logger-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A logger in this thread: its files are real, its time is simulated. */
class LoggerInHand {
  readonly clock = new SimulatedClock();
  readonly sent: FromLogger[] = [];
  readonly logger: Logger;
  readonly path: string;
  readonly #wakeWord = createWakeWord();
  readonly #dropped = new SharedArrayBuffer(4);
  #requests = 0;

  constructor(path = join(folder, 'candor.log')) {
    this.path = path;
    const init = { wakeWord: this.#wakeWord, dropped: this.#dropped };
    this.logger = new Logger(init, this.clock, (message) => void this.sent.push(message));
  }

  ring(sizes: Parameters<typeof createRecordRing>[1] = {}): RecordRingWriter {
    const memory = createRecordRing(this.#wakeWord, sizes);
    this.rings.push(memory);
    this.logger.handle({ kind: 'ring', memory });
    return new RecordRingWriter(memory);
  }

  readonly rings: RecordRingMemory[] = [];

  /** As the main thread counts them. */
  get dropped(): number {
    return this.rings.reduce((sum, ring) => sum + droppedIn(ring), new Int32Array(this.#dropped)[0] as number);
  }

  get lines(): string {
    return this.sent
      .flatMap((message) => (message.kind === 'lines' ? [Buffer.from(message.bytes).toString()] : []))
      .join('');
  }

  async ask(kind: 'use' | 'reopen' | 'close', rotation: LogRotationSpec | null = null): Promise<string | null> {
    const request = ++this.#requests;
    this.logger.handle(kind === 'use' ? { kind, request, rotation } : { kind, request });
    return this.#answer(request);
  }

  async open(path: string | null = this.path, format: 'json' | 'combined' = 'json'): Promise<string | null> {
    const request = ++this.#requests;
    this.logger.handle({ kind: 'open', request, path, format });
    return this.#answer(request);
  }

  async use(path: string | null = this.path): Promise<void> {
    assert.equal(await this.open(path), null);
    await this.ask('use');
  }

  async find(id: string): Promise<string | null> {
    const request = ++this.#requests;
    this.logger.handle({ kind: 'find', request, id });
    const found = await this.until((message) => message.kind === 'found' && message.request === request);
    return found.kind === 'found' ? (found.record?.id ?? null) : null;
  }

  async #answer(request: number): Promise<string | null> {
    const done = await this.until((message) => message.kind === 'done' && message.request === request);
    return done.kind === 'done' ? done.problem : null;
  }

  async until(isIt: (message: FromLogger) => boolean): Promise<FromLogger> {
    const limit = performance.now() + 5000;
    for (;;) {
      const found = this.sent.find(isIt);
      if (found !== undefined) return found;
      assert.ok(performance.now() < limit, 'the logger answers within five seconds');
      await this.turn();
    }
  }

  /** Simulated time goes on slowly: a real write must end before its simulated timeout. */
  async turn(): Promise<void> {
    await this.clock.advance(5);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }

  async text(path = this.path): Promise<string> {
    return await readFile(path, 'utf8').catch(() => '');
  }

  async untilText(expected: string, path = this.path): Promise<void> {
    const limit = performance.now() + 5000;
    while ((await this.text(path)) !== expected) {
      assert.ok(performance.now() < limit, `the file has the lines within five seconds: ${await this.text(path)}`);
      await this.turn();
    }
  }
}

test('lines of all rings are written, each ring in its order', async () => {
  const hand = new LoggerInHand();
  const [one, other] = [hand.ring(), hand.ring()];
  await hand.use();
  one.append('a\n', false);
  other.append('b\n', true);
  one.append('c\n', false);
  await hand.untilText('a\nc\nb\n');
  // After an interval without lines it sleeps; the next line wakes it.
  await hand.clock.advance(1000);
  other.append('d\n', false);
  await hand.untilText('a\nc\nb\nd\n');
  await hand.ask('close');
});

test('a line waits for at most 100 ms, and no timer runs while there is none', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  await hand.use(null);
  await hand.clock.advance(1000);
  assert.equal(hand.clock.timersLive, 0);
  hand.logger.handle({ kind: 'watch', records: 'all' });
  ring.append('a\n', false);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(hand.lines, '');
  await hand.clock.advance(100);
  assert.equal(hand.lines, 'a\n');
  await hand.ask('close');
});

test('closing writes what was committed before, and a line of the main thread comes behind it', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  await hand.use();
  ring.append('a\n', false);
  hand.logger.handle({ kind: 'line', bytes: Buffer.from('lost\n') });
  await hand.ask('reopen');
  ring.append('b\n', false);
  await hand.ask('close');
  assert.equal(await hand.text(), 'a\nlost\nb\n');
});

test('a file that was opened gets lines from `use` on, and the one before it all earlier ones', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  await hand.use();
  ring.append('a\n', false);
  const next = join(folder, 'next.log');
  assert.equal(await hand.open(next), null);
  ring.append('b\n', false);
  await hand.ask('use');
  ring.append('c\n', false);
  await hand.ask('close');
  assert.deepEqual([await hand.text(), await hand.text(next)], ['a\nb\n', 'c\n']);
});

test('in the combined format the file has a line for each exchange, without a header line and lost workers', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  const line = `{"v":1,"id":"a","at":"2026-11-21T08:42:18.007Z","client":{"address":"192.0.2.17","port":1},"host":"h","path":"/","status":200,"duration_ms":1}\n`;
  assert.equal(await hand.open(hand.path, 'combined'), null);
  await hand.ask('use');
  ring.append(line, false);
  hand.logger.handle({ kind: 'line', bytes: Buffer.from('{"v":1,"kind":"lost"}\n') });
  ring.append(line, false);
  await hand.ask('close');
  const combined = '192.0.2.17 - - [21/Nov/2026:08:42:18 +0000] "GET / HTTP/1.1" 200 0 "-" "-"\n';
  assert.equal(await hand.text(), combined + combined);
});

test('a file that cannot be opened is told, and the log goes on with the old one', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  await hand.use();
  assert.match((await hand.open(join(folder, 'none', 'x.log'))) ?? '', /the directory .* does not exist/);
  hand.logger.handle({ kind: 'discard' });
  ring.append('a\n', false);
  await hand.ask('close');
  assert.equal(await hand.text(), 'a\n');
});

test('only failures are shown to those who watch failures, and nothing to others', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  await hand.use(null);
  ring.append('{"a":1}\n', false);
  await hand.clock.advance(200);
  hand.logger.handle({ kind: 'watch', records: 'failed' });
  ring.append('{"b":1}\n', false);
  ring.append('{"c":1,"shape":"reset"}\n', true);
  await hand.ask('close');
  assert.equal(hand.lines, '{"c":1,"shape":"reset"}\n');
});

test('lines that a ring could not hold are counted, also without a log', async () => {
  for (const path of [null, join(folder, 'x.log')]) {
    const hand = new LoggerInHand();
    const ring = hand.ring({ linesBytes: 64, failuresBytes: 64 });
    await hand.use(path);
    for (let n = 0; n < 10; n++) ring.append('123456789\n', false);
    await hand.ask('close');
    assert.equal(hand.dropped, 4);
    const events = hand.sent.flatMap((message) => (message.kind === 'event' ? [message.event.kind] : []));
    assert.deepEqual([...new Set(events)], path === null ? [] : ['log_dropped']);
  }
});

test('a record is found in memory as soon as it is committed, and by its beginning', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  const context = {
    deployment: 'shop',
    member: 'a',
    processStartedUnixMs: 0,
    processKey: 'k3f9xa',
    worker: 1,
    queryAllowed: [],
  };
  const writer = new RecordWriter({ ...context, ring });
  await hand.use();
  for (const id of ['0199aaaa-1111', '0199bbbb-2222', '0199bbbb-3333']) writer.write(sampleExchange({ id }));
  assert.equal(await hand.find('0199bbbb-2222'), '0199bbbb-2222');
  assert.equal(await hand.find('0199aaaa'), '0199aaaa-1111');
  assert.equal(await hand.find('0199bbbb'), null, 'two have it');
  assert.equal(await hand.find('elsewhere'), null);
  await hand.ask('close');
});

test('a record that is no longer in memory is found in the file', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring({ linesBytes: 32 * 1024, failuresBytes: 4096 });
  const context = {
    deployment: 'shop',
    member: 'a',
    processStartedUnixMs: 0,
    processKey: 'k3f9xa',
    worker: 1,
    queryAllowed: [],
  };
  const writer = new RecordWriter({ ...context, ring });
  await hand.use();
  for (let n = 0; n < 200; n++) {
    assert.ok(writer.write(sampleExchange({ id: `id-${n}-end` })) > 0);
    if (n % 10 === 0) {
      hand.logger.handle({ kind: 'line', bytes: Buffer.from('{}\n') });
      const limit = performance.now() + 5000;
      while (!(await hand.text()).includes(`id-${n}-end`)) {
        assert.ok(performance.now() < limit);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
  assert.equal(await hand.find('id-0-end'), 'id-0-end');
  await hand.ask('close');
});

test('a logger that goes on for another one keeps lines in their rings until the file can be opened', async () => {
  const hand = new LoggerInHand(join(folder, 'later', 'candor.log'));
  const ring = hand.ring();
  ring.append('a\n', false);
  hand.logger.handle({ kind: 'resume', path: hand.path, format: 'json', rotation: null });
  const told = await hand.until((message) => message.kind === 'event');
  assert.match(told.kind === 'event' ? told.event.reason : '', /cannot be opened: the directory .* does not exist/);
  await mkdir(join(folder, 'later'));
  await hand.untilText('a\n');
  assert.equal(hand.dropped, 0);
  await hand.ask('close');
});

test('a file that a reload brings is used, and the one that could not be opened is not tried again', async () => {
  const hand = new LoggerInHand(join(folder, 'later', 'candor.log'));
  const ring = hand.ring();
  hand.logger.handle({ kind: 'resume', path: hand.path, format: 'json', rotation: null });
  await hand.until((message) => message.kind === 'event');
  const other = join(folder, 'other.log');
  await hand.use(other);
  await mkdir(join(folder, 'later'));
  await hand.clock.advance(5000);
  // Answered behind every step before it.
  await hand.ask('reopen');
  ring.append('a\n', false);
  await hand.ask('close');
  assert.deepEqual([await hand.text(other), await hand.text()], ['a\n', '']);
});

test('limits that change while the file of an earlier logger is being opened apply to it', async () => {
  const hand = new LoggerInHand(join(folder, 'later', 'candor.log'));
  const ring = hand.ring();
  hand.logger.handle({ kind: 'resume', path: hand.path, format: 'json', rotation: null });
  hand.logger.handle({ kind: 'rotation', rotation: { bytesMax: 1, keepMax: 5, compression: 'none' } });
  await hand.until((message) => message.kind === 'event');
  await mkdir(join(folder, 'later'));
  for (const line of ['a\n', 'b\n']) {
    ring.append(line, false);
    await hand.untilText(line);
  }
  assert.equal(await hand.text(`${hand.path}.1`), 'a\n');
  await hand.ask('close');
});

test('each file is rotated by its own limits', async () => {
  const hand = new LoggerInHand();
  const ring = hand.ring();
  assert.equal(await hand.open(), null);
  await hand.ask('use', { bytesMax: 1000, keepMax: 5, compression: 'none' });
  ring.append('a\n', false);
  const next = join(folder, 'next.log');
  assert.equal(await hand.open(next), null);
  ring.append('b\n', false);
  await hand.ask('use', { bytesMax: 1, keepMax: 1, compression: 'none' });
  await hand.ask('close');
  assert.deepEqual((await readdir(folder)).toSorted(), ['candor.log', 'next.log']);
  assert.equal(await hand.text(), 'a\nb\n');
});

test('lines that do not fit are reported while the output stalls, and not only when another line comes', async () => {
  const fifo = join(folder, 'pipe');
  spawnSync('mkfifo', [fifo]);
  const reader = await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const hand = new LoggerInHand(fifo);
  const ring = hand.ring({ linesBytes: 256 * 1024, failuresBytes: 64 });
  await hand.use();
  const line = `${'x'.repeat(999)}\n`;
  for (let n = 0; n < 1000; n++) ring.append(line, false);
  await hand.until((message) => message.kind === 'event');
  for (let n = 0; n < 1000; n++) ring.append(line, false);
  const told = (): number =>
    hand.sent.reduce(
      (sum, message) =>
        message.kind === 'event' && message.event.kind === 'log_dropped'
          ? sum + (message.event.evidence as { count: number }).count
          : sum,
      0,
    );
  const limit = performance.now() + 5000;
  while (told() !== ring.dropped) {
    assert.ok(performance.now() < limit, `${told()} of ${ring.dropped} were reported`);
    await hand.clock.advance(500);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await reader.close();
  await hand.ask('close');
});
