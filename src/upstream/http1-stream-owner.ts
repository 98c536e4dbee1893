import type { UnknownCode } from '../core/connector.ts';
import type { ConnectionEndReason } from '../core/pooled-connection.ts';
import type { ClientOfConnection } from '../core/stream.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import type { HeadStorage } from '../wire/head-storage.ts';

export interface Http1StreamPorts {
  readonly clock: Clock;
  readonly writer: ByteWriter;
  readonly storage: HeadStorage;
  /** Called for an error code that `errno-meaning.ts` does not know. */
  readonly onUnclassified: (unknown: UnknownCode) => void;
}

/** The connection of the stream, whose deadline is the stream's while a request is in flight. */
export interface Http1StreamOwner {
  readonly transport: Transport;
  readonly idleSince: Instant;
  readonly streamsOpen: number;
  at: Instant;
  keepAliveTimeoutS: number | null;
  /** No other request follows the one in flight. */
  readonly isLastRequest: boolean;
  /** The request has become a tunnel, or its response is a stream. */
  lasts(): void;
  /** From now on it carries requests of this connection of a client alone. */
  reserveFor(client: ClientOfConnection, isLogin: boolean): void;
  /** Request and response are whole, and another request may follow. */
  reuse(lastByteAt: Instant): void;
  /** Ends the connection. The stream tells its attempt. */
  end(reason: ConnectionEndReason, how: 'close' | 'reset'): void;
}
