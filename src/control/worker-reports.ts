import type { Http2ErrorCount } from '../core/http2-error.ts';
import type { Http2LimitCount } from '../core/http2-limit.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ExchangeCount, WorkerCounts } from '../core/counters.ts';
import type { DescriptorNeed } from '../core/descriptor-need.ts';
import type { EventSink } from '../core/event.ts';
import { Http2LimitReport } from './http2-limit-report.ts';
import { recordVersion } from '../core/record.ts';
import type { WatchedRecords } from '../core/logger-messages.ts';
import { type Clock, after, type Instant } from '../core/time.ts';
import { TrafficHistory } from '../record/traffic-history.ts';
import { EndpointMinute } from '../record/endpoint-minute.ts';
import { LastMinute } from '../record/last-minute.ts';
import { CounterTotals, type CurrentNames, lostExchanges } from '../record/counters.ts';
import { descriptorLimit, descriptorsNeeded } from '../system/descriptors.ts';
import { PerSecond } from '../core/per-second.ts';
import { lineFeed } from '../record/line-feed.ts';
import { parseRecord } from '../record/parse-record.ts';
import type { GatewayWatcher } from './gateway-status.ts';
import { DescriptorReport } from './descriptor-report.ts';
import type { ExchangeLog } from './exchange-log.ts';
import { FailureReport } from './failure-report.ts';
import { type FailedHandshakeTotal, HandshakeReport } from './handshake-report.ts';
import type { WorkerBatch } from '../core/worker-messages.ts';
import { type CurrentListeners, ListenerTotals } from './listener-totals.ts';
import type { RecentHttp2Limits } from './http2-limit-memory.ts';
import { type ReleaseResponses, ReleaseTotals } from './release-totals.ts';
import { type RecentRefusals, RefusalReport } from './refusal-report.ts';
import type { WorkerLoss } from './worker-pool.ts';
import type { ClientLimits } from '../core/listener-spec.ts';
import type { EndpointResponses, StageTimes } from '../core/attempt-counts.ts';
import { emptyStage } from '../record/attempt-counters.ts';
import { GoneNames, otherName as other } from '../record/gone-names.ts';

/** Combinations of labels. More burden a metrics store. */
const responsesMax = 10_000;
const stagesMax = 4000;

/** The endpoints that there are, by upstream. */
type CurrentEndpoints = () => readonly {
  readonly id: string;
  readonly endpoints: readonly { readonly id: string; readonly release?: string | null }[];
}[];

interface ResponseTotal extends Omit<EndpointResponses, 'count'> {
  count: number;
}

/** Adds up what workers count of attempts, in the main thread. */
export class AttemptTotals {
  readonly #responses = new Map<string, ResponseTotal>();
  readonly #stages = new Map<string, StageTimes>();
  readonly #current: CurrentEndpoints;
  readonly #endpointsGone: GoneNames;
  readonly #upstreamsGone: GoneNames;

  constructor(clock: Clock, current: CurrentEndpoints) {
    this.#current = current;
    this.#endpointsGone = new GoneNames(clock);
    this.#upstreamsGone = new GoneNames(clock);
  }

  /** Call this several times a minute, also with nothing. */
  add(responses: readonly EndpointResponses[], stages: readonly StageTimes[]): void {
    for (const counted of responses) this.#addResponses(counted);
    for (const counted of stages) this.#addStage(counted);
    const idsOf = (all: readonly { readonly id: string }[]): ReadonlySet<string> => new Set(all.map(({ id }) => id));
    this.#endpointsGone.reviewIfDue(
      this.#responses,
      ({ endpoint }) => endpoint,
      () => idsOf(this.#current().flatMap(({ endpoints }) => endpoints)),
    );
    this.#upstreamsGone.reviewIfDue(
      this.#stages,
      ({ upstream }) => upstream,
      () => idsOf(this.#current()),
    );
  }

  get responses(): readonly EndpointResponses[] {
    return [...this.#responses.values()];
  }

  get stages(): readonly StageTimes[] {
    return [...this.#stages.values()];
  }

  #addResponses(counted: EndpointResponses): void {
    const known = this.#responses.get(responseKey(counted));
    if (known !== undefined) return void (known.count += counted.count);
    const isOther = this.#responses.size >= responsesMax;
    const total: ResponseTotal = isOther ? { ...counted, upstream: other, endpoint: other } : { ...counted };
    const key = responseKey(total);
    const same = this.#responses.get(key);
    if (same === undefined) this.#responses.set(key, total);
    else same.count += counted.count;
  }

  #addStage(counted: StageTimes): void {
    const upstream = this.#stages.size < stagesMax || this.#stages.has(stageKey(counted)) ? counted.upstream : other;
    const key = stageKey({ ...counted, upstream });
    let total = this.#stages.get(key);
    if (total === undefined) {
      total = emptyStage(upstream, counted.stage);
      this.#stages.set(key, total);
    }
    total.sumMs += counted.sumMs;
    for (const [cell, count] of counted.cells.entries()) {
      total.cells[cell] = (total.cells[cell] as number) + count;
      const exemplar = counted.exemplars[cell] ?? null;
      if (exemplar !== null) total.exemplars[cell] = exemplar;
    }
  }
}

/** No label can hold a line feed: names come from the configuration. */
function responseKey({ upstream, endpoint, method, status }: Omit<EndpointResponses, 'count'>): string {
  return [upstream, endpoint, method, status].join('\n');
}

function stageKey({ upstream, stage }: Pick<StageTimes, 'upstream' | 'stage'>): string {
  return `${upstream}\n${stage}`;
}

/** A flood of delayed handshakes is one event, not thousands. */
const reportEveryMs = 10_000;

type DelayCounts = Pick<WorkerCounts, 'handshakesDelayed' | 'lastDelayedHandshake'>;

/** Reports TLS handshakes that wait because their address has begun too many: at once, then every ten seconds while it lasts. */
export class HandshakeDelayReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  #reported = 0;
  /** What each worker had counted when it was last looked at: the one whose count has grown knows the last address. */
  #before = new Map<number, number>();
  #address = '';
  #nextAt: Instant;

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock;
    this.#events = events;
    this.#nextAt = clock.now();
  }

  /** `workers` counts all of them since the start. Call this several times a second. */
  note(
    workers: readonly DelayCounts[],
    { handshakesPerSecondMax: perSecond }: Pick<ClientLimits, 'handshakesPerSecondMax'>,
  ): void {
    let total = 0;
    for (const [at, { handshakesDelayed, lastDelayedHandshake }] of workers.entries()) {
      total += handshakesDelayed;
      if (lastDelayedHandshake !== '' && handshakesDelayed !== this.#before.get(at))
        this.#address = lastDelayedHandshake;
      if (handshakesDelayed > 0) this.#before.set(at, handshakesDelayed);
    }
    const now = this.#clock.now();
    const count = total - this.#reported;
    if (count <= 0 || now < this.#nextAt) return;
    this.#reported = total;
    this.#nextAt = after(now, reportEveryMs);
    const address = this.#address;
    const what =
      count === 1 ? `a TLS handshake of ${address} waited` : `${count} TLS handshakes waited, the last of ${address}`;
    this.#events.emit({
      kind: 'tls_handshakes_delayed',
      subject: 'gateway',
      reason: `${what}: its address has begun more than ${perSecond ?? 'so many'} a second in a worker (client.tls_handshake_rate_max); a load balancer belongs into trusted_peers`,
      evidence: { count, address, perSecond },
    });
  }
}

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
  readonly #releases: ReleaseTotals;
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
    this.#releases = new ReleaseTotals(parts.clock, () =>
      parts.endpoints().flatMap(({ id, endpoints }) => endpoints.map(({ release = null }) => ({ id, release }))),
    );
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

  get releases(): readonly ReleaseResponses[] {
    return this.#releases.all;
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
    this.#releases.add(responses);
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
