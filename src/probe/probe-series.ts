import { after, type Clock } from '../core/time.ts';
import type { ProbeRequest } from './probe-exchange.ts';
import { type ProbeFailure, type HttpReport, type SeriesReport, histogramOf, timingOf } from './probe-report.ts';
import type { ProbeSession } from './probe-session.ts';

interface SeriesPorts {
  readonly clock: Clock;
  readonly seriesMs: number;
  readonly onRequest: (number: number) => void;
}

/** After so many failures without a success the rest of the series would only be slow. */
const failuresMax = 3;

/**
 * Sends the GETs that follow the first one, each on the connection of the one before as long as the server keeps it. A
 * request that fails on a used connection is repeated on a new one, as any client would, and counted as stale.
 */
export async function runSeries(
  session: ProbeSession,
  first: HttpReport,
  requests: number,
  request: () => ProbeRequest,
  { clock, seriesMs, onRequest }: SeriesPorts,
): Promise<SeriesReport> {
  const counts = new SeriesCounts(first);
  const endsAt = after(clock.now(), seriesMs);
  while (counts.requests < requests && clock.now() < endsAt && !counts.isHopeless) {
    onRequest(counts.requests + 1);
    const report = await session.request(request());
    if (report !== null && isStale(report)) {
      counts.noteStale(report);
      counts.note(await session.request(request()), session.lastDial?.failure ?? null);
    } else counts.note(report, session.lastDial?.failure ?? null);
  }
  return counts.report(session.connections);
}

function isStale({ isReused, failure }: HttpReport): boolean {
  const cause = failure?.cause;
  return (
    isReused && (cause === 'closed_before_response' || cause === 'reset_before_response' || cause === 'send_failed')
  );
}

class SeriesCounts {
  requests = 1;
  #failed = 0;
  #failure: ProbeFailure | null = null;
  #reused = 0;
  #stale = 0;
  #staleFailure: ProbeFailure | null = null;
  readonly #statuses = new Map<number, number>();
  readonly #headMs: number[] = [];
  readonly #totalMs: number[] = [];
  #isSlow = false;

  constructor(first: HttpReport) {
    this.#count(first);
  }

  get isHopeless(): boolean {
    return this.#failed === this.requests && (this.#failed >= failuresMax || this.#isSlow);
  }

  noteStale({ failure }: HttpReport): void {
    this.#reused++;
    this.#stale++;
    this.#staleFailure ??= failure;
  }

  /** `dialFailure`: why there is no response, if there is no connection. */
  note(report: HttpReport | null, dialFailure: ProbeFailure | null): void {
    this.requests++;
    if (report !== null) return this.#count(report);
    this.#failed++;
    this.#failure ??= dialFailure;
  }

  #count({ status, failure, headMs, totalMs, isReused }: HttpReport): void {
    if (isReused) this.#reused++;
    if (status !== null) this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    if (headMs !== null) this.#headMs.push(headMs);
    if (totalMs !== null) this.#totalMs.push(totalMs);
    if (failure === null) return;
    this.#failed++;
    this.#failure ??= failure;
    if (failure.shape === 'too_slow') this.#isSlow = true;
  }

  report(connections: number): SeriesReport {
    return {
      requests: this.requests,
      failed: this.#failed,
      failure: this.#failure,
      statuses: [...this.#statuses].map(([status, count]) => ({ status, count })),
      connections,
      reused: this.#reused,
      stale: this.#stale,
      staleFailure: this.#staleFailure,
      headMs: timingOf(this.#headMs),
      totalMs: timingOf(this.#totalMs),
      histogram: histogramOf(this.#headMs),
    };
  }
}
