import type { WorkerCounts } from '../core/counters.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** The name of records that workers dropped before they reached a log. */
export const recordsOfWorkers = 'records of workers';

/** The same interval as for a failing log. */
const reportEveryMs = 10_000;

type Dropped = Pick<WorkerCounts, 'recordsDropped'>;

/** Reports that workers drop records because the main thread does not read them: at once, then at most every ten seconds. */
export class RecordLossReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  #total = 0;
  #reported = 0;
  #nextAt: Instant;
  #timer: Timer | null = null;

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
    this.#nextAt = clock.now();
  }

  /** Counts of all workers since the start. */
  note(workers: readonly Dropped[]): void {
    let total = 0;
    for (const { recordsDropped } of workers) total += recordsDropped;
    if (total <= this.#total) return;
    this.#total = total;
    if (this.#timer !== null) return;
    if (this.#clock.now() >= this.#nextAt) this.#report();
    else this.#timer = this.#clock.schedule(this.#nextAt, RecordLossReport.#due, this);
  }

  /** Reports the losses that have not been reported yet, at once. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#report();
  }

  static #due(this: void, report: RecordLossReport): void {
    report.#timer = null;
    report.#report();
  }

  #report(): void {
    const count = this.#total - this.#reported;
    if (count === 0) return;
    this.#reported = this.#total;
    this.#nextAt = after(this.#clock.now(), reportEveryMs);
    const records = count === 1 ? '1 record was' : `${count} records were`;
    this.#events.emit({
      kind: 'log_dropped',
      subject: 'gateway',
      reason: `the main thread was busy: ${records} lost before they reached the log since the last report`,
      evidence: { what: recordsOfWorkers, count, errno: null },
    });
  }
}
