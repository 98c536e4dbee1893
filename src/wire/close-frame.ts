/** A frame's head is 14 bytes at most (RFC 6455 §5.2); the two bytes behind it are the status code of a close frame. */
const keptMax = 16;

const finBit = 0x80;
const maskBit = 0x80;
const reservedBits = 0x70;
const controlBit = 0x08;
const closeOpcode = 8;
const controlPayloadMax = 125;

/** The facts that decide, with the bytes themselves, whether they are WebSocket frames. */
export interface FrameSender {
  /** Frames of a client are masked, frames of a server are not (RFC 6455 §5.1). */
  readonly masked: boolean;
  /** The 101 agreed to an extension. permessage-deflate marks compressed messages with a reserved bit (RFC 7692 §6). */
  readonly extended: boolean;
}

/**
 * Looks for a WebSocket close frame (RFC 6455 §5.5.1) among bytes that pass by, one direction of one connection. It reads the
 * heads of frames and steps over what they carry, so that a large message costs as much as a small one.
 *
 * It checks what the RFC has a receiver check (§5.1, §5.2, §5.4, §5.5, §7.4), since bytes of another protocol would else pass
 * for a close frame: every 16th byte has its opcode. It does not check that a length is written in the shortest form, which some
 * receivers do not either, nor that text and reasons are UTF-8, which needs the payload.
 */
export class CloseFrameReader {
  /** A close frame has come, whole: nothing behind it counts. */
  seen = false;
  /** Its status code; 0 where it has none. */
  code = 0;
  /** The bytes are not WebSocket frames. The reader looks at no more of them. */
  lost = false;
  readonly #sender: FrameSender;
  readonly #kept = new Uint8Array(keptMax);
  #count = 0;
  /** Bytes of the frame's payload that are still to pass by. */
  #skip = 0;
  /** A message has begun whose last frame has not come (§5.4). */
  #inMessage = false;
  /** The payload that passes by is the rest of a close frame. */
  #closing = false;

  constructor(sender: FrameSender) {
    this.#sender = sender;
  }

  /** Returns whether a close frame has come by now. */
  push(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end && !this.seen && !this.lost) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, end - at);
        this.#skip -= passed;
        at += passed;
        this.seen = this.#closing && this.#skip === 0;
        continue;
      }
      this.#kept[this.#count++] = bytes[at++] as number;
      if (this.#count <= 2) this.lost = this.#count === 1 ? !this.#isFirstByte() : !this.#isSecondByte();
      if (!this.lost && this.#count === this.#needed) this.#readHead();
    }
    return this.seen;
  }

  get #opcode(): number {
    return this.#at(0) & 0x0f;
  }

  get #isControl(): boolean {
    return (this.#at(0) & controlBit) !== 0;
  }

  #at(index: number): number {
    return this.#kept[index] as number;
  }

  /** FIN, the reserved bits and the opcode, as they may follow the frames before. */
  #isFirstByte(): boolean {
    const hasReserved = (this.#at(0) & reservedBits) !== 0;
    if (this.#isControl) return (this.#at(0) & finBit) !== 0 && !hasReserved && this.#opcode <= 10;
    const isContinuation = this.#opcode === 0;
    return this.#opcode <= 2 && isContinuation === this.#inMessage && (!hasReserved || this.#sender.extended);
  }

  /** The mask bit and the length. */
  #isSecondByte(): boolean {
    if (((this.#at(1) & maskBit) !== 0) !== this.#sender.masked) return false;
    const length = this.#at(1) & 0x7f;
    if (!this.#isControl) return true;
    return length <= controlPayloadMax && (this.#opcode !== closeOpcode || length !== 1);
  }

  /** How long the head is, as far as it is known. */
  get #headLength(): number {
    if (this.#count < 2) return 2;
    const length = this.#at(1) & 0x7f;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    return 2 + extended + (this.#sender.masked ? 4 : 0);
  }

  get #needed(): number {
    const withCode = this.#count >= 2 && this.#opcode === closeOpcode && (this.#at(1) & 0x7f) >= 2;
    return this.#headLength + (withCode ? 2 : 0);
  }

  #readHead(): void {
    if (this.#opcode === closeOpcode) return this.#readClose();
    this.#skip = this.#payloadLength();
    this.lost = !Number.isSafeInteger(this.#skip);
    if (!this.#isControl) this.#inMessage = (this.#at(0) & finBit) === 0;
    this.#count = 0;
  }

  #payloadLength(): number {
    const length = this.#at(1) & 0x7f;
    if (length < 126) return length;
    const view = new DataView(this.#kept.buffer);
    return length === 126 ? view.getUint16(2) : view.getUint32(2) * 0x1_0000_0000 + view.getUint32(6);
  }

  #readClose(): void {
    const head = this.#headLength;
    const length = this.#payloadLength();
    this.#closing = true;
    this.#skip = Math.max(length - 2, 0);
    if (length > 0) {
      const byteAt = (index: number): number =>
        this.#at(head + index) ^ (this.#sender.masked ? this.#at(head - 4 + index) : 0);
      const code = (byteAt(0) << 8) | byteAt(1);
      this.lost = !isSentCode(code);
      if (!this.lost) this.code = code;
    }
    this.seen = !this.lost && this.#skip === 0;
  }
}

/** Whether a close frame may carry the code: three are reserved for ends without one, and 1004 for nothing yet (RFC 6455 §7.4). */
function isSentCode(code: number): boolean {
  return code >= 1000 && code <= 4999 && code !== 1004 && code !== 1005 && code !== 1006 && code !== 1015;
}
