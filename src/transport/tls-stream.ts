import { constants } from 'node:os';
import {
  type EndPoint,
  type HandleOwner,
  type ShutdownRequest,
  type StreamHandle,
  type StreamInternals,
  streamInternals,
  type WriteRequest,
} from './stream-handle.ts';
import type { TlsHandle } from './tls-internals.ts';

/** What a write may leave to later before the writer is told to wait. */
const queuedBytesMax = 64 * 1024;

/** Node encrypts and sends at least so much of a write at once. */
const sentAtOnceMax = 128 * 1024;

/** Slices up to this size may be parts of a page of the outbox, which is used again although the writer waits. */
const copiedMax = 16 * 1024;

const internals = streamInternals as StreamInternals;

/**
 * A TLS session as a stream handle, so that `HandleTransport` reads and writes it as it does the connection below.
 *
 * Node's session takes one write at a time, and reports its end only in the next turn, even when the kernel has taken
 * every byte. So further writes are queued here until then. They do not count as pending while they are few.
 */
export class TlsStream implements StreamHandle {
  readonly #session: TlsHandle;
  readonly #below: StreamHandle;
  /** The session has a write that it has not reported yet. */
  #isWriting = false;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Writers that wait: `oncomplete` is called once all bytes are with the kernel. */
  #waiting: WriteRequest[] = [];
  /** Asked for while bytes were queued. */
  #shutdown: ShutdownRequest | null = null;
  #isClosed = false;

  constructor(session: TlsHandle, below: StreamHandle) {
    this.#session = session;
    this.#below = below;
  }

  // The session calls `onread` with itself as `this`, and the transport is looked up there: a read costs nothing here.

  get owner(): HandleOwner {
    return this.#session.owner;
  }

  set owner(owner: HandleOwner) {
    this.#session.owner = owner;
  }

  get onread(): StreamHandle['onread'] {
    return this.#session.onread;
  }

  set onread(onread: StreamHandle['onread']) {
    this.#session.onread = onread;
  }

  get fd(): number {
    return this.#below.fd;
  }

  get writeQueueSize(): number {
    return this.#below.writeQueueSize + this.#queuedBytes;
  }

  receive(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#session.receive(bytes);
  }

  useUserBuffer(buffer: Uint8Array): void {
    this.#session.useUserBuffer(buffer);
  }

  /** The connection below may be reading already. */
  readStart(): number {
    const status = this.#session.readStart();
    return status === alreadyReading ? 0 : status;
  }

  readStop(): number {
    return this.#session.readStop();
  }

  writeBuffer(_: null, bytes: Uint8Array): number | WriteRequest {
    if (this.#isWriting) return this.#enqueue(bytes);
    const failed = this.#write(bytes);
    if (failed < 0) return failed;
    return this.#isWriting && (bytes.length > sentAtOnceMax || this.#below.writeQueueSize > 0) ? this.#waiter() : 0;
  }

  /** A writer that is not told to wait may use its bytes again at once. */
  #enqueue(bytes: Uint8Array): number | WriteRequest {
    const fits = this.#queuedBytes + bytes.length <= queuedBytesMax;
    this.#queue.push(fits || bytes.length <= copiedMax ? Buffer.from(bytes) : bytes);
    this.#queuedBytes += bytes.length;
    return fits ? 0 : this.#waiter();
  }

  /** Encrypts the bytes at once: they may change afterwards. */
  #write(bytes: Uint8Array): number {
    const request = this.#session.writeBuffer(null, bytes);
    if (typeof request === 'number') return request;
    const failed = internals.streamBaseState[internals.kLastWriteErr] as number;
    if (failed < 0) return failed;
    // The connection below has refused the bytes already: no callback follows.
    const status = request.writeStatus ?? null;
    if (status !== null) return Math.min(status, 0);
    request.handle = this;
    request.buffer = bytes;
    request.oncomplete = onSessionWritten;
    this.#isWriting = true;
    return 0;
  }

  #waiter(): WriteRequest {
    const request: WriteRequest = { handle: this, buffer: noBytes, oncomplete: noop, writeStatus: null };
    this.#waiting.push(request);
    (internals.streamBaseState as Int32Array)[internals.kLastWriteErr] = 0;
    return request;
  }

  /** For the session's write requests alone. */
  onSessionWritten(status: number): void {
    this.#isWriting = false;
    if (this.#isClosed) return;
    if (this.#queue.length === 0) return this.#allWritten(status);
    const bytes = this.#queue.length === 1 ? (this.#queue[0] as Uint8Array) : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queuedBytes = 0;
    const failed = status < 0 ? status : this.#write(bytes);
    if (failed < 0 || !this.#isWriting) this.#allWritten(failed);
  }

  #allWritten(status: number): void {
    const waiting = this.#waiting;
    if (waiting.length > 0) this.#waiting = [];
    for (const request of waiting) request.oncomplete(status);
    const shutdown = this.#shutdown;
    this.#shutdown = null;
    if (this.#isClosed) return;
    if (status < 0) {
      if (waiting.length === 0) this.owner.onHandleFailed(status);
      return;
    }
    if (shutdown === null) return;
    const failed = this.#session.shutdown(shutdown);
    if (failed < 0) this.owner.onHandleFailed(failed);
  }

  /** Sends `close_notify`, then FIN. */
  shutdown(request: ShutdownRequest): number {
    if (!this.#isWriting) return this.#session.shutdown(request);
    this.#shutdown = request;
    return 0;
  }

  reset(onClosed: (this: StreamHandle) => void): number {
    return this.#below.reset(this.#closing(onClosed));
  }

  close(onClosed: (this: StreamHandle) => void = noop): void {
    this.#below.close(this.#closing(onClosed));
  }

  #closing(onClosed: (this: StreamHandle) => void): () => void {
    return () => {
      this.#isClosed = true;
      onClosed.call(this);
      this.#session.destroySSL(); // libuv calls this, never OpenSSL.
    };
  }

  getpeername(into: EndPoint): number {
    return this.#below.getpeername(into);
  }

  getsockname(into: EndPoint): number {
    return this.#below.getsockname(into);
  }

  setNoDelay(on: boolean): number {
    return this.#below.setNoDelay(on);
  }
}

const alreadyReading = -constants.errno.EALREADY;

const noBytes = new Uint8Array(0);

function noop(): void {}

function onSessionWritten(this: WriteRequest, status: number): void {
  (this.handle as TlsStream).onSessionWritten(status);
}
