/** A control frame is kept whole: two bytes, four of the mask, 125 of payload (RFC 6455 §5.5). Every other head is shorter. */
const keptMax = 2 + 4 + 125;

const finBit = 0x80;
const maskBit = 0x80;
const reservedBits = 0x70;
const controlBit = 0x08;
const controlPayloadMax = 125;

/** The opcodes of control frames (RFC 6455 §5.5). */
export const controlOpcodes = { close: 8, ping: 9, pong: 10 } as const;

/** The facts that decide, with the bytes themselves, whether they are WebSocket frames. */
export interface FrameSender {
  /** Frames of a client are masked, frames of a server are not (RFC 6455 §5.1). */
  readonly masked: boolean;
  /** The 101 agreed to an extension. permessage-deflate marks compressed messages with a reserved bit (RFC 7692 §6). */
  readonly extended: boolean;
}

/**
 * Finds where the frames of a WebSocket end (RFC 6455 §5.2), in the bytes of one direction, and reads the control frames
 * among them. It reads the heads of data frames and steps over what they carry, so that a large message costs as much as a small one.
 *
 *     between ──first byte──▶ inside ──last byte──▶ between        close frame ──▶ seen        no frame ──▶ lost
 *
 * It checks what the RFC has a receiver check (§5.1, §5.2, §5.4, §5.5, §7.4), because bytes of another protocol would
 * otherwise pass for a close frame: every 16th byte has its opcode. It does not check that a length is written in the shortest form,
 * which some receivers do not either, nor that text and reasons are UTF-8, which needs the payload.
 */
export class WebSocketFrames {
  /** The last frame is whole, and the next one has not begun. A control frame of another sender fits here (§5.4). */
  isBetween = true;
  /** A close frame has come, whole: no byte behind it counts. */
  seen = false;
  /** The status code of the close frame; 0 if it has none. */
  code = 0;
  /** The bytes are not WebSocket frames. No more of them are read. */
  lost = false;
  readonly #sender: FrameSender;
  readonly #kept = new Uint8Array(keptMax);
  #count = 0;
  /** How many bytes of the frame are kept: its head, and all of a control frame. Known from the second byte on. */
  #keptLength = 0;
  /** Bytes of the payload of a data frame that are still to come. */
  #skip = 0;
  /** A message has begun whose last frame has not come (§5.4). */
  #inMessage = false;

  constructor(sender: FrameSender) {
    this.#sender = sender;
  }

  /**
   * Reads bytes [start, end) as far as the end of the frame that they continue or begin, and returns the index behind it.
   * Without a frame to read (`isOver`) that is `end`.
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (this.isOver) return end;
    let at = start;
    if (at < end) this.#enterFrame();
    while (at < end && this.#isInside) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, end - at);
        this.#skip -= passed;
        at += passed;
        this.isBetween = this.#skip === 0;
      } else {
        this.#kept[this.#count++] = bytes[at++] as number;
        this.#judgeKept();
      }
    }
    return at;
  }

  /** No frame will be read any more: a close frame has come, or other bytes than frames. */
  get isOver(): boolean {
    return this.seen || this.lost;
  }

  /** The frame that is being read, or the last one, is a ping. */
  get isPing(): boolean {
    return this.#count > 0 && this.#opcode === controlOpcodes.ping;
  }

  /** The frame that is being read, or the last one, is a pong. */
  get isPong(): boolean {
    return this.#count > 0 && this.#opcode === controlOpcodes.pong;
  }

  /** What has come of the control frame that is being read, or the whole of the last one. Valid until the next `read`. */
  get controlBytes(): Uint8Array {
    return this.#kept.subarray(0, this.#count);
  }

  /** Whether the control frame that was read last has this payload. */
  carries(payload: Uint8Array): boolean {
    const head = this.#headLength;
    if (this.#count !== head + payload.length) return false;
    return payload.every((byte, index) => this.#payloadByte(head, index) === byte);
  }

  get #isInside(): boolean {
    return !this.isBetween && !this.lost;
  }

  #enterFrame(): void {
    if (!this.isBetween) return;
    this.isBetween = false;
    this.#count = 0;
  }

  get #opcode(): number {
    return this.#at(0) & 0x0f;
  }

  get #isControl(): boolean {
    return (this.#at(0) & controlBit) !== 0;
  }

  /** The length as the second byte has it; 126 and 127 stand for a longer form. */
  get #shortLength(): number {
    return this.#at(1) & 0x7f;
  }

  #at(index: number): number {
    return this.#kept[index] as number;
  }

  /** A byte of the payload of a control frame, without its mask. */
  #payloadByte(head: number, index: number): number {
    return this.#at(head + index) ^ (this.#sender.masked ? this.#at(head - 4 + (index & 3)) : 0);
  }

  /** One more byte is kept. */
  #judgeKept(): void {
    if (this.#count === 1) this.lost = !this.#isFirstByte();
    else if (this.#count === 2) this.#judgeSecondByte();
    if (this.#count >= 2 && !this.lost && this.#count === this.#keptLength) this.#endKept();
  }

  #judgeSecondByte(): void {
    this.lost = !this.#isSecondByte();
    this.#keptLength = this.#headLength + (this.#isControl ? this.#shortLength : 0);
  }

  /** FIN, the reserved bits and the opcode, as they may follow the frames before. */
  #isFirstByte(): boolean {
    const hasReserved = (this.#at(0) & reservedBits) !== 0;
    if (this.#isControl) return (this.#at(0) & finBit) !== 0 && !hasReserved && this.#opcode <= controlOpcodes.pong;
    const isContinuation = this.#opcode === 0;
    return this.#opcode <= 2 && isContinuation === this.#inMessage && (!hasReserved || this.#sender.extended);
  }

  /** The mask bit and the length. */
  #isSecondByte(): boolean {
    if (((this.#at(1) & maskBit) !== 0) !== this.#sender.masked) return false;
    const length = this.#shortLength;
    if (!this.#isControl) return true;
    return length <= controlPayloadMax && (this.#opcode !== controlOpcodes.close || length !== 1);
  }

  /** From the second byte on. */
  get #headLength(): number {
    const length = this.#shortLength;
    const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
    return 2 + extended + (this.#sender.masked ? 4 : 0);
  }

  /** The head of a data frame, or a control frame, is whole. */
  #endKept(): void {
    if (this.#isControl) {
      if (this.#opcode === controlOpcodes.close) this.#readClose();
      this.isBetween = !this.lost;
      return;
    }
    this.#skip = this.#payloadLength();
    this.lost = !Number.isSafeInteger(this.#skip);
    this.#inMessage = (this.#at(0) & finBit) === 0;
    this.isBetween = this.#skip === 0;
  }

  #payloadLength(): number {
    const length = this.#shortLength;
    if (length < 126) return length;
    const end = length === 126 ? 4 : 10;
    let total = 0;
    for (let index = 2; index < end; index++) total = total * 256 + this.#at(index);
    return total;
  }

  #readClose(): void {
    if (this.#shortLength > 0) {
      const head = this.#headLength;
      const code = (this.#payloadByte(head, 0) << 8) | this.#payloadByte(head, 1);
      this.lost = !isSentCode(code);
      if (!this.lost) this.code = code;
    }
    this.seen = !this.lost;
  }
}

/** Whether a close frame may carry the code: three are reserved for ends without one, and 1004 for nothing yet (RFC 6455 §7.4). */
function isSentCode(code: number): boolean {
  return code >= 1000 && code <= 4999 && code !== 1004 && code !== 1005 && code !== 1006 && code !== 1015;
}

/**
 * A whole control frame. `payload` has at most 125 bytes. `mask` is four bytes that the receiver cannot foresee for a frame of a client
 * (RFC 6455 §5.3), and null for a frame of a server.
 */
export function controlFrame(
  opcode: (typeof controlOpcodes)[keyof typeof controlOpcodes],
  payload: Uint8Array,
  mask: Uint8Array | null,
): Uint8Array {
  const head = mask === null ? 2 : 6;
  const frame = new Uint8Array(head + payload.length);
  frame[0] = finBit | opcode;
  frame[1] = (mask === null ? 0 : maskBit) | payload.length;
  if (mask !== null) frame.set(mask, 2);
  for (const [index, byte] of payload.entries())
    frame[head + index] = mask === null ? byte : byte ^ (mask[index & 3] as number);
  return frame;
}

/** The payload of a close frame with this status code and no reason (RFC 6455 §5.5.1). */
export function closePayload(code: number): Uint8Array {
  return Uint8Array.of(code >> 8, code & 0xff);
}
