import type { MessageHeaders } from '../core/message.ts';

/**
 * Whether a message says that it is a stream, whose bytes must go on as they come: by its media
 * type, or by the header that applications know from nginx (`X-Accel-Buffering: no`).
 */
export function isStream(headers: MessageHeaders): boolean {
  return hasStreamType(headers) || headers.get('x-accel-buffering')?.trim().toLowerCase() === 'no';
}

/** By its media type alone: applications send `X-Accel-Buffering: no` with ordinary pages too. */
export function hasStreamType(headers: MessageHeaders): boolean {
  const type = headers.get('content-type');
  return type !== null && streamType.test(type);
}

/** Browsers open these again where they end. */
export function isEventStream(head: { readonly headers: MessageHeaders } | null): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/i.test(head?.headers.get('content-type') ?? '');
}

const streamType =
  /^\s*(?:text\/event-stream|application\/(?:grpc(?:[-+][^;\s]*)?|x-ndjson|ndjson|jsonl|json-seq|stream\+json|connect\+[^;\s]*)|multipart\/x-mixed-replace)\s*(?:;|$)/i;
