import { attemptSpanByte } from '../core/attempt-span.ts';
import type { HeaderSink } from '../core/message.ts';
import type { Random } from '../core/random.ts';

const hexDigits: Uint8Array = Buffer.from('0123456789abcdef', 'latin1');

/** Random bytes are drawn this many at a time, for some nine hundred exchanges: a draw costs 30 µs, most of it the call. */
const poolBytes = 16 * 1024;

const traceparent = 'traceparent: 00-';
const spanAt = traceparent.length + 33;
const flagsAt = spanAt + 17;

/**
 * Makes request ids, span ids and other random bytes. Request ids are UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, so
 * that they sort by time, then 74 random bits. About 0.2 µs each.
 */
export class IdSource {
  readonly #random: Random;
  readonly #pool = new Uint8Array(poolBytes);
  #used = poolBytes;
  #lastTime = -1;
  /** Digits are written here: V8 would have to flatten a string that was concatenated from parts. */
  readonly #id: Buffer = Buffer.from('00000000-0000-0000-0000-000000000000', 'latin1');
  readonly #digits = Buffer.alloc(48);
  readonly #traceparent: Buffer = Buffer.from(`${traceparent}${'-'.padStart(33)}${'-'.padStart(17)}00\r\n`, 'latin1');

  constructor(random: Random) {
    this.#random = random;
  }

  /** `wallTime` is milliseconds since the Unix epoch. */
  requestId(wallTime: number): string {
    this.#writeTime(wallTime);
    const at = this.#draw(10);
    const bytes = this.#id;
    const pool = this.#pool;
    writeHex(bytes, 14, 0x70 | ((pool[at] as number) & 0x0f));
    writeHex(bytes, 16, pool[at + 1] as number);
    writeHex(bytes, 19, 0x80 | ((pool[at + 2] as number) & 0x3f));
    writeHex(bytes, 21, pool[at + 3] as number);
    for (let index = 0; index < 6; index++) writeHex(bytes, 24 + 2 * index, pool[at + 4 + index] as number);
    return bytes.toString('latin1');
  }

  /**
   * Writes the traceparent header (W3C Trace Context §3.2) of an attempt of the exchange with this span, or of a new span if `exchangeSpanId` is
   * '': always version 00, the one that we know.
   */
  writeTraceparent(sink: HeaderSink, traceId: string, flags: string, exchangeSpanId = '', attempt = 0): void {
    const line = this.#traceparent;
    line.write(traceId, traceparent.length, 'latin1');
    if (exchangeSpanId === '') this.#writeSpan(line);
    else {
      line.write(exchangeSpanId, spanAt, 'latin1');
      writeHex(line, spanAt + 14, attemptSpanByte(exchangeSpanId, attempt));
    }
    line[flagsAt] = flags.charCodeAt(0);
    line[flagsAt + 1] = flags.charCodeAt(1);
    sink.headerLines(line, 0, line.length);
  }

  /** `bytes` random bytes in hexadecimal digits, not all zero. */
  hex(bytes: 8 | 24): string {
    const at = this.#draw(bytes);
    const digits = this.#digits;
    let bits = 0;
    for (let index = 0; index < bytes; index++) {
      const byte = this.#pool[at + index] as number;
      bits |= byte;
      writeHex(digits, 2 * index, byte);
    }
    if (bits === 0) writeHex(digits, 2 * bytes - 2, 1);
    return digits.toString('latin1', 0, 2 * bytes);
  }

  /** Fills a few bytes, such as the mask of a WebSocket frame, which a peer must not foresee. */
  fill(target: Uint8Array): void {
    const at = this.#draw(target.length);
    target.set(this.#pool.subarray(at, at + target.length));
  }

  /** 16 hexadecimal digits, not all zero (§3.2.2.4). */
  #writeSpan(line: Buffer): void {
    const at = this.#draw(8);
    let sum = 0;
    for (let index = 0; index < 8; index++) {
      const byte = this.#pool[at + index] as number;
      sum |= byte;
      writeHex(line, spanAt + 2 * index, byte);
    }
    if (sum === 0) writeHex(line, spanAt + 14, 1);
  }

  /** The first 48 bits, "xxxxxxxx-xxxx": the same for all ids of a millisecond. */
  #writeTime(wallTime: number): void {
    if (wallTime === this.#lastTime) return;
    const digits = Math.max(0, Math.floor(wallTime)).toString(16).padStart(12, '0').slice(-12);
    this.#lastTime = wallTime;
    this.#id.write(`${digits.slice(0, 8)}-${digits.slice(8)}`, 'latin1');
  }

  #draw(bytes: number): number {
    if (this.#used + bytes > poolBytes) {
      this.#random.fill(this.#pool);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += bytes;
    return at;
  }
}

/** Two digits at `at`. */
function writeHex(target: Uint8Array, at: number, byte: number): void {
  target[at] = hexDigits[byte >> 4] as number;
  target[at + 1] = hexDigits[byte & 0x0f] as number;
}

const acceptable = /^[A-Za-z0-9._~+/=:@-]{1,128}$/;

/**
 * Whether a trusted peer's id may become ours. It goes into logs, pages, links and shell commands, so it holds nothing
 * that any of these would take for something else: 1 to 128 letters, digits and ". _ ~ + / = : @ -".
 */
export function isAcceptableRequestId(text: string): boolean {
  return acceptable.test(text);
}
