import type { OtlpSpec } from './configuration.ts';
import type { NewEvent } from './event.ts';
import type { EventLine } from './store-messages.ts';
import type { OtlpSignal } from './otlp-counts.ts';
import type { ProcessConstants } from './logger-messages.ts';
import type { RecordRingMemory } from './record-ring-memory.ts';

/** Everything that the thread of the exporter needs at start. */
export interface OtlpInit {
  /** One Int32, shared with all rings of the exporter. */
  readonly wakeWord: SharedArrayBuffer;
  /** The cells of `OtlpCounts`. They outlive the thread. */
  readonly counts: SharedArrayBuffer;
}

/** From the main thread to the exporter. A message with `request` is answered. */
export type ToOtlp =
  /** Read this ring from now on. */
  | { readonly kind: 'ring'; readonly memory: RecordRingMemory }
  /** Export there from now on. */
  | { readonly kind: 'use'; readonly spec: OtlpSpec }
  /** The collector did not take this signal when the thread before ended. */
  | { readonly kind: 'was_failing'; readonly signal: OtlpSignal }
  /** Of this process are the records and events. */
  | { readonly kind: 'process'; readonly constants: ProcessConstants }
  | { readonly kind: 'events'; readonly events: readonly EventLine[] }
  /** The metrics that were asked for, in Prometheus' text format, in parts. */
  | { readonly kind: 'metrics'; readonly parts: readonly Uint8Array[] }
  /** No worker writes any more: send what is left, and answer 'closed'. */
  | { readonly kind: 'close'; readonly request: number };

/** From the exporter to the main thread. */
export type FromOtlp =
  | { readonly kind: 'closed'; readonly request: number }
  /** The interval is over: send 'metrics'. */
  | { readonly kind: 'metrics_wanted' }
  | { readonly kind: 'event'; readonly event: NewEvent<'otlp_failing'> }
  /** The collector has rejected a part of a request; at most one each second for each signal. `message`: its words, or ''. */
  | { readonly kind: 'rejected'; readonly signal: OtlpSignal; readonly message: string };
