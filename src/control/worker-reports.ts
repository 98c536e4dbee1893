import type { Http2ErrorCount } from '../core/http2-error.ts';
import type { Http2LimitCount } from '../core/http2-limit.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ExchangeCount, WorkerCounts } from '../core/counters.ts';
import type { DescriptorNeed } from '../core/descriptor-need.ts';
import type { EventSink } from '../core/event.ts';
import { Http2LimitReport } from './http2-limit-report.ts';
import { recordVersion } from '../core/record.ts';
import type { WatchedRecords } from '../core/logger-messages.ts';
import type { Clock } from '../core/time.ts';
import { TrafficHistory } from '../record/traffic-history.ts';
import { EndpointMinute } from '../record/endpoint-minute.ts';
import { LastMinute } from '../record/last-minute.ts';
import { CounterTotals, type CurrentNames, lostExchanges } from '../record/counters.ts';
import { descriptorLimit, descriptorsNeeded } from '../system/descriptors.ts';
import { PerSecond } from '../core/per-second.ts';
import { lineFeed } from '../record/line-feed.ts';
import { parseRecord } from '../record/parse-record.ts';
import type { GatewayWatcher } from './gateway-status.ts';
import { AttemptTotals, type CurrentEndpoints } from './attempt-totals.ts';
import { DescriptorReport } from './descriptor-report.ts';
import type { ExchangeLog } from './exchange-log.ts';
import { FailureReport } from './failure-report.ts';
import { HandshakeDelayReport } from './handshake-delay-report.ts';
import { type FailedHandshakeTotal, HandshakeReport } from './handshake-report.ts';
import type { WorkerBatch } from '../core/worker-messages.ts';
import { type CurrentListeners, ListenerTotals } from './listener-totals.ts';
import type { RecentHttp2Limits } from './http2-limit-memory.ts';
import { type RecentRefusals, RefusalReport } from './refusal-report.ts';
import type { WorkerLoss } from './worker-pool.ts';

export interface WorkerReportsParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly log: Pick<ExchangeLog, 'appendLost'>;
  readonly startedWall: number;
  readonly processKey: string;
  readonly configuration: () => Configuration;
  /** Counts of all workers since the start. */
  readonly workers: () => readonly WorkerCounts[];
  readonly endpoints: CurrentEndpoints;
  readonly watcher: GatewayWatcher | null;
  /** Why a host has no certificate yet, a clause. */
  readonly certificateStateOf: (host: string) => string;
}

/** Reading one takes some 20 µs: in a failure burst no more than 4 ms of each second. */
const failuresReadMax = 200;

/** Which records the main thread gets for this watcher. */
export function watchedRecords(watcher: GatewayWatcher | null): WatchedRecords {
  if (watcher?.onRecords !== undefined) return 'all';
  return watcher?.onFailedExchange === undefined ? 'none' : 'failed';
}

/** Handles the batches of the workers: counts exchanges, and calls the watcher. */
export class WorkerReports {
  readonly #parts: WorkerReportsParts;
  readonly #totals: CounterTotals;
  readonly #attempts: AttemptTotals;
  readonly #lastMinute: LastMinute;
  readonly #history: TrafficHistory;
  /** Whose names the history has. */
  #named: Configuration | null = null;
  /** Attempts at each endpoint in the last minute. */
  readonly endpointMinute: EndpointMinute;
  readonly #refusals: RefusalReport;
  readonly #descriptors: DescriptorReport;
  readonly #descriptorsMax = descriptorLimit();
  readonly #handshakes: HandshakeReport;
  readonly #handshakeDelays: HandshakeDelayReport;
  readonly #http2Limits: Http2LimitReport;
  readonly #http2Errors: ListenerTotals<Http2ErrorCount>;
  readonly #failures: FailureReport | null;
  readonly #failuresRead: PerSecond;

  constructor(parts: WorkerReportsParts) {
    this.#parts = parts;
    this.#totals = new CounterTotals(parts.clock, () => namesOf(parts.configuration()));
    this.#attempts = new AttemptTotals(parts.clock, parts.endpoints);
    this.#lastMinute = new LastMinute(parts.clock);
    this.#history = new TrafficHistory(parts.clock);
    this.endpointMinute = new EndpointMinute(parts.clock);
    this.#failuresRead = new PerSecond(parts.clock, failuresReadMax);
    this.#refusals = new RefusalReport(parts.clock, parts.events, this.#descriptorsMax);
    this.#descriptors = new DescriptorReport(
      parts.clock,
      parts.events,
      () => descriptorsNeeded(parts.configuration()),
      this.#descriptorsMax,
    );
    const listeners: CurrentListeners = () => new Set(parts.configuration().listeners.map(({ id }) => id));
    this.#http2Limits = new Http2LimitReport(parts.clock, parts.events, listeners);
    this.#http2Errors = new ListenerTotals(parts.clock, ({ code }) => code, listeners);
    this.#handshakes = new HandshakeReport(parts.clock, parts.events, parts.certificateStateOf, listeners);
    this.#handshakeDelays = new HandshakeDelayReport(parts.clock, parts.events);
    const { watcher } = parts;
    this.#failures =
      watcher?.onFailures === undefined
        ? null
        : new FailureReport(parts.clock, (summary) => watcher.onFailures?.(summary));
  }

  get exchanges(): readonly ExchangeCount[] {
    return this.#totals.all();
  }

  get attempts(): AttemptTotals {
    return this.#attempts;
  }

  get failedHandshakes(): readonly FailedHandshakeTotal[] {
    return this.#handshakes.totals;
  }

  get http2Limits(): readonly Http2LimitCount[] {
    return this.#http2Limits.totals;
  }

  /** HTTP/2 connections that were ended at limits in the last minute; null: none. */
  get recentHttp2Limits(): RecentHttp2Limits | null {
    return this.#http2Limits.recent;
  }

  get http2Errors(): readonly Http2ErrorCount[] {
    return this.#http2Errors.all;
  }

  /** Clients that were refused in the last minute. */
  get refusals(): readonly RecentRefusals[] {
    return this.#refusals.recent;
  }

  /** How many descriptors the process may have, and how many the configuration may need; null: the limit is not known. */
  get descriptors(): DescriptorNeed | null {
    const limit = this.#descriptorsMax;
    return limit === null ? null : { limit, needed: descriptorsNeeded(this.#parts.configuration()) };
  }

  get lastMinute(): LastMinute {
    return this.#lastMinute;
  }

  get history(): TrafficHistory {
    return this.#history;
  }

  onBatch({ exchanges, responses, stages, outcomes, failedHandshakes, http2Limits, http2Errors }: WorkerBatch): void {
    const { configuration, workers } = this.#parts;
    this.#count(exchanges);
    this.#attempts.add(responses, stages);
    this.endpointMinute.add(outcomes);
    this.#failures?.note(outcomes, exchanges);
    this.#handshakes.note(failedHandshakes);
    this.#http2Limits.note(http2Limits);
    this.#http2Errors.add(http2Errors);
    const counts = workers();
    this.#refusals.note(counts, configuration().client);
    this.#handshakeDelays.note(counts, configuration().client);
    this.#descriptors.note(counts);
  }

  #count(exchanges: readonly ExchangeCount[]): void {
    this.#totals.add(exchanges);
    this.#lastMinute.add(exchanges);
    this.#useNames(this.#parts.configuration());
    this.#history.add(exchanges);
  }

  #useNames(configuration: Configuration): void {
    if (configuration === this.#named) return;
    this.#named = configuration;
    this.#history.useNames(configuration);
  }

  /** Lines of the records that `watchedRecords` names. */
  onLines(bytes: Uint8Array): void {
    const { watcher } = this.#parts;
    if (watcher?.onRecords !== undefined) return watcher.onRecords(bytes);
    const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let skipped = 0;
    for (let start = 0; start < lines.length; ) {
      const end = lines.indexOf(lineFeed, start);
      if (end === -1) break;
      if (watcher?.onFailuresSkipped !== undefined && !this.#failuresRead.take()) skipped += 1;
      else {
        const parsed = parseRecord(lines.toString('latin1', start, end));
        if (parsed.ok) watcher?.onFailedExchange?.(parsed.record);
      }
      start = end + 1;
    }
    if (skipped > 0) watcher?.onFailuresSkipped?.(skipped);
  }

  /** Counts the requests that a lost worker had in flight as failed, and writes one `lost` line for all of them. */
  onWorkerLost({ worker, revision, exchanges, unread, why }: WorkerLoss): void {
    if (exchanges > 0) this.#count([lostExchanges(exchanges)]);
    if (exchanges === 0 && (unread ?? 0) === 0) return;
    const { clock, log, startedWall, processKey } = this.#parts;
    const { deployment, member, log: spec } = this.#parts.configuration();
    // A file has these in the header line of the process.
    const isInline = spec.path === '-';
    const at = new Date(clock.wallTime()).toISOString();
    const startedAt = new Date(startedWall).toISOString();
    log.appendLost({
      v: recordVersion,
      kind: 'lost',
      at,
      process: processKey,
      deployment: isInline ? deployment : null,
      member: isInline ? member : null,
      process_started_at: isInline ? startedAt : null,
      worker,
      revision,
      exchanges,
      unread_connections: unread,
      reason: why,
    });
  }
}

function namesOf({ routes, upstreams }: Configuration): ReturnType<CurrentNames> {
  const withNone = (named: readonly { readonly id: string }[]) => new Set(['', ...named.map(({ id }) => id)]);
  return { routes: withNone(routes), upstreams: withNone(upstreams) };
}
