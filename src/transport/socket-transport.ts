import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
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
import { plainAddress, unixFacts } from './handle-facts.ts';
import { ignoringListener } from './handle-transport.ts';
import { heldSliceBytesMax, noBytes, outbox, type OutboxHolder } from './outbox.ts';
import { isQuietAt } from './unread-bytes.ts';

/** A request without a large body, which a session encrypts and hands on in one step. */
const judgedBytesMax = 8 * 1024;

/**
 * A transport over Node's TLS to an endpoint: the client's side of TLS needs the bytes below the session (`TlsWire`), which Node's handles
 * hide.
 *
 * Nothing here waits for 'drain', which Node emits only after its own limit was reached. Pending bytes are followed by an empty
 * write, whose callback comes when all bytes before it have been sent.
 */
export class TlsTransport implements Transport, OutboxHolder {
  listener: TransportListener = ignoringListener;
  readonly facts: TransportFacts;
  /** For `Outbox` alone. */
  heldBytes = 0;
  sentBytes = 0;
  refused: Uint8Array = noBytes;
  readonly #session: TLSSocket;
  /** The connection below the session. */
  readonly #plain: Socket;
  #errno: string | null = null;
  #reportsWritten = false;
  /** Of the session's bytes that count as not written: those that the kernel has accepted all the same. */
  #acceptedEarly = 0;
  #closed = false;

  constructor(session: TLSSocket, plain: Socket, tls: TlsFacts, unixPath: string | null) {
    this.#session = session;
    this.#plain = plain;
    this.facts = factsOf(plain, tls, unixPath);
    session.on('error', (error) => {
      this.#errno = errnoOf(error);
    });
    session.on('end', () => this.listener.onEnd());
    session.on('close', () => {
      this.#closed = true;
      this.listener.onClosed(this.#errno);
    });
    if (this.facts.remoteAddress === '') {
      // Reset in the meantime: its address is unknown.
      this.#errno = 'ECONNRESET';
      session.destroy();
    } else session.on('data', (bytes: Buffer) => this.listener.onBytes(bytes, 0, bytes.length));
  }

  get pendingBytes(): number {
    const { writableLength } = this.#session;
    return writableLength === 0 ? 0 : writableLength - this.#acceptedEarly;
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const isSmall = end - start <= heldSliceBytesMax;
    if (isSmall && this.#session.writableLength === 0 && !this.#closed) {
      outbox.hold(this, bytes, start, end);
      return true;
    }
    this.#flushHeld();
    const slice = bytes.subarray(start, end);
    // A small part that must wait is copied, so that it does not keep the large buffer alive that it may be part of.
    this.#writeNow(ownership === 'owned' && !isSmall ? slice : Buffer.from(slice));
    if (this.#session.errored === null) this.sentBytes += end - start;
    return this.#isTaken();
  }

  sendHeld(slice: Uint8Array): boolean {
    this.heldBytes -= slice.length;
    const waits = this.#session.writableLength > 0; // All of it will have to: a copy keeps no more than itself.
    this.#writeNow(waits ? Buffer.from(slice) : slice);
    // A write that fails at once fails as a whole: RST had come before, and no byte was sent.
    if (this.#session.errored === null) this.sentBytes += slice.length;
    else this.refused = Buffer.concat([this.refused, slice]);
    // The sender was told that the bytes were taken, so it hears by `onWritten` when they have been sent.
    return this.#isTaken() || waits;
  }

  /**
   * A TLS session reports a write one turn of the event loop after its bytes have left, so that a fast answer comes before the
   * report. The socket below shows what has left: encrypted bytes are never fewer. Only for a small write that waits for no other one.
   */
  #writeNow(slice: Uint8Array): void {
    const plain = this.#plain;
    const isAlone = slice.length <= judgedBytesMax && this.#session.writableLength === 0;
    const before = isAlone ? plain.bytesWritten : 0;
    this.#session.write(slice);
    const hasLeft = isAlone && plain.writableLength === 0 && plain.bytesWritten - before >= slice.length;
    this.#acceptedEarly = hasLeft ? slice.length : 0;
  }

  /** Whether nothing is pending; otherwise `onWritten` follows. */
  #isTaken(): boolean {
    if (this.pendingBytes === 0) return true;
    if (!this.#reportsWritten && !this.#closed && this.#session.errored === null) {
      this.#reportsWritten = true;
      this.#session.write(noBytes, this.#written);
    }
    return false;
  }

  readonly #written = (error?: Error | null): void => {
    this.#reportsWritten = false;
    if (error !== undefined && error !== null) return; // 'close' follows and tells.
    if (this.#session.writableLength > 0) {
      this.#reportsWritten = true;
      this.#session.write(noBytes, this.#written);
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
    const { _handle: handle } = this.#plain as unknown as { readonly _handle: { readonly fd: number } | null };
    return handle === null ? !this.#plain.destroyed : isQuietAt(handle.fd);
  }

  hasUnread(): boolean {
    return false; // Within TLS bytes are not yet what they mean.
  }

  pause(): void {
    this.#session.pause();
  }

  resume(): void {
    if (!this.#closed) this.#session.resume();
  }

  readInBulk(): void {} // A read is one record of at most 16 KiB.

  end(then?: 'close'): void {
    this.#flushHeld();
    if (then === 'close') this.#session.destroySoon();
    else this.#session.end();
  }

  #flushHeld(): void {
    if (this.heldBytes > 0) outbox.flush();
  }

  close(): void {
    this.#flushHeld();
    this.#session.destroy();
  }
}

function factsOf(socket: Socket, tls: TlsFacts, unixPath: string | null): TransportFacts {
  if (unixPath !== null) return { ...unixFacts(unixPath), tls };
  return {
    kind: 'tcp',
    remoteAddress: plainAddress(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? 0,
    tls,
  };
}
