import { allDialects } from './all-dialects.ts';
import type { Dialect } from './dialect.ts';
import { decodeLine, LineSplitter } from './line-splitter.ts';
import { type LineVerdict, LogExplainer } from './log-explainer.ts';
import { ByteEncoding } from './byte-encoding.ts';
import { FastPath } from './fast-path.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

export interface ByteLogOptions {
  /** All that there are, where it is absent. */
  readonly dialects?: readonly Dialect[];
  /** Told of every line, in order; `number` counts from 1. With it, every line is made text of, which is slower. */
  readonly onLine?: (verdict: LineVerdict, text: string, number: number) => void;
}

/** A log that comes as bytes, in chunks as they are read. Its memory has a bound, whatever comes. */
export class ByteLog {
  readonly #summary = new Summary();
  readonly #fastPath = new FastPath(this.#summary);
  readonly #explainer: LogExplainer;
  readonly #onLine: ByteLogOptions['onLine'];
  readonly #splitter: LineSplitter;
  readonly #encoding: ByteEncoding;
  #number = 0;

  constructor({ dialects = allDialects, onLine }: ByteLogOptions = {}) {
    this.#explainer = new LogExplainer(dialects);
    this.#onLine = onLine;
    this.#splitter = new LineSplitter({
      skip: (bytes, start, end) => (onLine === undefined ? this.#fastPath.skip(bytes, start, end) : start),
      take: (bytes, start, end, isInBuffer) => this.#take(bytes, start, end, isInBuffer),
    });
    this.#encoding = new ByteEncoding((bytes) => this.#splitter.push(bytes));
  }

  /** The chunk is the caller's again when this returns. */
  push(bytes: Uint8Array): void {
    this.#encoding.push(bytes);
  }

  /** What the log says so far. The rest of a line whose end has not come is not in it. */
  report(): SummaryReport {
    return this.#summary.report();
  }

  /** There is no more: what has come since the last line's end is a line as well. */
  end(): SummaryReport {
    this.#encoding.end();
    this.#splitter.end();
    return this.#summary.report();
  }

  #take(bytes: Uint8Array, start: number, end: number, isInBuffer: boolean): void {
    const text = decodeLine(bytes.subarray(start, end));
    const before = this.#explainer.last;
    const verdict = this.#explainer.read(text);
    this.#number += 1;
    this.#summary.add(verdict, text);
    this.#onLine?.(verdict, text, this.#number);
    if (this.#onLine !== undefined || verdict === null) return;
    const { last } = this.#explainer;
    this.#fastPath.follow(last);
    if (isInBuffer && before === last && this.#explainer.isWithoutMemory(last))
      this.#fastPath.learn(bytes, start, end, verdict);
  }
}
