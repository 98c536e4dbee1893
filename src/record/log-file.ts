import type { EventSink } from '../core/event.ts';
import type { Result } from '../core/result.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { countLines } from './copy-lines.ts';
import { LogMaintenance } from './log-maintenance.ts';
import { type LogOutput, type LogProblem, openLogOutput } from './log-output.ts';
import type { LogRotation } from './log-rotation.ts';
import { LossReport } from './loss-report.ts';

export interface LogFileOptions {
  readonly clock: Clock;
  /** Hears `log_dropped` when writing fails, at most once per `tellEveryMs`, and when it goes on again. */
  readonly events: EventSink;
  readonly queueBytesMax?: number;
  readonly retryMs?: number;
  readonly reportEveryMs?: number;
  readonly closeMs?: number;
  /** When the file is put aside; asked each time, since a reload may change it. Default: never. */
  readonly rotation?: () => LogRotation | null;
  /** False while another process writes to the same file: then it is not put aside. */
  readonly mayRotate?: () => boolean;
  /** How the output is opened; tests give one that fails. */
  readonly open?: (path: string) => Promise<Result<LogOutput, LogProblem>>;
}

/** Half a second of the busiest gateway, minutes of most: longer than a disk pauses, small beside the process. */
const queueBytesMaxDefault = 16 * 1024 * 1024;
/** Space on a disk does not come back sooner, and the queue can hold that long. */
const retryMsDefault = 1000;
/** A pipe that is full for the moment (EAGAIN) is asked again as soon as its reader may have read. */
const pipeRetryMs = 10;
const reportEveryMsDefault = 10_000;
/** A pipe that nobody reads must not hold up the end of the process. */
const closeMsDefault = 2000;

export interface LogFile {
  /** Takes whole lines, LF included, and keeps the bytes until they are written in this order; or counts them
   * as dropped. Never waits, never throws. `done` is called when the bytes are not needed
   * any more, once; never where a write of them hangs at the end. */
  append(bytes: Uint8Array, lines: number, done?: DoneCallback): void;
  /** Opens the file under its name again, as after a rotation. When that fails the old one is kept. */
  reopen(): Promise<Result<null, LogProblem>>;
  /** Writes what waits, for `closeMs` at most; the rest is counted as dropped. */
  close(): Promise<void>;
  /** Lines that were dropped since the start. */
  readonly dropped: number;
  /** The same by reason: an errno, 'queue_full' (written too slowly), 'closed'. */
  readonly droppedBy: ReadonlyMap<string, number>;
  readonly queuedBytes: number;
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

/** What becomes of bytes that are written or dropped. */
export type DoneCallback = (() => void) | null;

interface QueuedLines {
  readonly bytes: Uint8Array;
  readonly lines: number;
  readonly done: DoneCallback;
}

/** Where a line was cut off, by a change of output or by the process before this one, this ends it, so that the next line stands for itself. */
const endOfTornLine: QueuedLines = { bytes: Uint8Array.of(0x0a), lines: 0, done: null };

/** The same output will take bytes later; a new one would be no better. */
const temporaryErrnos: readonly string[] = ['EAGAIN', 'ENOSPC', 'EDQUOT', 'EFBIG'];

/**
 * One write at a time, the rest in a bounded queue. A write that fails is tried again until it succeeds: what is
 * lost meanwhile is only what the queue cannot hold. A pipe without a reader is given up until `reopen`.
 */
class QueuedLog implements LogFile {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #open: (path: string) => Promise<Result<LogOutput, LogProblem>>;
  readonly #losses: LossReport;
  readonly #queueBytesMax: number;
  readonly #retryMs: number;
  readonly #closeMs: number;
  readonly #queue: QueuedLines[] = [];
  #queuedBytes = 0;
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
  readonly #maintenance: LogMaintenance;

  constructor(path: string, output: LogOutput, options: LogFileOptions) {
    this.#path = path;
    this.#output = output;
    this.#clock = options.clock;
    this.#open = options.open ?? openLogOutput;
    this.#losses = new LossReport(path, options.clock, options.events, options.reportEveryMs ?? reportEveryMsDefault);
    this.#queueBytesMax = options.queueBytesMax ?? queueBytesMaxDefault;
    this.#retryMs = options.retryMs ?? retryMsDefault;
    this.#closeMs = options.closeMs ?? closeMsDefault;
    this.#maintenance = new LogMaintenance(path, {
      clock: options.clock,
      events: options.events,
      open: this.#open,
      rotation: options.rotation ?? (() => null),
      mayRotate: options.mayRotate ?? (() => true),
      onDue: () => this.#write(),
    });
  }

  /** Before the first line. */
  async begin(): Promise<void> {
    await this.#maintenance.begin(this.#output);
    if (await this.#output.endsMidLine?.()) this.#endTornLine();
  }

  get dropped(): number {
    return this.#losses.total;
  }

  get droppedBy(): ReadonlyMap<string, number> {
    return this.#losses.byReason;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  append(bytes: Uint8Array, lines: number, done: DoneCallback = null): void {
    const refusal = bytes.length === 0 ? null : this.#refusal(bytes.length);
    if (refusal !== null) this.#losses.lost(lines, refusal);
    if (refusal !== null || bytes.length === 0) return done?.();
    this.#queue.push({ bytes, lines, done });
    this.#queuedBytes += bytes.length;
    this.#write();
  }

  async reopen(): Promise<Result<null, LogProblem>> {
    const output = await this.#open(this.#path);
    if (!output.ok) return output;
    if (this.#closed) {
      await output.value.close();
      return { ok: true, value: null };
    }
    // Put in its place before anything is waited for: of two that are opened at once, each is written to or closed.
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

  /** Why lines cannot be taken; null when they can. */
  #refusal(bytes: number): string | null {
    if (this.#closed) return 'closed';
    if (this.#errno === 'EPIPE') return 'EPIPE';
    if (this.#queuedBytes + bytes <= this.#queueBytesMax) return null;
    // A pipe that is full is read too slowly; anything else has a name of its own.
    return this.#errno === null || this.#errno === 'EAGAIN' ? 'queue_full' : this.#errno;
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
      const written = await this.#output.write(first.bytes, this.#written);
      if (!written.ok) {
        // A new output may have come meanwhile: then this failure was the old one's.
        if (this.#nextOutput !== null) continue;
        return this.#failed(written.failure);
      }
      this.#errno = null;
      this.#maintenance.wrote(written.value);
      this.#written += written.value;
      if (this.#written >= first.bytes.length) this.#removeFirst();
    }
  }

  /** False: nothing can be written until there is a file again. */
  async #maintain(): Promise<boolean> {
    const maintained = await this.#maintenance.look(this.#output, this.#written === 0, this.#queue.length > 0);
    if (!maintained.ok) {
      // Somebody has had it opened meanwhile.
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
    this.#queuedBytes -= first?.bytes.length ?? 0;
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
   * The new output gets whole lines only: the one that the old output had in part is written again. `endsMidLine`: a line is
   * cut off in the new output; null where it cannot tell, which may have the old one's behind its name.
   */
  #rewriteLine(endsMidLine: boolean | null): void {
    const wasToEnd = this.#queue[0] === endOfTornLine;
    if (wasToEnd) this.#removeFirst();
    const first = this.#queue[0];
    const written = this.#written;
    const lineStart = first === undefined || written === 0 ? 0 : first.bytes.lastIndexOf(0x0a, written - 1) + 1;
    if (first !== undefined && lineStart > 0) {
      const lines = Math.max(0, first.lines - countLines(first.bytes, 0, lineStart));
      this.#queue[0] = { ...first, bytes: first.bytes.subarray(lineStart), lines };
      this.#queuedBytes -= lineStart;
    }
    this.#written = 0;
    if (endsMidLine ?? (wasToEnd || lineStart < written)) this.#endTornLine();
  }

  #endTornLine(): void {
    this.#queue.unshift(endOfTornLine);
    this.#queuedBytes += endOfTornLine.bytes.length;
    this.#write();
  }

  #failed(errno: string): void {
    // First of all: whoever hears of it may append to this very log.
    this.#isWriting = false;
    this.#errno = errno;
    if (errno === 'EPIPE') this.#dropQueue(errno);
    // Standard output has had its one reader; a named pipe may get another.
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
    // The file may be beyond saving (EIO, ESTALE); under its name there may be a sound one.
    void log.reopen().then((reopened) => {
      if (reopened.ok) return;
      if (log.#errno === 'EPIPE') log.#failed('EPIPE');
      else log.#write();
    });
  }

  #dropQueue(reason: string): void {
    const dropped = this.#queue.splice(0);
    // The line that was cut off counts as lost with those behind it, and those before it are where they should be.
    const whole = dropped[0] === undefined ? 0 : countLines(dropped[0].bytes, 0, this.#written);
    this.#queuedBytes = 0;
    this.#written = 0;
    // What a hanging write still reads must not be written over.
    const needed = this.#isWriting ? dropped[0] : null;
    for (const queued of dropped) {
      const lines = queued === dropped[0] ? queued.lines - whole : queued.lines;
      if (lines > 0) this.#losses.lost(lines, reason);
      if (queued !== needed) queued.done?.();
    }
  }

  /** Whether the queue has been written, as far as it can be; false when `ms` have passed before that. */
  async #awaitWritten(ms: number): Promise<boolean> {
    if (!this.#isWriting) return true;
    const { promise: tooLate, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#clock.schedule(after(this.#clock.now(), ms), resolve, false);
    const isDone = await Promise.race([this.#writing.then(() => true), tooLate]);
    timer.cancel();
    return isDone;
  }
}
