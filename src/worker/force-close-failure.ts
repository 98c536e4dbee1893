import { type ForceCloseReason, type Failure, fail } from '#failures/failure.ts';

/** The gateway cannot know when the next one starts; this is a polite and early time for a retry. */
const retryAfterS = 5;

/** The failure with which a request still in flight at the end of a drain is answered and recorded, or a tunnel is recorded. */
export function forceCloseFailure(reason: ForceCloseReason, what: 'request' | 'tunnel'): Failure {
  return fail('drained', 'response', { reason, what, retryAfterS });
}
