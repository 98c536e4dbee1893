import type { LogSpec } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import type { ExchangeRecord, LostRecord } from '../core/record.ts';
import type { Clock } from '../core/time.ts';
import type { RecordLines } from '../core/record-lines.ts';
import { type LogFile, openLogFile } from '../record/log-file.ts';
import type { LogRotation } from '../record/log-rotation.ts';
import { lostRecordLine } from '../record/lost-record.ts';
import { mayBePrefix } from '../record/parse-record.ts';
import { RecentRecords } from '../record/recent.ts';
import { searchLog } from '../record/search-log.ts';
import { LogFailure } from './start-failure.ts';
import { delay } from '../core/condition.ts';

/** A worker holds a record for up to 100 ms. */
const recordDelayMs = 200;

/** An open log that is not in use yet; null if no log is configured. */
export interface OpenedLog {
  readonly spec: LogDestination;
  readonly file: LogFile | null;
}

export type LogDestination = Pick<LogSpec, 'path' | 'rotateBytes' | 'keepMax' | 'compression'>;

/** Stores records and finds them: in the log file, if there is one, and the latest in memory. */
export class ExchangeLog {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #recent = new RecentRecords();
  readonly #mayRotate: () => boolean;
  #log: OpenedLog = { spec: { path: null, rotateBytes: null, keepMax: 1, compression: 'none' }, file: null };
  #rotation: LogRotation | null = null;
  #droppedBefore = 0;

  /** `mayRotate`: false while another process writes to the same log. */
  constructor(clock: Clock, events: EventSink, mayRotate: () => boolean = () => true) {
    this.#clock = clock;
    this.#events = events;
    this.#mayRotate = mayRotate;
  }

  get path(): string | null {
    return this.#log.spec.path;
  }

  /** Lines that were dropped since the start, by this log and those before it. */
  get dropped(): number {
    return this.#droppedBefore + (this.#log.file?.dropped ?? 0);
  }

  /** Throws `LogFailure`. Changes nothing yet. */
  async open(spec: LogDestination): Promise<OpenedLog> {
    if (spec.path === null) return { spec, file: null };
    const [clock, events] = [this.#clock, this.#events];
    const rotation = (): LogRotation | null => this.#rotation;
    const opened = await openLogFile(spec.path, { clock, events, rotation, mayRotate: this.#mayRotate });
    if (!opened.ok) throw new LogFailure(opened.failure.reason);
    return { spec, file: opened.value };
  }

  /** Sends lines to this log from now on. Lines that the previous log still holds are written first. */
  async use(log: OpenedLog): Promise<void> {
    const before = this.#log.file;
    this.#log = log;
    this.rotate(log.spec);
    if (before === null) return;
    await before.close();
    this.#droppedBefore += before.dropped;
  }

  /** The log is rotated at this size from now on. */
  rotate({ rotateBytes, keepMax, compression }: LogDestination): void {
    this.#rotation = rotateBytes === null ? null : { bytesMax: rotateBytes, keepMax, compression };
  }

  /** Calls `done` once, when the bytes are no longer needed. */
  append(lines: RecordLines, done: () => void): void {
    this.#recent.add(lines);
    if (this.#log.file === null) done();
    else this.#log.file.append(lines.bytes, lines.lines, done);
  }

  appendLost(record: LostRecord): void {
    this.#log.file?.append(lostRecordLine(record), 1);
  }

  async reopen(): Promise<void> {
    await this.#log.file?.reopen();
  }

  /** Finds a record by its id, or by a prefix that no other id in memory has. */
  async find(id: string): Promise<ExchangeRecord | null> {
    const found = this.#recent.find(id);
    if (found !== null) return found;
    await delay(this.#clock, recordDelayMs);
    const { path } = this;
    const late = this.#recent.find(id) ?? (path === null || path === '-' ? null : await searchLog(path, id));
    if (late !== null || !mayBePrefix(id)) return late;
    const [only = null, ...others] = this.#recent.findByPrefix(id);
    return others.length === 0 ? only : null;
  }

  async close(): Promise<void> {
    await this.#log.file?.close();
  }
}
