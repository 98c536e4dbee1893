import type { ClientConnection, ClientEngine } from '../core/client-engine.ts';
import type { ClientLimits } from '../core/listener-spec.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { Deadlines } from '../core/deadline.ts';
import type { Failure } from '#failures/failure.ts';
import type { Http2LimitReached } from '../core/http2-limit.ts';
import type { SendQueueBytes } from '../core/send-queue-bytes.ts';
import type { DownstreamHandler, DownstreamStream } from '../core/stream.ts';
import type { Clock } from '../core/time.ts';
import type { FailedHandshakes } from '../core/tls-server.ts';
import type { LocalAddress, Transport } from '../core/transport.ts';
import type { ListenerSettings } from './listener-settings.ts';
import type { Peer } from './peer.ts';
import type { PrefaceStage } from './preface-stage.ts';

/** The part of `DownstreamPorts` that all listeners of a worker share. */
export type SharedPorts = Omit<DownstreamPorts, 'onEngineStarted' | 'onConnectionClosed' | 'onClientNamed'>;

/** What this room needs from the others. */
export interface DownstreamPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly counts: WorkerCounts;
  readonly exchanges: Exchanges;
  /** The steps that each connection passes before its engine starts, in order. */
  readonly prefaceStages: readonly PrefaceStage[];
  readonly engines: ClientEngines;
  /** The bytes that the kernel still holds for clients that read slowly. */
  readonly sendQueueBytes: SendQueueBytes;
  readonly admission: ConnectionAdmission;
  /** Why no request and no connection is accepted at the moment; null, which is nearly always: all are. */
  readonly overload: { readonly failure: Failure | null };
  /** Whether a peer may say who the client is. */
  readonly isTrusted: (address: string) => boolean;
  /** The header, in lowercase, in which trusted peers name the client; null: X-Forwarded-For, then Forwarded. */
  readonly addressHeader: () => string | null;
  /** The engine of the connection has started: the listener counts the engine instead of the preface. */
  readonly onEngineStarted: (engine: ClientConnection, preface: ClientConnection) => void;
  /**
   * A trusted peer has named the client whose connection it carries. Returns the ports that the connection goes on with:
   * those that refuse its requests where that client has too many connections; null where the connection must be closed.
   */
  readonly onClientNamed: (preface: ClientConnection, address: string) => DownstreamPorts | null;
  readonly onConnectionClosed: (connection: ClientConnection) => void;
  /** A client's connection of HTTP/1.1, whose gateway's end this is, is closed; absent: nobody asks. */
  readonly onClientClosed?: (client: LocalAddress) => void;
  readonly onHandshakeFailed: (failed: FailedHandshake) => void;
  /** A client has reached one of our limits with an HTTP/2 connection, which has ended. */
  readonly onHttp2Limit: (reached: Http2LimitReached) => void;
  /** The gateway has ended a client's HTTP/2 connection with the error `code` (RFC 9113 §7), and not at a limit. */
  readonly onHttp2Error: (listener: string, code: string) => void;
}

/** A client whose TLS handshake failed. */
export type FailedHandshake = Omit<FailedHandshakes, 'count'>;

/** Starts a protocol's engine on a connection; the engine becomes the transport's listener. */
export type StartClientEngine = (
  transport: Transport,
  peer: Peer,
  listener: ListenerSettings,
  ports: DownstreamPorts,
) => ClientEngine;

/** Engines by the protocol's ALPN name (RFC 7301), such as `http/1.1` or `h2`. */
interface ClientEngines {
  readonly byProtocol: ReadonlyMap<string, StartClientEngine>;
  /** Answers a client whose protocol has no engine, or whose preface is refused. */
  readonly fallback: StartClientEngine;
}

/** Decides who may connect. A refused connection has been counted. */
export interface ConnectionAdmission {
  /** A permit for a connection from `address`, for `release`; null: there is none. */
  acquire(address: string, limits: ClientLimits): string | null;
  /** A permit for the address alone, for a connection that has a permit and has named its client since. */
  acquireAddress(address: string, limits: ClientLimits): string | null;
  /** In how many milliseconds a client at `address` may begin a TLS handshake; it is counted. Infinity: it may not. */
  handshakeDelayMs(address: string, limits: ClientLimits): number;
  /** A connection from `address` was closed for a flood. Returns how long its next ones wait, in milliseconds. */
  noteFlood(address: string, limits: ClientLimits): number;
  /** A connection from `address` has gone with `count` open requests more than one. As above; 0: they are not too many. */
  noteAbandoned(address: string, count: number, limits: ClientLimits): number;
  /** Whether a connection from `address` was closed for a flood not long ago. */
  hasFlooded(address: string, limits: ClientLimits): boolean;
  /** How long a connection from `address` waits before it is served; it is counted. */
  delayMs(address: string, limits: ClientLimits): number;
  release(permit: string, limits: ClientLimits): void;
  releaseAddress(permit: string): void;
  /**
   * The failure that answers the connection that has just been refused; null: the connection is reset. `endRefusal` is
   * called once for each failure, when its connection has closed.
   */
  tryBeginRefusal(): Failure | null;
  endRefusal(): void;
}

/** Where requests go. */
interface Exchanges {
  /** An exchange for the request that has come on `stream`; it begins with `onRequest`. */
  create(stream: DownstreamStream): DownstreamHandler;
}
