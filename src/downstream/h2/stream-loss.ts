import { fail, type Failure, type FailureOf } from '#failures/failure.ts';
import type { Framing, MessageHeaders, OutgoingResponse } from '../../core/message.ts';
import { type RequestRule, requestRules } from '#failures/rules.ts';
import { type ErrorName, errorName } from '../../wire/h2/protocol.ts';
import type { SessionFailure } from '../../wire/h2/session-owner.ts';
import type { StreamLoss } from '../../wire/h2/session-stream.ts';
import { bodyTruncated } from '../client-failures.ts';
import type { Http2StreamOwner } from './stream-owner.ts';
import type { HeaderFilter } from '../../core/header-names.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';

/** What a stream knows of itself when it is lost. */
interface LostStream {
  readonly stage: 'request' | 'response' | 'flush';
  readonly bytesSent: number;
  /** Of a request whose body has not come whole, and whose response has not begun; null: it is none. */
  readonly partial: { readonly framing: Framing; readonly bytes: number } | null;
}

/** How the exchange of a stream fails whose client, session or connection is lost. */
export function lossFailure(
  loss: StreamLoss,
  { stage, bytesSent, partial }: LostStream,
  { endedBy, lostBy, session }: Http2StreamOwner,
): Failure {
  if (loss.by === 'rule') return { ...endedByRule(loss.rule, loss.why, loss.code), stage };
  if (loss.by === 'peer')
    return fail('client_gone', stage, { bytesSent, how: 'cancelled', code: errorName(loss.code) });
  if (endedBy !== null) return { ...endedBy, stage } as Failure;
  if (session.failure !== null) return { ...endedBySession(session.failure), stage };
  if (partial !== null && lostBy === 'closed') return bodyTruncated(partial.framing, partial.bytes);
  return fail('client_gone', stage, { bytesSent, how: lostBy });
}

/** The gateway has ended the stream with RST_STREAM, or its connection with GOAWAY, because what the client sent breaks `rule`. */
function endedByRule(rule: RequestRule, at: string, code: ErrorName): FailureOf<'request_refused'> {
  const { status } = requestRules[rule];
  return fail('request_refused', 'request', { rule, status, at, code }) as FailureOf<'request_refused'>;
}

/** The failure of the requests that were open when the session ended by a rule or a limit. */
function endedBySession({ error, why, limit }: SessionFailure): FailureOf<'request_refused'> {
  return endedByRule(limit === null ? 'http2-connection' : 'http2-limit', why, error);
}

/** Composes the block of a response's head (RFC 9113 §8.3.2) for a request by `method`. */
export function writeResponseBlock(block: HeaderBlockWriter, response: OutgoingResponse, method: string): void {
  block.status(response.status);
  response.writeHeaders(block);
  const length = lengthOf(response, method);
  if (length >= 0) block.header('content-length', String(length));
}

/** What Content-Length says, as in HTTP/1 (RFC 9110 §8.6); −1: nothing. */
function lengthOf({ status, framing, contentLength }: OutgoingResponse, method: string): number {
  if (status < 200 || status === 204) return -1;
  if (method === 'HEAD' || status === 304) return contentLength;
  if (framing.kind === 'length') return framing.bytes;
  return framing.kind === 'none' ? 0 : -1;
}

/** Whether the head is the whole response. */
export function isHeadOnly({ status, framing }: OutgoingResponse, method: string): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || framing.kind === 'none';
}

/** Composes the block of an interim response. */
export function writeInterimBlock(
  block: HeaderBlockWriter,
  status: number,
  headers: MessageHeaders,
  drop: HeaderFilter,
): void {
  block.status(status);
  headers.writeTo(block, drop);
}
