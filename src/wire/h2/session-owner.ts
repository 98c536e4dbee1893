import type { Http2LimitName } from '../../core/http2-limit.ts';
import type { DecodedSection, HeaderSectionLimits } from './decoded-section.ts';
import type { ErrorName } from './protocol.ts';
import type { SessionStream } from './session-stream.ts';

/** What a session reports beside what its streams do. */
export interface SessionOwner {
  /** A client has opened a stream: sets its listener, `contentExpected` and priority. With `endsStream`, `onPeerEnd` follows. */
  onRequest(stream: SessionStream, section: DecodedSection, endsStream: boolean): void;
  /** The stream is not among the open ones any more. */
  onStreamClosed(stream: SessionStream): void;
  /** The peer's settings have changed: `Session.peer`. */
  onPeerSettings(): void;
  /** The peer has answered a PING of ours. */
  onPong(): void;
  /** The peer takes no more streams than those up to `lastStreamId`. Those behind it are lost right after the call. */
  onGoAway(lastStreamId: number, code: number, text: string): void;
  /** The session has ended by a rule of RFC 9113 or by a limit: GOAWAY is on its way, all streams are lost. The owner closes the connection. */
  onSessionFailed(error: ErrorName, why: string, limit: Http2LimitName | null): void;
  /** The connection takes no more bytes for now: its owner watches that it does again. */
  onCongested?(): void;
}

/** Why a session has ended by itself. */
export interface SessionFailure {
  readonly error: ErrorName;
  readonly why: string;
  readonly limit: Http2LimitName | null;
  /** Of the frame that broke the rule, or of the header block that is too large; 0: it belongs to none, or a limit was reached by many. */
  readonly streamId: number;
}

export interface Http2SessionSettings {
  readonly role: 'server' | 'client';
  /** Of decoded header sections. */
  readonly sectionLimits: HeaderSectionLimits;
  /** In milliseconds. */
  readonly now: () => number;
}
