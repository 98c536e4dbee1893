import { copyBytes, digitsBytesMax, digitsValueMax, writeDigits, writeText } from '../core/copy-bytes.ts';
import type { HeaderSink } from '../core/message.ts';
import type { Transport } from '../core/transport.ts';
import { COLON, CR, LF, SP } from './characters.ts';

/** Composes a message in the writer, which sends it over `transport`. */
export interface Composer {
  readonly transport: Transport;
}

/** Room that one message head may need beyond the headers that are copied into it. */
const sizeBytes = 64 * 1024;

/**
 * One buffer per thread in which every outgoing message is composed, head and body together, so that a small message
 * leaves in one system call.
 *
 * One composer uses it at a time: `claim` first sends the bytes of another composer. When the kernel does not take
 * everything at once the buffer stays with the pending write, and the next message gets a new one: bytes that wait are
 * never overwritten (a shared buffer under a pending write mixes clients' bytes).
 *
 * Measured: composing a 600-byte head from copied header ranges takes about 0.4 µs.
 */
export class ByteWriter implements HeaderSink {
  #bytes: Buffer = Buffer.allocUnsafeSlow(sizeBytes);
  #length = 0;
  #composer: Composer | null = null;

  /** Makes `composer` the only one in the buffer; the bytes of another composer are sent first. */
  claim(composer: Composer): void {
    if (this.#composer === composer) return;
    if (this.#composer !== null) this.flush(this.#composer);
    this.#composer = composer;
  }

  /** Bytes composed and not yet sent by `composer`. */
  composed(composer: Composer): number {
    return this.#composer === composer ? this.#length : 0;
  }

  /** Sends what `composer` has composed. Returns false while some of it is pending. */
  flush(composer: Composer): boolean {
    if (this.#composer !== composer) return composer.transport.pendingBytes === 0;
    const length = this.#length;
    this.#composer = null;
    this.#length = 0;
    if (length === 0) return composer.transport.pendingBytes === 0;
    const bytes = this.#bytes;
    if (composer.transport.write(bytes, 0, length, 'owned')) return true;
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes);
    return false;
  }

  /** Discards what `composer` has composed, because its connection closes. */
  discard(composer: Composer): void {
    if (this.#composer !== composer) return;
    this.#composer = null;
    this.#length = 0;
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    this.#makeRoom(end - start);
    copyBytes(source, start, end, this.#bytes, this.#length);
    this.#length += end - start;
  }

  /** Text whose characters are all below 256. */
  text(text: string): void {
    this.#makeRoom(text.length);
    this.#length = writeText(this.#bytes, this.#length, text);
  }

  /** A whole number from 0, in decimal digits. */
  count(value: number): void {
    if (value > digitsValueMax) return this.text(String(value));
    this.#makeRoom(digitsBytesMax);
    this.#length = writeDigits(this.#bytes, this.#length, value);
  }

  header(name: string, value: string): void {
    this.#makeRoom(name.length + value.length + 4);
    const target = this.#bytes;
    let at = writeText(target, this.#length, name);
    target[at++] = COLON;
    target[at++] = SP;
    at = writeText(target, at, value);
    target[at++] = CR;
    target[at++] = LF;
    this.#length = at;
  }

  headerLines(bytes: Uint8Array, start: number, end: number): void {
    this.bytes(bytes, start, end);
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    // Only a head near its limit gets here: a body is written in parts that fit.
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
