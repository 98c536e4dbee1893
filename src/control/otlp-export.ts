import type { OtlpSpec } from '../core/configuration.ts';
import type { ProcessConstants } from '../core/logger-messages.ts';
import { OtlpCounts, otlpDropReasons, type OtlpSignal, otlpSignals } from '../core/otlp-counts.ts';
import type { FromOtlp, ToOtlp } from '../core/otlp-messages.ts';
import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { shownUrl } from '../core/shown-url.ts';
import { withTimeout } from '../core/condition.ts';
import type { Clock } from '../core/time.ts';
import type { EventHub } from '../record/event-hub.ts';
import { eventLine } from '../record/event-line.ts';
import type { OtlpStatus } from '../core/schemas/status.ts';
import { RestartedThread } from './restarted-thread.ts';
import type { WorkerExit } from './worker-exit.ts';
import { WorkerRings } from './worker-rings.ts';

interface OtlpExportParts {
  /** The file that the thread of the exporter runs. */
  readonly otlpModule: URL;
  readonly clock: Clock;
  readonly events: EventHub;
  readonly process: ProcessConstants;
  /** The metrics of the gateway in the OpenMetrics text format, in parts. */
  readonly metrics: () => Promise<readonly Uint8Array[]>;
}

/** Some 8,000 successes. Untouched pages cost nothing. */
const ringBytes = 4 * 1024 * 1024;

/** The exporter sends what is left for 2 s. */
const closeMs = 3000;

/**
 * The control plane's side of the thread that exports over OTLP (`otlp/`). The thread starts when a configuration has a collector,
 * and ends when one has none. Records do not pass through the main thread.
 */
export class OtlpExport {
  readonly #parts: OtlpExportParts;
  readonly #counts = new OtlpCounts();
  readonly #rings = new WorkerRings((memory) => this.#thread?.send({ kind: 'ring', memory }), {
    linesBytes: ringBytes,
    failuresBytes: 0,
  });
  readonly #rejections = new Map<OtlpSignal, NonNullable<OtlpStatus['signals'][number]['lastRejection']>>();
  #thread: RestartedThread<ToOtlp, FromOtlp> | null = null;
  #spec: OtlpSpec | null = null;
  /** The signal of the last `otlp_failing` that has not ended. */
  #failing: OtlpSignal | null = null;

  constructor(parts: OtlpExportParts) {
    this.#parts = parts;
    parts.events.subscribe((event) => this.#thread?.send({ kind: 'events', events: [eventLine(event)] }));
  }

  /** The URL of the collector as it may be shown; null without one. */
  get endpoint(): string | null {
    return this.#spec === null ? null : shownUrl(this.#spec.endpoint);
  }

  get status(): OtlpStatus | null {
    if (this.#spec === null) return null;
    return { endpoint: shownUrl(this.#spec.endpoint), signals: this.counts() };
  }

  /** Since the process started; empty without a collector. */
  counts(): OtlpStatus['signals'] {
    return this.#spec === null ? [] : otlpSignals.map((signal) => this.#countsOf(signal));
  }

  #countsOf(signal: OtlpSignal): OtlpStatus['signals'][number] {
    return {
      signal,
      exported: this.#counts.exported(signal),
      failedRequests: this.#counts.failedRequests(signal),
      dropped: otlpDropReasons.map((reason) => ({ reason, count: this.#counts.dropped(signal, reason) })),
      lastRejection: this.#rejections.get(signal) ?? null,
    };
  }

  /** The ring of the worker with this index. */
  ringOf(workerIndex: number): RecordRingMemory {
    return this.#rings.of(workerIndex);
  }

  /** Exports there from now on; null: nowhere. */
  async use(spec: OtlpSpec | null): Promise<void> {
    if (JSON.stringify(spec) === JSON.stringify(this.#spec)) return;
    this.#spec = spec;
    if (spec === null) return this.close();
    if (this.#thread === null) this.#start();
    else this.#thread.send({ kind: 'use', spec });
  }

  #start(): void {
    const thread = new RestartedThread<ToOtlp, FromOtlp>({
      module: this.#parts.otlpModule,
      name: 'candor otlp',
      init: { wakeWord: this.#rings.wakeWord, counts: this.#counts.memory },
      clock: this.#parts.clock,
      state: () => this.#state(),
      isKept: () => false,
      noAnswer: (request) => ({ kind: 'closed', request }),
      onMessage: (message) => this.#onMessage(message),
      onLost: (exit, restartMs) => this.#onLost(exit, restartMs),
    });
    for (const message of this.#state()) thread.send(message);
    this.#thread = thread;
  }

  #state(): readonly ToOtlp[] {
    const use = this.#spec === null ? [] : [{ kind: 'use', spec: this.#spec } as const];
    const failing = this.#failing === null ? [] : [{ kind: 'was_failing', signal: this.#failing } as const];
    return [{ kind: 'process', constants: this.#parts.process }, ...this.#rings.messages, ...failing, ...use];
  }

  #onMessage(message: Exclude<FromOtlp, { readonly request: number }>): void {
    if (message.kind === 'metrics_wanted') return void this.#sendMetrics();
    if (message.kind === 'rejected') {
      const at = new Date(this.#parts.clock.wallTime()).toISOString();
      return void this.#rejections.set(message.signal, { message: message.message, at });
    }
    const { event } = message;
    this.#failing = event.to === 'failing' ? event.evidence.signal : null;
    this.#parts.events.emit(event);
  }

  async #sendMetrics(): Promise<void> {
    const parts = await this.#parts.metrics();
    this.#thread?.send({ kind: 'metrics', parts });
  }

  /** Lets the exporter send what is left, and ends the thread. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    if (thread === null) return;
    await withTimeout(this.#parts.clock, closeMs, thread.ask({ kind: 'close' }));
    await thread.stop();
  }

  #onLost({ why, threw }: WorkerExit, restartMs: number): void {
    const dropped = otlpSignals.reduce((sum, signal) => sum + this.#counts.dropWaiting(signal), 0);
    const lost = dropped === 0 ? '' : ` ${dropped} spans, log records and data points that it held are dropped;`;
    this.#parts.events.emit({
      kind: 'otlp_lost',
      subject: 'gateway',
      reason: `the thread that exports over OTLP is lost: ${why};${lost} another one starts in ${restartMs / 1000} s and goes on with the records that wait`,
      evidence: { reason: why, error: threw, restartMs, dropped },
    });
  }
}
