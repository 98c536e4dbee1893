import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Ownership } from '../core/message.ts';
import type {
  TlsFacts,
  Transport,
  TransportFacts,
  TransportListener,
  TurnEndListener,
  NextTurnListener,
} from '../core/transport.ts';
import { errnoOf } from './errno.ts';
import { heldSliceBytesMax, noBytes, outbox, type OutboxHolder } from './outbox.ts';
import { bulkBytes, sharedReadBuffer } from './read-buffers.ts';
import { isQuiet, readAhead } from './unread-bytes.ts';

/** A request without a large body, which a session encrypts and hands on in one step. */
const judgedBytesMax = 8 * 1024;

/**
 * A transport over a socket of Node's.
 *
 * Two ways of reading: into our own buffers (`onread`: 38 µs per small request against 53 with a fresh slab
 * per read), or through 'data' events where a socket does not offer that (TLS). Both obey one contract, and
 * one suite runs against both.
 *
 * Small writes are sent at the end of the turn (`outbox.ts`), all others at once.
 *
 * Nothing here waits for 'drain', which Node emits only after its own limit was reached. Pending bytes are followed by an empty
 * write, whose callback comes when all bytes before it have been sent.
 */
export class SocketTransport implements Transport, OutboxHolder {
  listener: TransportListener = ignoringListener;
  readonly facts: TransportFacts;
  readonly socket: Socket;
  /** For `Outbox` alone. */
  heldBytes = 0;
  sentBytes = 0;
  refused: Uint8Array = noBytes;
  readonly #reads: ReadTarget | null;
  /** The socket that the peer's bytes come from: with TLS, the one below the session. */
  readonly #wire: Socket;
  #errno: string | null = null;
  #reportsWritten = false;
  /** Of the session's bytes that count as not written: those that the kernel has accepted all the same. */
  #acceptedEarly = 0;
  /** Bytes that `hasUnread` has read ahead and that the listener has not received yet. */
  #unread: Uint8Array | null = null;
  #closed = false;

  constructor(socket: Socket, reads: ReadTarget | null, unixPath: string | null = null, under: UnderTls | null = null) {
    this.socket = socket;
    this.#reads = reads;
    this.#wire = under?.plain ?? socket;
    this.facts = factsOf(under?.plain ?? socket, under?.tls ?? null, unixPath);
    socket.on('error', (error) => {
      this.#errno = errnoOf(error);
    });
    socket.on('end', () => this.listener.onEnd());
    socket.on('close', () => {
      this.#closed = true;
      this.listener.onClosed(this.#errno);
    });
    if (this.facts.kind === 'tcp' && this.facts.remoteAddress === '') {
      // Reset before it was accepted. Its bytes could still be read, but its address is unknown.
      this.#errno = 'ECONNRESET';
      socket.destroy();
    } else if (reads === null) socket.on('data', (bytes: Buffer) => this.listener.onBytes(bytes, 0, bytes.length));
    else reads.take(this);
  }

  /** Gives the socket to another owner, who reads on. For a transport that has nothing to send; no event follows. */
  release(): Socket {
    this.#closed = true;
    this.listener = ignoringListener;
    for (const event of ['data', 'end', 'close']) this.socket.removeAllListeners(event);
    this.socket.pause(); // Without listeners, bytes that it reads would be lost.
    return this.socket;
  }

  /** For `ReadTarget` alone. */
  deliver(bytes: Uint8Array, length: number): void {
    this.listener.onBytes(bytes, 0, length);
  }

  get pendingBytes(): number {
    const { writableLength } = this.socket;
    return writableLength === 0 ? 0 : writableLength - this.#acceptedEarly;
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const isSmall = end - start <= heldSliceBytesMax;
    if (isSmall && this.socket.writableLength === 0 && !this.#closed) {
      outbox.hold(this, bytes, start, end);
      return true;
    }
    this.#flushHeld();
    const slice = bytes.subarray(start, end);
    // A small part that must wait is copied, so that it does not keep the large buffer alive that it may be part of.
    this.#writeNow(ownership === 'owned' && !isSmall ? slice : Buffer.from(slice));
    if (this.socket.errored === null) this.sentBytes += end - start;
    return this.#isTaken();
  }

  sendHeld(slice: Uint8Array): boolean {
    this.heldBytes -= slice.length;
    const waits = this.socket.writableLength > 0; // All of it will have to: a copy keeps no more than itself.
    this.#writeNow(waits ? Buffer.from(slice) : slice);
    // A write that fails at once fails as a whole: RST had come before, and no byte was sent.
    if (this.socket.errored === null) this.sentBytes += slice.length;
    else this.refused = Buffer.concat([this.refused, slice]);
    // The sender was told that the bytes were taken, so it hears by `onWritten` when they have been sent.
    return this.#isTaken() || waits;
  }

  /**
   * A TLS session reports a write one turn of the event loop after its bytes have left, so that a fast answer comes before the
   * report. The socket below shows what has left: encrypted bytes are never fewer. Only for a small write that waits for no other one.
   */
  #writeNow(slice: Uint8Array): void {
    const { socket } = this;
    const wire = this.#wire;
    const isAlone = wire !== socket && slice.length <= judgedBytesMax && socket.writableLength === 0;
    const before = isAlone ? wire.bytesWritten : 0;
    socket.write(slice);
    const hasLeft = isAlone && wire.writableLength === 0 && wire.bytesWritten - before >= slice.length;
    this.#acceptedEarly = hasLeft ? slice.length : 0;
  }

  /** Whether nothing is pending; otherwise `onWritten` follows. */
  #isTaken(): boolean {
    if (this.pendingBytes === 0) return true;
    if (!this.#reportsWritten && !this.#closed && this.socket.errored === null) {
      this.#reportsWritten = true;
      this.socket.write(noBytes, this.#written);
    }
    return false;
  }

  readonly #written = (error?: Error | null): void => {
    this.#reportsWritten = false;
    if (error !== undefined && error !== null) return; // 'close' follows and tells.
    if (this.socket.writableLength > 0) {
      this.#reportsWritten = true;
      this.socket.write(noBytes, this.#written);
    } else if (!this.#closed) this.listener.onWritten();
  };

  notifyAtTurnEnd(listener: TurnEndListener): void {
    outbox.notifyAtTurnEnd(listener);
  }

  notifyNextTurn(listener: NextTurnListener): void {
    outbox.notifyNextTurn(listener);
  }

  reclaimUnsent(): Uint8Array {
    return this.heldBytes > 0 || this.refused.length > 0 ? outbox.reclaimUnsent(this) : noBytes;
  }

  isQuiet(): boolean {
    return this.#unread === null && isQuiet(this.#wire);
  }

  hasUnread(): boolean {
    if (this.facts.tls !== null || this.socket.destroyed) return false; // Within TLS bytes are not yet what they mean.
    if (this.#unread !== null || this.socket.readableLength > 0) return true;
    this.#unread = readAhead(this.socket);
    if (this.#unread === null) return false;
    // Before Node reads again, and not now: the caller may be reading another connection's bytes.
    process.nextTick(this.#deliverUnread);
    return true;
  }

  readonly #deliverUnread = (): void => {
    const unread = this.#unread;
    if (unread === null || this.socket.destroyed) return;
    // Node may keep bytes that come during a pause: bytes read later would be delivered before them.
    const isNodes = this.#reads === null;
    if (!isNodes && this.socket.isPaused()) return;
    this.#unread = null;
    if (isNodes) this.socket.push(unread);
    else this.listener.onBytes(unread, 0, unread.length);
  };

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (this.#closed) return;
    this.socket.resume();
    if (this.#unread !== null) process.nextTick(this.#deliverUnread);
  }

  readInBulk(bulk: boolean): void {
    this.#reads?.switchTo(bulk);
  }

  end(then?: 'close'): void {
    this.#flushHeld();
    if (then === 'close') this.socket.destroySoon();
    else this.socket.end();
  }

  #flushHeld(): void {
    if (this.heldBytes > 0) outbox.flush();
  }

  close(how: 'close' | 'reset'): void {
    this.#flushHeld();
    // Only TCP has RST; Node throws when it is asked for one on a unix socket or within TLS.
    const { kind, tls } = this.facts;
    if (how === 'reset' && kind === 'tcp' && tls === null && !this.#sendsFin) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /**
   * Between `end()` and the turn after it the kernel is told to send FIN, behind all that was written. A reset is refused
   * then (EINVAL), and Node never closes the socket nor emits 'close'.
   */
  get #sendsFin(): boolean {
    const { writableEnded, writableFinished, writableLength } = this.socket;
    return writableEnded && !writableFinished && writableLength === 0;
  }
}

/** The connection below a TLS session: only it knows the addresses. */
export interface UnderTls {
  readonly plain: Socket;
  readonly tls: TlsFacts;
}

/** Receives what a socket has read into one of our buffers. */
export interface ByteTaker {
  deliver(bytes: Uint8Array, length: number): void;
}

/**
 * Chooses the buffer of the next read. A socket asks after each read; null keeps the buffer it has.
 */
export class ReadTarget {
  #taker: ByteTaker | null = null;
  #next: Uint8Array | null = sharedReadBuffer;
  #bulk = false;

  take(taker: ByteTaker): void {
    this.#taker = taker;
  }

  switchTo(bulk: boolean): void {
    if (bulk === this.#bulk) return;
    this.#bulk = bulk;
    this.#next = bulk ? Buffer.allocUnsafeSlow(bulkBytes) : sharedReadBuffer;
  }

  readonly onread: NonNullable<SocketConstructorOpts['onread']> = {
    buffer: (): Uint8Array => {
      const next = this.#next;
      this.#next = null;
      return next as Uint8Array;
    },
    callback: (length: number, bytes: Uint8Array): boolean => {
      this.#taker?.deliver(bytes, length);
      return true;
    },
  };
}

export const ignoringListener: TransportListener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };

function factsOf(socket: Socket, tls: TlsFacts | null, unixPath: string | null): TransportFacts {
  return {
    kind: unixPath === null ? 'tcp' : 'unix',
    remoteAddress: unixPath ?? plainAddress(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? 0,
    tls,
  };
}

/** Returns an IPv4 address that an IPv6 socket has mapped as IPv4. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
