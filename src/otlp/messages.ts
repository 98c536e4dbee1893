import type { OtlpSignal } from '../core/otlp-counts.ts';
import type { MessageSchema } from './protobuf.ts';

/** The messages of OTLP 1.x that are exported, in its JSON mapping: ids in hexadecimal digits, 64-bit integers as texts, enums as numbers. */

export type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } };

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

export interface Resource {
  readonly attributes: readonly KeyValue[];
}

export const spanKinds = { server: 2, client: 3 } as const;
export const statusError = 2;

export interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events?: readonly SpanEvent[];
  readonly status?: { readonly message?: string; readonly code: number };
  readonly flags: number;
}

export interface SpanEvent {
  readonly timeUnixNano: string;
  readonly name: string;
}

export interface ExportedLogRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: AnyValue;
  readonly attributes: readonly KeyValue[];
  readonly flags?: number;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly eventName: string;
}

export interface ExportedExemplar {
  readonly filteredAttributes?: readonly KeyValue[];
  readonly timeUnixNano: string;
  readonly asDouble: number;
  readonly traceId?: string;
}

interface NumberDataPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano: string;
  readonly asDouble: number;
}

export interface HistogramDataPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly count: string;
  readonly sum: number;
  readonly bucketCounts: readonly string[];
  readonly explicitBounds: readonly number[];
  readonly exemplars?: readonly ExportedExemplar[];
}

/** Every total counts from the start of the process. */
export const cumulative = 2;

export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit?: string;
  readonly gauge?: { readonly dataPoints: readonly NumberDataPoint[] };
  readonly sum?: {
    readonly dataPoints: readonly NumberDataPoint[];
    readonly aggregationTemporality: number;
    readonly isMonotonic: boolean;
  };
  readonly histogram?: { readonly dataPoints: readonly HistogramDataPoint[]; readonly aggregationTemporality: number };
}

/** What a batch of each signal has. */
export interface SignalItems {
  readonly traces: ExportedSpan;
  readonly logs: ExportedLogRecord;
  readonly metrics: Metric;
}

const scope = { name: 'candor' };

/** The request of a batch, as the body of a POST to the URL of the signal. */
export function requestOf<S extends OtlpSignal>(
  signal: S,
  resource: Resource,
  items: readonly SignalItems[S][],
): object {
  if (signal === 'traces') return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans: items }] }] };
  if (signal === 'logs') return { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: items }] }] };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics: items }] }] };
}

const anyValue: Record<string, readonly [number, 'string' | 'bool' | 'int64' | 'double' | MessageSchema]> = {
  stringValue: [1, 'string'],
  boolValue: [2, 'bool'],
  intValue: [3, 'int64'],
  doubleValue: [4, 'double'],
};
anyValue['arrayValue'] = [5, { values: [1, anyValue] }];

const keyValue: MessageSchema = { key: [1, 'string'], value: [2, anyValue] };
const scopeSchema: MessageSchema = { name: [1, 'string'], version: [2, 'string'] };
const resourceSchema: MessageSchema = { attributes: [1, keyValue] };

const spanEvent: MessageSchema = { timeUnixNano: [1, 'fixed64'], name: [2, 'string'] };
const span: MessageSchema = {
  traceId: [1, 'hex'],
  spanId: [2, 'hex'],
  parentSpanId: [4, 'hex'],
  name: [5, 'string'],
  kind: [6, 'enum'],
  startTimeUnixNano: [7, 'fixed64'],
  endTimeUnixNano: [8, 'fixed64'],
  attributes: [9, keyValue],
  events: [11, spanEvent],
  status: [15, { message: [2, 'string'], code: [3, 'enum'] }],
  flags: [16, 'fixed32'],
};

const logRecord: MessageSchema = {
  timeUnixNano: [1, 'fixed64'],
  severityNumber: [2, 'enum'],
  severityText: [3, 'string'],
  body: [5, anyValue],
  attributes: [6, keyValue],
  flags: [8, 'fixed32'],
  traceId: [9, 'hex'],
  spanId: [10, 'hex'],
  observedTimeUnixNano: [11, 'fixed64'],
  eventName: [12, 'string'],
};

const exemplar: MessageSchema = {
  timeUnixNano: [2, 'fixed64'],
  asDouble: [3, 'double'],
  traceId: [5, 'hex'],
  filteredAttributes: [7, keyValue],
};
const numberDataPoint: MessageSchema = {
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  asDouble: [4, 'double'],
  attributes: [7, keyValue],
};
const histogramDataPoint: MessageSchema = {
  startTimeUnixNano: [2, 'fixed64'],
  timeUnixNano: [3, 'fixed64'],
  count: [4, 'fixed64'],
  sum: [5, 'double'],
  bucketCounts: [6, 'fixed64'],
  explicitBounds: [7, 'double'],
  exemplars: [8, exemplar],
  attributes: [9, keyValue],
};
const metric: MessageSchema = {
  name: [1, 'string'],
  description: [2, 'string'],
  unit: [3, 'string'],
  gauge: [5, { dataPoints: [1, numberDataPoint] }],
  sum: [7, { dataPoints: [1, numberDataPoint], aggregationTemporality: [2, 'enum'], isMonotonic: [3, 'bool'] }],
  histogram: [9, { dataPoints: [1, histogramDataPoint], aggregationTemporality: [2, 'enum'] }],
};

/** The schema of the request of each signal, as opentelemetry-proto defines it. */
export const requestSchemas: Readonly<Record<OtlpSignal, MessageSchema>> = {
  traces: {
    resourceSpans: [
      1,
      { resource: [1, resourceSchema], scopeSpans: [2, { scope: [1, scopeSchema], spans: [2, span] }] },
    ],
  },
  logs: {
    resourceLogs: [
      1,
      { resource: [1, resourceSchema], scopeLogs: [2, { scope: [1, scopeSchema], logRecords: [2, logRecord] }] },
    ],
  },
  metrics: {
    resourceMetrics: [
      1,
      { resource: [1, resourceSchema], scopeMetrics: [2, { scope: [1, scopeSchema], metrics: [2, metric] }] },
    ],
  },
};
