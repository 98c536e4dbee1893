import type { UpstreamStream } from './stream.ts';
import type { Instant } from './time.ts';

/**
 * Why a connection takes no more streams: the pool has closed it, the endpoint has said so (`Connection: close`, GOAWAY),
 * or a stream or the transport has failed in a way that leaves the connection unusable.
 */
export type ConnectionEndReason = 'closed' | 'going_away' | 'broken';

/**
 * One connection to an endpoint, as a pool sees it: it carries streams, in HTTP/1.1 one after the other, in HTTP/2 many
 * at the same time. The pool knows no protocol version. A connection that takes no more streams closes itself when its
 * last stream has ended.
 */
export interface PooledConnection {
  /** Where it leads: one of the addresses of the endpoint. */
  readonly address: string;
  readonly streamsOpen: number;
  /** How many more streams it can carry now; 0 once it takes no more. */
  readonly streamsFree: number;
  /** Why it takes no more streams; null while it does. */
  readonly endReason: ConnectionEndReason | null;
  /** When the last stream ended, or the connection was made. */
  readonly idleSince: Instant;
  /** For how long the endpoint says that it keeps idle connections; null when it said nothing. */
  readonly keepAliveTimeoutS: number | null;
  /** For the pool alone: whether the pool offers it to requests. */
  isAvailable: boolean;
  /** Call only while a stream is free. */
  openStream(now: Instant): UpstreamStream;
  /** It is idle: it closes itself at `at`, unless a stream is opened before. */
  keepUntil(at: Instant): void;
  /** Whether the endpoint has sent and ended nothing; call only while it is idle. One that is not quiet must be closed. */
  hasNoUnreadBytes(): boolean;
  /** Has the transport deliver bytes that came before the first request, if any, before anything else. */
  checkUnread(): void;
  /** Ends the connection, and all streams on it. */
  close(): void;
}

/** The pool, as its connections see it. */
export interface PooledConnectionOwner {
  /** Whether a connection may carry more than one stream; where not, a protocol may tell the endpoint so. */
  readonly reusesConnections: boolean;
  /** A stream has ended, in whatever way. `streamsOpen` and `endReason` say what becomes of the connection. */
  onStreamEnded(connection: PooledConnection): void;
  /** How many streams it can carry has changed, or it takes no more: `endReason` was null before. */
  onStreamsFreeChanged(connection: PooledConnection): void;
  /** The connection is closed, and `onStreamEnded` was called for each of its streams. */
  onConnectionClosed(connection: PooledConnection): void;
}
