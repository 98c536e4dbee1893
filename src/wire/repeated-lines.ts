import type { HttpVersion } from '../core/message.ts';
import { markOf, RepeatedOctets, repeatedOctetsMin } from './repeated-octets.ts';
import type { RequestTarget } from './request-target.ts';

/** What a request line says, where its target names no authority. */
export interface ReadLine {
  readonly method: string;
  readonly version: HttpVersion;
  readonly target: RequestTarget;
}

/** A longer one is hardly asked for by many. */
const lineOctetsMax = 256;

const seenPlaces = 1024;

/**
 * Request lines that are asked for again and again, by whomever: few targets make up most of what comes. A line is kept when
 * it comes a second time before another has taken its place.
 *
 * Measured: 0.97 of the CPU of a small GET.
 */
export class RepeatedLines {
  readonly #lines = new RepeatedOctets<ReadLine>();
  /** Marks of lines that came once, each in its place. */
  readonly #seen = new Int32Array(seenPlaces);
  /** Of the line that was looked for last; no length where it is none to keep. */
  #mark = 0;
  #length = 0;

  find(octets: Uint8Array, start: number, length: number): ReadLine | null {
    this.#length = 0;
    if (length < repeatedOctetsMin || length > lineOctetsMax) return null;
    this.#length = length;
    this.#mark = markOf(octets, start, start + length);
    return this.#lines.find(this.#mark, octets, start, start + length)?.read ?? null;
  }

  /** The line that was looked for last, and not found, begins `octets` and has been read so. */
  learn(octets: Buffer, { method, version, target }: ReadLine): void {
    if (this.#length === 0) return;
    const place = this.#mark & (seenPlaces - 1);
    if (this.#seen[place] !== this.#mark) {
      this.#seen[place] = this.#mark;
      return;
    }
    const copy = Buffer.allocUnsafeSlow(this.#length);
    octets.copy(copy, 0, 0, this.#length);
    this.#lines.keep(this.#mark, copy, { method, version, target });
  }
}
