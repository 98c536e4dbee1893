import type { Transform } from 'node:stream';
import type { BodySink, BodyTransform } from '../core/filter.ts';
import type { MessageHeaders } from '../core/message.ts';
import type { PoolQueue, PoolWaiter } from '../core/pool-classes.ts';

/** The sender waits while so much has come that no thread has worked on yet. */
const heldMax = 65_536;

/** A whole body up to this size is coded at once, if its coding says no other: that takes less than a millisecond. */
export const syncMax = 16_384;

interface ZlibBodyPorts {
  readonly sink: BodySink;
  readonly pool: PoolQueue;
  /** How much one job gets at most. */
  readonly jobBytes: number;
  /** Up to this size a body that is whole is coded at once. */
  readonly wholeMax?: number;
}

/**
 * A body on its way through a stream of node:zlib. What comes within one read of the sender is one job, so that an application's writes go on as they
 * come. A job runs in Node's pool of threads, one at a time for each body, with a permit of the class `zlib`.
 */
export abstract class ZlibBody implements BodyTransform, PoolWaiter {
  protected readonly sink: BodySink;
  readonly #pool: PoolQueue;
  readonly #jobBytes: number;
  readonly #wholeMax: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #ending: { readonly trailers: MessageHeaders | null } | null = null;
  #stream: Transform | null = null;
  #job: 'none' | 'waits' | 'runs' = 'none';
  #turnIsDue = false;
  #senderWaits = false;
  #receiverHasRoom = true;
  #closed = false;

  constructor({ sink, pool, jobBytes, wholeMax = syncMax }: ZlibBodyPorts) {
    this.sink = sink;
    this.#pool = pool;
    this.#jobBytes = jobBytes;
    this.#wholeMax = wholeMax;
  }

  /**
   * Made when it is first needed. Its `end` finishes the coding; each `write` before it goes on to the receiver. Null: it cannot be made, and the
   * body has failed.
   */
  protected abstract create(): Transform | null;
  /** The whole body at once; null: it goes through the stream. */
  protected abstract whole(bytes: Uint8Array): Uint8Array | null;
  /** The stream has failed. */
  protected abstract failed(error: Error): void;
  /** The stream is not needed any more. */
  protected abstract release(): void;

  /** Owned bytes are copied too: those of a bulk read change with the next read, and another thread reads them. */
  push(bytes: Uint8Array, start: number, end: number): boolean {
    this.#held.push(Buffer.from(bytes.subarray(start, end)));
    this.#heldBytes += end - start;
    if (this.#heldBytes >= heldMax && this.#heldBytes > this.#wholeMax) this.#turn();
    else this.#turnLater();
    this.#senderWaits = this.#heldBytes >= heldMax || !this.#receiverHasRoom;
    return !this.#senderWaits;
  }

  /** After the read of the sender, which may bring more, or the end. */
  #turnLater(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    queueMicrotask(() => {
      this.#turnIsDue = false;
      this.#turn();
    });
  }

  end(trailers: MessageHeaders | null): void {
    this.#ending = { trailers };
    this.#turn();
  }

  onRoom(): void {
    this.#receiverHasRoom = true;
    this.#turn();
    this.#wakeSender();
  }

  #turn(): void {
    if (this.#closed || this.#job !== 'none' || !this.#receiverHasRoom) return;
    if (this.#heldBytes === 0 && this.#ending === null) return;
    if (this.#stream === null && this.#ending !== null && this.#heldBytes <= this.#wholeMax) {
      const whole = this.whole(joined(this.#held));
      if (whole !== null) return this.#finishWith(whole);
      if (this.#closed) return;
    }
    if (this.#pool.tryEnter()) return this.#run();
    this.#job = 'waits';
    this.#pool.wait(this);
  }

  /** Closed before it is written: a receiver that has waited for it, such as a request's buffer that it fills, says at once that it has room. */
  #finishWith(whole: Uint8Array): void {
    const trailers = this.#ending?.trailers ?? null;
    this.close();
    this.sink.write(whole, 0, whole.length, 'owned');
    this.sink.end(trailers);
  }

  onPermit(): void {
    this.#run();
  }

  #run(): void {
    this.#job = 'runs';
    const stream = (this.#stream ??= this.#open());
    if (stream === null) return this.#leave();
    const bytes = this.#take();
    if (this.#ending !== null && this.#heldBytes === 0) stream.end(bytes);
    else stream.write(bytes, this.#onJobDone);
  }

  #open(): Transform | null {
    const stream = this.create();
    if (stream === null) return null;
    stream.on('data', (bytes: Uint8Array) => this.write(bytes));
    stream.on('end', () => this.#onEnd());
    stream.on('error', (error) => this.#onError(error));
    return stream;
  }

  /** At most the bytes of one job. */
  #take(): Uint8Array {
    const bytes = joined(this.#held);
    const rest = bytes.subarray(this.#jobBytes);
    this.#held = rest.length === 0 ? [] : [rest];
    this.#heldBytes = rest.length;
    return rest.length === 0 ? bytes : bytes.subarray(0, this.#jobBytes);
  }

  protected write(bytes: Uint8Array): void {
    if (!this.#closed && !this.sink.write(bytes, 0, bytes.length, 'owned')) this.#receiverHasRoom = false;
  }

  readonly #onJobDone = (error?: Error | null): void => {
    if (this.#closed || (error !== null && error !== undefined)) return; // It has been reported.
    this.#leave();
    this.#turn();
    this.#wakeSender();
  };

  #wakeSender(): void {
    if (this.#closed || !this.#senderWaits || !this.#receiverHasRoom || this.#heldBytes >= heldMax) return;
    this.#senderWaits = false;
    this.sink.resumeSender();
  }

  #leave(): void {
    if (this.#job === 'runs') this.#pool.leave();
    else if (this.#job === 'waits') this.#pool.cancel(this);
    this.#job = 'none';
  }

  #onEnd(): void {
    if (this.#closed) return;
    this.#leave();
    this.#finish();
  }

  #finish(): void {
    const trailers = this.#ending?.trailers ?? null;
    this.close();
    this.sink.end(trailers);
  }

  #onError(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.failed(error);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave();
    this.#held = [];
    this.#stream?.destroy();
    this.release();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
