import { isClientStream } from './protocol.ts';

/** Streams that we have reset: frames that the peer had sent before it knew are passed over. */
const resetKeptMax = 256;

/** Runs of numbers that the peer has not used. No known client leaves any out. */
const skippedKeptMax = 16;

/** Which numbers the streams of a session have used, and how those ended that are not open any more (RFC 9113 §5.1.1). */
export class StreamNumbers {
  lastOfPeer = 0;
  readonly #isServer: boolean;
  #lastOwn = -1;
  /** We take no streams behind this one; null: we do. */
  #lastTaken: number | null = null;
  readonly #reset = new Set<number>();
  /** Streams that the peer has closed by opening one behind them, as ranges. */
  readonly #skipped: { readonly first: number; readonly last: number }[] = [];

  constructor(isServer: boolean) {
    this.#isServer = isServer;
  }

  /** The number of our next stream. */
  takeOwn(): number {
    this.#lastOwn += 2;
    return this.#lastOwn;
  }

  /** Whether we can open another stream: each number is used once. */
  get hasOwn(): boolean {
    return this.#lastOwn < 2 ** 31 - 3;
  }

  /** The peer has opened a stream behind all others of its own. */
  notePeer(streamId: number): void {
    const first = this.lastOfPeer + 2;
    // The first stream has the number 1, the one before it would have -1.
    const from = first % 2 === 0 ? first - 1 : first;
    this.lastOfPeer = streamId;
    if (streamId - 2 < from) return;
    this.#skipped.push({ first: from, last: streamId - 2 });
    if (this.#skipped.length > skippedKeptMax) this.#skipped.shift();
  }

  /** The peer has never used the number of a stream that it has passed by. */
  wasSkipped(streamId: number): boolean {
    return this.#skipped.some(({ first, last }) => streamId >= first && streamId <= last);
  }

  noteReset(streamId: number): void {
    this.#reset.add(streamId);
    if (this.#reset.size <= resetKeptMax) return;
    for (const oldest of this.#reset) {
      this.#reset.delete(oldest);
      return;
    }
  }

  /** Frames of the stream may still be on their way: we have reset it, or do not take it. */
  isPassedOver(streamId: number): boolean {
    return this.#reset.has(streamId) || this.isBehindLastTaken(streamId);
  }

  /** The stream comes behind the last one that we take. */
  isBehindLastTaken(streamId: number): boolean {
    return this.#lastTaken !== null && streamId > this.#lastTaken;
  }

  /** Whether further streams of the peer are taken. */
  get takesMore(): boolean {
    return this.#lastTaken === null;
  }

  /** From now on no further streams of the peer are taken. Returns the last one that is, the same for each call: it must not rise (RFC 9113 §6.8). */
  stopTaking(): number {
    this.#lastTaken ??= this.lastOfPeer;
    return this.#lastTaken;
  }

  /** No HEADERS have opened the stream. */
  isIdle(streamId: number): boolean {
    if (isClientStream(streamId) === this.#isServer) return streamId > this.lastOfPeer;
    return streamId > this.#lastOwn || !isClientStream(streamId);
  }
}
