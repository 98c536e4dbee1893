/** The media type of Prometheus' text format. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

const partCharacters = 64 * 1024;

/** A sample: the values of its labels, by name, and its value. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/**
 * Metrics in Prometheus' text format 0.0.4, in encoded parts of some 64 KiB, so that no part of an answer of some megabytes is encoded
 * at once. Tests compare it with the text of a client library, which makes an object for each line and takes 9 MB of memory.
 */
export class MetricsText {
  readonly #parts: Uint8Array[] = [];
  #text = '';

  /** Begins a metric. `help` is one line without a backslash. */
  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    const isFirst = this.#text === '' && this.#parts.length === 0;
    this.add(`${isFirst ? '' : '\n'}# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
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
