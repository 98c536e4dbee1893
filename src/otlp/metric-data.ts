import { attributesOf, unixNano } from './attributes.ts';
import { cumulative, type ExportedExemplar, type HistogramDataPoint, type KeyValue, type Metric } from './messages.ts';

/**
 * Since when the numbers of each series count: OTLP wants another start time where a sum begins again at 0 (OpenTelemetry, Metrics Data Model,
 * "Resets and Gaps"). A series that was in no export for a while, because its endpoint or route had gone, counts from the export before it returned.
 */
export class SeriesStarts {
  #known: ReadonlyMap<string, number> = new Map();
  #exported = new Map<string, number>();
  /** The export before this one; null: there was none. */
  #lastMs: number | null = null;

  /** Milliseconds since 1970. `startedMs`: the process. */
  startOf(name: string, attributes: readonly KeyValue[], startedMs: number): number {
    const key = JSON.stringify([name, attributes]);
    const startMs = this.#known.get(key) ?? this.#lastMs ?? startedMs;
    this.#exported.set(key, startMs);
    return startMs;
  }

  /** All series of an export have been asked for. */
  endExport(nowMs: number): void {
    this.#known = this.#exported;
    this.#exported = new Map();
    this.#lastMs = nowMs;
  }
}

/** When the numbers were read, and since when they count. Milliseconds since 1970. */
interface MetricTimes {
  readonly startedMs: number;
  readonly nowMs: number;
}

/** So many points of one metric go into one message. */
const pointsMax = 500;

interface Family {
  readonly name: string;
  description: string;
  type: string;
  readonly lines: Sample[];
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** What stands behind " # " at the end. */
  readonly exemplar: string | null;
}

/** Values of labels may hold anything but a bare quote: braces, and " # ". */
const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{((?:\w+="[^"\\]*(?:\\.[^"\\]*)*",?)*)\})? (\S+)(?: # (.*))?$/s;
const labelPattern = /(\w+)="([^"\\]*(?:\\.[^"\\]*)*)"/gs;

/**
 * The metrics of the admin API, which the main thread writes in the OpenMetrics text format, as metrics of OTLP: the same names, so that one table
 * describes both. It reads what this gateway writes, and leaves out what it does not know.
 */
export function metricsOf(text: string, times: MetricTimes, starts: SeriesStarts): Metric[] {
  const metrics = familiesOf(text).flatMap((family) => metricOf(family, times, starts));
  starts.endExport(times.nowMs);
  return metrics;
}

export function pointsIn({ gauge, sum, histogram }: Metric): number {
  return (gauge ?? sum ?? histogram)?.dataPoints.length ?? 0;
}

function familiesOf(text: string): Family[] {
  const families: Family[] = [];
  for (const line of text.split('\n')) {
    const [, key, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    let family = families.at(-1);
    if (key !== undefined && family?.name !== name) {
      family = { name, description: '', type: '', lines: [] };
      families.push(family);
    }
    if (family === undefined) continue;
    if (key === 'HELP') family.description = rest;
    else if (key === 'TYPE') family.type = rest;
    else {
      const sample = sampleOf(line);
      if (sample !== null) family.lines.push(sample);
    }
  }
  return families;
}

function sampleOf(line: string): Sample | null {
  const found = sampleLine.exec(line);
  if (found === null) return null;
  const [, name = '', labels = '', value = '', exemplar = null] = found;
  return { name, labels: labelsOf(labels), value: Number(value), exemplar };
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(labelPattern))
    labels[name] = value.replace(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character));
  return labels;
}

function metricOf(family: Family, times: MetricTimes, starts: SeriesStarts): Metric[] {
  const { name, description, type } = family;
  const unit = name.endsWith('_seconds') ? 's' : name.endsWith('_bytes') ? 'By' : '';
  const about = { name, description, ...(unit === '' ? {} : { unit }) };
  if (type === 'histogram') {
    return inParts(histogramPoints(family, times, starts)).map((dataPoints) => ({
      ...about,
      histogram: { dataPoints, aggregationTemporality: cumulative },
    }));
  }
  const points = family.lines.map(({ labels, value }) => {
    const attributes = attributesOf(labels);
    const startMs = type === 'counter' ? starts.startOf(name, attributes, times.startedMs) : null;
    return {
      attributes,
      ...(startMs === null ? {} : { startTimeUnixNano: unixNano(startMs) }),
      timeUnixNano: unixNano(times.nowMs),
      asDouble: value,
    };
  });
  return inParts(points).map((dataPoints) =>
    type === 'counter'
      ? { ...about, sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: true } }
      : { ...about, gauge: { dataPoints } },
  );
}

function inParts<T>(points: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let from = 0; from < points.length; from += pointsMax) parts.push(points.slice(from, from + pointsMax));
  return parts;
}

interface Buckets {
  readonly attributes: readonly KeyValue[];
  /** Cumulative, as the text has them. */
  readonly counts: number[];
  readonly bounds: number[];
  readonly exemplars: ExportedExemplar[];
  sum: number;
  count: number;
}

function histogramPoints(
  { name, lines }: Family,
  { startedMs, nowMs }: MetricTimes,
  starts: SeriesStarts,
): HistogramDataPoint[] {
  const byLabels = new Map<string, Buckets>();
  for (const sample of lines) {
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    let buckets = byLabels.get(key);
    if (buckets === undefined) {
      buckets = { attributes: attributesOf(labels), counts: [], bounds: [], exemplars: [], sum: 0, count: 0 };
      byLabels.set(key, buckets);
    }
    if (sample.name === `${name}_sum`) buckets.sum = sample.value;
    else if (sample.name === `${name}_count`) buckets.count = sample.value;
    else if (le !== undefined) addBucket(buckets, sample, le);
  }
  return [...byLabels.values()].map(({ attributes, counts, bounds, exemplars, sum, count }) => ({
    attributes,
    startTimeUnixNano: unixNano(starts.startOf(name, attributes, startedMs)),
    timeUnixNano: unixNano(nowMs),
    count: String(count),
    sum,
    bucketCounts: counts.map((value, index) => String(value - (counts[index - 1] ?? 0))),
    explicitBounds: bounds,
    ...(exemplars.length === 0 ? {} : { exemplars }),
  }));
}

function addBucket(buckets: Buckets, { value, exemplar }: Sample, le: string): void {
  buckets.counts.push(value);
  if (le !== '+Inf') buckets.bounds.push(Number(le));
  const read = exemplar === null ? null : exemplarOf(exemplar);
  if (read !== null) buckets.exemplars.push(read);
}

/** `{trace_id="…"} 0.25 1763715738.007` */
function exemplarOf(text: string): ExportedExemplar | null {
  const [, labels = '', value, seconds] = /^\{(.*)\} (\S+) (\S+)$/s.exec(text) ?? [];
  if (value === undefined || seconds === undefined) return null;
  const { trace_id: traceId, ...others } = labelsOf(labels);
  const filteredAttributes = attributesOf(others);
  return {
    ...(filteredAttributes.length === 0 ? {} : { filteredAttributes }),
    timeUnixNano: unixNano(Math.round(Number(seconds) * 1000)),
    asDouble: Number(value),
    ...(traceId !== undefined && /^[0-9a-f]{32}$/.test(traceId) ? { traceId } : {}),
  };
}
