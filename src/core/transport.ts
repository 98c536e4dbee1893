import type { Ownership } from './message.ts';

/**
 * One connection's bytes, without a protocol. The real one is in `transport/`, over sockets; tests use one
 * in memory. A second runtime would bring a third.
 */
export interface Transport {
  readonly facts: TransportFacts;
  /** Who hears of what happens. Set by each layer that takes the transport over. */
  listener: TransportListener;
  /**
   * Sends bytes. Borrowed ones are copied unless the kernel takes them at once; owned ones may be kept, and
   * must not change until `onWritten` says that nothing is pending.
   * Returns false while bytes are pending: hold the rest until `onWritten`. Small pieces may wait for the end of the
   * event loop's turn first; those are held, and do not count as pending.
   */
  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  /** Bytes given to `write` that the kernel has not taken yet; none once it is closed. */
  readonly pendingBytes: number;
  /**
   * Bytes given to `write` that have left this process, or may have: all but those that are held, were taken back, or
   * were refused whole by the system. Only grows. Whether the peer has got them nobody can tell.
   */
  readonly sentBytes: number;
  /** Gives up what is held, and what the system refused whole, and returns it: it will never leave. */
  reclaimUnsent(): Uint8Array;
  /**
   * Whether, as far as the system knows now, the peer has sent nothing and ended nothing. For connections on which nothing
   * is awaited, since what has come is lost; where it is not quiet, the connection must be closed. Within TLS anything counts,
   * also what is no content. Where no look is possible (a system whose sockets have no descriptors), true.
   */
  isQuiet(): boolean;
  /**
   * Whether the peer has sent bytes of which nobody has been told, as far as the system knows now: for connections that are
   * about to be closed because nothing has come. Nothing is lost by the look: `onBytes` tells of them, soon and before
   * anything else. Where no look is possible (TLS, a system whose sockets have no descriptors), false. Some 5 µs.
   */
  hasUnread(): boolean;
  pause(): void;
  resume(): void;
  /**
   * Reads into a large buffer of the transport's own from now on (true), or into the shared one (false).
   * While content streams in bulk its chunks can then be written on as owned bytes without a copy, provided
   * that the reader pauses until they are written.
   */
  readInBulk(bulk: boolean): void;
  /**
   * Sends what is pending, then FIN. The other direction stays open. With 'close' nothing that comes is wanted, so that the
   * connection may be closed instead, as soon as all has left; `onClosed` tells.
   */
  end(then?: 'close'): void;
  /** Closes at once, both directions. `reset` asks for RST instead of FIN, where the platform can. */
  close(how: 'close' | 'reset'): void;
}

export interface TransportFacts {
  readonly kind: 'tcp' | 'unix';
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly tls: TlsFacts | null;
}

export interface TlsFacts {
  readonly version: string;
  readonly serverName: string | null;
  readonly alpn: string | null;
}

/** Calls come one at a time and never from inside a call to the transport itself, except `onBytes` pauses. */
export interface TransportListener {
  /** Bytes [start, end) have come. Borrowed unless the transport reads in bulk. */
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  /** The peer has sent FIN. We may still write. */
  onEnd(): void;
  /** Everything given to `write` has been taken by the kernel. */
  onWritten(): void;
  /** The connection is gone, for `errno` ('ECONNRESET', …) or by our own close or both FINs (null). Last call. */
  onClosed(errno: string | null): void;
}
