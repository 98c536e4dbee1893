import type { ExchangeCount } from '../core/counters.ts';
import { shapeOfType } from '../core/explain.ts';
import { failureTable } from '../core/failure-table.ts';
import type { Cause } from '../core/failure.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { after, type Clock, type Instant } from '../core/time.ts';

/** Failures of one cause in one place, counted: for the log of the control plane. */
export interface FailureSummary {
  readonly cause: Cause;
  /** As the failure table has it. What it ranks lower stands in the records alone. */
  readonly level: 'error' | 'warn';
  /** 'endpoint:api/10.0.0.1:80', or where no endpoint had a part in it, 'upstream:api', 'route:/api', 'gateway'. */
  readonly subject: string;
  readonly count: number;
  /** Since when they were counted; 0 for the first, which is reported at once. */
  readonly withinMs: number;
  /** One sentence. */
  readonly reason: string;
}

/** What fails a thousand times a second is one line in ten seconds. */
const reportEveryMs = 10_000;

/** Causes times places of which something is kept. Beyond it the records and metrics have to do. */
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

  /** Counts a batch. Called for empty ones too, since that is when sums that are due are reported. */
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

/** Whether an attempt at an endpoint failed. What the gateway refuses and clients do is counted by exchanges. */
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
