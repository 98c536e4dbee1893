import type { FindingClass } from './finding.ts';
import type { TimelineInterval, TimelineReport } from './summary-report.ts';

/** Lengths of an interval in milliseconds. Each is a multiple of the one before, so that counts can be added up. */
const lengths = [1, 2, 10, 30, 60, 120, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400].map((s) => s * 1000);

/** The largest number of intervals in a report. */
const intervalsMax = 120;

interface Counts {
  lines: number;
  failures: number;
  unclear: number;
  denials: number;
  appErrors: number;
  clientAborts: number;
}

const countOf: Readonly<Record<FindingClass, Exclude<keyof Counts, 'lines'> | null>> = {
  failure: 'failures',
  unclear: 'unclear',
  denial: 'denials',
  app_error: 'appErrors',
  client_abort: 'clientAborts',
  none: null,
};

/** Counts by time, in intervals that grow with the span of the log. */
export class Timeline {
  #intervalMs = lengths[0] as number;
  #intervals = new Map<number, Counts>();
  /** The interval of the last line, which is nearly always that of the next line. */
  #index = Number.NaN;
  #counts: Counts = emptyCounts();
  #lowest = Number.POSITIVE_INFINITY;
  #highest = Number.NEGATIVE_INFINITY;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #undated = 0;

  addLine(atMs: number | null): void {
    if (atMs === null) this.#undated += 1;
    else this.#at(atMs).lines += 1;
  }

  /** With −1 it removes a fault but not its line, since another line of the same failure knows more. */
  addFault(atMs: number | null, found: FindingClass, step: 1 | -1): void {
    if (atMs === null) return;
    const counts = this.#at(atMs);
    const key = countOf[found];
    if (key !== null) counts[key] += step;
  }

  #at(atMs: number): Counts {
    if (atMs < this.#firstMs) this.#firstMs = atMs;
    if (atMs > this.#lastMs) this.#lastMs = atMs;
    const index = Math.floor(atMs / this.#intervalMs);
    if (index === this.#index) return this.#counts;
    if (index < this.#lowest) this.#lowest = index;
    if (index > this.#highest) this.#highest = index;
    if (this.#highest - this.#lowest >= intervalsMax) {
      this.#widen();
      return this.#at(atMs);
    }
    this.#index = index;
    this.#counts = countsOf(this.#intervals, index);
    return this.#counts;
  }

  #widen(): void {
    const before = this.#intervalMs;
    do this.#intervalMs = lengths.find((length) => length > this.#intervalMs) ?? this.#intervalMs * 2;
    while (Math.floor(this.#lastMs / this.#intervalMs) - Math.floor(this.#firstMs / this.#intervalMs) >= intervalsMax);
    const wider = new Map<number, Counts>();
    for (const [index, counts] of this.#intervals) {
      const into = countsOf(wider, Math.floor((index * before) / this.#intervalMs));
      into.lines += counts.lines;
      into.failures += counts.failures;
      into.unclear += counts.unclear;
      into.denials += counts.denials;
      into.appErrors += counts.appErrors;
      into.clientAborts += counts.clientAborts;
    }
    this.#intervals = wider;
    this.#index = Number.NaN;
    this.#lowest = Math.floor(this.#firstMs / this.#intervalMs);
    this.#highest = Math.floor(this.#lastMs / this.#intervalMs);
  }

  report(): TimelineReport {
    const intervals: TimelineInterval[] = [];
    for (let index = this.#lowest; index <= this.#highest; index++) {
      const counts = this.#intervals.get(index) ?? emptyCounts();
      intervals.push({ startMs: index * this.#intervalMs, ...counts });
    }
    return {
      firstMs: intervals.length === 0 ? null : this.#firstMs,
      lastMs: intervals.length === 0 ? null : this.#lastMs,
      intervalMs: this.#intervalMs,
      intervals,
      undated: this.#undated,
    };
  }
}

function countsOf(intervals: Map<number, Counts>, index: number): Counts {
  let counts = intervals.get(index);
  if (counts === undefined) {
    counts = emptyCounts();
    intervals.set(index, counts);
  }
  return counts;
}

function emptyCounts(): Counts {
  return { lines: 0, failures: 0, unclear: 0, denials: 0, appErrors: 0, clientAborts: 0 };
}
