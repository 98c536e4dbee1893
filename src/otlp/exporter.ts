import type { OtlpSpec } from '../core/configuration.ts';
import type { EventJson } from '../core/event-json.ts';
import type { NewEvent } from '../core/event.ts';
import type { ProcessConstants } from '../core/logger-messages.ts';
import { OtlpCounts, type OtlpSignal } from '../core/otlp-counts.ts';
import type { FromOtlp, OtlpInit, ToOtlp } from '../core/otlp-messages.ts';
import type { Random } from '../core/random.ts';
import type { EventLine } from '../core/store-messages.ts';
import { shownUrl } from '../core/shown-url.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { RingReading } from '../record/ring-reading.ts';
import { resourceOf } from './attributes.ts';
import { Collector } from './collector.ts';
import { logRecordOfEvent, logRecordOfExchange } from './log-records.ts';
import {
  type ExportedLogRecord,
  type Metric,
  requestOf,
  requestSchemas,
  type SignalItems,
  type ExportedSpan,
} from './messages.ts';
import { metricsOf, pointsIn, SeriesStarts } from './metric-data.ts';
import { encodeMessage } from './protobuf.ts';
import { SignalExporter } from './signal-exporter.ts';
import { spansOf } from './spans.ts';
import type { SpanFacts } from '../core/exchange.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { parseRecord } from '../record/parse-record.ts';

/** A line of the ring, which `record/otlp-sampler.ts` has written. */
interface ExportedLine {
  readonly isSpan: boolean;
  readonly isLog: boolean;
  /** Null: the gateway made no spans when the exchange began. */
  readonly span: SpanFacts | null;
  readonly record: ExchangeRecord;
}

const linePattern = /^(S?)(L?) (\S+) (\S+) ([0-9a-f]{2}) (\{.*)$/s;

/** Null if it is none. */
export function parseExportedLine(line: string): ExportedLine | null {
  const found = linePattern.exec(line);
  if (found === null) return null;
  const [, isSpan, isLog, spanId = '', parentId = '', flags = '', json = ''] = found;
  const parsed = parseRecord(json);
  if (!parsed.ok) return null;
  const span = spanId === '-' ? null : { spanId, parentId: parentId === '-' ? '' : parentId, flags };
  return { isSpan: isSpan !== '', isLog: isLog !== '', span, record: parsed.record };
}

/** How often the rings are read while lines come. */
const readEveryMs = 250;

/** A collector that rejects something rejects much of it. */
const rejectedEveryMs = 1000;

/** For how long what is left is sent when the gateway ends. */
const closeMs = 2000;

/**
 * Exports spans, log records and metrics over OTLP/HTTP, on a thread of its own. Workers put the lines of exchanges into rings; the main thread
 * sends events and metrics.
 *
 *     worker ─ring─▶ OtlpExporter ─▶ a SignalExporter for each signal ─▶ Collector
 *                      ▲ messages: use, events, metrics, close
 *                    main
 */
export class OtlpExporter {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #send: (message: FromOtlp) => void;
  readonly #counts: OtlpCounts;
  readonly #reading: RingReading;
  readonly #traces: SignalExporter<ExportedSpan>;
  readonly #logs: SignalExporter<ExportedLogRecord>;
  readonly #metrics: SignalExporter<Metric>;
  readonly #starts = new SeriesStarts();
  /** Signals that the collector does not take, and why. */
  readonly #failing = new Map<OtlpSignal, string>();
  /** When the main thread was last told of a rejection. */
  readonly #rejectedAt = new Map<OtlpSignal, Instant>();
  #process: ProcessConstants | null = null;
  #spec: OtlpSpec | null = null;
  #collector: Collector | null = null;
  #metricsTimer: Timer | null = null;

  constructor({ wakeWord, counts }: OtlpInit, clock: Clock, random: Random, send: (message: FromOtlp) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#send = send;
    this.#counts = new OtlpCounts(counts);
    this.#traces = this.#signal('traces', () => 1);
    this.#logs = this.#signal('logs', () => 1);
    this.#metrics = this.#signal('metrics', pointsIn);
    this.#reading = new RingReading(clock, wakeWord, {
      isReady: () => this.#spec !== null,
      read: () => (this.#read() ? readEveryMs : null),
      everyMs: readEveryMs,
    });
  }

  handle(message: ToOtlp): void {
    switch (message.kind) {
      case 'ring':
        this.#reading.add(message.memory);
        break;
      case 'use':
        this.#use(message.spec);
        break;
      case 'was_failing':
        this.#failing.set(message.signal, '');
        break;
      case 'process':
        this.#process = message.constants;
        break;
      case 'events':
        this.#addEvents(message.events);
        break;
      case 'metrics':
        this.#addMetrics(message.parts);
        break;
      case 'close':
        void this.#close().then(() => this.#send({ kind: 'closed', request: message.request }));
        break;
    }
  }

  #use(spec: OtlpSpec): void {
    this.#collector?.close();
    this.#spec = spec;
    this.#collector = new Collector(spec);
    this.#metricsTimer?.cancel();
    if (spec.metrics !== null) this.#wantMetricsLater(spec.metrics.intervalMs);
    for (const signal of [...this.#failing.keys()]) if (!isWanted(signal, spec)) this.#onState(signal, null, null);
    this.#reading.wake();
  }

  #wantMetricsLater(intervalMs: number): void {
    this.#metricsTimer = this.#clock.schedule(
      after(this.#clock.now(), intervalMs),
      (exporter: OtlpExporter) => {
        exporter.#send({ kind: 'metrics_wanted' });
        exporter.#wantMetricsLater(intervalMs);
      },
      this,
    );
  }

  #signal<S extends OtlpSignal>(signal: S, weigh: (item: SignalItems[S]) => number): SignalExporter<SignalItems[S]> {
    return new SignalExporter<SignalItems[S]>({
      signal,
      clock: this.#clock,
      random: this.#random,
      weigh,
      encode: (items) => this.#encode(signal, items),
      post: (body, timeoutMs) =>
        this.#collector?.post(signal, body, timeoutMs) ?? Promise.resolve({ why: 'there is no collector' }),
      onExported: (count) => this.#counts.addExported(signal, count),
      onDropped: (reason, count) => this.#counts.addDropped(signal, reason, count),
      onRejected: (message) => this.#onRejected(signal, message),
      onWaiting: (count) => this.#counts.setWaiting(signal, count),
      onFailedRequest: () => this.#counts.addFailedRequest(signal),
      onState: (why, status) => this.#onState(signal, why, status),
    });
  }

  #onRejected(signal: OtlpSignal, message: string): void {
    const now = this.#clock.now();
    if (now < (this.#rejectedAt.get(signal) ?? -Infinity) + rejectedEveryMs) return;
    this.#rejectedAt.set(signal, now);
    this.#send({ kind: 'rejected', signal, message });
  }

  #encode<S extends OtlpSignal>(signal: S, items: readonly SignalItems[S][]): Uint8Array {
    const resource =
      this.#process === null ? { attributes: [] } : resourceOf(this.#process, this.#spec?.resource ?? {});
    const request = requestOf(signal, resource, items);
    return this.#spec?.format === 'json'
      ? Buffer.from(JSON.stringify(request))
      : encodeMessage(request, requestSchemas[signal]);
  }

  /** Emits an event when the first signal fails, and when none does any more. */
  #onState(signal: OtlpSignal, why: string | null, status: number | null): void {
    const wasFailing = this.#failing.size > 0;
    // What waits of a signal that is no longer wanted may fail for minutes.
    if (why === null || !isWanted(signal, this.#spec)) this.#failing.delete(signal);
    else this.#failing.set(signal, why);
    const isFailing = this.#failing.size > 0;
    if (wasFailing === isFailing) return;
    const endpoint = this.#spec === null ? '' : shownUrl(this.#spec.endpoint);
    const reason = !isFailing
      ? `The OTLP collector ${endpoint} takes what the gateway sends again.`
      : `The OTLP collector ${endpoint} does not take ${signal}: ${why}. They wait in memory, and those that do not fit are dropped. Requests are not affected.`;
    const event: NewEvent<'otlp_failing'> = {
      kind: 'otlp_failing',
      subject: 'otlp',
      from: isFailing ? 'exporting' : 'failing',
      to: isFailing ? 'failing' : 'exporting',
      reason,
      evidence: { endpoint, signal, status },
    };
    this.#send({ kind: 'event', event });
  }

  #addEvents(events: readonly EventLine[]): void {
    if (this.#spec === null || this.#spec.logs === 'none') return;
    const now = this.#clock.wallTime();
    for (const { json } of events) this.#logs.add(logRecordOfEvent(JSON.parse(json) as EventJson, now));
  }

  #addMetrics(parts: readonly Uint8Array[]): void {
    if (this.#spec === null || this.#spec.metrics === null) return;
    const text = Buffer.concat(parts).toString();
    const startedMs = Date.parse(this.#process?.started_at ?? '') || 0;
    for (const metric of metricsOf(text, { startedMs, nowMs: this.#clock.wallTime() }, this.#starts))
      this.#metrics.add(metric);
  }

  /** Takes the lines of all rings. Returns whether there were any. */
  #read(): boolean {
    if (this.#spec === null) return false;
    let hasLines = false;
    for (const ring of this.#reading.rings) {
      for (const slice of ring.take()) {
        hasLines = true;
        for (const line of slice.bytes.toString('latin1').split('\n')) if (line !== '') this.#addLine(line);
        ring.release(slice);
      }
      this.#counts.addDropped('traces', 'queue_full', ring.takeDropped());
    }
    return hasLines;
  }

  #addLine(text: string): void {
    const items = this.#itemsOf(text);
    if (items === null) return this.#counts.addDropped('traces', 'unreadable', 1);
    for (const span of items.spans) this.#traces.add(span);
    for (const logRecord of items.logRecords) this.#logs.add(logRecord);
  }

  /** Null: it is no line, or one at which this code fails. That must not end the thread: the next thread would find the same line. */
  #itemsOf(
    text: string,
  ): { readonly spans: readonly ExportedSpan[]; readonly logRecords: readonly ExportedLogRecord[] } | null {
    try {
      const line = parseExportedLine(text);
      if (line === null) return null;
      const { record, span, isSpan, isLog } = line;
      const isTraced = isSpan && span !== null && record.trace_id !== null;
      return {
        spans: isTraced ? spansOf(record, record.trace_id, span) : [],
        logRecords: isLog ? [logRecordOfExchange(record, span, this.#clock.wallTime())] : [],
      };
    } catch {
      return null;
    }
  }

  async #close(): Promise<void> {
    this.#read();
    this.#reading.stop();
    this.#metricsTimer?.cancel();
    await Promise.all([this.#traces, this.#logs, this.#metrics].map((signal) => signal.close(closeMs)));
    this.#collector?.close();
  }
}

function isWanted(signal: OtlpSignal, spec: OtlpSpec | null): boolean {
  if (spec === null) return false;
  return { traces: spec.traces !== null, logs: spec.logs !== 'none', metrics: spec.metrics !== null }[signal];
}
