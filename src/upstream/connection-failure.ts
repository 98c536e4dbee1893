import { connectionEndsS, meaningOf } from '../core/errno-meaning.ts';
import { fail, type Failure } from '../core/failure.ts';
import type { Framing } from '../core/message.ts';
import { tlsAlertName, tlsAlertOf, tlsTruncated } from '../core/tls-codes.ts';
import type { ContentReader } from '../wire/content-reader.ts';
import { chunkLimits } from '../wire/limits.ts';
import type { ResponseHeadParser } from '../wire/response-head.ts';
import { tlsEnd } from './tls-failure.ts';
import { misuse } from './unknown-code.ts';

/** How far a response had come when its connection was lost. */
export type CutPlace = {
  readonly address: string;
  readonly reused: boolean;
  readonly idleMs: number;
  readonly requestSent: boolean;
  readonly octetsSent: number;
} & (
  | { readonly at: 'before' }
  | { readonly at: 'head'; readonly octetsReceived: number }
  | { readonly at: 'content'; readonly octetsReceived: number; readonly framing: Framing }
);

/** The endpoint has ended the connection, by FIN. */
export function connectionEnded(place: CutPlace): Failure {
  return cut(place, null);
}

/**
 * The connection was lost, with an error of the system or of TLS, or closed (null). Returns null for a code that nobody
 * has met; the caller counts it as unclassified.
 */
export function connectionFailure(place: CutPlace, end: string | null): Failure | null {
  if (end === null) return cut(place, null);
  const { address } = place;
  if (truncated.has(end)) {
    // Without `close_notify` a FIN is a FIN still, except where nothing else shows the end of the content.
    if (place.at !== 'content' || place.framing.kind !== 'until-close') return cut(place, null);
    return fail('response_content_unclosed', 'content', {
      address,
      octetsReceived: place.octetsReceived,
      how: 'closed',
    });
  }
  const byTls = tlsEnd(end, tlsAlertOf(end), address);
  if (byTls !== null) return place.at === 'content' ? contentBroken(place, end) : byTls;
  switch (meaningOf(end)) {
    case null:
      return null;
    case 'missing':
    case 'ports_spent':
    case 'misuse':
      return misuse({ stage: place.at === 'content' ? 'content' : 'response', code: end });
    case 'resources_spent':
      if (place.at === 'content') return cut(place, end);
      return fail('descriptors_exhausted', 'send', { address, errno: end, retryAfterS: connectionEndsS });
    default:
      return cut(place, end);
  }
}

const truncated: ReadonlySet<string> = new Set([tlsTruncated, 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING']);

function cut(place: CutPlace, errno: string | null): Failure {
  const { address, reused, idleMs } = place;
  const how = errno === null ? 'closed' : 'reset';
  switch (place.at) {
    case 'before':
      if (errno === null) return fail('closed_before_response', 'response', { address, reused, idleMs });
      if (!place.requestSent) return fail('send_failed', 'send', { address, octetsSent: place.octetsSent, errno });
      return fail('reset_before_response', 'response', { address, reused, idleMs, errno });
    case 'head':
      return fail('response_head_cut', 'response', { address, octetsReceived: place.octetsReceived, how });
    case 'content':
      return contentCut(address, place.octetsReceived, place.framing, errno);
  }
}

/** RFC 9112 §8: what makes a response incomplete depends on its framing. */
function contentCut(address: string, octetsReceived: number, framing: Framing, errno: string | null): Failure {
  const how = errno === null ? 'closed' : 'reset';
  if (framing.kind === 'length') {
    return fail('response_content_short', 'content', { address, octetsReceived, octetsExpected: framing.octets, how });
  }
  if (framing.kind === 'chunked') return fail('response_chunked_cut', 'content', { address, octetsReceived, how });
  return fail('response_content_reset', 'content', { address, octetsReceived, errno: errno ?? 'ECONNRESET' });
}

/** A response that had begun is incomplete, whatever broke it (RFC 9112 §8); why it broke is the evidence's. */
function contentBroken(place: CutPlace & { readonly at: 'content' }, end: string): Failure {
  const { address, octetsReceived, framing } = place;
  const alertId = tlsAlertOf(end);
  const why = alertId === null ? { code: end } : { alertId, alertMessage: tlsAlertName(alertId) ?? 'unassigned' };
  const evidence = { address, octetsReceived, how: 'broken', ...why } as const;
  if (framing.kind === 'length') {
    return fail('response_content_short', 'content', { ...evidence, octetsExpected: framing.octets });
  }
  if (framing.kind === 'chunked') return fail('response_chunked_cut', 'content', evidence);
  return fail('response_content_unclosed', 'content', evidence);
}

/** The parser's reason as a failure of this address. */
export function refusedResponse(parser: ResponseHeadParser, address: string): Failure {
  const { refusal } = parser;
  if (refusal === null) return fail('gateway_fault', 'response', { invariant: 'a refused response has its reason' });
  const { cause, ...evidence } = refusal;
  // The parser's union pairs each cause with its evidence; only the address is ours to add.
  return { cause, stage: 'response', evidence: { address, ...evidence } } as Failure;
}

/** What the content breaks, as a failure of this address. */
export function contentRefused(content: ContentReader, address: string): Failure {
  const { rule, octetsReceived, trailerOctets } = content;
  if (rule !== 'trailer-section-too-large') {
    return fail('response_chunk', 'content', { address, rule, octetsReceived });
  }
  const { trailerOctetsMax: limit, trailerFieldsMax: fieldsMax } = chunkLimits;
  return fail('response_trailers_too_large', 'content', { address, octets: trailerOctets, limit, fieldsMax });
}
