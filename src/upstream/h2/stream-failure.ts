import { type Cause, fail, type Failure } from '#failures/failure.ts';
import type { Framing } from '../../core/message.ts';
import { http1Behind } from '#failures/rules.ts';
import { unparsedBytesMax, withUnparsed } from '../../core/unparsed-bytes.ts';
import { h2Limits } from '../../wire/h2/limits.ts';
import { errorName, errorNumber } from '../../wire/h2/protocol.ts';
import type { StreamLoss } from '../../wire/h2/session-stream.ts';
import { guessBytes } from '../../wire/guess-bytes.ts';
import type { ResponseRefusal } from '../../wire/parsed-response-head.ts';
import { evidenceBytesMax, responseLimits } from '../../wire/limits.ts';
import { connectionFailure, type LostConnection } from '../connection-failure.ts';

/** A GOAWAY of the endpoint (RFC 9113 §6.8). */
export interface GoAway {
  readonly lastStreamId: number;
  readonly code: number;
  readonly text: string;
}

/** How a connection was lost. */
export type LostSession =
  /** By FIN (null), or with a code of the system or of TLS. */
  | { readonly by: 'endpoint'; readonly code: string | null }
  /** The endpoint's frames break a rule. `firstBytes`: what came, where it was never HTTP/2. */
  | {
      readonly by: 'rule';
      readonly code: string;
      readonly why: string;
      readonly firstBytes: Uint8Array | null;
      /** How many streams ended with the connection. */
      readonly streams: number;
      /** Of the frame that broke the rule; 0: it belongs to none, or no single frame did. */
      readonly streamId: number;
      /** The frame that broke the rule, where a single one did. */
      readonly frame?: Uint8Array | null;
      /** How large a header section may be, where the block of one that is larger ended the connection; null or absent: none did. */
      readonly headLimit?: number | null;
    };

const noError = errorNumber('NO_ERROR');
const refusedStream = errorNumber('REFUSED_STREAM');
export const http1Required = errorNumber('HTTP_1_1_REQUIRED');
export const enhanceYourCalm = errorNumber('ENHANCE_YOUR_CALM');

/** What a stream knows of itself when it is lost. */
export interface LostStream {
  /** 0: it was not opened. */
  readonly id: number;
  readonly address: string;
  readonly reused: boolean;
  readonly idleMs: number;
  readonly requestSent: boolean;
  /** Of the body, without what a window has kept back. */
  readonly bytesSent: number;
  readonly headSent?: true;
  readonly bytesReceived: number;
  /** Of the response whose head has come; null: none has. */
  readonly framing: Framing | null;
  readonly goAway: GoAway | null;
  readonly connection: LostSession;
}

/** Why a stream has ended before its response was complete. Null: by a code that no table has (`connection.code`). */
export function streamFailure(stream: LostStream, loss: StreamLoss): Failure | null {
  switch (loss.by) {
    case 'peer':
      return resetFailure(stream, loss.code);
    case 'going-away': {
      const { address, goAway, framing } = stream;
      // It contradicts itself: a response had come to a request that it says it has not processed.
      if (framing !== null) return withGoAway(cut(stream, framing, 'GOAWAY'), goAway);
      const code = errorName(loss.code);
      const lastStreamId = goAway?.lastStreamId ?? 0;
      return fail('stream_refused', 'response', { address, code, frame: 'GOAWAY', lastStreamId, text: loss.text });
    }
    case 'rule':
      return ruleFailure(stream, loss.code, loss.why);
    case 'connection':
      return lostFailure(stream);
  }
}

/** The endpoint allows no stream on the connection: the request was not sent. */
export function noStreamsAllowed(address: string): Failure {
  return fail('stream_refused', 'send', { address, code: 'SETTINGS_MAX_CONCURRENT_STREAMS', frame: 'SETTINGS' });
}

/** RST_STREAM of the endpoint. */
function resetFailure(stream: LostStream, code: number): Failure {
  const { address, reused, idleMs, framing } = stream;
  const name = errorName(code);
  if (framing !== null) return cut(stream, framing, name);
  if (code === refusedStream || code === http1Required)
    return fail('stream_refused', 'response', { address, code: name, frame: 'RST_STREAM' });
  return fail('reset_before_response', 'response', { address, reused, idleMs, errno: '', stream: name });
}

/** The stream has ended within the body, and its connection has not. */
export function cut(
  { address, bytesReceived }: Pick<LostStream, 'address' | 'bytesReceived'>,
  framing: Framing,
  stream: string,
): Failure {
  const evidence = { address, bytesReceived, how: 'reset', stream } as const;
  if (framing.kind !== 'length') return fail('response_stream_cut', 'body', evidence);
  return fail('response_body_short', 'body', { ...evidence, bytesExpected: framing.bytes });
}

function ruleFailure(stream: LostStream, code: string, why: string): Failure {
  const { address, framing, bytesReceived } = stream;
  if (framing?.kind === 'none' && code === 'PROTOCOL_ERROR' && bytesReceived > 0)
    return fail('response_framing', 'body', { address, rule: 'content-forbidden' });
  if (framing?.kind === 'length' && code === 'PROTOCOL_ERROR') {
    if (bytesReceived > framing.bytes)
      return fail('response_framing', 'body', { address, rule: 'content-length-mismatch' });
    // The session refuses END_STREAM before the announced length.
    if (why.startsWith('less content')) return cut(stream, framing, 'END_STREAM');
  }
  return fail('response_frames', framing === null ? 'response' : 'body', { address, rule: why, code });
}

/** RFC 9113 §5.4.1: the endpoint's frame has ended all streams, whichever of them it belongs to. */
function connectionError(
  { id, address, framing }: LostStream,
  { code, why, streams, streamId, frame }: Extract<LostSession, { by: 'rule' }>,
): Failure {
  const stage = framing === null ? 'response' : 'body';
  // What would be the numbers of a frame is text.
  if (frame != null && spellsHttp1(frame))
    return fail('response_frames', stage, { address, rule: http1Behind, code, streams, frameOf: 'connection' });
  const frameOf = streamId === 0 ? 'connection' : streamId === id ? 'this_stream' : 'another_stream';
  return fail('response_frames', stage, {
    ...{ address, rule: why, code },
    ...{ streams, frameOf },
  });
}

function spellsHttp1(frame: Uint8Array): boolean {
  return Buffer.from(frame.subarray(0, http1Begin.length)).toString('latin1') === http1Begin;
}

const http1Begin = 'HTTP/1.';

function lostFailure(stream: LostStream): Failure | null {
  const { connection, address } = stream;
  if (connection.by === 'rule') {
    const { firstBytes, frame = null, headLimit = null } = connection;
    if (firstBytes === null) {
      if (headLimit !== null && connection.streamId === stream.id) return blockTooLarge(stream, headLimit);
      const failure = connectionError(stream, connection);
      return frame === null ? failure : withUnparsed(failure, { part: 'frame', offset: 0, bytes: frame });
    }
    const hexadecimal = Buffer.from(firstBytes.subarray(0, evidenceBytesMax)).toString('hex');
    const evidence = { address, firstBytes: hexadecimal, guess: guessBytes(firstBytes) };
    const failure = fail('response_not_http2', 'response', evidence);
    return withUnparsed(failure, { part: 'frame', offset: 0, bytes: firstBytes.subarray(0, unparsedBytesMax) });
  }
  const { reused, idleMs, requestSent, bytesSent, headSent, framing, bytesReceived } = stream;
  const known = { address, reused, idleMs, requestSent, bytesSent, ...(headSent === true ? { headSent } : {}) };
  const lost: LostConnection =
    framing === null ? { ...known, at: 'before' } : { ...known, at: 'body', framing, bytesReceived, frames: true };
  const failure = connectionFailure(lost, connection.code);
  return failure === null ? null : withGoAway(failure, stream.goAway);
}

/** Whose sentences say by which error the endpoint had ended the connection. */
const tellsGoAway: ReadonlySet<Cause> = new Set([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
  'response_body_short',
  'response_stream_cut',
]);

function withGoAway(failure: Failure, goAway: GoAway | null): Failure {
  if (goAway === null || goAway.code === noError || !tellsGoAway.has(failure.cause)) return failure;
  const { code, text } = goAway;
  const reported = { goAway: errorName(code), ...(text === '' ? {} : { text }) };
  // Each of these causes has both in its evidence.
  return { ...failure, evidence: { ...failure.evidence, ...reported } } as Failure;
}

/** A header block of which more came than any section within `limit` takes. */
function blockTooLarge({ address, framing }: LostStream, limit: number): Failure {
  const bytes = limit + h2Limits.headerBlockBytesMax;
  const stage = framing === null ? 'response' : 'body';
  return refusedSection({ cause: 'response_head_too_large', bytes, limit, longest: '' }, address, stage);
}

/** What is wrong with a response's head or its trailers (`body`), with the address. */
export function refusedSection(refusal: ResponseRefusal, address: string, stage: 'response' | 'body'): Failure {
  const { cause, ...evidence } = refusal;
  if (stage === 'body' && refusal.cause === 'response_head_too_large') {
    const { bytes, limit } = refusal;
    const { headersMax } = responseLimits;
    return fail('response_trailers_too_large', 'body', { address, bytes, limit, headersMax });
  }
  // The union pairs each cause with its evidence; only the address is added here.
  return { cause, stage, evidence: { address, ...evidence } } as Failure;
}
