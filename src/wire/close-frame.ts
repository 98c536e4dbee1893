/** A frame's head is 14 bytes at most (RFC 6455 §5.2); the two bytes behind it are the status code of a close frame. */
const keptMax = 16;

const closeOpcode = 8;

/**
 * Looks for a WebSocket close frame (RFC 6455 §5.5.1) among bytes that pass by, one direction of one connection. It reads the
 * heads of frames and steps over what they carry, so that a large message costs as much as a small one.
 */
export class CloseFrameReader {
  /** A close frame has come: nothing behind it counts. */
  seen = false;
  /** Its status code; 0 where it has none. */
  code = 0;
  /** What comes is no WebSocket, as far as can be told: nothing is known any more. */
  lost = false;
  readonly #kept = new Uint8Array(keptMax);
  #count = 0;
  /** Bytes of the frame's payload that are still to pass by. */
  #skip = 0;

  /** Returns whether a close frame has come by now. */
  push(octets: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end && !this.seen && !this.lost) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, end - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      this.#kept[this.#count++] = octets[at++] as number;
      if (this.#count === this.#needed) this.#readHead();
    }
    return this.seen;
  }

  get #isClose(): boolean {
    return (this.#at(0) & 0x0f) === closeOpcode;
  }

  #at(index: number): number {
    return this.#kept[index] as number;
  }

  /** How long the head is, as far as it is known. */
  get #headLength(): number {
    if (this.#count < 2) return 2;
    const length = this.#at(1) & 0x7f;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    return 2 + extended + ((this.#at(1) & 0x80) === 0 ? 0 : 4);
  }

  get #needed(): number {
    const withCode = this.#count >= 2 && this.#isClose && (this.#at(1) & 0x7f) >= 2;
    return this.#headLength + (withCode ? 2 : 0);
  }

  #readHead(): void {
    if (this.#count < this.#needed) return;
    if (this.#isClose) return this.#readClose();
    this.#skip = this.#payloadLength();
    this.lost = !Number.isSafeInteger(this.#skip);
    this.#count = 0;
  }

  #payloadLength(): number {
    const length = this.#at(1) & 0x7f;
    if (length < 126) return length;
    const view = new DataView(this.#kept.buffer);
    return length === 126 ? view.getUint16(2) : view.getUint32(2) * 0x1_0000_0000 + view.getUint32(6);
  }

  #readClose(): void {
    this.seen = true;
    const head = this.#headLength;
    if (this.#count === head) return;
    const isMasked = (this.#at(1) & 0x80) !== 0;
    const byteAt = (index: number): number => this.#at(head + index) ^ (isMasked ? this.#at(head - 4 + index) : 0);
    this.code = (byteAt(0) << 8) | byteAt(1);
  }
}
