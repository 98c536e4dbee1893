import { allDialects } from './all-dialects.ts';
import type { Dialect } from './dialect.ts';
import { decodeLine, LineCutter } from './line-cutter.ts';
import { type LineVerdict, LogExplainer } from './log-explainer.ts';
import { OctetEncoding } from './octet-encoding.ts';
import { QuietLines } from './quiet-lines.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

export interface OctetLogOptions {
  /** All that there are, where it is absent. */
  readonly dialects?: readonly Dialect[];
  /** Told of every line, in order; `number` counts from 1. With it, every line is made text of, which is slower. */
  readonly onLine?: (verdict: LineVerdict, text: string, number: number) => void;
}

/** A log that comes as octets, in chunks as they are read. Its memory has a bound, whatever comes. */
export class OctetLog {
  readonly #summary = new Summary();
  readonly #quiet = new QuietLines(this.#summary);
  readonly #explainer: LogExplainer;
  readonly #onLine: OctetLogOptions['onLine'];
  readonly #cutter: LineCutter;
  readonly #encoding: OctetEncoding;
  #number = 0;

  constructor({ dialects = allDialects, onLine }: OctetLogOptions = {}) {
    this.#explainer = new LogExplainer(dialects);
    this.#onLine = onLine;
    this.#cutter = new LineCutter({
      skip: (octets, start, end) => (onLine === undefined ? this.#quiet.skip(octets, start, end) : start),
      take: (octets, start, end, isInPlace) => this.#take(octets, start, end, isInPlace),
    });
    this.#encoding = new OctetEncoding((octets) => this.#cutter.push(octets));
  }

  /** The chunk is the caller's again when this returns. */
  push(octets: Uint8Array): void {
    this.#encoding.push(octets);
  }

  /** What the log says so far. The rest of a line whose end has not come is not in it. */
  report(): SummaryReport {
    return this.#summary.report();
  }

  /** There is no more: what has come since the last line's end is a line as well. */
  end(): SummaryReport {
    this.#encoding.end();
    this.#cutter.end();
    return this.#summary.report();
  }

  #take(octets: Uint8Array, start: number, end: number, isInPlace: boolean): void {
    const text = decodeLine(octets.subarray(start, end));
    const before = this.#explainer.last;
    const verdict = this.#explainer.read(text);
    this.#number += 1;
    this.#summary.add(verdict, text);
    this.#onLine?.(verdict, text, this.#number);
    if (this.#onLine !== undefined || verdict === null) return;
    const { last } = this.#explainer;
    this.#quiet.follow(last);
    if (isInPlace && before === last && this.#explainer.isWithoutMemory(last))
      this.#quiet.learn(octets, start, end, verdict);
  }
}
