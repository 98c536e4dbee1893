import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { Ownership } from '../core/message.ts';
import type { Transport, TransportFacts, TransportListener } from '../core/transport.ts';
import { heldSliceBytesMax, noBytes, outbox, type OutboxHolder } from './outbox.ts';
import { bulkBytes, sharedReadBuffer } from './read-buffers.ts';
import { ignoringListener, plainAddress } from './socket-transport.ts';
import {
  type EndPoint,
  type HandleOwner,
  type ShutdownRequest,
  type StreamHandle,
  type StreamInternals,
  streamInternals,
  type WriteRequest,
} from './stream-handle.ts';
import { isQuietAt, readAheadAt, readUnread } from './unread-bytes.ts';

/** As libuv numbers it on all systems. */
const endOfFile = -4095;

/** As the system does. */
const reset = -constants.errno.ECONNRESET;

/** Nobody makes a transport of this kind where there are none. */
const internals = streamInternals as StreamInternals;

/**
 * A transport over a connection as libuv has it, accepted or made, without a socket of Node's: no streams, no events, no closures,
 * nothing left to a later tick.
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
  /** Kept here, since libuv knows nothing but its address. */
  #buffer: Uint8Array = sharedReadBuffer;
  #nextBuffer: Uint8Array | undefined = undefined;
  #reads = true;
  /** Writes of which the kernel has not taken all. */
  #pendingWrites = 0;
  /** Somebody is to hear when there are none any more. */
  #reportsWritten = false;
  /** What is to happen when all that was written has left. */
  #then: 'nothing' | 'end' | 'close' = 'nothing';
  #ended = false;
  /** The kernel is yet to be told of our end. */
  #sendsFin = false;
  #peerEnded = false;
  /** What was read before its time, and is yet to be told. */
  #unread: Uint8Array | null = null;
  #closing = false;
  #errno: string | null = null;
  /** Of the write that failed: below 0 until the connection closes, a tick later. */
  #brokenBy = 0;

  readonly #savesUnread: boolean;

  /** `savesUnread`: what the peer has sent is handed over before a connection is closed that cannot be written to. */
  constructor(handle: StreamHandle, { savesUnread = false }: { readonly savesUnread?: boolean } = {}) {
    this.#handle = handle;
    this.#savesUnread = savesUnread;
    this.facts = new HandleFacts(handle);
    handle.owner = this;
    handle.onread = onRead;
    handle.useUserBuffer(sharedReadBuffer);
    // Gone already, by RST. What it had sent can still be read, but nobody could say whose it was.
    if (this.facts.remoteAddress === '') this.#check(reset);
    else this.#check(handle.readStart());
  }

  // Reading.

  onHandleRead(bytesOrError: number): Uint8Array | undefined {
    if (this.#closing) return undefined;
    if (bytesOrError > 0) this.listener.onBytes(this.#buffer, 0, bytesOrError);
    else if (bytesOrError === endOfFile) this.#endCame();
    else this.#check(bytesOrError);
    const next = this.#nextBuffer;
    if (next === undefined) return undefined;
    this.#buffer = next;
    this.#nextBuffer = undefined;
    return next;
  }

  #endCame(): void {
    this.#peerEnded = true;
    this.#reads = false;
    this.listener.onEnd();
    if (this.#ended) this.#close();
  }

  pause(): void {
    if (!this.#reads || this.#closing) return;
    this.#reads = false;
    this.#check(this.#handle.readStop());
  }

  resume(): void {
    if (this.#reads || this.#closing || this.#peerEnded) return;
    this.#reads = true;
    if (this.#unread !== null) process.nextTick(deliverUnread, this as HandleTransport);
    this.#check(this.#handle.readStart());
  }

  readInBulk(bulk: boolean): void {
    const isBulk = (this.#nextBuffer ?? this.#buffer) !== sharedReadBuffer;
    if (bulk !== isBulk) this.#nextBuffer = bulk ? Buffer.allocUnsafeSlow(bulkBytes) : sharedReadBuffer;
  }

  isQuiet(): boolean {
    return !this.#closing && this.#unread === null && isQuietAt(this.#handle.fd);
  }

  hasUnread(): boolean {
    if (this.#closing) return false;
    if (this.#unread !== null) return true;
    this.#unread = readAheadAt(this.#handle.fd);
    if (this.#unread === null) return false;
    // Before libuv reads again, and not now: whoever asks may be in the middle of another connection's bytes.
    process.nextTick(deliverUnread, this as HandleTransport);
    return true;
  }

  /** For `hasUnread` alone. */
  deliverUnread(): void {
    const unread = this.#unread;
    if (unread === null || !this.#reads || this.#closing) return;
    this.#unread = null;
    this.listener.onBytes(unread, 0, unread.length);
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
    // A small piece that must wait is not worth holding on to the large buffer that it may be part of.
    if (this.#send(ownership === 'owned' && !isSmall ? slice : Buffer.from(slice))) this.sentBytes += end - start;
    if (this.#pendingWrites === 0) return true;
    this.#reportsWritten = true;
    return false;
  }

  sendHeld(slice: Uint8Array): boolean {
    this.heldBytes -= slice.length;
    const waits = this.#pendingWrites > 0; // All of it will have to: a copy keeps no more than itself.
    // What the system refuses at once it refuses whole: RST had come before, and not a byte has left.
    if (this.#send(waits ? Buffer.from(slice) : slice)) this.sentBytes += slice.length;
    else this.refused = Buffer.concat([this.refused, slice]);
    // Whoever gave it was told that it had been taken, and is to hear that now it has.
    if (this.#pendingWrites > 0) this.#reportsWritten = true;
    if (this.#then !== 'nothing') this.#goOn();
    return waits || this.#pendingWrites === 0;
  }

  /** False: the system refused them whole. Where a part must wait they are kept as they are. */
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

  reclaimUnsent(): Uint8Array {
    return this.heldBytes > 0 || this.refused.length > 0 ? outbox.reclaimUnsent(this) : noBytes;
  }

  // Ending.

  end(then: 'end' | 'close' = 'end'): void {
    if (this.#then !== 'close') this.#then = then;
    this.#goOn();
  }

  /** What was asked for happens when all before it has left. */
  #goOn(): void {
    if (this.heldBytes > 0 || this.#pendingWrites > 0 || this.#closing) return;
    if (this.#then === 'close') this.#close();
    else if (this.#then === 'end' && !this.#ended) this.#sendFin();
  }

  #sendFin(): void {
    this.#ended = true;
    const request = new internals.ShutdownWrap();
    request.handle = this.#handle;
    request.oncomplete = onShut;
    const failed = this.#handle.shutdown(request);
    this.#sendsFin = failed === 0;
    if (failed < 0) this.#close(); // Its end has come in between.
  }

  onHandleShut(): void {
    this.#sendsFin = false;
    if (this.#peerEnded) this.#close();
  }

  close(how: 'close' | 'reset'): void {
    if (this.#closing) return;
    if (this.heldBytes > 0) outbox.flush();
    // While FIN is being sent a reset is refused (EINVAL), and Node takes the handle for closed, which it never will be.
    if (how === 'close' || this.#sendsFin || this.#closing) return this.#close();
    this.#closing = true;
    if (this.#handle.reset(onClosed) < 0) this.#handle.close(onClosed);
  }

  /**
   * False: it cannot be written to any more. What its peer had sent before is read first, and not now: somebody further out
   * may still be reading from the shared buffer, or be sending what is held.
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

  /** False, and closed: it is an error. */
  #check(status: number): boolean {
    if (status >= 0) return true;
    if (!this.#closing) this.#errno = getSystemErrorName(status);
    this.#close();
    return false;
  }

  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#handle.close(onClosed);
  }

  onHandleClosed(): void {
    this.listener.onClosed(this.#errno);
  }
}

/** Where it is connected to; our own address is asked for by few, and costs a system call. */
class HandleFacts implements TransportFacts {
  readonly kind = 'tcp';
  readonly tls = null;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #handle: StreamHandle;
  #local: EndPoint | null = null;

  constructor(handle: StreamHandle) {
    this.#handle = handle;
    const remote: EndPoint = {};
    handle.getpeername(remote);
    this.remoteAddress = plainAddress(remote.address);
    this.remotePort = remote.port ?? 0;
  }

  get localAddress(): string {
    return plainAddress(this.#localEndPoint().address);
  }

  get localPort(): number {
    return this.#localEndPoint().port ?? 0;
  }

  #localEndPoint(): EndPoint {
    if (this.#local !== null) return this.#local;
    this.#local = {};
    this.#handle.getsockname(this.#local);
    return this.#local;
  }
}

// Shared by all connections: what they belong to stands in the handle.

function onRead(this: StreamHandle): Uint8Array | undefined {
  return this.owner.onHandleRead(internals.streamBaseState[internals.kReadBytesOrError] as number);
}

function onWritten(this: WriteRequest, status: number): void {
  this.handle.owner.onHandleWritten(status);
}

function onShut(this: ShutdownRequest): void {
  this.handle.owner.onHandleShut();
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
