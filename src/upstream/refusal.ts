import type { Failure } from '#failures/failure.ts';
import { fail } from '#failures/failure.ts';
import { isRefusal } from '../core/refusal.ts';

/**
 * How long no request connects to an endpoint that refuses connections. Checks renew the refusal four times a second and
 * notice when it ends. A request tries by itself only if the checks stop.
 */
const quietCheckedMs = 1000;

/** The same for an endpoint without checks: then requests are the checks. */
const quietUncheckedMs = 250;

export function refusalBackoffMs(isChecked: boolean): number {
  return isChecked ? quietCheckedMs : quietUncheckedMs;
}

/** The failure of a request that is not sent to an endpoint because it refused a connection `agoMs` ago. */
export function refusedBefore(address: string, isSocket: boolean, agoMs: number): Failure {
  const rounded = Math.round(agoMs);
  return isSocket
    ? fail('connect_socket_missing', 'connect', { path: address, agoMs: rounded })
    : fail('connect_refused', 'connect', { address, agoMs: rounded });
}

/** Whether a connection was tried at all. */
export function wasTried({ cause, evidence }: Failure): boolean {
  // The cause first: only these two kinds of evidence come to the lookup then, which V8 remembers both.
  return !(isRefusal(cause) && 'agoMs' in evidence);
}
