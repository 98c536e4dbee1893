import type { Failure } from '../core/failure.ts';
import { fail } from '../core/failure.ts';
import { isRefusal } from '../core/refusal.ts';

/**
 * How long requests leave an endpoint alone that refuses connections. Checks renew the refusal four times a second and
 * notice when it ends; only if they fall silent does a request try by itself.
 */
const quietCheckedMs = 1000;

/** The same where nothing checks the endpoint: then requests are the checks. */
const quietUncheckedMs = 250;

export function quietMs(isChecked: boolean): number {
  return isChecked ? quietCheckedMs : quietUncheckedMs;
}

/** What a request meets that is not sent to an endpoint, since it refused a connection `agoMs` ago. */
export function refusedBefore(address: string, isSocket: boolean, agoMs: number): Failure {
  const rounded = Math.round(agoMs);
  return isSocket
    ? fail('connect_socket_missing', 'connect', { path: address, agoMs: rounded })
    : fail('connect_refused', 'connect', { address, agoMs: rounded });
}

/** Whether an attempt was made at all. */
export function wasTried({ cause, evidence }: Failure): boolean {
  // The cause first: only these two kinds of evidence come to the lookup then, which V8 remembers both.
  return !(isRefusal(cause) && 'agoMs' in evidence);
}
