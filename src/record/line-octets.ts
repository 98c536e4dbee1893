import type { RecordBatch } from './batch.ts';

/**
 * Composes a line as octets, straight into the batch that carries it: prepared fragments are copied, digits and
 * short texts written one by one, and nothing is allocated.
 */
export class LineOctets {
  readonly #batch: RecordBatch;
  #octets: Buffer | null = null;
  #start = 0;
  #at = 0;

  constructor(batch: RecordBatch) {
    this.#batch = batch;
  }

  /** Room for a line of at most `octetsMax`; false when the batch has none, and the line takes the other way. */
  begin(octetsMax: number): boolean {
    this.#octets = this.#batch.reserve(octetsMax);
    this.#start = this.#batch.reservedAt;
    this.#at = this.#start;
    return this.#octets !== null;
  }

  /** The line is whole. Returns its octets. */
  end(): number {
    this.#batch.commit(this.#at);
    return this.#at - this.#start;
  }

  fragment(fragment: Uint8Array): void {
    const octets = this.#octets as Buffer;
    const { length } = fragment;
    // The call costs more than a few octets one by one.
    if (length > 24) octets.set(fragment, this.#at);
    else for (let index = 0; index < length; index++) octets[this.#at + index] = fragment[index] as number;
    this.#at += length;
  }

  /** Text that stands in JSON as it is; false, and the line is to be given up, when it does not. */
  plain(text: string): boolean {
    const octets = this.#octets as Buffer;
    let at = this.#at;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
      octets[at++] = code;
    }
    this.#at = at;
    return true;
  }

  /** ASCII of our own making. */
  ascii(text: string): void {
    const octets = this.#octets as Buffer;
    let at = this.#at;
    for (let index = 0; index < text.length; index++) octets[at++] = text.charCodeAt(index);
    this.#at = at;
  }

  /** A whole number from 0; what is none is 0. */
  count(value: number): void {
    if (!(value > 0)) return this.#octet(zero);
    if (value > smallIntegerMax) return this.ascii(String(Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER)));
    this.#digits(Math.floor(value));
  }

  /** As `milliseconds` of `json-text.ts` writes them: at most three decimals, without zeros at the end. */
  milliseconds(ms: number): void {
    if (!(ms > 0)) return this.#octet(zero);
    if (ms >= smallIntegerMax / 1000) return this.ascii(String(Math.min(Math.round(ms), Number.MAX_SAFE_INTEGER)));
    const whole = Math.floor(ms);
    const part = Math.round((ms - whole) * 1000);
    this.#digits(part === 1000 ? whole + 1 : whole);
    if (part > 0 && part < 1000) this.#decimals(part);
  }

  millisecondsOrNull(ms: number): void {
    if (ms >= 0) this.milliseconds(ms);
    else this.ascii('null');
  }

  #octet(code: number): void {
    (this.#octets as Buffer)[this.#at++] = code;
  }

  #digits(value: number): void {
    const octets = this.#octets as Buffer;
    let places = 1;
    for (let bound = 10; value >= bound; bound *= 10) places++;
    let rest = value;
    for (let at = this.#at + places - 1; at >= this.#at; at--) {
      const next = Math.floor(rest / 10);
      octets[at] = zero + rest - next * 10;
      rest = next;
    }
    this.#at += places;
  }

  /** ".5", ".04", ".003": thousandths, from 1 to 999. */
  #decimals(thousandths: number): void {
    this.#octet(0x2e);
    this.#octet(zero + Math.floor(thousandths / 100));
    const hundredths = thousandths % 100;
    if (hundredths === 0) return;
    this.#octet(zero + Math.floor(hundredths / 10));
    if (hundredths % 10 > 0) this.#octet(zero + (hundredths % 10));
  }
}

const zero = 0x30;
const smallIntegerMax = 2_147_483_647;
