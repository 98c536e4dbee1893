import type { LogSpec } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import type {
  FromLogger,
  LogRotationSpec,
  ProcessConstants,
  ToLogger,
  WatchedRecords,
} from '../core/logger-messages.ts';
import type { LostRecord } from '../core/record.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { SyslogSpec } from '../core/syslog-spec.ts';
import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { after, type Clock } from '../core/time.ts';
import { lostRecordLine } from '../record/lost-record.ts';
import { type QuestionOf, RestartedThread } from './restarted-thread.ts';
import { LogFailure } from './start-failure.ts';
import type { WorkerExit } from './worker-exit.ts';
import { WorkerRings } from './worker-rings.ts';

type LogDestination = Pick<LogSpec, 'path' | 'format' | 'syslog' | 'rotateBytes' | 'keepMax' | 'compression'>;

interface ExchangeLogParts {
  /** The file that the thread of the log runs. */
  readonly loggerModule: URL;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly process: ProcessConstants;
  /** False while another process writes to the same file. */
  readonly writesAlone: boolean;
  readonly watched: WatchedRecords;
  /** Gets the lines of watched records, until `close` has resolved. */
  readonly onLines: (bytes: Uint8Array) => void;
}

/** The logger writes for at most 2 s after it was told to close the file. */
const closeMs = 5000;

/**
 * The control plane's side of the thread that writes, rotates and searches the log of exchanges (`logger/`). Records do not
 * pass through the main thread: each worker shares a ring of lines with the logger.
 */
export class ExchangeLog {
  readonly #parts: ExchangeLogParts;
  readonly #dropped = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #rings = new WorkerRings((memory) => this.#thread.send({ kind: 'ring', memory }));
  readonly #thread: RestartedThread<ToLogger, FromLogger>;
  #path: string | null = null;
  #format: LogSpec['format'] = 'json';
  #syslog: SyslogSpec | null = null;
  #isUsed = false;
  #process: ProcessConstants;
  #rotation: LogRotationSpec | null = null;
  #writesAlone: boolean;

  constructor(parts: ExchangeLogParts) {
    this.#parts = parts;
    this.#writesAlone = parts.writesAlone;
    this.#process = parts.process;
    const { loggerModule, clock } = parts;
    this.#thread = new RestartedThread<ToLogger, FromLogger>({
      module: loggerModule,
      name: 'candor log',
      init: { wakeWord: this.#rings.wakeWord, dropped: this.#dropped.buffer as SharedArrayBuffer },
      clock,
      state: () => this.#state(),
      isKept: ({ kind }) => kind === 'line',
      noAnswer: (request) => ({ kind: 'done', request, problem: 'the thread that writes the log has ended' }),
      onMessage: (message) => this.#onMessage(message),
      onLost: (exit, restartMs) => this.#lost(exit, restartMs),
    });
    for (const message of this.#state()) this.#thread.send(message);
  }

  get path(): string | null {
    return this.#path;
  }

  /** The receiver of its lines; null: there is none. */
  get receiver(): string | null {
    return this.#syslog?.name ?? null;
  }

  /** Lines that were dropped since the start. */
  get dropped(): number {
    return Atomics.load(this.#dropped, 0) + this.#rings.dropped;
  }

  /** The ring of the worker with this index. */
  ringOf(workerIndex: number): RecordRingMemory {
    return this.#rings.of(workerIndex);
  }

  /** Opens the file; `use` or `discard` follows. Throws `LogFailure`: then nothing has changed. */
  async open({ path, format, syslog = null }: LogDestination): Promise<void> {
    const problem = await this.#ask({ kind: 'open', path, format, syslog });
    if (problem !== null) throw new LogFailure(`log.path: ${problem}`);
  }

  /** Sends lines to the opened file from now on. Lines that the previous log still gets are written first. */
  async use(spec: LogDestination): Promise<void> {
    this.#path = spec.path;
    this.#format = spec.format;
    this.#syslog = spec.syslog ?? null;
    this.#isUsed = true;
    this.#setRotation(spec);
    const problem = await this.#ask({ kind: 'use', rotation: this.#allowedRotation });
    // The logger that had opened the file has ended meanwhile.
    if (problem !== null) this.#thread.send(this.#resumption);
  }

  /** Closes the opened file, which will not be used. */
  discard(): void {
    this.#thread.send({ kind: 'discard' });
  }

  /** The log is rotated at this size from now on. */
  rotate(spec: LogDestination): void {
    this.#setRotation(spec);
    this.#sendRotation();
  }

  #setRotation({ rotateBytes, keepMax, compression }: LogDestination): void {
    this.#rotation = rotateBytes === null ? null : { bytesMax: rotateBytes, keepMax, compression };
  }

  #sendRotation(): void {
    this.#thread.send({ kind: 'rotation', rotation: this.#allowedRotation });
  }

  get #allowedRotation(): LogRotationSpec | null {
    return this.#writesAlone ? this.#rotation : null;
  }

  /** The deployment has another name from now on. */
  rename(deployment: string): void {
    if (deployment === this.#process.deployment) return;
    this.#process = { ...this.#process, deployment };
    this.#thread.send({ kind: 'process', constants: this.#process });
  }

  /** `alone`: no other process writes to the same file. Only then it is rotated. */
  setWritesAlone(alone: boolean): void {
    this.#writesAlone = alone;
    this.#sendRotation();
  }

  /** Writes the record of a lost worker behind those that the worker has written itself. */
  appendLost(record: LostRecord): void {
    this.#thread.send({ kind: 'line', bytes: lostRecordLine(record) });
  }

  /** Throws `LogFailure` where the file cannot be opened: then the old one stays in use. */
  async reopen(): Promise<void> {
    const problem = await this.#ask({ kind: 'reopen' });
    if (problem !== null) throw new LogFailure(problem);
  }

  /** Finds a record by its id, or by a prefix that no other id in memory has. */
  async find(id: string): Promise<ExchangeRecord | null> {
    const answer = await this.#thread.ask({ kind: 'find', id });
    return answer.kind === 'found' ? answer.record : null;
  }

  /** Writes what workers have recorded and ends the thread. Call it when no worker runs any more. */
  async close(): Promise<void> {
    const { clock } = this.#parts;
    const isOverdue = Promise.withResolvers<void>();
    const timer = clock.schedule(after(clock.now(), closeMs), isOverdue.resolve, undefined);
    await Promise.race([this.#ask({ kind: 'close' }), isOverdue.promise]);
    timer.cancel();
    await this.#thread.stop();
  }

  async #ask(question: QuestionOf<ToLogger>): Promise<string | null> {
    const answer = await this.#thread.ask(question);
    return answer.kind === 'done' ? answer.problem : null;
  }

  #onMessage(message: Exclude<FromLogger, { request: number }>): void {
    if (message.kind === 'event') this.#parts.events.emit(message.event);
    else this.#parts.onLines(message.bytes);
  }

  /** What a new thread must know. It reads the rings from the first line that is not in the file. */
  #state(): readonly ToLogger[] {
    return [
      { kind: 'watch', records: this.#parts.watched },
      { kind: 'process', constants: this.#process },
      ...this.#rings.messages,
      ...(this.#isUsed ? [this.#resumption] : []),
    ];
  }

  get #resumption(): ToLogger {
    const [path, format, syslog] = [this.#path, this.#format, this.#syslog];
    return { kind: 'resume', path, format, syslog, rotation: this.#allowedRotation };
  }

  #lost({ why, threw }: WorkerExit, restartMs: number): void {
    this.#parts.events.emit({
      kind: 'logger_lost',
      subject: 'gateway',
      reason: `the thread that writes the log is lost: ${why}; another one starts in ${restartMs / 1000} s and goes on with its lines`,
      evidence: { reason: why, error: threw, restartMs },
    });
  }
}
