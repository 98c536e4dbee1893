import type { Sample } from '../../core/metric-family.ts';

/** Prometheus' text format, or OpenMetrics, which has exemplars. */
export type MetricsFormat = 'prometheus' | 'openmetrics';

export const metricsContentTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

const partCharacters = 64 * 1024;

/**
 * Metrics in Prometheus' text format 0.0.4 or in OpenMetrics 1.0, in encoded parts of some 64 KiB, so that no part of an answer of some megabytes is encoded
 * at once. Tests compare it with the text of a client library, which makes an object for each line and takes 9 MB of memory.
 */
export class MetricsText {
  readonly #parts: Uint8Array[] = [];
  readonly format: MetricsFormat;
  #text = '';

  constructor(format: MetricsFormat = 'prometheus') {
    this.format = format;
  }

  /** Begins a metric. `help` is one line without a backslash and a quote. OpenMetrics has no empty lines, and names counters without `_total`. */
  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    const isOpen = this.format === 'openmetrics';
    const isFirst = isOpen || (this.#text === '' && this.#parts.length === 0);
    const family = isOpen && type === 'counter' ? name.replace(/_total$/, '') : name;
    this.add(`${isFirst ? '' : '\n'}# HELP ${family} ${help}\n# TYPE ${family} ${type}\n`);
  }

  /** A histogram of one set of labels, which are text; `cells` are not cumulative, and the last is for values above all bounds. */
  histogram(name: string, labels: string, bounds: readonly number[], values: HistogramValues): void {
    const comma = labels === '' ? '' : ',';
    let count = 0;
    let text = '';
    for (const [index, cell] of values.cells.entries()) {
      const bound = bounds[index];
      count += cell;
      const le = bound === undefined ? '+Inf' : this.#boundText(bound);
      const exemplar = this.format === 'openmetrics' ? exemplarText(values.exemplars?.[index] ?? null) : '';
      text += `${name}_bucket{${labels}${comma}le="${le}"} ${count}${exemplar}\n`;
    }
    const braces = labels === '' ? '' : `{${labels}}`;
    this.add(`${text}${name}_sum${braces} ${values.sum}\n${name}_count${braces} ${count}\n`);
  }

  /** OpenMetrics writes bounds as numbers with a point. */
  #boundText(bound: number): string {
    return this.format === 'openmetrics' && Number.isInteger(bound) ? `${bound}.0` : String(bound);
  }

  /** A whole metric: a counter if its name ends in `_total`, else a gauge. */
  metric(name: string, help: string, samples: readonly Sample[]): void {
    this.family(name, name.endsWith('_total') ? 'counter' : 'gauge', help);
    for (const [labels, value] of samples) {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${labelText(text)}"`);
      this.add(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`);
    }
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= partCharacters) this.#encode();
  }

  #encode(): void {
    this.#parts.push(Buffer.from(this.#text));
    this.#text = '';
  }

  end(): readonly Uint8Array[] {
    if (this.format === 'openmetrics') this.add('# EOF\n');
    this.#encode();
    return this.#parts;
  }
}

const mustBeEscaped = /[\\"\n]/;

/** The value of a label: backslash, quote and line feed are escaped. */
export function labelText(value: string): string {
  if (!mustBeEscaped.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

interface HistogramValues {
  readonly cells: readonly number[];
  readonly sum: number;
  readonly exemplars?: readonly (Exemplar | null)[];
}

/** An exchange that stands for others of its cell. `value` is in the unit of the histogram. */
interface Exemplar {
  /** '': it belongs to no trace. */
  readonly traceId: string;
  readonly requestId: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The labels of an exemplar have 128 characters at most (OpenMetrics 1.0). A trusted peer may send a longer request id. */
const exemplarCharactersMax = 128 - 'request_id'.length;

/** It names the trace, where there is one: tools open traces by it. */
function exemplarText(exemplar: Exemplar | null): string {
  if (exemplar === null) return '';
  const [name, id] = exemplar.traceId === '' ? ['request_id', exemplar.requestId] : ['trace_id', exemplar.traceId];
  if (id.length > exemplarCharactersMax) return '';
  return ` # {${name}="${labelText(id)}"} ${exemplar.value} ${exemplar.at / 1000}`;
}
