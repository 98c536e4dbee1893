import type {
  AddressUse,
  ConnectionEndReason,
  ConnectionGroup,
  PooledConnection,
  PooledConnectionOwner,
} from '../core/pooled-connection.ts';
import type { UpstreamStream } from '../core/stream.ts';
import type { Clock, Instant, Timer } from '../core/time.ts';
import { type EndpointStreamOptions, MemoryEndpointStream } from './memory-endpoint-stream.ts';

interface EndpointConnectionOptions extends Pick<EndpointStreamOptions, 'address' | 'windowBytes' | 'onRequest'> {
  readonly clock: Clock;
  /** The most streams that the endpoint lets be open at the same time (SETTINGS_MAX_CONCURRENT_STREAMS in HTTP/2). */
  readonly streamsMax: number;
}

/** A connection in memory that carries many streams at the same time: the pool's side, and the methods of the endpoint. */
export class MemoryEndpointConnection implements PooledConnection {
  readonly address: string;
  readonly keepAliveTimeoutS = null;
  idleSince: Instant;
  endReason: ConnectionEndReason | null = null;
  group: ConnectionGroup = null;
  isAvailable = false;
  user: AddressUse | null = null;
  isLongLived = false;
  isClosed = false;
  /** The most streams that were open at the same time. */
  streamsOpenMax = 0;
  readonly #options: EndpointConnectionOptions;
  readonly #owner: PooledConnectionOwner;
  readonly #streams = new Set<MemoryEndpointStream>();
  #streamsMax: number;
  #served = 0;
  #idleTimer: Timer | null = null;

  constructor(options: EndpointConnectionOptions, owner: PooledConnectionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.address = options.address;
    this.#streamsMax = options.streamsMax;
    this.idleSince = options.clock.now();
  }

  // Called by the pool.

  get streamsOpen(): number {
    return this.#streams.size;
  }

  get streamsFree(): number {
    return this.endReason === null ? Math.max(0, this.#streamsMax - this.#streams.size) : 0;
  }

  openStream(now: Instant): UpstreamStream {
    this.#idleTimer?.cancel();
    const { clock, address, windowBytes, onRequest } = this.#options;
    const stream = new MemoryEndpointStream({
      clock,
      address,
      reused: this.#served > 0,
      idleMs: this.#streams.size === 0 && this.#served > 0 ? now - this.idleSince : 0,
      ...(windowBytes === undefined ? {} : { windowBytes }),
      onRequest,
      onOver: (over) => this.#onStreamOver(over),
    });
    this.#served++;
    this.#streams.add(stream);
    this.streamsOpenMax = Math.max(this.streamsOpenMax, this.#streams.size);
    return stream;
  }

  keepUntil(at: Instant): void {
    this.#idleTimer = this.#options.clock.schedule(at, close, this);
  }

  hasNoUnreadBytes(): boolean {
    return true;
  }

  probe(): boolean {
    return false;
  }

  checkUnread(): void {}

  close(): void {
    this.#end('closed');
  }

  #onStreamOver(stream: MemoryEndpointStream): void {
    this.#streams.delete(stream);
    this.idleSince = this.#options.clock.now();
    this.#owner.onStreamEnded(this);
    this.#closeWhenDone();
  }

  // Called by the endpoint.

  /** GOAWAY: no new streams; open ones continue. */
  goAway(): void {
    this.#end('going_away');
  }

  /** The connection breaks, and with it all its streams. */
  lose(): void {
    this.#end('broken');
    for (const stream of this.#streams) stream.reset();
  }

  allowStreams(streamsMax: number): void {
    this.#streamsMax = streamsMax;
    this.#owner.onStreamsFreeChanged(this);
  }

  #end(reason: ConnectionEndReason): void {
    if (this.endReason !== null) return;
    this.endReason = reason;
    this.#idleTimer?.cancel();
    this.#owner.onStreamsFreeChanged(this);
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.endReason === null || this.#streams.size > 0 || this.isClosed) return;
    this.isClosed = true;
    this.#owner.onConnectionClosed(this);
  }
}

function close(connection: MemoryEndpointConnection): void {
  connection.close();
}
