/** Bytes of a line that are kept; the rest of a longer one is passed over. */
export const keptBytesMax = 65_536;

const lf = 10;

export interface LineTaker {
  /**
   * May take whole lines from `start` on as bytes; `end` is behind a line feed. Returns where the first line begins
   * that it has not taken.
   */
  skip(bytes: Uint8Array, start: number, end: number): number;
  /**
   * The bytes of one line, without its end; those of a longer one are cut. `isInBuffer`: the line feed that ended it is
   * in `bytes`, at `end`.
   */
  take(bytes: Uint8Array, start: number, end: number, isInBuffer: boolean): void;
}

/** Cuts chunks of bytes into lines. */
export class LineSplitter {
  readonly #taker: LineTaker;
  /** With room for a line feed. */
  readonly #rest = new Uint8Array(keptBytesMax + 1);
  #restLength = 0;
  #hasRest = false;

  constructor(taker: LineTaker) {
    this.#taker = taker;
  }

  push(bytes: Uint8Array): void {
    // Node's buffers are a class of their own; with one class only, the engine makes faster code of what reads them.
    const chunk = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    const end = chunk.lastIndexOf(lf) + 1;
    let start = 0;
    if (this.#hasRest && end > 0) {
      start = chunk.indexOf(lf) + 1;
      this.#keep(chunk.subarray(0, start - 1));
      this.#endRest();
    }
    while (start < end) {
      start = this.#taker.skip(chunk, start, end);
      if (start >= end) break;
      const lineEnd = chunk.indexOf(lf, start);
      const isWhole = lineEnd - start <= keptBytesMax;
      this.#taker.take(chunk, start, isWhole ? lineEnd : start + keptBytesMax, isWhole);
      start = lineEnd + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** There is no more: the rest is a line as well. */
  end(): void {
    if (this.#hasRest) this.#endRest();
  }

  #keep(bytes: Uint8Array): void {
    const fitting = bytes.subarray(0, keptBytesMax - this.#restLength);
    this.#rest.set(fitting, this.#restLength);
    this.#restLength += fitting.length;
    this.#hasRest = true;
  }

  #endRest(): void {
    const length = this.#restLength;
    this.#restLength = 0;
    this.#hasRest = false;
    this.#rest[length] = lf;
    if (length < keptBytesMax && this.#taker.skip(this.#rest, 0, length + 1) > 0) return;
    this.#taker.take(this.#rest, 0, length, false);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const latin1 = new TextDecoder('latin1');

/** Without a carriage return at its end and without NULs, which a file that was cut while it was written is full of. */
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
