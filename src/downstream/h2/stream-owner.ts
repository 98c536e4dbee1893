import type { HeadBlock } from '../../wire/head-storage.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import type { Failure } from '#failures/failure.ts';
import type { Session } from '../../wire/h2/session.ts';
import type { ListenerSettings } from '../listener-settings.ts';
import type { DownstreamPorts } from '../ports.ts';
import type { LostExchange } from './lost-exchanges.ts';
import type { StreamTimeouts } from './stream-timeouts.ts';
import type { DownstreamHandler, DownstreamStream } from '../../core/stream.ts';

/** The connection, as its streams see it. */
export interface Http2StreamOwner {
  readonly listener: ListenerSettings;
  readonly ports: DownstreamPorts;
  readonly session: Session;
  readonly block: HeaderBlockWriter;
  /** Whether the client speaks HTTP/1.1 too. */
  readonly mayUseHttp1: boolean;
  /** How the client ended the connection. */
  readonly lostBy: 'closed' | 'reset';
  /** Why the gateway ended the connection, where its session did not; null: it did not. */
  readonly endedBy: Failure | null;
  /** The client has sent frames that the gateway has not read yet. */
  readonly hasUnread: boolean;
  /** Whether interim responses may be sent. */
  readonly takesHints: boolean;
  /** Begins the header block that the stream composes. */
  beginBlock(): void;
  /** The exchange of the stream begins now, and not at the end of what is being read, unless the request has to wait for others. */
  beginEarly(stream: StartingStream): void;
  /** `beginEarly` is running: the body that has come follows it. */
  readonly beginsEarly: boolean;
  /** The stream has got body bytes or its end: `onReadDone` follows at the end of this read. */
  noteRead(stream: ReadingStream): void;
  /** A part of a response waits: for the client's window, or for its connection. */
  onBodyWaits(timeouts: StreamTimeouts): void;
  /** The exchange has ended: the blocks are not used any more. */
  onExchangeEnded(stream: ReadingStream, blocks: readonly HeadBlock[]): void;
  /** The connection is lost: calls `lost.endLost`, now or in a later turn of the event loop. */
  endInTurn(lost: LostExchange): void;
  /** `endLost` has returned. */
  onLostEnded(): void;
  /** A defect of ours, outside of any exchange. */
  onDefect(error: unknown): void;
}

/** A request whose exchange may not have begun. */
export interface StartingStream extends DownstreamStream, ReadingStream {
  readonly hasBegun: boolean;
  /** −1: it was not queued. 0: it is queued. Then for how long it was. */
  queuedForMs: number;
  /** The client, the session or a rule has ended it. */
  readonly isLost: boolean;
  begin(handler: DownstreamHandler): void;
}

export interface ReadingStream {
  readonly id: number;
  readonly isTunnel: boolean;
  /** All bytes of one read have been delivered. */
  onReadDone(): void;
  /** A defect of ours ends the exchange of the stream, and no other. */
  onDefect(error: unknown): void;
}
