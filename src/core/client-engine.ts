import type { EndingInstance } from './stream.ts';
import type { Failure } from '#failures/failure.ts';
import type { RequestRule } from '#failures/rules.ts';

/** How long the client may read its last response after a force close; some hundred bytes take one round trip. */
export const lastResponseReadMs = 1000;

/**
 * A client's connection as its listener and its worker see it, whatever protocol it speaks: they count it, drain it and
 * close it through these calls alone.
 *
 * `closeIdle` and `forceClose` return false if the kernel has bytes that the connection has not read yet. The caller
 * calls again a moment later, when the connection has read them: a request that came in time is answered.
 */
export interface ClientConnection {
  /** For its listener alone: the connection in the list of open ones; null if it is in none. */
  listed: OpenConnection | null;
  /** Its last exchange is over, the kernel has every byte of it, and the client has yet to close. */
  readonly isLingering: boolean;
  /** Closes the connection if no request is on it; returns whether it did. */
  closeToMakeRoom(): boolean;
  /** From now on, responses tell the client that no further request is served here (`Connection: close`, GOAWAY). */
  announceClose(): void;
  /** Closes the connection if no request is on it, and otherwise once its requests are answered. */
  closeIdle(): boolean;
  /** Ends the tunnels on the connection with `failure`, within a second; other exchanges go on. A repeated call changes nothing. `of`: those of that instance alone. */
  endTunnels(failure: Failure, of?: EndingInstance): void;
  /**
   * Ends every exchange on the connection with `failure`, then the connection. A response that is complete is left to its client, until
   * `hadTimeToRead`: then what the client has not read is lost. It leaves tunnels alone: the caller calls `endTunnels` first, which gives
   * them their time.
   */
  forceClose(failure: Failure, hadTimeToRead: boolean): boolean;
}

/** What a listener knows of one of its open connections, and the connections accepted before and after it. */
export interface OpenConnection {
  connection: ClientConnection;
  /** Released when the connection closes. The key under which the address of the client is counted; null if it was refused. */
  permit: string | null;
  /** Its request is answered with the reason why the connection is refused. */
  isRefused: boolean;
  previous: OpenConnection | null;
  next: OpenConnection | null;
}

/**
 * A protocol's side of one client connection: it reads requests from the transport and writes responses to it. It is the
 * transport's listener from its start on, begins an exchange for each request, keeps `exchangesActive` and `tunnelsActive`
 * true, and reports its end once by `onConnectionClosed`.
 */
export interface ClientEngine extends ClientConnection {
  /** Takes bytes that the preface has read, and later those of the transport. */
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  /** Responds to bytes that are not a valid request, records them, then closes. `rule` is the broken rule, `at` where it is broken. */
  refuse(rule: RequestRule, at: string): void;
  /** Before the first bytes: the request that they begin is refused in the same way once its head has been read, whatever it is. */
  refuseNext(rule: RequestRule, at: string): void;
}
