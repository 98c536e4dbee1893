import type { EndpointAnswers } from './endpoint-answers.ts';
import { connectionEndsS, meaningOf } from '#failures/errno-meaning.ts';
import { type Evidence, fail, type Failure } from '#failures/failure.ts';
import type { Framing } from '../core/message.ts';
import { tlsAlertName, tlsAlertOf, tlsTruncated } from '../core/tls-codes.ts';
import type { BodyReader } from '../wire/body-reader.ts';
import { chunkLimits, interimBytesMax, interimMax } from '../wire/limits.ts';
import type { ResponseHeadParser } from '../wire/response-head.ts';
import { tlsEnd } from './tls-failure.ts';
import { misuse } from '../core/unknown-code.ts';

/** How far a response had come when its connection was lost. */
export type LostConnection = {
  readonly address: string;
  readonly reused: boolean;
  readonly idleMs: number;
  readonly requestSent: boolean;
  readonly bytesSent: number;
  /** HTTP/2: the head has been sent, and `bytesSent` counts the body alone. */
  readonly headSent?: true;
} & (
  | { readonly at: 'before' }
  | { readonly at: 'head'; readonly bytesReceived: number }
  /** `frames`: HTTP/2, in which END_STREAM marks the end of a body without a length. */
  | { readonly at: 'body'; readonly bytesReceived: number; readonly framing: Framing; readonly frames?: true }
);

/** The endpoint has ended the connection, by FIN. */
export function connectionEnded(lost: LostConnection): Failure {
  return connectionLost(lost, null);
}

/**
 * The connection was lost, with an error of the system or of TLS, or closed (null). Returns null for a code that is
 * unknown; the caller counts it as unclassified.
 */
export function connectionFailure(lost: LostConnection, end: string | null): Failure | null {
  if (end === null) return connectionLost(lost, null);
  const { address } = lost;
  if (truncated.has(end)) {
    // Without `close_notify` a FIN counts as a FIN, unless it alone marks the end of the body.
    if (lost.at !== 'body' || lost.framing.kind !== 'until-close') return connectionLost(lost, null);
    return fail('response_body_unclosed', 'body', {
      address,
      bytesReceived: lost.bytesReceived,
      how: 'closed',
    });
  }
  const byTls = tlsEnd(end, tlsAlertOf(end), address);
  if (byTls !== null) return lost.at === 'body' ? bodyBroken(lost, end) : byTls;
  switch (meaningOf(end)) {
    case null:
      return null;
    case 'missing':
    case 'ports_spent':
    case 'misuse':
      return misuse({ stage: lost.at === 'body' ? 'body' : 'response', code: end });
    case 'resources_spent':
      if (lost.at === 'body') return connectionLost(lost, end);
      return fail('descriptors_exhausted', 'send', { address, errno: end, retryAfterS: connectionEndsS });
    default:
      return connectionLost(lost, end);
  }
}

const truncated: ReadonlySet<string> = new Set([tlsTruncated, 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING']);

function connectionLost(lost: LostConnection, errno: string | null): Failure {
  const { address, reused, idleMs } = lost;
  const how = errno === null ? 'closed' : 'reset';
  switch (lost.at) {
    case 'before':
      if (errno === null) return fail('closed_before_response', 'response', { address, reused, idleMs });
      if (!lost.requestSent) {
        const { bytesSent, headSent } = lost;
        return fail('send_failed', 'send', { address, bytesSent, errno, ...(headSent === true ? { headSent } : {}) });
      }
      return fail('reset_before_response', 'response', { address, reused, idleMs, errno });
    case 'head':
      return fail('response_head_truncated', 'response', { address, bytesReceived: lost.bytesReceived, how });
    case 'body':
      return bodyTruncated(lost, errno);
  }
}

/** RFC 9112 §8: what makes a response incomplete depends on its framing. */
function bodyTruncated(lost: LostConnection & { readonly at: 'body' }, errno: string | null): Failure {
  const { address, bytesReceived, framing, frames } = lost;
  const how = errno === null ? 'closed' : 'reset';
  if (framing.kind === 'length') {
    return fail('response_body_short', 'body', { address, bytesReceived, bytesExpected: framing.bytes, how });
  }
  if (frames === true) return fail('response_stream_cut', 'body', { address, bytesReceived, how });
  if (framing.kind === 'chunked') return fail('response_chunked_truncated', 'body', { address, bytesReceived, how });
  return fail('response_body_reset', 'body', { address, bytesReceived, errno: errno ?? 'ECONNRESET' });
}

/** A response that had begun is incomplete, for whatever reason (RFC 9112 §8); the evidence says why. */
function bodyBroken(lost: LostConnection & { readonly at: 'body' }, end: string): Failure {
  const { address, bytesReceived, framing, frames } = lost;
  const alertId = tlsAlertOf(end);
  const why = alertId === null ? { code: end } : { alertId, alertMessage: tlsAlertName(alertId) ?? 'unassigned' };
  const evidence = { address, bytesReceived, how: 'broken', ...why } as const;
  if (framing.kind === 'length') {
    return fail('response_body_short', 'body', { ...evidence, bytesExpected: framing.bytes });
  }
  if (frames === true) return fail('response_stream_cut', 'body', evidence);
  if (framing.kind === 'chunked') return fail('response_chunked_truncated', 'body', evidence);
  return fail('response_body_unclosed', 'body', evidence);
}

/**
 * The parser's reason for refusing a response, as a failure with the address. `answeredBefore`: how many responses had come on the connection
 * before; 0 behind an interim response to the same request, to which these bytes belong then. `answers`: of the endpoint; absent for checks.
 */
export function refusedResponse(
  parser: ResponseHeadParser,
  address: string,
  answeredBefore: number,
  answers?: EndpointAnswers,
): Failure {
  const { refusal } = parser;
  if (refusal === null) return fail('gateway_fault', 'response', { invariant: 'a refused response has its reason' });
  if (refusal.cause === 'response_not_http') {
    const { firstBytes, guess } = refusal;
    const answeredBetween = answers?.onNotHttp() ?? 0;
    return fail('response_not_http', 'response', {
      ...{ address, firstBytes, guess },
      ...(answeredBefore > 0 ? { answeredBefore } : {}),
      ...(answeredBetween > 0 ? { answeredBetween } : {}),
    });
  }
  const { cause, ...evidence } = refusal;
  // The parser's union pairs each cause with its evidence; only the address is added here.
  return { cause, stage: 'response', evidence: { address, ...evidence } } as Failure;
}

/** The reader's reason for refusing a body, as a failure with the address. */
export function bodyRefused(body: BodyReader, address: string): Failure {
  const { rule, bytesReceived, trailerBytes } = body;
  if (rule !== 'trailer-section-too-large') {
    return fail('response_chunk', 'body', { address, rule, bytesReceived });
  }
  const { trailerBytesMax: limit, trailerHeadersMax: headersMax } = chunkLimits;
  return fail('response_trailers_too_large', 'body', { address, bytes: trailerBytes, limit, headersMax });
}

/** The response stopped within its body. `awaitsClient`: the client had not ended its request, and the endpoint had taken all that had come of it. */
export function stalledBody(evidence: Evidence['response_body_stalled'], awaitsClient: boolean): Failure {
  return fail('response_body_stalled', 'body', awaitsClient ? { ...evidence, requestOpen: true } : evidence);
}

/** No response head came in time. `interims`: how many interim responses did. */
export function headTimeout(evidence: Evidence['response_head_timeout'], interims: number): Failure {
  return fail('response_head_timeout', 'response', interims === 0 ? evidence : { ...evidence, interims });
}

/** More interim responses than a request may have, or more bytes of them. */
export function interimExcess(address: string, responses: number, bytes: number): Failure {
  const limits = { limit: interimMax, bytesMax: interimBytesMax };
  return fail('response_interim_excess', 'response', { address, responses, bytes, ...limits });
}
