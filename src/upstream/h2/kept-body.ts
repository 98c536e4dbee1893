/**
 * Nearly all calls of gRPC and all forms are smaller; what is larger is not repeated. For at most as many requests as wait for
 * the head of their response.
 */
const keptBytesMax = 32 * 1024;

/** The body of a request that has been sent, as long as it may have to be sent once more. */
export class KeptBody {
  /** Null: it was too much. */
  #parts: Uint8Array[] | null = [];
  #bytes = 0;

  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.#parts === null) return;
    this.#bytes += end - start;
    if (this.#bytes > keptBytesMax) this.#parts = null;
    else this.#parts.push(Buffer.from(bytes.subarray(start, end)));
  }

  /** All of the body given so far; null: not all of it was kept. */
  body(): Uint8Array | null {
    return this.#parts === null ? null : Buffer.concat(this.#parts);
  }
}
