import { assert } from '../src/core/assert.ts';
import { writeDigits } from '../src/core/copy-bytes.ts';

/** Each fixture has a header with this many digits in one place: in the session cookie, or in the date. */
const lowest = 1000;
const highest = 9999;

/** A message whose headers differ in four digits each time, as if the client sent a trace id or the endpoint set a session. */
export class NewEachTime {
  readonly #bytes: Buffer;
  readonly #at: number;
  #number = lowest;

  constructor(bytes: Buffer) {
    this.#bytes = Buffer.from(bytes);
    this.#at = /(?<=session=)\d{4}|(?<=Date: .*)\d{4}/.exec(bytes.toString('latin1'))?.index ?? -1;
    assert(this.#at > 0, 'the message has a session or a date');
  }

  /** Valid until the next call. */
  next(): Buffer {
    this.#number = this.#number === highest ? lowest : this.#number + 1;
    writeDigits(this.#bytes, this.#at, this.#number);
    return this.#bytes;
  }
}
