/** Many lines at once: decoding each by itself takes longer than reading it. */
const windowBytes = 65_536;

const latin1 = new TextDecoder('latin1');

/** Texts of ASCII from bytes. Each array of bytes must have the same content as long as it is asked about. */
export class AsciiText {
  #bytes: Uint8Array | null = null;
  #from = 0;
  #window = '';

  /** A part of a longer text, which it keeps in memory. */
  of(bytes: Uint8Array, start: number, end: number): string {
    if (bytes !== this.#bytes || start < this.#from || end > this.#from + this.#window.length) {
      this.#bytes = bytes;
      this.#from = start;
      this.#window = latin1.decode(bytes.subarray(start, Math.max(end, start + windowBytes)));
    }
    return this.#window.slice(start - this.#from, end - this.#from);
  }
}
