import { EventEmitter } from 'node:events';
import type { Socket, SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { sharedReadBuffer } from './unread-bytes.ts';

/** How many of the peer's first bytes are kept: enough for a banner or the type of a record. */
const firstBytesMax = 64;

interface WireListener {
  /** The session has received more of the peer's first bytes. */
  onFirstBytes(): void;
  /** The peer's FIN, which the session above does not report. */
  onEnd(): void;
}

/**
 * The connection below a TLS session, with its bytes visible.
 *
 * Node can run TLS on a socket without showing its bytes. Then three facts are unknown: what a peer sent that does not speak TLS,
 * whether it closed the connection or reset it, and whether it sent `close_notify` before. The last one decides whether
 * body without a length is complete (RFC 9112 §9.8). So the bytes pass through here, at some 15 to 30 µs per small exchange.
 */
export class TlsWire extends EventEmitter {
  /** Until the handshake is over. */
  #first: Buffer | null = Buffer.alloc(firstBytesMax);
  #firstLength = 0;
  readonly #socket: Socket;
  readonly #listener: WireListener;

  constructor(socket: Socket, listener: WireListener) {
    super();
    this.#socket = socket;
    this.#listener = listener;
    socket.on('end', () => listener.onEnd());
    socket.on('error', (error) => {
      if (this.listenerCount('error') > 0) this.emit('error', error);
    });
    socket.on('close', () => this.emit('close'));
  }

  /** Node's TLS uses these members of a stream. */
  asStream(): Duplex {
    return this as unknown as Duplex;
  }

  /** Borrowed: a listener copies them at once, as the session does. */
  deliver(bytes: Uint8Array, length: number): void {
    if (this.#first !== null && this.#firstLength < firstBytesMax) this.#keepFirst(bytes, length);
    this.emit('data', bytes.subarray(0, length));
    if (this.#first !== null) this.#listener.onFirstBytes();
  }

  #keepFirst(bytes: Uint8Array, length: number): void {
    const kept = bytes.subarray(0, Math.min(length, firstBytesMax - this.#firstLength));
    this.#first?.set(kept, this.#firstLength);
    this.#firstLength += kept.length;
  }

  get firstBytes(): Uint8Array {
    return this.#first?.subarray(0, this.#firstLength) ?? new Uint8Array(0);
  }

  forgetFirst(): void {
    this.#first = null;
  }

  // The members that Node's TLS calls on the stream below it.

  readonly readableObjectMode = false;
  readonly readableLength = 0;
  readonly allowHalfOpen = true;

  get readable(): boolean {
    return this.#socket.readable;
  }

  get writable(): boolean {
    return this.#socket.writable;
  }

  pause(): this {
    this.#socket.pause();
    return this;
  }

  resume(): this {
    this.#socket.resume();
    return this;
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): boolean {
    return this.#socket.write(bytes, written);
  }

  end(ended: () => void): void {
    this.#socket.end(ended);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Makes a socket read into the shared buffer. */
export class ReadTarget {
  #wire: Pick<TlsWire, 'deliver'> | null = null;

  take(wire: Pick<TlsWire, 'deliver'>): void {
    this.#wire = wire;
  }

  readonly onread: NonNullable<SocketConstructorOpts['onread']> = {
    buffer: sharedReadBuffer,
    callback: (length: number, bytes: Uint8Array): boolean => {
      this.#wire?.deliver(bytes, length);
      return true;
    },
  };
}
