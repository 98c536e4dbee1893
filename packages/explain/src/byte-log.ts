import { allDialects } from './all-dialects.ts';
import type { Dialect } from './dialect.ts';
import { decodeLine, LineSplitter } from './line-splitter.ts';
import { type LineVerdict, LogExplainer, type SeparateLine } from './log-explainer.ts';
import { ByteEncoding } from './byte-encoding.ts';
import { FastPath } from './fast-path.ts';
import type { CountedFile } from './line-reference.ts';
import { KnownMessages } from './nginx/known-messages.ts';
import { type LineUse, Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

export interface ByteLogOptions {
  /** All dialects, if absent. */
  readonly dialects?: readonly Dialect[];
  /** Called for every line, in order. With it, every line is decoded to text, which is slower. */
  readonly onLine?: LineListener;
  /** The name of the file, for examples. */
  readonly name?: string;
  /** Counts the lines of several files together. */
  readonly summary?: Summary;
}

/** `number` counts from 1; `use` says whether an earlier line has reported the same failure. */
export type LineListener = (verdict: LineVerdict, text: string, number: number, use: LineUse) => void;

/** Explains a log that comes as bytes, in slices of any size. Its memory is bounded for any input. */
export class ByteLog {
  readonly #summary: Summary;
  readonly #file: CountedFile;
  readonly #fastPath: FastPath;
  readonly #repeated: KnownMessages;
  readonly #explainer: LogExplainer;
  readonly #onLine: ByteLogOptions['onLine'];
  readonly #splitter: LineSplitter;
  readonly #encoding: ByteEncoding;

  constructor({ dialects = allDialects, onLine, name, summary = new Summary() }: ByteLogOptions = {}) {
    this.#summary = summary;
    this.#file = summary.open(name ?? null);
    this.#fastPath = new FastPath(summary, this.#file);
    this.#repeated = new KnownMessages(summary, this.#file);
    this.#explainer = new LogExplainer(dialects);
    this.#onLine = onLine;
    this.#splitter = new LineSplitter({
      skip: (bytes, start, end) => (onLine === undefined ? this.#skip(bytes, start, end) : start),
      take: (bytes, start, end, isInBuffer) => this.#take(bytes, start, end, isInBuffer),
    });
    this.#encoding = new ByteEncoding((bytes) => this.#splitter.push(bytes));
  }

  /** The caller may reuse the bytes when this returns. */
  push(bytes: Uint8Array): void {
    this.#encoding.push(bytes);
  }

  /** The time of the last line that has one. */
  get lastMs(): number | null {
    return this.#file.lastMs;
  }

  /** The report so far. A line whose end has not come is not in it. */
  report(): SummaryReport {
    return this.#summary.report();
  }

  /** Ends the log. A last line without a line end counts as a line. */
  end(): SummaryReport {
    this.#encoding.end();
    this.#splitter.end();
    return this.#summary.report();
  }

  /** Only one of the two knows lines of the dialect that read the line before. */
  #skip(bytes: Uint8Array, start: number, end: number): number {
    return this.#repeated.skip(bytes, this.#fastPath.skip(bytes, start, end), end);
  }

  #take(bytes: Uint8Array, start: number, end: number, isInBuffer: boolean): void {
    const text = decodeLine(bytes.subarray(start, end));
    const before = this.#explainer.last;
    const each = this.#explainer.readEach(text);
    if (each !== null) return this.#takeEach(each);
    const verdict = this.#explainer.readOne(text);
    const use = this.#summary.add(verdict, text, this.#file);
    this.#onLine?.(verdict, text, this.#file.lines, use);
    if (this.#onLine !== undefined || verdict === null) return;
    const { last } = this.#explainer;
    this.#fastPath.follow(last);
    this.#repeated.follow(verdict.format);
    if (!isInBuffer || before !== last || !this.#explainer.isWithoutMemory(last)) return;
    this.#fastPath.learn(bytes, start, end, verdict);
    this.#repeated.learn(bytes, start, end, verdict);
  }

  /** Several lines in one: they have the same number. */
  #takeEach(each: readonly SeparateLine[]): void {
    for (const [index, { verdict, text }] of each.entries()) {
      if (index > 0) this.#file.lines -= 1;
      const use = this.#summary.add(verdict, text, this.#file);
      this.#onLine?.(verdict, text, this.#file.lines, use);
    }
  }
}
