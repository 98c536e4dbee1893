import type { ExchangeRecord } from '../core/schemas/record.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** A person reads the first few failures of a kind, and then looks for other kinds. */
const shownMax = 3;

/** The same interval as in the log of the control plane (`control/failure-report.ts`). */
const sumEveryMs = 10_000;

export interface FailureReporter {
  /** Called with each failure that is printed in full. */
  readonly one: (record: ExchangeRecord) => void;
  /** Called with the number of further failures of the same cause at the same endpoint, and the last of them. */
  readonly more: (count: number, withinMs: number, last: ExchangeRecord) => void;
  /** Called with the number of failures of any kind whose records were not read. */
  readonly skipped: (count: number, withinMs: number) => void;
}

interface Entry {
  readonly key: string;
  shown: number;
  more: number;
  /** When counting began. */
  since: Instant;
  last: ExchangeRecord | null;
  timer: Timer;
}

/**
 * Failures for people: the first three with a cause at an endpoint in full, then their number every ten seconds while they
 * continue.
 */
export class RepeatedFailures {
  readonly #clock: Clock;
  readonly #report: FailureReporter;
  readonly #entries = new Map<string, Entry>();
  #skipped: { count: number; readonly since: Instant; readonly timer: Timer } | null = null;

  constructor(clock: Clock, tell: FailureReporter) {
    this.#clock = clock;
    this.#report = tell;
  }

  note(record: ExchangeRecord): void {
    const key = `${record.shape} ${record.cause} ${record.upstream ?? record.route}`;
    const entry = this.#entries.get(key) ?? this.#begin(key);
    if (entry.shown < shownMax) {
      entry.shown += 1;
      this.#report.one(record);
    } else {
      entry.more += 1;
      entry.last = record;
    }
  }

  /** Counts failures whose records were not read. */
  skip(count: number): void {
    if (this.#skipped === null) {
      const since = this.#clock.now();
      const timer = this.#clock.schedule(
        after(since, sumEveryMs),
        RepeatedFailures.#skippedDue,
        this as RepeatedFailures,
      );
      this.#skipped = { count: 0, since, timer };
    }
    this.#skipped.count += count;
  }

  static #skippedDue(this: void, failures: RepeatedFailures): void {
    failures.#reportSkipped();
  }

  #reportSkipped(): void {
    const skipped = this.#skipped;
    if (skipped === null) return;
    this.#skipped = null;
    skipped.timer.cancel();
    this.#report.skipped(skipped.count, this.#clock.now() - skipped.since);
  }

  /** Prints the failures that are only counted so far, and leaves no timer. */
  end(): void {
    this.#reportSkipped();
    for (const entry of this.#entries.values()) {
      entry.timer.cancel();
      this.#sumUp(entry);
    }
    this.#entries.clear();
  }

  #begin(key: string): Entry {
    const entry: Entry = {
      key,
      shown: 0,
      more: 0,
      since: this.#clock.now(),
      last: null,
      timer: { cancel: () => {} },
    };
    this.#entries.set(key, entry);
    this.#wait(entry);
    return entry;
  }

  #wait(entry: Entry): void {
    entry.timer = this.#clock.schedule(after(this.#clock.now(), sumEveryMs), (due) => this.#due(due), entry);
  }

  #due(entry: Entry): void {
    // No failures beyond the printed ones in ten seconds: the next ones are printed in full again.
    if (entry.last === null) {
      this.#entries.delete(entry.key);
      return;
    }
    this.#sumUp(entry);
    this.#wait(entry);
  }

  #sumUp(entry: Entry): void {
    const now = this.#clock.now();
    if (entry.last !== null) this.#report.more(entry.more, now - entry.since, entry.last);
    entry.more = 0;
    entry.since = now;
    entry.last = null;
  }
}
