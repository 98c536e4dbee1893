import { bodyTooLarge } from '../core/body-limit.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { RequestHead, ResponseHead } from '../core/message.ts';
import type { DownstreamStream } from '../core/stream.ts';
import type { Route } from './ports.ts';

interface LimitedExchange {
  readonly request: RequestHead;
  readonly requestBytesMax: number | null | undefined;
  requireRoute(): Route;
}

/** A body that is announced with more bytes than it may have is refused before any of it is read. */
export function declaredBodyFailure(exchange: LimitedExchange, downstream: DownstreamStream): Failure | null {
  const { framing } = exchange.request;
  return framing.kind === 'length' ? bodyTooLarge(framing.bytes, downstream, exchange) : null;
}

/** Likewise the body of a response. */
export function declaredResponseFailure(
  exchange: LimitedExchange,
  { framing }: ResponseHead,
  { address }: { readonly address: string },
): Failure | null {
  return framing.kind === 'length' ? responseFailure(exchange, { address }, framing.bytes) : null;
}

/** A response's body of `bytes` against the limit of its route; null: it is small enough. */
export function responseFailure(
  exchange: LimitedExchange,
  { address }: { readonly address: string },
  bytes: number,
): Failure | null {
  const limit = exchange.requireRoute().bodyLimits?.responseBytesMax ?? null;
  return limit === null || bytes <= limit ? null : fail('response_body_too_large', 'body', { address, bytes, limit });
}
