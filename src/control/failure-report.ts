import type { ExchangeCount } from '../core/counters.ts';
import { shapeOfType } from '#failures/failure-texts.ts';
import { failureTable } from '#failures/failure-table.ts';
import type { Cause } from '#failures/failure.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** The number of failures with one cause and subject, for the log of the control plane. */
export interface FailureSummary {
  readonly cause: Cause;
  /** The level of the failure table. Failures with a lower level appear only in the records. */
  readonly level: 'error' | 'warn';
  /** 'endpoint:api/10.0.0.1:80'; or without an endpoint 'upstream:api', 'route:/api' or 'gateway'. */
  readonly subject: string;
  readonly count: number;
  /** The time over which they were counted; 0 for the first failure, which is reported at once. */
  readonly withinMs: number;
  /** One sentence. */
  readonly reason: string;
}

/** A failure that occurs a thousand times a second is one line in ten seconds. */
const reportEveryMs = 10_000;

/** Pairs of cause and subject that are kept. Failures beyond that are only in the records and metrics. */
const entriesMax = 1000;

interface FailureEntry {
  readonly cause: Cause;
  readonly subject: string;
  count: number;
  reportedAt: Instant;
}

/** Sums up failures by cause and subject: reported at once, then at most every ten seconds while they go on. */
export class FailureReport {
  readonly #clock: Clock;
  readonly #onSummary: (summary: FailureSummary) => void;
  readonly #entries = new Map<string, FailureEntry>();

  constructor(clock: Clock, onSummary: (summary: FailureSummary) => void) {
    this.#clock = clock;
    this.#onSummary = onSummary;
  }

  /** Counts a batch. Also called for empty batches, because due sums are reported then. */
  note(outcomes: readonly EndpointOutcomes[], exchanges: readonly ExchangeCount[]): void {
    for (const { endpoint, causes } of outcomes) {
      for (const { cause, count } of causes) if (isOfEndpoint(cause)) this.#add(cause, `endpoint:${endpoint}`, count);
    }
    for (const counted of exchanges) {
      const { cause, count } = counted;
      if (cause !== 'none' && !isOfEndpoint(cause)) this.#add(cause, subjectOf(counted), count);
    }
    this.#reportDue();
  }

  #add(cause: Cause, subject: string, count: number): void {
    const level = levelOf(cause);
    if (level === null) return;
    const key = `${cause} ${subject}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count += count;
      return;
    }
    if (this.#entries.size >= entriesMax) return;
    this.#entries.set(key, { cause, subject, count: 0, reportedAt: this.#clock.now() });
    this.#report({ cause, level, subject, count, withinMs: 0 });
  }

  #reportDue(): void {
    const now = this.#clock.now();
    for (const [key, entry] of this.#entries) {
      if (now < after(entry.reportedAt, reportEveryMs)) continue;
      const { cause, subject, count, reportedAt } = entry;
      const level = levelOf(cause);
      // No failure since the last report: the next one is reported at once again.
      if (count === 0 || level === null) {
        this.#entries.delete(key);
        continue;
      }
      entry.count = 0;
      entry.reportedAt = now;
      this.#report({ cause, level, subject, count, withinMs: Math.round(now - reportedAt) });
    }
  }

  #report(summary: Omit<FailureSummary, 'reason'>): void {
    const { cause, count, withinMs } = summary;
    const times =
      count === 1 ? '' : withinMs === 0 ? `, ${count} times` : `, ${count} times within ${withinMs / 1000} s`;
    this.#onSummary({ ...summary, reason: `${failureTable[cause].title}${times}` });
  }
}

/** Whether an attempt at an endpoint failed with this cause. Refusals by the gateway and failures of clients are counted by exchange. */
function isOfEndpoint(cause: Cause): boolean {
  const shape = shapeOfType(failureTable[cause].type);
  return shape !== 'refused_by_gateway' && shape !== 'client_abort';
}

function levelOf(cause: Cause): FailureSummary['level'] | null {
  const { logLevel } = failureTable[cause];
  return logLevel === 'error' || logLevel === 'warn' ? logLevel : null;
}

function subjectOf({ upstream, route }: ExchangeCount): string {
  if (upstream !== '') return `upstream:${upstream}`;
  return route === '' ? 'gateway' : `route:${route}`;
}
