import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { Ownership } from '../core/message.ts';
import type {
  Transport,
  TransportFacts,
  TransportListener,
  TurnEndListener,
  NextTurnListener,
} from '../core/transport.ts';
import { HandleFacts } from './handle-facts.ts';
import { heldSliceBytesMax, noBytes, outbox, type OutboxHolder } from './outbox.ts';
import { bulkBytes, sharedReadBuffer, isQuietAt, readAheadAt, readUnread } from './unread-bytes.ts';
import {
  type HandleOwner,
  type ShutdownRequest,
  type StreamHandle,
  streamInternals,
  type WriteRequest,
} from './stream-handle.ts';

/** libuv's number for the end of a stream, on all systems. */
const endOfFile = -4095;

/** As the system numbers it. */
const reset = -constants.errno.ECONNRESET;

const internals = streamInternals;

/**
 * A transport over libuv's handle of a connection, accepted or made, without a socket of Node's: no streams, events, closures or
 * deferred ticks.
 *
 * Measured: accepting a connection, answering and closing takes 50 to 60 µs of CPU, most of them the kernel's, against 95
 * with one socket of Node's, and 110 with the two that reading into our own buffers needs there.
 */
export class HandleTransport implements Transport, OutboxHolder, HandleOwner {
  listener: TransportListener = ignoringListener;
  readonly facts: TransportFacts;
  heldBytes = 0;
  sentBytes = 0;
  refused: Uint8Array = noBytes;
  readonly #handle: StreamHandle;
  /** Kept alive here, since libuv has only the address of the buffer. */
  #buffer: Uint8Array = sharedReadBuffer;
  /** Another buffer for the next reads. */
  #nextBuffer: 'shared' | 'bulk' | undefined = undefined;
  #reads = true;
  /** Writes that the kernel has not accepted completely. */
  #pendingWrites = 0;
  /** `onWritten` is due when there are none any more. */
  #reportsWritten = false;
  /** What follows once every byte has been sent. */
  #then: 'nothing' | 'end' | 'close' = 'nothing';
  #ended = false;
  /** FIN has been asked for and not sent yet. */
  #sendsFin = false;
  #peerEnded = false;
  /** Bytes that `hasUnread` has read ahead and that the listener has not received yet. */
  #unread: Uint8Array | null = null;
  /** What a TLS session has delivered after `pause`. */
  #decrypted: Uint8Array = noBytes;
  /** The end has come behind `#decrypted`. */
  #endWaits = false;
  #closing = false;
  #errno: string | null = null;
  /** The error of the write that failed: below 0 until the connection closes, a tick later. */
  #brokenBy = 0;

  readonly #savesUnread: boolean;

  constructor(handle: StreamHandle, { savesUnread = false, facts = new HandleFacts(handle) }: HandleOptions = {}) {
    this.#handle = handle;
    this.#savesUnread = savesUnread;
    this.facts = facts;
    handle.owner = this;
    handle.onread = onRead;
    handle.useUserBuffer(sharedReadBuffer);
    // Reset before it was accepted. Its bytes could still be read, but its address is unknown.
    if (this.facts.remoteAddress === '') this.#check(reset);
    else this.#check(handle.readStart());
  }

  // Reading.

  onHandleRead(bytesOrError: number): Uint8Array | undefined {
    if (this.#closing) return undefined;
    if (bytesOrError > 0) this.#read(bytesOrError);
    else if (bytesOrError === endOfFile) this.#endCame();
    else this.#check(bytesOrError);
    return this.#nextBuffer === undefined ? undefined : this.#changeBuffer(this.#nextBuffer);
  }

  /** Changes to another buffer. A large one is made only when bytes are to be read into it: most that pause after a read are not resumed soon. */
  #changeBuffer(next: 'shared' | 'bulk'): Uint8Array | undefined {
    if (next === 'bulk' && this.#reads) {
      this.#nextBuffer = undefined;
      return (this.#buffer = Buffer.allocUnsafeSlow(bulkBytes));
    }
    if (next === 'shared') this.#nextBuffer = undefined;
    if (this.#buffer === sharedReadBuffer) return undefined;
    return (this.#buffer = sharedReadBuffer);
  }

  /** A TLS session delivers what it has decrypted although reading was stopped: that waits for `resume`. */
  #read(length: number): void {
    if (this.#reads) this.listener.onBytes(this.#buffer, 0, length);
    else this.#decrypted = Buffer.concat([this.#decrypted, this.#buffer.subarray(0, length)]);
  }

  #endCame(): void {
    if (this.#decrypted.length > 0) {
      this.#endWaits = true;
      return;
    }
    this.#peerEnded = true;
    this.#reads = false;
    this.listener.onEnd();
    // Otherwise `onHandleShut` closes: bytes may still be on their way.
    if (this.#ended && !this.#sendsFin) this.#close();
  }

  pause(): void {
    if (!this.#reads || this.#closing) return;
    this.#reads = false;
    this.#check(this.#handle.readStop());
  }

  resume(): void {
    if (this.#reads || this.#closing || this.#peerEnded) return;
    this.#reads = true;
    if (this.#unread !== null || this.#decrypted.length > 0) process.nextTick(deliverUnread, this as HandleTransport);
    this.#check(this.#handle.readStart());
  }

  readInBulk(bulk: boolean): void {
    if (this.facts.tls !== null) return; // A read is one record of at most 16 KiB.
    const isBulk = this.#nextBuffer === undefined ? this.#buffer !== sharedReadBuffer : this.#nextBuffer === 'bulk';
    if (bulk !== isBulk) this.#nextBuffer = bulk ? 'bulk' : 'shared';
  }

  isQuiet(): boolean {
    if (this.#closing || this.#unread !== null || this.#decrypted.length > 0) return false;
    return isQuietAt(this.#handle.fd);
  }

  hasUnread(): boolean {
    if (this.#closing || this.#peerEnded) return false;
    if (this.#unread !== null || this.#decrypted.length > 0) return true;
    this.#unread = readAheadAt(this.#handle.fd);
    if (this.#unread === null) return false;
    // Before libuv reads again, and not now: the caller may be reading another connection's bytes.
    process.nextTick(deliverUnread, this as HandleTransport);
    return true;
  }

  /** For `hasUnread` alone. */
  deliverUnread(): void {
    if (!this.#deliverDecrypted()) return;
    const unread = this.#unread;
    if (unread === null || !this.#reads || this.#closing) return;
    this.#unread = null;
    if (this.#handle.receive === undefined) this.listener.onBytes(unread, 0, unread.length);
    else this.#handle.receive(unread); // It comes decrypted by `onHandleRead`.
  }

  /** False: it cannot be delivered now, and nothing behind it. */
  #deliverDecrypted(): boolean {
    if (this.#decrypted.length === 0) return true;
    if (!this.#reads || this.#closing) return false;
    const bytes = this.#decrypted;
    this.#decrypted = noBytes;
    this.listener.onBytes(bytes, 0, bytes.length);
    if (this.#endWaits && this.#decrypted.length === 0) this.#endCame();
    return true;
  }

  // Writing.

  get pendingBytes(): number {
    return this.#pendingWrites === 0 || this.#closing ? 0 : this.#handle.writeQueueSize;
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#closing) return true;
    const isSmall = end - start <= heldSliceBytesMax;
    if (isSmall && this.#pendingWrites === 0) {
      outbox.hold(this, bytes, start, end);
      return true;
    }
    if (this.heldBytes > 0) outbox.flush();
    const slice = bytes.subarray(start, end);
    // A small part that must wait is copied, so that it does not keep the large buffer alive that it may be part of.
    if (this.#send(ownership === 'owned' && !isSmall ? slice : Buffer.from(slice))) this.sentBytes += end - start;
    if (this.#pendingWrites === 0) return true;
    this.#reportsWritten = true;
    return false;
  }

  sendHeld(slice: Uint8Array): boolean {
    this.heldBytes -= slice.length;
    const waits = this.#pendingWrites > 0; // All of it will have to: a copy keeps no more than itself.
    // A write that fails at once fails as a whole: RST had come before, and no byte was sent.
    if (this.#send(waits ? Buffer.from(slice) : slice)) this.sentBytes += slice.length;
    else this.refused = Buffer.concat([this.refused, slice]);
    // The sender was told that the bytes were taken, so it hears by `onWritten` when they have been sent.
    if (this.#pendingWrites > 0) this.#reportsWritten = true;
    if (this.#then !== 'nothing') this.#goOn();
    return waits || this.#pendingWrites === 0;
  }

  /** False: the system refused them whole. Where a part is pending, the bytes must stay as they are. */
  #send(bytes: Uint8Array): boolean {
    if (this.#closing || this.#brokenBy < 0) return false;
    const request = this.#handle.writeBuffer(null, bytes);
    if (typeof request === 'number') return this.#checkWrite(request);
    if (!this.#checkWrite(internals.streamBaseState[internals.kLastWriteErr] as number)) return false;
    this.#pendingWrites++;
    request.handle = this.#handle;
    request.buffer = bytes;
    request.oncomplete = onWritten;
    const status = request.writeStatus ?? null;
    if (status !== null) process.nextTick(reportWritten, this as HandleTransport, status);
    return true;
  }

  onHandleWritten(status: number): void {
    this.#pendingWrites--;
    if (this.#closing || !this.#checkWrite(status) || this.#pendingWrites > 0) return;
    this.#goOn();
    if (!this.#reportsWritten || this.#closing) return;
    this.#reportsWritten = false;
    this.listener.onWritten();
  }

  notifyAtTurnEnd(listener: TurnEndListener): void {
    outbox.notifyAtTurnEnd(listener);
  }

  notifyNextTurn(listener: NextTurnListener): void {
    outbox.notifyNextTurn(listener);
  }

  reclaimUnsent(): Uint8Array {
    return this.heldBytes > 0 || this.refused.length > 0 ? outbox.reclaimUnsent(this) : noBytes;
  }

  // Ending.

  end(then: 'end' | 'close' = 'end'): void {
    if (this.#then !== 'close') this.#then = then;
    this.#goOn();
  }

  /** Does what was asked for once every byte has been sent. */
  #goOn(): void {
    if (this.#then === 'nothing' || this.heldBytes > 0 || this.#pendingWrites > 0 || this.#closing) return;
    // A TLS session may still have bytes, and a peer that is not told of the end takes it for a cut (RFC 8446 §6.1).
    const closesNow = this.#then === 'close' && (this.facts.tls === null || (this.#ended && !this.#sendsFin));
    if (closesNow) this.#close();
    else if (!this.#ended) this.#sendFin();
  }

  #sendFin(): void {
    this.#ended = true;
    const request = new internals.ShutdownWrap();
    request.handle = this.#handle;
    request.oncomplete = onShut;
    request.closes = this.#then === 'close';
    const failed = this.#handle.shutdown(request);
    this.#sendsFin = failed === 0 && !this.#closing;
    if (failed < 0) this.#close(); // Its end has come in between.
  }

  onHandleShut(): void {
    this.#sendsFin = false;
    if (this.#peerEnded || this.#then === 'close') this.#close();
  }

  onHandleFailed(status: number): void {
    this.#check(status);
  }

  close(how: 'close' | 'reset'): void {
    if (this.#closing) return;
    if (this.heldBytes > 0) outbox.flush();
    // While FIN is being sent a reset is refused (EINVAL), and Node would wait for ever for the close of the handle. A unix socket has none.
    if (how === 'close' || this.#sendsFin || this.#closing || this.facts.kind === 'unix') return this.#close();
    this.#closing = true;
    if (this.#handle.reset(onClosed) < 0) this.#handle.close(onClosed);
  }

  /**
   * False: the connection cannot be written to any more. What the peer had sent is read first, in a later tick: a caller
   * further out may be reading from the shared buffer, or sending held bytes.
   */
  #checkWrite(status: number): boolean {
    if (status >= 0 || !this.#savesUnread) return this.#check(status);
    if (this.#closing || this.#brokenBy < 0) return false;
    this.#brokenBy = status;
    process.nextTick(closeBroken, this as HandleTransport);
    return false;
  }

  /** For `#checkWrite` alone. */
  closeBroken(): void {
    if (this.#closing) return;
    readUnread(this.#handle.fd, this);
    this.#check(this.#brokenBy);
  }

  /** For `readUnread` alone. */
  deliver(bytes: Uint8Array, length: number): void {
    if (!this.#closing) this.listener.onBytes(bytes, 0, length);
  }

  /** False: `status` is an error, and the connection has been closed. */
  #check(status: number): boolean {
    if (status >= 0) return true;
    if (!this.#closing) this.#errno = getSystemErrorName(status);
    this.#close();
    return false;
  }

  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#handle.close();
    process.nextTick(reportClosed, this as HandleTransport);
  }

  onHandleClosed(): void {
    this.listener.onClosed(this.#errno);
  }

  /** The connection failed above TCP, for `errno`: closes it. */
  fail(errno: string): void {
    if (!this.#closing) this.#errno = errno;
    this.#close();
  }

  /** Gives the handle to another owner, who reads on. For a transport that has nothing to send; no event follows. */
  release(): StreamHandle {
    this.#closing = true;
    return this.#handle;
  }
}

interface HandleOptions {
  /** The listener gets what the peer has sent before a connection closes that cannot be written to. Default: false. */
  readonly savesUnread?: boolean;
  /** Absent: those of a plain connection, which are looked up. */
  readonly facts?: TransportFacts;
}

export const ignoringListener: TransportListener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };

// Callbacks shared by all connections; the handle has its transport.

function onRead(this: StreamHandle): Uint8Array | undefined {
  return this.owner.onHandleRead(internals.streamBaseState[internals.kReadBytesOrError] as number);
}

function onWritten(this: WriteRequest, status: number): void {
  this.handle.owner.onHandleWritten(status);
}

function onShut(this: ShutdownRequest): void {
  this.handle.owner.onHandleShut();
}

/**
 * Node could call back for a close as for a reset. But such a callback becomes a property of the handle, which Node then looks up:
 * a GET on a new connection took 2 % more CPU (1 to 3 %).
 */
function reportClosed(transport: HandleTransport): void {
  transport.onHandleClosed();
}

function onClosed(this: StreamHandle): void {
  this.owner.onHandleClosed();
}

function closeBroken(transport: HandleTransport): void {
  transport.closeBroken();
}

function deliverUnread(transport: HandleTransport): void {
  transport.deliverUnread();
}

function reportWritten(transport: HandleTransport, status: number): void {
  transport.onHandleWritten(status);
}
