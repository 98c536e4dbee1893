import { allDialects } from './all-dialects.ts';
import type { Dialect } from './dialect.ts';
import { LineCutter } from './line-cutter.ts';
import { type LineVerdict, LogExplainer } from './log-explainer.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

export interface OctetLogOptions {
  /** All that there are, where it is absent. */
  readonly dialects?: readonly Dialect[];
  /** Told of every line, in order; `number` counts from 1. With it, every line is judged at full length. */
  readonly onLine?: (verdict: LineVerdict, text: string, number: number) => void;
}

/** A log that comes as octets, in chunks as they are read. Its memory has a bound, whatever comes. */
export class OctetLog {
  readonly #summary = new Summary();
  readonly #explainer: LogExplainer;
  readonly #cutter: LineCutter;
  readonly #onLine: OctetLogOptions['onLine'];
  #number = 0;

  constructor({ dialects = allDialects, onLine }: OctetLogOptions = {}) {
    this.#explainer = new LogExplainer(dialects);
    this.#cutter = new LineCutter((text) => this.#judge(text));
    this.#onLine = onLine;
  }

  /** The chunk is the caller's again when this returns. */
  push(octets: Uint8Array): void {
    this.#cutter.push(octets);
  }

  /** What the log says so far. A last line without its end is judged when the log ends, and not here. */
  report(): SummaryReport {
    return this.#summary.report();
  }

  /** There is no more: judges a last line without its end. */
  end(): SummaryReport {
    this.#cutter.end();
    return this.#summary.report();
  }

  #judge(text: string): void {
    this.#number += 1;
    const verdict = this.#explainer.read(text);
    this.#summary.add(verdict, text);
    this.#onLine?.(verdict, text, this.#number);
  }
}
