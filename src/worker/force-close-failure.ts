import { type ForceCloseReason, type Failure, fail } from '../core/failure.ts';

/** Nobody knows how long a next gateway takes to start; a client that asks again after this is neither rude nor late. */
const retryAfterS = 5;

/** How what is still under way at the end of a drain is answered and recorded; of tunnels, how they are recorded. */
export function forceCloseFailure(reason: ForceCloseReason, what: 'request' | 'tunnel'): Failure {
  return fail('drained', 'response', { reason, what, retryAfterS });
}
