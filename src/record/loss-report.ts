import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

interface LossReportOptions {
  /** Of the log. */
  readonly path: string;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly reportEveryMs: number;
  readonly onLost: ((lines: number) => void) | undefined;
}

/** What a sentence for people begins with. */
export function logName(path: string): string {
  return path === '-' ? 'The log on standard output' : `The log ${path}`;
}

/**
 * Counts and reports the lines that a log lost: at the first loss, then at most once per `reportEveryMs`, and when
 * all lines are written again.
 */
export class LossReport {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #reportEveryMs: number;
  readonly #onLost: ((lines: number) => void) | undefined;
  #unreported = 0;
  #reason: string | null = null;
  #failing = false;
  #reportedFailing = false;
  #nextAt: Instant | null = null;
  #timer: Timer | null = null;

  constructor({ path, clock, events, reportEveryMs, onLost }: LossReportOptions) {
    this.#path = path;
    this.#clock = clock;
    this.#events = events;
    this.#reportEveryMs = reportEveryMs;
    this.#onLost = onLost;
  }

  /** `reason` is an errno, or 'queue_full', 'closed'. */
  lost(lines: number, reason: string): void {
    this.#onLost?.(lines);
    this.add(lines, reason);
  }

  /** The same for lines that the caller has counted. */
  add(lines: number, reason: string): void {
    this.#unreported += lines;
    this.failing(reason);
  }

  /** The log cannot be written now, but no line is lost yet. */
  failing(reason: string): void {
    this.#failing = true;
    this.#reason = reason;
    this.#reportInTime();
  }

  /** All queued lines have been written. */
  recovered(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#reportInTime();
  }

  /** Reports at once the losses that have not been reported yet. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#report();
  }

  #reportInTime(): void {
    if (this.#timer !== null) return;
    if (this.#nextAt === null || this.#clock.now() >= this.#nextAt) return this.#report();
    this.#timer = this.#clock.schedule(this.#nextAt, LossReport.#due, this);
  }

  static #due(this: void, report: LossReport): void {
    report.#timer = null;
    report.#report();
  }

  #report(): void {
    if (this.#unreported === 0 && this.#failing === this.#reportedFailing) return;
    const count = this.#unreported;
    const from = this.#reportedFailing ? 'failing' : 'writing';
    const to = this.#failing ? 'failing' : 'writing';
    // Set before the event: its listener may write to this log.
    this.#unreported = 0;
    this.#reportedFailing = this.#failing;
    this.#nextAt = after(this.#clock.now(), this.#reportEveryMs);
    const errno = this.#reason === 'queue_full' || this.#reason === 'closed' ? null : this.#reason;
    const evidence = { what: this.#path, count, errno };
    this.#events.emit({
      kind: 'log_dropped',
      subject: `log:${this.#path}`,
      from,
      to,
      reason: this.#sentence(count),
      evidence,
    });
  }

  #sentence(count: number): string {
    const name = logName(this.#path);
    const lost = count === 0 ? 'no line has been lost' : `${count} ${count === 1 ? 'line was' : 'lines were'} lost`;
    if (!this.#failing) return `${name} is being written again; ${lost} since the last report.`;
    if (this.#reason === 'EAGAIN')
      return `${name} is a pipe that its reader does not read fast enough; ${lost} so far.`;
    if (this.#reason === 'queue_full') return `${name} is not written fast enough; ${lost} so far.`;
    if (this.#reason === 'closed') return `${name} was closed before everything was written; ${lost}.`;
    return `${name} cannot be written (${this.#reason}); ${lost} since the last report, and writing is retried.`;
  }
}
