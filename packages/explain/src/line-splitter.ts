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
export class LineSplitter {
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

const utf8 = new TextDecoder('utf-8', { fatal: true });
const latin1 = new TextDecoder('latin1');

/** Removes a carriage return at the end, and NULs, which fill a file that was truncated while it was written. */
export function decodeLine(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    text = latin1.decode(bytes);
  }
  if (text.includes('\0')) text = text.replaceAll('\0', '');
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
