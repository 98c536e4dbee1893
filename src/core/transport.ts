import type { Ownership } from './message.ts';

/** One connection's bytes, without a protocol. `transport/` has it over sockets, `testing/` in memory. */
export interface Transport {
  readonly facts: TransportFacts;
  /** Receives the events. Each layer that takes the transport over sets it. */
  listener: TransportListener;
  /**
   * Sends bytes. Borrowed ones are copied unless the kernel takes them at once; owned ones may be kept, and
   * must not change until `onWritten` says that nothing is pending.
   * Returns false while bytes are pending: the caller keeps the rest until `onWritten`. Small writes may be held until the end
   * of the event loop's turn; held bytes do not count as pending.
   */
  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  /** Bytes given to `write` that the kernel has not accepted yet; none once it is closed. */
  readonly pendingBytes: number;
  /**
   * Bytes given to `write` that have left this process, or may have: all but those that are held, were reclaimed, or were
   * refused whole by the system. Only grows. Whether the peer has received them is unknown.
   */
  readonly sentBytes: number;
  /**
   * Calls `listener.onTurnEnd` once, at the end of the event loop's turn, before the small writes of the turn are sent: what the
   * listener writes then leaves with them. Not after `close`.
   */
  notifyAtTurnEnd(listener: TurnEndListener): void;
  /**
   * Calls `listener.onNextTurn` once, when the events and the small writes of this turn of the event loop are done. Of many
   * listeners one is called in each turn. Not after `close`.
   */
  notifyNextTurn(listener: NextTurnListener): void;
  /** Takes back held bytes and those that the system refused whole, and returns them: they will never be sent. */
  reclaimUnsent(): Uint8Array;
  /**
   * Whether the system has neither bytes nor FIN of the peer. For connections on which nothing is awaited, since bytes that have
   * come are lost: a connection that is not quiet must be closed. Within TLS every record counts. True where no look is
   * possible (a system whose sockets have no descriptors).
   */
  isQuiet(): boolean;
  /**
   * Whether the peer has sent bytes that were not delivered yet: for connections that are about to be closed because nothing
   * has come. The look loses nothing: `onBytes` delivers them soon, before anything else. False where no look is possible
   * (TLS, a system whose sockets have no descriptors). Some 5 µs.
   */
  hasUnread(): boolean;
  pause(): void;
  resume(): void;
  /**
   * Reads into a large buffer of the transport's own from now on (true), or into the shared one (false).
   * While a body streams in bulk its chunks can then be written on as owned bytes without a copy, provided
   * that the reader pauses until they are written.
   */
  readInBulk(bulk: boolean): void;
  /**
   * Sends pending bytes, then FIN. The other direction stays open. With `close` no more bytes are wanted, and the connection may
   * be closed as soon as all bytes have been sent; `onClosed` follows.
   */
  end(then?: 'close'): void;
  /** Closes at once, both directions. `reset` asks for RST instead of FIN, where the platform can. */
  close(how: 'close' | 'reset'): void;
}

/** A protocol that composes what it sends in one turn of the event loop, and sends it at its end. */
export interface TurnEndListener {
  onTurnEnd(): void;
}

/** A connection with more to do than one turn of the event loop has time for. */
export interface NextTurnListener {
  onNextTurn(): void;
}

/** Our end of a connection. */
export interface LocalAddress {
  readonly localAddress: string;
  readonly localPort: number;
}

export interface TransportFacts extends LocalAddress {
  readonly kind: 'tcp' | 'unix';
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls: TlsFacts | null;
}

export interface TlsFacts {
  readonly version: string;
  readonly serverName: string | null;
  readonly alpn: string | null;
  /** The cipher suite by its name in the standard (`TLS_AES_256_GCM_SHA384`); null if it is not known. */
  readonly cipher: string | null;
  /** The client's certificate, which has been verified; null: it showed none, or we are the client. */
  readonly clientCertificate: ClientCertificateFacts | null;
  /** The certificate that the server has shown; absent: we are the server. */
  readonly serverCertificate?: ServerCertificate;
}

/** A certificate that an endpoint has shown in a handshake. Structured-cloneable. */
export interface ServerCertificate {
  /** The hosts and addresses that it is for: visible ASCII, at most 8. */
  readonly names: readonly string[];
  /** When it expires, in milliseconds since the Unix epoch. */
  readonly notAfter: number;
}

/** A client's certificate as applications and records get it. */
export interface ClientCertificateFacts {
  /** 'CN=visitor, O=Example': visible ASCII, at most 512 characters. */
  readonly subject: string;
  /** Of the authority that has signed it, written likewise. */
  readonly issuer: string;
  /** SHA-256 of the certificate, in lowercase hexadecimal. */
  readonly fingerprint: string;
}

/** Calls come one at a time and never from inside a call to the transport itself, except `onBytes` pauses. */
export interface TransportListener {
  /** Bytes [start, end) have come. Borrowed unless the transport reads in bulk. */
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  /** The peer has sent FIN. We may still write. */
  onEnd(): void;
  /** The kernel has accepted everything given to `write`. */
  onWritten(): void;
  /** The connection is gone, for `errno` ('ECONNRESET', …) or by our own close or both FINs (null). Last call. */
  onClosed(errno: string | null): void;
}
