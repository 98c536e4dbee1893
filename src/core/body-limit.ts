import { fail, type Failure } from '#failures/failure.ts';
import { requestRules } from '#failures/rules.ts';
import type { DownstreamHandler, DownstreamStream } from './stream.ts';

/** The limits of the bodies of one route. */
export interface BodyLimits {
  /** In place of the listener's; null: none; absent: the listener's holds. */
  readonly requestBytesMax?: number | null;
  /** Of what its endpoints send; null: none. */
  readonly responseBytesMax: number | null;
}

const rule = 'content-too-large';

/** A request's body of `bytes` against the limit of its route, or of its listener; null: it is small enough. */
export function bodyTooLarge(
  bytes: number,
  { bodyBytesMax = null }: Pick<DownstreamStream, 'bodyBytesMax'>,
  handler: Pick<DownstreamHandler, 'requestBytesMax'> | null,
): Failure | null {
  const ofRoute = handler?.requestBytesMax;
  const bytesMax = ofRoute === undefined ? bodyBytesMax : ofRoute;
  if (bytesMax === null || bytes <= bytesMax) return null;
  const key = ofRoute === undefined ? 'client.body_max' : 'body_max of the route';
  return fail('request_refused', 'request', {
    rule,
    status: requestRules[rule].status,
    at: `${bytesMax} bytes at most by ${key}`,
  });
}
