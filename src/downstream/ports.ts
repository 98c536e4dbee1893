import type { ClientLimits } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { Deadlines } from '../core/deadline.ts';
import type { Failure } from '../core/failure.ts';
import type { DownstreamHandler, DownstreamStream } from '../core/stream.ts';
import type { Clock } from '../core/time.ts';
import type { SendQueueBytes } from '../core/send-queue-bytes.ts';
import type { HeadStorage } from '../wire/head-storage.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';
import type { ClientConnection } from './connection.ts';
import type { Preface } from './preface.ts';

/** Those of `DownstreamPorts` that are no listener's own. */
export type SharedPorts = Omit<DownstreamPorts, 'onConnectionOpened' | 'onConnectionClosed' | 'onClientNamed'>;

/** What this room needs from the others. */
export interface DownstreamPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly writer: ByteWriter;
  readonly storage: HeadStorage;
  readonly counts: WorkerCounts;
  readonly exchanges: Exchanges;
  /** What the kernel keeps for clients that take their responses slowly. */
  readonly sendQueueBytes: SendQueueBytes;
  readonly admission: ConnectionAdmission;
  /** Why no request is taken at the moment, nor a connection; null, which is nearly always: all are. */
  readonly overload: { readonly failure: Failure | null };
  /** Whether a peer's word on who the client is may be taken. */
  readonly isTrusted: (address: string) => boolean;
  /** The header, in lowercase, in which trusted peers name the client; null: X-Forwarded-For, then Forwarded. */
  readonly addressHeader: () => string | null;
  /** Told when a connection has got its engine, and when it has closed, so that its listener can drain it. */
  readonly onConnectionOpened: (engine: ClientConnection, preface: Preface) => void;
  /**
   * A trusted peer has named the client whose connection it carries. Returns the ports that the connection goes on with:
   * others where that client has too many connections and is to be told so; null where the connection is to be closed.
   */
  readonly onClientNamed: (preface: Preface, address: string) => DownstreamPorts | null;
  readonly onConnectionClosed: (connection: ClientConnection | Preface) => void;
}

/** Who may connect. What is refused has been counted. */
export interface ConnectionAdmission {
  /** A place for a connection from `address`: what is to be given back for it; null: there is none. */
  acquire(address: string, limits: ClientLimits): string | null;
  /** The place of an address alone, for a connection that has a place and has named its client since. */
  acquireAddress(address: string, limits: ClientLimits): string | null;
  release(permit: string, limits: ClientLimits): void;
  releaseAddress(permit: string): void;
  /**
   * With what the connection that has just been refused is answered before it closes; null: it is reset. Each failure is
   * given back by `refusalOver` once its connection has closed.
   */
  refusal(): Failure | null;
  refusalOver(): void;
}

/** Where requests go. */
export interface Exchanges {
  /** An exchange for the request that has come on `stream`; it begins with `onRequest`. */
  create(stream: DownstreamStream): DownstreamHandler;
}

export interface ListenerFacts {
  readonly id: string;
  readonly proxyProtocol: boolean;
  readonly limits: ClientLimits;
}
