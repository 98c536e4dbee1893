import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import type { DecodedSection, HeaderSectionLimits } from '../../wire/h2/decoded-section.ts';
import type { Http2ResponseReader } from '../../wire/h2/response-head.ts';
import type { Session } from '../../wire/h2/session.ts';
import type { HeadBlock } from '../../wire/head-storage.ts';
import type { GoAway, LostSession } from './stream-failure.ts';

/** The connection, as its streams see it. */
export interface Http2EndpointStreamOwner {
  readonly address: string;
  readonly localPort: number;
  readonly session: Session;
  readonly block: HeaderBlockWriter;
  readonly reader: Http2ResponseReader;
  readonly sectionLimits: HeaderSectionLimits;
  /** The last GOAWAY of the endpoint; null: none. */
  readonly goAwayReceived: GoAway | null;
  /** How the connection was lost, once it is. */
  readonly lostBy: LostSession;
  /** Bytes of the session that have left this process, or may have: see `SessionSender.composedBytes`. */
  readonly sentBytes: number;
  /** Whether the connection still carries streams. */
  readonly isOpen: boolean;
  /** Begins the header block that a stream composes. */
  beginBlock(): void;
  takeBlock(section: DecodedSection): HeadBlock;
  releaseBlock(block: HeadBlock): void;
  /** The stream has got body bytes: `onReadDone` follows at the end of this read. */
  noteRead(stream: ReadingEndpointStream): void;
  /** The stream has ended, for any reason. Called once. */
  onStreamOver(): void;
  /** Whether the endpoint has been asked if it is there, and has not answered: it does where its application is slow, too. */
  readonly isAnswerDue: boolean;
  /** Asks it by PING, unless the last answer is still due. */
  checkAlive(): void;
  /** The endpoint has not answered a PING: the connection gets no further requests. */
  onSilent(): void;
  /** The connection has been lost, with all its streams: another attempt must not use it. */
  onLost(): void;
  /** The endpoint wants HTTP/1.1 (HTTP_1_1_REQUIRED). */
  onHttp1Required(): void;
  /** The endpoint cannot hold more streams of this connection (ENHANCE_YOUR_CALM): further ones go over another. */
  onOverloaded(): void;
  /** A code of the system that no table has. */
  onUnclassified(stage: 'response' | 'body', code: string): void;
}

export interface ReadingEndpointStream {
  /** All bytes of one read have been delivered. */
  onReadDone(): void;
}
