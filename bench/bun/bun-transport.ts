import { readSync } from 'node:fs';
import type { Ownership } from '../../src/core/message.ts';
import type { Transport, TransportFacts, TransportListener } from '../../src/core/transport.ts';
import { errnoOf } from '../../src/transport/errno.ts';
import { heldSliceBytesMax, noBytes, outbox, type OutboxHolder } from '../../src/transport/outbox.ts';
import type { BunSocket, SocketOwner } from './bun-sockets.ts';

/**
 * A transport over a socket of Bun's, as an experiment: docs/adr has what it showed.
 *
 * Bun keeps nothing that the kernel does not take, so what waits is kept here. Each read comes in a buffer of its own,
 * which may be kept by whoever gets it: there is no shared buffer, and nothing to change for reading in bulk.
 */
export class BunTransport implements Transport, SocketOwner, OutboxHolder {
  listener: TransportListener = deaf;
  readonly facts: TransportFacts;
  heldBytes = 0;
  pendingBytes = 0;
  sentBytes = 0;
  refused: Uint8Array = noBytes;
  readonly #socket: BunSocket;
  readonly #pending: Uint8Array[] = [];
  /** Nothing follows what has been written. */
  #isEnding = false;
  #finSent = false;
  #peerEnded = false;
  #closed = false;
  /** The system refused a write. Bun says neither why nor that the connection was reset: it tells of a FIN, and of a plain close. */
  #isGone = false;
  #closedByUs = false;
  /** Bun may tell of a close within the call that causes it; our listener must hear of it later. */
  #inCall = false;

  constructor(socket: BunSocket, unixPath: string | null = null) {
    this.#socket = socket;
    this.facts = factsOf(socket, unixPath);
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#closed || this.#isEnding) return true;
    const isSmall = end - start <= heldSliceBytesMax;
    if (isSmall && this.pendingBytes === 0) {
      outbox.hold(this, bytes, start, end);
      return true;
    }
    this.#sendHeld();
    this.#send(bytes, start, end, ownership === 'owned' && !isSmall);
    return this.pendingBytes === 0;
  }

  /** For the outbox alone. */
  sendHeld(piece: Uint8Array): boolean {
    this.heldBytes -= piece.length;
    // What the system refuses at once it refuses whole: the connection had ended, and not a byte has left.
    if (!this.#send(piece, 0, piece.length, true)) this.refused = Buffer.concat([this.refused, piece]);
    return this.pendingBytes === 0;
  }

  /** False where the system refuses. */
  #send(bytes: Uint8Array, start: number, end: number, mayKeep: boolean): boolean {
    let taken = 0;
    if (this.pendingBytes === 0) {
      taken = this.#writeNow(bytes, start, end);
      if (taken < 0) return false;
    }
    this.sentBytes += end - start;
    if (start + taken < end) {
      const rest = bytes.subarray(start + taken, end);
      this.#pending.push(mayKeep ? rest : Uint8Array.from(rest));
      this.pendingBytes += rest.length;
    }
    return true;
  }

  #writeNow(bytes: Uint8Array, start: number, end: number): number {
    if (this.#closed) return -1;
    this.#inCall = true;
    const taken = this.#socket.write(bytes, start, end - start);
    this.#inCall = false;
    if (taken < 0) this.#isGone = true;
    return taken;
  }

  reclaimUnsent(): Uint8Array {
    return this.heldBytes > 0 || this.refused.length > 0 ? outbox.reclaimUnsent(this) : noBytes;
  }

  isQuiet(): boolean {
    const { fd } = this.#socket;
    if (this.#closed || this.#peerEnded || fd < 0) return false;
    try {
      readSync(fd, lookedAt, 0, 1, null);
      return false;
    } catch (error) {
      return errnoOf(error) === 'EAGAIN';
    }
  }

  /** Not looked for: what is measured here closes no connection that rests. */
  hasUnread(): boolean {
    return false;
  }

  pause(): void {
    if (!this.#closed) this.#socket.pause();
  }

  resume(): void {
    if (!this.#closed) this.#socket.resume();
  }

  readInBulk(): void {}

  end(): void {
    if (this.#closed || this.#isEnding) return;
    this.#sendHeld();
    this.#isEnding = true;
    if (this.pendingBytes === 0) this.#sendFin();
  }

  #sendFin(): void {
    if (this.#closed) return;
    this.#finSent = true;
    this.#inCall = true;
    this.#socket.shutdown();
    // With both FINs the connection is over; Bun leaves the rest to us.
    if (this.#peerEnded) this.#socket.close();
    this.#inCall = false;
  }

  #sendHeld(): void {
    if (this.heldBytes > 0) outbox.flush();
  }

  close(how: 'close' | 'reset'): void {
    this.#sendHeld();
    if (this.#closed) return;
    this.#closedByUs = true;
    this.#inCall = true;
    if (how === 'reset' && this.facts.kind === 'tcp') this.#socket.terminate();
    else this.#socket.close();
    this.#inCall = false;
  }

  // What Bun tells.

  onOpen(): void {}

  onBytes(bytes: Uint8Array): void {
    this.listener.onBytes(bytes, 0, bytes.length);
  }

  onEnd(): void {
    if (this.#peerEnded || this.#closed) return;
    this.#peerEnded = true;
    // What was cut must not pass for whole.
    if (!this.#isGone) this.listener.onEnd();
    if ((this.#finSent || this.#isGone) && !this.#closed) this.#socket.close();
  }

  onDrain(): void {
    while (this.#pending.length > 0) {
      const piece = this.#pending[0] as Uint8Array;
      const taken = this.#writeNow(piece, 0, piece.length);
      if (taken < 0) return; // `onClose` follows and tells.
      this.pendingBytes -= taken;
      if (taken < piece.length) {
        this.#pending[0] = piece.subarray(taken);
        return;
      }
      this.#pending.shift();
      if (this.#pending.length === 0) this.#allTaken();
    }
  }

  #allTaken(): void {
    if (this.#isEnding) this.#sendFin();
    if (!this.#closed) this.listener.onWritten();
  }

  onClose(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending.length = 0;
    const errno = this.#errnoOf(error);
    if (this.#inCall) queueMicrotask(() => this.listener.onClosed(errno));
    else this.listener.onClosed(errno);
  }

  #errnoOf(error: Error | null): string | null {
    if (error !== null) return errnoOf(error);
    return this.#isGone && !this.#closedByUs ? 'EPIPE' : null;
  }

  onConnectError(): void {}
}

const lookedAt = new Uint8Array(1);
const deaf: TransportListener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };

function factsOf(socket: BunSocket, unixPath: string | null): TransportFacts {
  if (unixPath !== null)
    return { kind: 'unix', remoteAddress: unixPath, remotePort: 0, localAddress: '', localPort: 0, tls: null };
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return { kind: 'tcp', remoteAddress, remotePort, localAddress, localPort, tls: null };
}
