import { delay } from '../core/condition.ts';
import type { EventSink, NewEvent } from '../core/event.ts';
import type {
  FromLogger,
  LoggerInit,
  LogRotationSpec,
  ProcessConstants,
  ToLogger,
  WatchedRecords,
} from '../core/logger-messages.ts';
import type { LogSpec } from '../core/configuration.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { logFormatOf } from '../core/log-formats.ts';
import { type LogLines, logLinesIn } from '../record/log-lines.ts';
import { after, type Clock } from '../core/time.ts';
import { failedLines } from '../record/failed-lines.ts';
import { type LogFile, openLogFile } from '../record/log-file.ts';
import { IdSearch, mayBePrefix, PrefixSearch } from '../record/parse-record.ts';
import { processHeaderLine, withProcess } from '../record/process-header.ts';
import { RingReading } from '../record/ring-reading.ts';
import type { SyslogSpec } from '../core/syslog-spec.ts';
import { searchLog } from '../record/search-log.ts';

import type { Syslog } from './syslog.ts';

/** How long a line may wait before it is written: one write for all lines of that time. */
const writeEveryMs = 100;

/** The pause between two tries to open the file, the same as between two tries to write. */
const reopenMs = 1000;

/** A record is committed when its exchange has ended, which may be after the client has its response. */
const recordDelayMs = 200;

interface OpenedFile {
  readonly path: string | null;
  /** Of this file alone: a reload may bring another one with other limits. */
  rotation: LogRotationSpec | null;
  readonly format: LogSpec['format'];
  readonly lines: LogLines;
  syslog: Syslog | null;
  /** Null: no log is configured. */
  file: LogFile | null;
}

type Resumption = Extract<ToLogger, { kind: 'resume' }>;

type Destination = Pick<Resumption, 'path' | 'format' | 'syslog'>;

const unopened = (path: string | null, format: LogSpec['format']): OpenedFile => ({
  ...{ path, format, lines: logLinesIn(format) },
  ...{ rotation: null, file: null, syslog: null },
});

/**
 * Writes the log of exchanges, rotates it and searches it, on a thread of its own. Workers put lines into rings
 * (`record/record-ring.ts`); the main thread sends messages.
 *
 *     worker ─ring─▶ Logger ─▶ LogFile ─▶ disk
 *                      ▲ messages: open, rotate, find, close
 *                    main
 */
export class Logger {
  readonly #clock: Clock;
  readonly #send: (message: FromLogger) => void;
  readonly #dropped: Int32Array;
  readonly #reading: RingReading;
  #opened: OpenedFile | null = null;
  /** Null before the first `use`: until then lines stay in their rings. */
  #log: OpenedFile | null = null;
  /** The file of an earlier logger, until it is open or a reload brings another one. */
  #resumption: Resumption | null = null;
  #process: ProcessConstants | null = null;
  #watched: WatchedRecords = 'none';
  #closed = false;
  /** Messages that open and close files are handled one after the other. */
  #steps: Promise<unknown> = Promise.resolve();

  constructor({ wakeWord, dropped }: LoggerInit, clock: Clock, send: (message: FromLogger) => void) {
    this.#clock = clock;
    this.#send = send;
    this.#dropped = new Int32Array(dropped);
    this.#reading = new RingReading(clock, wakeWord, {
      isReady: () => this.#log !== null,
      read: () => (this.#writeLines() ? writeEveryMs : null),
      everyMs: writeEveryMs,
    });
  }

  handle(message: ToLogger): void {
    switch (message.kind) {
      case 'ring':
        this.#reading.add(message.memory);
        break;
      case 'open':
        this.#step(message.request, () => this.#open(message));
        break;
      case 'use':
        this.#step(message.request, () => this.#use(message.rotation));
        break;
      case 'resume':
        this.#resumption = message;
        this.#step(null, () => this.#resume(message));
        break;
      case 'discard':
        this.#step(null, () => this.#discard());
        break;
      case 'process':
        this.#process = message.constants;
        this.#log?.file?.repeatHeader();
        break;
      case 'rotation':
        this.#step(null, () => this.#setRotation(message.rotation));
        break;
      case 'line':
        this.#step(null, () => this.#append(message.bytes));
        break;
      case 'watch':
        this.#watched = message.records;
        break;
      case 'reopen':
        this.#step(message.request, () => this.#reopen());
        break;
      case 'find':
        void this.#find(message.id).then((record) => this.#send({ kind: 'found', request: message.request, record }));
        break;
      case 'close':
        this.#step(message.request, () => this.#close());
        break;
    }
  }

  /** `step` resolves with why it failed, in one sentence; null if it did not. */
  #step(request: number | null, step: () => Promise<string | null>): void {
    this.#steps = this.#steps.then(async () => {
      // A step that throws must not keep those after it from running.
      const problem = await step().catch((error: unknown) => String(error));
      if (request !== null) this.#send({ kind: 'done', request, problem });
    });
  }

  async #open({ path, format, syslog = null }: Destination): Promise<string | null> {
    await this.#discard();
    const next = unopened(path, format);
    const problem = path === null ? null : await this.#openFile(path, next);
    if (problem !== null) return problem;
    if (syslog !== null) next.syslog = await this.#openSyslog(syslog, next.lines);
    this.#opened = next;
    return null;
  }

  /** Only a log with a receiver loads what sends. */
  async #openSyslog(spec: SyslogSpec, lines: LogLines): Promise<Syslog> {
    const { Syslog } = await import('./syslog.ts');
    return Syslog.open(spec, {
      ...{ clock: this.#clock, lines, events: this.#events, processId: process.pid },
      hostname: process.getBuiltinModule('node:os').hostname() || '-',
      onLost: (lost) => Atomics.add(this.#dropped, 0, lost),
    });
  }

  get #events(): EventSink {
    return { emit: (event) => this.#send({ kind: 'event', event: event as NewEvent }) };
  }

  async #openFile(path: string, next: OpenedFile): Promise<string | null> {
    const opened = await openLogFile(path, {
      clock: this.#clock,
      events: this.#events,
      // Lines on standard output have these constants themselves.
      header: () => (path === '-' || !logFormatOf(next.format).holdsRecords ? null : this.#header()),
      rotation: () => next.rotation,
      onLost: (lines) => Atomics.add(this.#dropped, 0, lines),
    });
    if (!opened.ok) return opened.failure.reason;
    next.file = opened.value;
    return null;
  }

  #header(): Uint8Array | null {
    const at = new Date(this.#clock.wallTime()).toISOString();
    return this.#process === null ? null : processHeaderLine(this.#process, at);
  }

  async #discard(): Promise<null> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.file?.close();
    await opened?.syslog?.close();
    return null;
  }

  async #use(rotation: LogRotationSpec | null): Promise<string | null> {
    const opened = this.#opened;
    if (opened === null) return 'no file has been opened';
    this.#writeLines();
    const before = this.#log;
    opened.rotation = rotation;
    this.#log = opened;
    this.#opened = null;
    this.#resumption = null;
    await before?.file?.close();
    await before?.syslog?.close();
    this.#reading.wake();
    return null;
  }

  #setRotation(rotation: LogRotationSpec | null): Promise<null> {
    if (this.#log !== null) this.#log.rotation = rotation;
    if (this.#resumption !== null) this.#resumption = { ...this.#resumption, rotation };
    return Promise.resolve(null);
  }

  /** Goes on where another logger has ended. Until the file can be opened, lines stay in their rings. */
  async #resume({ path, format, syslog = null, rotation }: Resumption): Promise<null> {
    const problem = (await this.#open({ path, format, syslog })) ?? (await this.#use(rotation));
    if (problem === null || this.#closed) return null;
    this.#send({
      kind: 'event',
      event: {
        kind: 'log_dropped',
        subject: `log:${path}`,
        from: 'writing',
        to: 'failing',
        reason: `The log ${path} cannot be opened: ${problem}; no line is lost yet, and opening it is retried.`,
        evidence: { what: path ?? '', count: 0, errno: null },
      },
    });
    this.#clock.schedule(after(this.#clock.now(), reopenMs), Logger.#reopenDue, this as Logger);
    return null;
  }

  /** A file that a reload has brought meanwhile stays in use. */
  static #reopenDue(this: void, logger: Logger): void {
    const resumption = logger.#resumption;
    if (resumption !== null && !logger.#closed) logger.#step(null, () => logger.#resume(resumption));
  }

  #append(line: Uint8Array): Promise<null> {
    this.#writeLines();
    const log = this.#log;
    if (log !== null && logFormatOf(log.format).holdsRecords) log.file?.append(line);
    return Promise.resolve(null);
  }

  async #reopen(): Promise<string | null> {
    const reopened = await this.#log?.file?.reopen();
    return reopened === undefined || reopened.ok ? null : reopened.failure.reason;
  }

  async #close(): Promise<null> {
    this.#writeLines();
    this.#closed = true;
    this.#reading.stop();
    await this.#discard();
    await this.#log?.file?.close();
    await this.#log?.syslog?.close();
    return null;
  }

  /** Passes all committed lines on. Returns whether there were any, or some are still being written, or some did not fit. */
  #writeLines(): boolean {
    const log = this.#log;
    if (log === null) return false;
    let isBusy = false;
    for (const ring of this.#reading.rings) {
      for (const slice of ring.take()) {
        isBusy = true;
        this.#show(slice.bytes);
        log.syslog?.append(slice.bytes);
        if (log.file === null) ring.release(slice);
        else log.file.append(log.lines(slice.bytes), () => ring.release(slice));
      }
      const dropped = ring.takeDropped();
      if (dropped > 0) log.file?.lost(dropped);
      if (dropped > 0 || ring.isBusy) isBusy = true;
    }
    return isBusy;
  }

  #show(bytes: Buffer): void {
    if (this.#watched === 'none') return;
    const shown = this.#watched === 'all' ? Buffer.from(bytes) : failedLines(bytes);
    if (shown.length > 0) this.#send({ kind: 'lines', bytes: shown });
  }

  /** A record by its id, or by a prefix that no other id in memory has. */
  async #find(id: string): Promise<ExchangeRecord | null> {
    const search = new IdSearch(id);
    const found = this.#findRecent(search);
    if (found !== null) return found;
    await delay(this.#clock, recordDelayMs);
    const path = this.#log?.path ?? null;
    const late = this.#findRecent(search) ?? (path === null || path === '-' ? null : await searchLog(path, id));
    if (late !== null || !mayBePrefix(id)) return late;
    const alike = new PrefixSearch(id);
    this.#findRecent(alike);
    const [only, ...others] = alike.found;
    return only === undefined || others.length > 0 ? null : withProcess(only, this.#process);
  }

  #findRecent(search: IdSearch | PrefixSearch): ExchangeRecord | null {
    for (const ring of this.#reading.rings) {
      const found = ring.findLast(search);
      // Rings have records of this process alone.
      if (found !== null) return withProcess(found, this.#process);
    }
    return null;
  }
}
