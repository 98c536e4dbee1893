import type { AwaitedResponses } from './awaited-responses.ts';
import type { ClientOfConnection, UpstreamStream } from './stream.ts';
import type { Instant } from './time.ts';
import type { LocalAddress } from './transport.ts';

/**
 * Why a connection takes no more streams: the pool has closed it, the endpoint has said so (`Connection: close`, GOAWAY),
 * or a stream or the transport has failed in a way that leaves the connection unusable.
 */
export type ConnectionEndReason = 'closed' | 'going_away' | 'broken';

/** What one client address uses of an endpoint, in this worker. */
export interface AddressUse {
  /** Connections that are in use for it, or are being made, without those that are long-lived. */
  connections: number;
  longLived: number;
  /** Requests in the queue. */
  waiting: number;
}

/**
 * Which requests a connection may carry. Null: those of all clients. A text: those whose connection begins in the same way (the header of
 * the PROXY protocol, HTTP/1.1). An object: those of one connection of a client, of which it is the gateway's end; the connection to the
 * endpoint is *private*, because its user is authenticated for all of it.
 */
export type ConnectionGroup = string | LocalAddress | null;

export function isPrivate(group: ConnectionGroup): group is LocalAddress {
  return typeof group === 'object' && group !== null;
}

/**
 * One connection to an endpoint, as a pool sees it: it carries streams, in HTTP/1.1 one after the other, in HTTP/2 many
 * at the same time. The pool knows no protocol version. A connection that takes no more streams closes itself when its
 * last stream has ended.
 */
export interface PooledConnection {
  /** Its peer: one of the addresses of the endpoint. */
  readonly address: string;
  readonly streamsOpen: number;
  /** How many more streams it can carry now; 0 once it takes no more. */
  readonly streamsFree: number;
  /** Why it takes no more streams; null while it does. */
  readonly endReason: ConnectionEndReason | null;
  /** When the last stream ended, or the connection was made. */
  readonly idleSince: Instant;
  /** How long the endpoint keeps idle connections, by its Keep-Alive header; null without one. */
  readonly keepAliveTimeoutS: number | null;
  /** Set by the pool: the connection carries requests of this group alone. */
  group: ConnectionGroup;
  /** Set by the pool: whether the pool gives this connection to further requests. */
  isAvailable: boolean;
  /** Set by the pool: the address for which the connection is in use; null: it is idle, or has no such address. */
  user: AddressUse | null;
  /** Set by the pool: it carries a tunnel, or a response that is a stream, and counts with those. */
  isLongLived: boolean;
  /** Call only while a stream is free. */
  openStream(now: Instant): UpstreamStream;
  /** Makes the idle connection close itself at `at`, unless a stream is opened before. */
  keepUntil(at: Instant): void;
  /** Whether the endpoint has neither sent bytes nor ended the connection. Call only while it is idle; if false, close it. */
  hasNoUnreadBytes(): boolean;
  /**
   * Asks the endpoint whether the idle connection still works (PING in HTTP/2). The answer goes to `waiter`, once, also if the
   * connection ends. False: the protocol has no such question.
   */
  probe(waiter: ProbeWaiter): boolean;
  /** Makes the transport deliver bytes that came before the first request, if any, before other events. */
  checkUnread(): void;
  /** Adds its requests whose responses have not begun; absent: it does not know them. */
  addAwaited?(awaited: AwaitedResponses): void;
  /** Ends the connection, and all streams on it. */
  close(): void;
}

/** Waits for the answer to a question on a connection. */
export interface ProbeWaiter {
  /** False: there was no answer in time, or the connection takes no more streams. */
  onProbed(isAlive: boolean): void;
}

/** The pool, as its connections see it. */
export interface PooledConnectionOwner {
  /** Whether a connection may carry more than one stream; if not, a protocol may announce it to the endpoint. */
  readonly reusesConnections: boolean;
  /** A stream has ended, for any reason. `streamsOpen` and `endReason` say whether the connection continues. */
  onStreamEnded(connection: PooledConnection): void;
  /** How many streams it can carry has changed, or it takes no more: `endReason` was null before. */
  onStreamsFreeChanged(connection: PooledConnection): void;
  /** The request on the connection has become a tunnel, or its response is a stream; absent: that makes no difference. */
  onLongLived?(connection: PooledConnection): void;
  /** The endpoint has said, on this HTTP/2 connection, that it wants HTTP/1.1 (RFC 9113 §7, HTTP_1_1_REQUIRED). */
  onHttp1Required(connection: PooledConnection): void;
  /** The connection carries requests of this connection of a client alone from now on (`UpstreamStream.reserveFor`). */
  onReserved(connection: PooledConnection, client: ClientOfConnection, isLogin: boolean): void;
  /** The connection is closed, and `onStreamEnded` was called for each of its streams. */
  onConnectionClosed(connection: PooledConnection): void;
}
