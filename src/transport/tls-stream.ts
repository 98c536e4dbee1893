import { constants } from 'node:os';
import { atEndOfTurn } from './outbox.ts';
import {
  type EndPoint,
  type HandleOwner,
  type ShutdownRequest,
  type StreamHandle,
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

const internals = streamInternals;

/**
 * A TLS session as a stream handle, so that `HandleTransport` reads and writes it as it does the connection below.
 *
 * Node's session takes one write at a time, and ends it only in the next turn, even when the kernel has taken every byte. So
 * further writes are queued here until then. They do not count as pending while they are few.
 *
 * Nobody is called at the end of a write unless somebody waits for it: the call takes longer than the rest of a small write.
 */
export class TlsStream implements StreamHandle {
  readonly #session: TlsHandle;
  readonly #below: StreamHandle;
  /** The session's write that is not known to have ended. */
  #last: WriteRequest | null = null;
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
    const status = this.#lastStatus();
    if (status === null) return this.#enqueue(bytes);
    const failed = status < 0 ? status : this.#write(bytes);
    if (failed < 0 || this.#last === null) return failed;
    return bytes.length > sentAtOnceMax || this.#below.writeQueueSize > 0 ? this.#waiter() : 0;
  }

  /** How the last write ended; null while it lasts. */
  #lastStatus(): number | null {
    const status = this.#last === null ? 0 : (this.#last.writeStatus ?? null);
    if (status === 0) this.#last = null;
    return status;
  }

  /** A writer that is not told to wait may use its bytes again at once. */
  #enqueue(bytes: Uint8Array): number | WriteRequest {
    const fits = this.#queuedBytes + bytes.length <= queuedBytesMax;
    this.#queue.push(fits || bytes.length <= copiedMax ? Buffer.from(bytes) : bytes);
    this.#queuedBytes += bytes.length;
    if (!fits) return this.#waiter();
    this.#watch();
    return 0;
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
    this.#last = request;
    return 0;
  }

  /** Somebody waits for the end of the last write. */
  #watch(): void {
    const last = this.#last as WriteRequest;
    last.handle = this;
    last.oncomplete = onSessionWritten;
  }

  #waiter(): WriteRequest {
    this.#watch();
    const request: WriteRequest = { handle: this, buffer: noBytes, oncomplete: noop, writeStatus: null };
    this.#waiting.push(request);
    (internals.streamBaseState as Int32Array)[internals.kLastWriteErr] = 0;
    return request;
  }

  /** For the session's write requests alone. */
  onSessionWritten(status: number): void {
    this.#last = null;
    if (this.#isClosed) return;
    if (this.#queue.length === 0) return this.#allWritten(status);
    const bytes = this.#queue.length === 1 ? (this.#queue[0] as Uint8Array) : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queuedBytes = 0;
    const failed = status < 0 ? status : this.#write(bytes);
    if (failed < 0 || this.#lastStatus() !== null) this.#allWritten(failed);
    else this.#watch();
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
    const failed = this.#shutDown(shutdown);
    if (failed < 0) this.owner.onHandleFailed(failed);
  }

  /** Sends `close_notify`, then FIN. */
  shutdown(request: ShutdownRequest): number {
    if (this.#lastStatus() !== null) return this.#shutDown(request);
    this.#watch();
    this.#shutdown = request;
    return 0;
  }

  /** A close sends FIN too: where nothing else follows, it need not wait a turn for a FIN of its own. */
  #shutDown(request: ShutdownRequest): number {
    const status = this.#session.shutdown(request);
    if (status < 0 || request.closes !== true || this.#below.writeQueueSize > 0) return status;
    request.oncomplete = undefined;
    this.owner.onHandleShut();
    return status;
  }

  reset(onClosed: (this: StreamHandle) => void): number {
    return this.#below.reset(this.#closing(onClosed));
  }

  close(onClosed?: (this: StreamHandle) => void): void {
    if (onClosed !== undefined) return this.#below.close(this.#closing(onClosed));
    this.#isClosed = true;
    this.#below.close();
    destroyAtEndOfTurn(this.#session);
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

/**
 * OpenSSL must not be in the middle of a call when its session is destroyed, and ticks run within its calls. A callback of the
 * handle's close would be a call from Node for each session.
 */
function destroyAtEndOfTurn(session: TlsHandle): void {
  if (closedSessions.push(session) === 1) atEndOfTurn(destroySessions);
}

function destroySessions(): void {
  const sessions = closedSessions;
  closedSessions = [];
  for (const session of sessions) session.destroySSL();
}

let closedSessions: TlsHandle[] = [];

const alreadyReading = -constants.errno.EALREADY;

const noBytes = new Uint8Array(0);

function noop(): void {}

function onSessionWritten(this: WriteRequest, status: number): void {
  (this.handle as TlsStream).onSessionWritten(status);
}
