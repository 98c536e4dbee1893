import type { Random } from '../core/random.ts';

/** "00" to "ff". */
const hex: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

/** Random octets are drawn this many at a time: one system call for some two hundred ids. */
const poolOctets = 2048;

/**
 * Makes request ids and span ids. Request ids are UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, so that they
 * sort by time, then 74 random bits. About 0.2 µs each.
 */
export class IdSource {
  readonly #random: Random;
  readonly #pool = new Uint8Array(poolOctets);
  #used = poolOctets;
  #lastTime = -1;
  #timeText = '';

  constructor(random: Random) {
    this.#random = random;
  }

  /** `wallTime` is milliseconds since the Unix epoch. */
  requestId(wallTime: number): string {
    const time = this.#time(wallTime);
    const at = this.#draw(10);
    const pool = this.#pool;
    const version = 0x70 | ((pool[at] as number) & 0x0f);
    const variant = 0x80 | ((pool[at + 2] as number) & 0x3f);
    return `${time}-${hex[version]}${this.#hex(at + 1, 1)}-${hex[variant]}${this.#hex(at + 3, 1)}-${this.#hex(at + 4, 6)}`;
  }

  /** 16 hexadecimal digits, not all zero (W3C Trace Context §3.2.2.4). */
  spanId(): string {
    const text = this.#hex(this.#draw(8), 8);
    return text === '0000000000000000' ? '0000000000000001' : text;
  }

  /** The first 48 bits, "xxxxxxxx-xxxx": the same for all ids of a millisecond. */
  #time(wallTime: number): string {
    if (wallTime !== this.#lastTime) {
      const digits = Math.max(0, Math.floor(wallTime)).toString(16).padStart(12, '0').slice(-12);
      this.#lastTime = wallTime;
      this.#timeText = `${digits.slice(0, 8)}-${digits.slice(8)}`;
    }
    return this.#timeText;
  }

  #draw(octets: number): number {
    if (this.#used + octets > poolOctets) {
      this.#random.fill(this.#pool);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += octets;
    return at;
  }

  #hex(at: number, octets: number): string {
    let text = '';
    for (let index = at; index < at + octets; index++) text += hex[this.#pool[index] as number];
    return text;
  }
}

const acceptable = /^[A-Za-z0-9._~+/=:@-]{1,128}$/;

/**
 * Whether a trusted peer's id may become ours. It goes into logs, pages, links and shell commands, so it holds nothing
 * that any of these would take for something else: 1 to 128 letters, digits and ". _ ~ + / = : @ -".
 */
export function isAcceptableRequestId(text: string): boolean {
  return acceptable.test(text);
}
