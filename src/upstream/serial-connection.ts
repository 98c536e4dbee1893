import type { AwaitedResponses, AwaitingRequest } from '../core/awaited-responses.ts';
import { Deadline, type Deadlines } from '../core/deadline.ts';
import {
  type AddressUse,
  type ConnectionEndReason,
  type ConnectionGroup,
  isPrivate,
  type PooledConnection,
  type PooledConnectionOwner,
} from '../core/pooled-connection.ts';
import type { ClientOfConnection, UpstreamStream } from '../core/stream.ts';
import { type Instant, never } from '../core/time.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import type { Http1StreamOwner, Http1StreamPorts } from './http1-stream-owner.ts';
import type { ConnectionSettings } from './ports.ts';

export interface SerialConnectionPorts extends Http1StreamPorts {
  readonly deadlines: Deadlines;
}

/** The stream of such a connection, which is told what the transport does while a request is in flight. */
export interface SerialStream extends UpstreamStream {
  /** No request is in flight. */
  readonly isIdle: boolean;
  /** When the request was sent; null: it is not, or its response has begun. */
  readonly awaitedSince: Instant | null;
  /** The request in flight; null: there is none, or it is not of a client. */
  readonly awaiting: AwaitingRequest | null;
  /** The next request may be sent. */
  open(idleMs: number): void;
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  onWritten(): void;
  onEnd(): void;
  onClosed(errno: string | null): void;
  onExpired(now: Instant): void;
  onConnectionEnded(): void;
}

/**
 * A connection to an endpoint that carries one request at a time, as in HTTP/1.1 (RFC 9112 §9). It has one stream object, used for one
 * request after the other, so that none is made per request. Calls of the transport go to the stream while a request is
 * in flight; while the connection is idle, anything that comes ends it.
 */
export class SerialConnection extends Deadline implements TransportListener, PooledConnection, Http1StreamOwner {
  readonly transport: Transport;
  readonly address: string;
  idleSince: Instant;
  keepAliveTimeoutS: number | null = null;
  streamsOpen = 0;
  endReason: ConnectionEndReason | null = null;
  group: ConnectionGroup = null;
  isAvailable = false;
  user: AddressUse | null = null;
  isLongLived = false;
  readonly #ports: SerialConnectionPorts;
  readonly #owner: PooledConnectionOwner;
  readonly #stream: SerialStream;

  constructor(
    transport: Transport,
    settings: ConnectionSettings,
    ports: SerialConnectionPorts,
    owner: PooledConnectionOwner,
    newStream: (connection: Http1StreamOwner) => SerialStream,
  ) {
    super();
    this.transport = transport;
    this.address = settings.address;
    this.#ports = ports;
    this.#owner = owner;
    this.idleSince = ports.clock.now();
    this.#stream = newStream(this);
    transport.listener = this;
    ports.deadlines.add(this);
  }

  get streamsFree(): number {
    return this.endReason === null ? 1 - this.streamsOpen : 0;
  }

  openStream(now: Instant): UpstreamStream {
    this.streamsOpen = 1;
    this.#stream.open(now - this.idleSince);
    return this.#stream;
  }

  keepUntil(at: Instant): void {
    this.at = at;
  }

  hasNoUnreadBytes(): boolean {
    return this.transport.isQuiet();
  }

  probe(): boolean {
    return false;
  }

  checkUnread(): void {
    this.transport.hasUnread();
  }

  get isLastRequest(): boolean {
    return !this.#owner.reusesConnections && !isPrivate(this.group);
  }

  reserveFor(client: ClientOfConnection, isLogin: boolean): void {
    this.#owner.onReserved(this, client, isLogin);
  }

  lasts(): void {
    if (this.endReason === null) this.#owner.onLongLived?.(this);
  }

  reuse(lastByteAt: Instant): void {
    this.idleSince = lastByteAt;
    this.streamsOpen = 0;
    this.#owner.onStreamEnded(this);
  }

  addAwaited(awaited: AwaitedResponses): void {
    const sentAt = this.streamsOpen === 0 ? null : this.#stream.awaitedSince;
    if (sentAt !== null) awaited.note(sentAt, this.#stream.awaiting);
  }

  close(): void {
    this.end('closed', 'close');
  }

  end(reason: ConnectionEndReason, how: 'close' | 'reset'): void {
    if (this.endReason !== null) return;
    this.endReason = reason;
    this.at = never;
    this.#stream.onConnectionEnded();
    // Bytes that have not left yet are given up: nothing awaits their answer.
    this.transport.reclaimUnsent();
    this.transport.close(how);
    this.#ports.deadlines.remove(this);
    if (this.streamsOpen > 0) {
      this.streamsOpen = 0;
      this.#owner.onStreamEnded(this);
    }
    this.#owner.onConnectionClosed(this);
  }

  // The transport.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    // RFC 9112 §9.2: a response to no request is to be discarded.
    if (this.#stream.isIdle) this.close();
    else this.#stream.onBytes(bytes, start, end);
  }

  onWritten(): void {
    this.#stream.onWritten();
  }

  onEnd(): void {
    if (this.endReason !== null) return;
    if (this.#stream.isIdle) this.close();
    else this.#stream.onEnd();
  }

  onClosed(errno: string | null): void {
    if (this.endReason !== null) return;
    if (this.#stream.isIdle) this.close();
    else this.#stream.onClosed(errno);
  }

  override onExpired(now: Instant): void {
    if (this.#stream.isIdle) this.close();
    else this.#stream.onExpired(now);
  }
}
