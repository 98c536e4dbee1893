import type { RequestRule } from '#failures/rules.ts';
import type { Cancellable } from '../core/connector.ts';
import type { HandshakeFailure } from '../core/tls-server.ts';
import type { Clock } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { ListenerSettings } from './listener-settings.ts';
import type { ClientSource } from './peer.ts';

/**
 * One step that a connection passes before its engine starts: PROXY protocol, TLS, choice of the protocol. A stage has no
 * state of its own for a connection; the bytes that it asks to see again are kept for it.
 */
export interface PrefaceStage {
  /** Refuses a client whose bytes the stage cannot judge within the limit for prefaces. */
  readonly rule: RequestRule;
  /** How many bytes the stage may ask to see before it has judged them. */
  readonly bytesMax: number;
  /** Looks at the bytes [start, end) that have come and that no earlier stage has consumed. */
  read(connection: PrefaceConnection, bytes: Uint8Array, start: number, end: number): StageResult;
}

/**
 * A number: the stage is done and has consumed so many bytes; the next stage looks at the rest. `partial`: the stage is
 * called again with these bytes and more. `taken`: the stage has refused or closed the connection, or has taken the
 * transport over; in the last case it calls `continueOn` or `close` later, and owns the bytes.
 */
export type StageResult = number | 'partial' | 'taken';

/** The connection as its preface stages see it. */
export interface PrefaceConnection {
  /** With the facts of its TLS session, once a stage has put one on top. */
  readonly transport: Transport;
  readonly listener: ListenerSettings;
  /** Whether requests for a host may come on the connection; null: for every host. Set by the stage of TLS. */
  servesHost: ((host: string) => boolean) | null;
  /** Whether the client has offered HTTP/1.1 in its TLS handshake. Set by the stage of TLS. */
  offersHttp1: boolean;
  /** Whether the peer may say who the client is. */
  readonly isPeerTrusted: boolean;
  /** The protocol whose engine starts after the last stage, by its ALPN name (in clear text too); null until a stage has chosen it. */
  protocol: string | null;
  /** The client's address: as a trusted peer has named it, else the peer's. */
  readonly clientAddress: string;
  readonly clock: Clock;
  /** How many milliseconds the client waits before it is served, because its address has flooded; it is counted. 0: it does not wait. */
  admitAfterMs(): number;
  /** In how many milliseconds the client may begin its TLS handshake; it is counted. Infinity: it may not. */
  handshakeDelayMs(): number;
  /** A trusted peer names its client. False: the connection has been closed, because that client has too many. */
  nameClient(source: ClientSource): boolean;
  /** Answers, records and closes a connection whose bytes are not what this listener expects. */
  refuse(rule: RequestRule): void;
  /** The stage goes on, and the request that follows is read, refused and recorded. `at`: where the rule is broken. */
  refuseNext(rule: RequestRule, at: string): void;
  /**
   * A stage has taken the transport over. Until it calls `continueOn` or `failHandshake`, `handshake` is what ends the
   * connection.
   */
  takeOver(handshake: Cancellable): void;
  /** For a stage that has taken the transport over: later stages and the engine see `transport` and its bytes. */
  continueOn(transport: Transport): void;
  /** Reports why the session is not one that may be used, although its handshake is complete. */
  noteHandshakeFailure(failure: HandshakeFailure, serverName: string | null): void;
  /** The TLS handshake failed: reports why, and closes the connection. `alert` is sent before, in clear text. */
  failHandshake(failure: HandshakeFailure, serverName: string | null, alert?: Uint8Array): void;
  close(): void;
}
