import { allDialects } from './all-dialects.ts';
import type { Dialect } from './dialect.ts';
import { type LineVerdict, LogExplainer, type SeparateLine } from './log-explainer.ts';
import { FastPath } from './access-head.ts';
import type { CountedFile } from './line-times.ts';
import { KnownMessages } from './nginx/known-messages.ts';
import { type LineUse, Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

/** Bytes of a line that are kept; the rest of a longer line is skipped. */
const keptBytesMax = 65_536;

const lf = 10;

interface LineTaker {
  /**
   * May take whole lines from `start` on as bytes; `end` is after a line feed. Returns the position of the first line
   * that it has not taken.
   */
  skip(bytes: Uint8Array, start: number, end: number): number;
  /**
   * Takes the bytes of one line, without its end and truncated if it is long. `isInBuffer`: its line feed is in `bytes`,
   * at `end`.
   */
  take(bytes: Uint8Array, start: number, end: number, isInBuffer: boolean): void;
}

/** Splits chunks of bytes into lines. */
class LineSplitter {
  readonly #taker: LineTaker;
  /** One more byte, for a line feed. */
  readonly #rest = new Uint8Array(keptBytesMax + 1);
  #restLength = 0;
  #hasRest = false;

  constructor(taker: LineTaker) {
    this.#taker = taker;
  }

  push(bytes: Uint8Array): void {
    // Node's `Buffer` is a class of its own. With one class only, the engine generates faster code for the readers.
    const chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    const end = chunk.lastIndexOf(lf) + 1;
    let start = 0;
    if (this.#hasRest && end > 0) {
      start = chunk.indexOf(lf) + 1;
      this.#keep(chunk.subarray(0, start - 1));
      this.#endRest();
    }
    while (start < end) {
      if (chunk[start] === 0) start = afterNuls(chunk, start);
      start = this.#taker.skip(chunk, start, end);
      if (start >= end) break;
      const lineEnd = chunk.indexOf(lf, start);
      const isWhole = lineEnd - start <= keptBytesMax;
      this.#taker.take(chunk, start, isWhole ? lineEnd : start + keptBytesMax, isWhole);
      start = lineEnd + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Ends the input. The rest counts as a line. */
  end(): void {
    if (this.#hasRest) this.#endRest();
  }

  #keep(bytes: Uint8Array): void {
    const from = this.#restLength === 0 ? afterNuls(bytes, 0) : 0;
    const fitting = bytes.subarray(from, from + keptBytesMax - this.#restLength);
    this.#rest.set(fitting, this.#restLength);
    this.#restLength += fitting.length;
    this.#hasRest = true;
  }

  #endRest(): void {
    const length = this.#restLength;
    this.#restLength = 0;
    this.#hasRest = false;
    this.#rest[length] = lf;
    // An array of its own for each line, so that its content never changes while it is in use.
    const line = this.#rest.subarray();
    if (length < keptBytesMax && this.#taker.skip(line, 0, length + 1) > 0) return;
    this.#taker.take(line, 0, length, false);
  }
}

/** A file that is truncated while a program writes it has NULs up to where the program went on: they may be many. */
function afterNuls(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] === 0) at += 1;
  return at;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const latin1 = new TextDecoder('latin1');

/** Removes a carriage return at the end, and NULs, which fill a file that was truncated while it was written. */
function decodeLine(bytes: Uint8Array): string {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    text = latin1.decode(bytes);
  }
  if (text.includes('\0')) text = text.replaceAll('\0', '');
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}

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

/** Takes bytes of UTF-8, or of UTF-16 with a byte order mark, and passes on UTF-8 without a mark. */
class ByteEncoding {
  readonly #pass: (bytes: Uint8Array) => void;
  #decoder: TextDecoder | null = null;
  #beginning: Uint8Array | null = new Uint8Array(0);

  constructor(pass: (bytes: Uint8Array) => void) {
    this.#pass = pass;
  }

  push(bytes: Uint8Array): void {
    if (this.#beginning !== null) this.#begin(bytes);
    else if (this.#decoder === null) this.#pass(bytes);
    else this.#pass(utf8.encode(this.#decoder.decode(bytes, { stream: true })));
  }

  end(): void {
    if (this.#beginning !== null) this.#pass(this.#beginning);
    else if (this.#decoder !== null) this.#pass(utf8.encode(this.#decoder.decode()));
    this.#beginning = null;
    this.#decoder = null;
  }

  /** A mark has at most three bytes. */
  #begin(bytes: Uint8Array): void {
    const waiting = this.#beginning as Uint8Array;
    const all = waiting.length === 0 ? bytes : join(waiting, bytes);
    if (all.length < 3) {
      this.#beginning = all.slice();
      return;
    }
    this.#beginning = null;
    const [first, second, third] = all;
    if (first === 0xff && second === 0xfe) this.#decoder = new TextDecoder('utf-16le');
    else if (first === 0xfe && second === 0xff) this.#decoder = new TextDecoder('utf-16be');
    this.push(first === 0xef && second === 0xbb && third === 0xbf ? all.subarray(3) : all);
  }
}

const utf8 = new TextEncoder();

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
