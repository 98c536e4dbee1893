import { fail, type Failure } from '../core/failure.ts';
import type { Framing } from '../core/message.ts';
import type { ContentReader } from '../wire/content-reader.ts';
import { chunkLimits } from '../wire/limits.ts';
import type { ResponseHeadParser } from '../wire/response-head.ts';

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

/** The connection was lost: by FIN (`errno` null), or with an error of the system. */
export function connectionFailure(place: CutPlace, errno: string | null): Failure {
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
  const limit = chunkLimits.trailerOctetsMax;
  return fail('response_trailers_too_large', 'content', { address, octets: trailerOctets, limit });
}
