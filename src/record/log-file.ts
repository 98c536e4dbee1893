import type { EventSink } from '../core/event.ts';
import type { LogRotationSpec } from '../core/logger-messages.ts';
import type { Result } from '#failures/result.ts';
import { delay } from '../core/condition.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { countLines } from './copy-lines.ts';
import { LogMaintenance } from './log-maintenance.ts';
import { type LogOutput, type LogProblem, openLogOutput } from './log-output.ts';
import { LossReport } from './loss-report.ts';
import { lineFeed } from './line-feed.ts';

export interface LogFileOptions {
  readonly clock: Clock;
  /** Gets `log_dropped` when writing fails, at most once per `reportEveryMs`, and when it works again. */
  readonly events: EventSink;
  readonly retryMs?: number;
  readonly reportEveryMs?: number;
  readonly closeMs?: number;
  /** When the file is rotated; read each time, because it may change. Null: not now, as while another process writes to the file. */
  readonly rotation?: () => LogRotationSpec | null;
  /** The line before the first record of each file that is opened, with LF; null: none. */
  readonly header?: () => Uint8Array | null;
  /** Called with the number of lines whenever some are counted as dropped. */
  readonly onLost?: (lines: number) => void;
  /** How the output is opened; tests pass one that fails. */
  readonly open?: (path: string) => Promise<Result<LogOutput, LogProblem>>;
}

/** Space on a disk rarely returns sooner, and the rings can hold lines that long. */
const retryMsDefault = 1000;
/** A full pipe (EAGAIN) is retried as soon as its reader may have read. */
const pipeRetryMs = 10;
const reportEveryMsDefault = 10_000;
/** A pipe without a reader must not delay the end of the process. */
const closeMsDefault = 2000;

export interface LogFile {
  /**
   * Queues whole lines, including LF, until they are written in order. Lines for a closed log or a pipe without a reader are dropped
   * and counted. The caller bounds what is queued. Never waits, never throws. `done` is called once, when the bytes are no longer needed;
   * never if a write of them hangs when the log is closed.
   */
  append(bytes: Uint8Array, done?: DoneCallback): void;
  /** Reports lines that did not reach this log because it is not written fast enough. The caller counts them. */
  lost(lines: number): void;
  /** The header has changed: it is written once more before the next record. */
  repeatHeader(): void;
  /** Reopens the file under its path, for example after a rotation. If that fails, the old file is kept. */
  reopen(): Promise<Result<null, LogProblem>>;
  /** Writes the queued lines, for at most `closeMs`; the rest is counted as dropped. */
  close(): Promise<void>;
}

/** Opens the exchange log at `path` for appending; '-' is standard output. */
export async function openLogFile(path: string, options: LogFileOptions): Promise<Result<LogFile, LogProblem>> {
  const open = options.open ?? openLogOutput;
  const output = await open(path);
  if (!output.ok) return output;
  const log = new QueuedLog(path, output.value, options);
  await log.begin();
  return { ok: true, value: log };
}

/** Called when bytes were written or dropped. */
type DoneCallback = (() => void) | null;

interface QueuedLines {
  readonly bytes: Uint8Array;
  /** false: a part of the file's form, whose loss is none. */
  readonly areRecords: boolean;
  readonly done: DoneCallback;
}

/** Ends a line that a change of output or an earlier process left incomplete, so that the next line is readable. */
const endOfTornLine: QueuedLines = { bytes: Uint8Array.of(lineFeed), areRecords: false, done: null };

/** After these errors the same output will accept bytes later; reopening would not help. */
const temporaryErrnos: readonly string[] = ['EAGAIN', 'ENOSPC', 'EDQUOT', 'EFBIG'];

/**
 * One write at a time, the rest in a queue. A failed write is retried until it succeeds, so that lines are lost only where the
 * caller has no room for more. A pipe without a reader is given up until `reopen`.
 */
class QueuedLog implements LogFile {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #open: (path: string) => Promise<Result<LogOutput, LogProblem>>;
  readonly #losses: LossReport;
  readonly #header: () => Uint8Array | null;
  readonly #retryMs: number;
  readonly #closeMs: number;
  readonly #queue: QueuedLines[] = [];
  /** How much of the first in the queue has been written. */
  #written = 0;
  #output: LogOutput;
  /** Takes over between two writes. */
  #nextOutput: LogOutput | null = null;
  #isWriting = false;
  /** Settles when the last round of writing has ended. */
  #writing: Promise<void> = Promise.resolve();
  #retry: Timer | null = null;
  /** Why nothing is written now. */
  #errno: string | null = null;
  #closed = false;
  /** The header stands before the next record. */
  #isHeaderDue = true;
  /** Another program has truncated the file since it was last written to. */
  #isTruncated = false;
  readonly #maintenance: LogMaintenance;

  constructor(path: string, output: LogOutput, options: LogFileOptions) {
    this.#path = path;
    this.#output = output;
    this.#clock = options.clock;
    this.#open = options.open ?? openLogOutput;
    const { clock, events, reportEveryMs = reportEveryMsDefault, onLost } = options;
    this.#losses = new LossReport({ path, clock, events, reportEveryMs, onLost });
    this.#header = options.header ?? (() => null);
    this.#retryMs = options.retryMs ?? retryMsDefault;
    this.#closeMs = options.closeMs ?? closeMsDefault;
    this.#maintenance = new LogMaintenance(path, {
      clock: options.clock,
      events: options.events,
      open: this.#open,
      rotation: options.rotation ?? (() => null),
      onTruncated: () => {
        this.#isTruncated = true;
      },
      onDue: () => this.#write(),
    });
  }

  /** Before the first line. */
  async begin(): Promise<void> {
    await this.#maintenance.begin(this.#output);
    if (await this.#output.endsMidLine?.()) this.#writeFirst(endOfTornLine);
  }

  append(bytes: Uint8Array, done: DoneCallback = null): void {
    const refusal = this.#closed ? 'closed' : this.#errno === 'EPIPE' ? 'EPIPE' : null;
    if (refusal !== null && bytes.length > 0) this.#losses.lost(countLines(bytes, 0), refusal);
    if (refusal !== null || bytes.length === 0) return done?.();
    this.#queue.push({ bytes, areRecords: true, done });
    this.#write();
  }

  lost(lines: number): void {
    this.#losses.add(lines, this.#errno ?? 'queue_full');
    if (!this.#isWriting && this.#errno === null) this.#losses.recovered();
  }

  repeatHeader(): void {
    this.#isHeaderDue = true;
  }

  async reopen(): Promise<Result<null, LogProblem>> {
    const output = await this.#open(this.#path);
    if (!output.ok) return output;
    if (this.#closed) {
      await output.value.close();
      return { ok: true, value: null };
    }
    // Set before anything is awaited: of two outputs that are opened at once, each is used or closed.
    const passed = this.#nextOutput;
    this.#nextOutput = output.value;
    this.#retry?.cancel();
    this.#retry = null;
    this.#errno = null;
    this.#write();
    await passed?.close();
    return { ok: true, value: null };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#maintenance.close();
    this.#retry?.cancel();
    this.#retry = null;
    this.#write();
    const isDone = await this.#awaitWritten(this.#closeMs);
    this.#dropQueue(this.#errno ?? 'closed');
    this.#losses.close();
    // A write that hangs would hold up the closing of its file too; the process is about to end anyway.
    const closing = this.#output.close();
    if (isDone) await closing;
  }

  #write(): void {
    if (this.#isWriting || this.#retry !== null) return;
    this.#isWriting = true;
    this.#writing = this.#writeQueue();
  }

  async #writeQueue(): Promise<void> {
    for (;;) {
      await this.#takeNextOutput();
      if (this.#maintenance.isDue(this.#queue.length > 0) && !(await this.#maintain())) return;
      if (this.#nextOutput !== null) continue;
      const first = this.#queue[0];
      if (first === undefined) return this.#becomeIdle();
      // Within a slice that is written in part, the header would stand in the middle of a line.
      if (this.#isHeaderDue && first.areRecords && this.#written === 0) {
        this.#beginWithHeader();
        continue;
      }
      const written = await this.#output.write(first.bytes, this.#written);
      if (!written.ok) {
        // If a new output is in use by now, this failure was that of the old one.
        if (this.#nextOutput !== null) continue;
        if (await this.#waitsToClose(written.failure)) continue;
        return this.#failed(written.failure);
      }
      this.#errno = null;
      this.#maintenance.wrote(written.value);
      this.#written += written.value;
      if (this.#written >= first.bytes.length) this.#removeFirst();
    }
  }

  /** False if nothing can be written until there is a file again. */
  async #maintain(): Promise<boolean> {
    const maintained = await this.#maintenance.look(
      this.#output,
      this.#written === 0,
      // Lines may come while the file is looked at.
      () => this.#queue.length > 0,
    );
    if (this.#isTruncated) {
      this.#isTruncated = false;
      // The file has lost the beginning of a line that is written in part.
      this.#rewriteLine((await this.#output.endsMidLine?.()) ?? null);
    }
    if (!maintained.ok) {
      // The log was reopened meanwhile.
      if (this.#nextOutput !== null) return true;
      this.#failed(maintained.failure);
      return false;
    }
    if (maintained.value === null) return true;
    await this.#nextOutput?.close();
    this.#nextOutput = maintained.value;
    this.#errno = null;
    return true;
  }

  #becomeIdle(): void {
    this.#isWriting = false;
    if (this.#errno === null) this.#losses.recovered();
  }

  #removeFirst(): void {
    const first = this.#queue.shift();
    this.#written = 0;
    first?.done?.();
  }

  async #takeNextOutput(): Promise<void> {
    const next = this.#nextOutput;
    if (next === null) return;
    const old = this.#output;
    this.#output = next;
    this.#nextOutput = null;
    // Standard output is always the same.
    if (next === old) return;
    const { linesLost, errno } = await this.#maintenance.takeOver(old, next);
    if (linesLost > 0) this.#losses.lost(linesLost, errno ?? 'EIO');
    this.#rewriteLine((await next.endsMidLine?.()) ?? null);
    await old.close();
  }

  /**
   * The new output gets only whole lines: a line that the old output has in part is written again. `endsMidLine`: the last line of
   * the new output is incomplete; null if not known, because it may be the same file as the old one.
   */
  #rewriteLine(endsMidLine: boolean | null): void {
    const written = this.#written;
    const front = this.#queue[0];
    const isForm = front?.areRecords === false;
    const lineStart = front === undefined || written === 0 ? 0 : front.bytes.lastIndexOf(lineFeed, written - 1) + 1;
    if (isForm) this.#removeFirst();
    else if (front !== undefined && lineStart > 0)
      this.#queue[0] = { ...front, bytes: front.bytes.subarray(lineStart) };
    this.#written = 0;
    this.#isHeaderDue = true;
    if (endsMidLine ?? (front === endOfTornLine || lineStart < written)) this.#writeFirst(endOfTornLine);
  }

  /** Behind a line that an earlier process left incomplete, and before the first record. */
  #beginWithHeader(): void {
    this.#isHeaderDue = false;
    const bytes = this.#header();
    if (bytes !== null) this.#writeFirst({ bytes, areRecords: false, done: null });
  }

  #writeFirst(form: QueuedLines): void {
    this.#queue.unshift(form);
    this.#write();
  }

  /** A closing log waits for the reader of a full pipe. False if there is no such reason, or `closeMs` have passed. */
  async #waitsToClose(errno: string): Promise<boolean> {
    if (errno !== 'EAGAIN' || !this.#closed) return false;
    this.#errno = errno;
    await delay(this.#clock, pipeRetryMs);
    return true;
  }

  #failed(errno: string): void {
    // Do this first: a listener of the report may append to this log.
    this.#isWriting = false;
    this.#errno = errno;
    if (errno === 'EPIPE') this.#dropQueue(errno);
    // Standard output cannot get another reader; a named pipe can.
    const isOver = this.#closed || (errno === 'EPIPE' && this.#path === '-');
    if (!isOver) {
      const due = after(this.#clock.now(), errno === 'EAGAIN' ? pipeRetryMs : this.#retryMs);
      this.#retry = this.#clock.schedule(due, QueuedLog.#retryWrite, this);
    }
    if (errno !== 'EAGAIN' && errno !== 'EPIPE') this.#losses.failing(errno);
  }

  static #retryWrite(this: void, log: QueuedLog): void {
    log.#retry = null;
    if (log.#errno === null || temporaryErrnos.includes(log.#errno)) return log.#write();
    // The file may be unusable (EIO, ESTALE); there may be a usable one under its path.
    void log.reopen().then((reopened) => {
      if (reopened.ok) return;
      if (log.#errno === 'EPIPE') log.#failed('EPIPE');
      else log.#write();
    });
  }

  #dropQueue(reason: string): void {
    const dropped = this.#queue.splice(0);
    const written = this.#written;
    this.#written = 0;
    // Bytes that a hanging write still reads must not be overwritten.
    const needed = this.#isWriting ? dropped[0] : null;
    for (const queued of dropped) {
      // The incomplete line and those behind it count as lost; those before it were written.
      const lines = queued.areRecords ? countLines(queued.bytes, queued === dropped[0] ? written : 0) : 0;
      if (lines > 0) this.#losses.lost(lines, reason);
      if (queued !== needed) queued.done?.();
    }
  }

  /** Resolves to true when the queue is written as far as possible, to false after `ms`. */
  async #awaitWritten(ms: number): Promise<boolean> {
    if (!this.#isWriting) return true;
    const { promise: tooLate, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#clock.schedule(after(this.#clock.now(), ms), resolve, false);
    const isDone = await Promise.race([this.#writing.then(() => true), tooLate]);
    timer.cancel();
    return isDone;
  }
}
