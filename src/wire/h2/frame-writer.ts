import { copyBytes } from '../../core/copy-bytes.ts';
import { defaultFrameBytes, frameFlags, frameHeaderBytes, frameTypes } from './protocol.ts';

/** Where the frames of one connection are composed until they are sent. */
const bufferBytes = 64 * 1024;

/** Kept for the connections that compose next: 1 MiB per thread at most. */
const keptMax = 16;
const kept: Buffer[] = [];

/**
 * Composes frames (RFC 9113 §4.1), those of all streams of a connection in one buffer, so that the frames of one turn leave in one system call.
 *
 * The buffer is the connection's only while it holds frames. `take` gives it to the caller, who gives it back by `giveBack` when
 * its bytes have been sent, and never while they are pending.
 */
export class FrameWriter {
  #bytes: Buffer | null = null;
  #length = 0;
  /** How often composed frames were taken: a frame can be changed only within its composition. */
  generation = 0;

  /** Composed bytes. */
  get length(): number {
    return this.#length;
  }

  /** How many bytes of DATA still fit. */
  get roomForData(): number {
    return bufferBytes - this.#length - frameHeaderBytes;
  }

  /** Hands the composed bytes over: the first `length` of the result. Null: there are none. */
  take(): Buffer | null {
    const bytes = this.#bytes;
    this.#bytes = null;
    this.#length = 0;
    this.generation++;
    return bytes;
  }

  /** The bytes of `take` have been sent or copied. */
  giveBack(bytes: Buffer): void {
    if (bytes.length === bufferBytes && kept.length < keptMax) kept.push(bytes);
  }

  /** Forgets what is composed: the connection has ended. */
  discard(): void {
    const bytes = this.take();
    if (bytes !== null) this.giveBack(bytes);
  }

  data(streamId: number, source: Uint8Array, start: number, end: number, endsStream: boolean): void {
    const at = this.#begin(end - start, frameTypes.data, endsStream ? frameFlags.endStream : 0, streamId);
    copyBytes(source, start, end, this.#bytes as Buffer, at);
    this.#length += end - start;
  }

  /** A header block, in as many frames as it takes (§6.2, §6.10). */
  headers(streamId: number, block: Uint8Array, start: number, end: number, endsStream: boolean): void {
    let type: number = frameTypes.headers;
    let at = start;
    do {
      const stop = Math.min(end, at + defaultFrameBytes);
      const isLast = stop === end ? frameFlags.endHeaders : 0;
      const isEnd = endsStream && type === frameTypes.headers ? frameFlags.endStream : 0;
      const to = this.#begin(stop - at, type, isLast | isEnd, streamId);
      copyBytes(block, at, stop, this.#bytes as Buffer, to);
      this.#length += stop - at;
      type = frameTypes.continuation;
      at = stop;
    } while (at < end);
  }

  /** Where the next frame begins: for `endStreamAt`. */
  get position(): number {
    return this.#length;
  }

  /** Sets END_STREAM in the HEADERS or DATA frame at `at`, which this composition must have. */
  endStreamAt(at: number): void {
    const bytes = this.#bytes as Buffer;
    bytes[at + 4] = (bytes[at + 4] as number) | frameFlags.endStream;
  }

  reset(streamId: number, code: number): void {
    this.#begin(4, frameTypes.rstStream, 0, streamId);
    this.#word(code);
  }

  settings(settings: readonly (readonly [id: number, value: number])[]): void {
    this.#begin(settings.length * 6, frameTypes.settings, 0, 0);
    for (const [id, value] of settings) {
      this.#byte(id >> 8);
      this.#byte(id);
      this.#word(value);
    }
  }

  settingsAck(): void {
    this.#begin(0, frameTypes.settings, frameFlags.ack, 0);
  }

  ping(isAck: boolean, payload: Uint8Array, start: number): void {
    const at = this.#begin(8, frameTypes.ping, isAck ? frameFlags.ack : 0, 0);
    copyBytes(payload, start, start + 8, this.#bytes as Buffer, at);
    this.#length += 8;
  }

  /** `text`: debug data in visible ASCII. */
  goAway(lastStreamId: number, code: number, text: string): void {
    this.#begin(8 + text.length, frameTypes.goAway, 0, 0);
    this.#word(lastStreamId);
    this.#word(code);
    this.text(text);
  }

  windowUpdate(streamId: number, bytes: number): void {
    this.#begin(4, frameTypes.windowUpdate, 0, streamId);
    this.#word(bytes);
  }

  /** Visible ASCII, such as the preface of a client. */
  text(text: string): void {
    this.#makeRoom(text.length);
    (this.#bytes as Buffer).write(text, this.#length, 'latin1');
    this.#length += text.length;
  }

  /** Writes a frame's header, and makes room for its payload. Returns where that begins. */
  #begin(length: number, type: number, flags: number, streamId: number): number {
    this.#makeRoom(frameHeaderBytes + length);
    const bytes = this.#bytes as Buffer;
    const at = this.#length;
    bytes[at] = length >> 16;
    bytes[at + 1] = length >> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = streamId >> 24;
    bytes[at + 6] = streamId >> 16;
    bytes[at + 7] = streamId >> 8;
    bytes[at + 8] = streamId;
    this.#length = at + frameHeaderBytes;
    return this.#length;
  }

  #byte(value: number): void {
    (this.#bytes as Buffer)[this.#length++] = value;
  }

  #word(value: number): void {
    const bytes = this.#bytes as Buffer;
    const at = this.#length;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >> 16;
    bytes[at + 2] = value >> 8;
    bytes[at + 3] = value;
    this.#length = at + 4;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    const own = this.#bytes;
    if (own !== null && needed <= own.length) return;
    const larger =
      needed <= bufferBytes ? (kept.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)) : Buffer.allocUnsafeSlow(needed * 2);
    if (own !== null) {
      own.copy(larger, 0, 0, this.#length);
      this.giveBack(own);
    }
    this.#bytes = larger;
  }
}
