import type { EndpointState } from '../core/endpoint.ts';
import type { Cause } from '#failures/failure.ts';
import { type Instant, never } from '../core/time.ts';

/**
 * An outage that has lasted longer is no restart. Requests are then answered at once, as a client that waits in vain is worse off
 * than one that is told.
 */
const restartMsMax = 30_000;

export interface OutageFacts {
  readonly now: Instant;
  /** When the last endpoint that was ready stopped being so, or when the upstream began to exist. */
  readonly since: Instant;
  /** An endpoint has been ready before. */
  readonly wasReady: boolean;
  readonly endpoints: readonly OutageEndpoint[];
}

/** What is known of an endpoint that is not ready. */
export interface OutageEndpoint {
  readonly state: EndpointState;
  /** Why nothing may be sent to it, whatever its checks find; null if requests are allowed. */
  readonly failure: unknown;
  readonly checkCause: Cause | null;
  readonly finding: { readonly lasting: boolean; readonly startsAtInstant?: number } | null;
}

/**
 * When an endpoint may be ready at the earliest; `never`: not within seconds. One may be that is starting, or was ready a moment ago while nothing
 * says that it stays away. A program that has ended and starts again later is not ready before its start.
 */
export function earliestReturn({ now, since, wasReady, endpoints }: OutageFacts): Instant {
  if (now - since > restartMsMax) return never;
  const returning = endpoints.filter((endpoint) => !isLasting(endpoint) && (wasReady || endpoint.state === 'starting'));
  return Math.min(never, ...returning.map(({ finding }) => Math.max(now, finding?.startsAtInstant ?? now))) as Instant;
}

/** Until somebody changes something: an operator drains it, its address is prohibited, its certificate is wrong. */
function isLasting({ state, failure, checkCause, finding }: OutageEndpoint): boolean {
  if (isShut(state) || failure !== null || finding?.lasting === true) return true;
  return checkCause !== null && lastingCauses.has(checkCause);
}

/** A circuit breaker fails fast: a request that waited for it would not. */
function isShut(state: EndpointState): boolean {
  return state === 'draining' || state === 'gone' || state === 'circuit_open' || state === 'half_open';
}

const lastingCauses: ReadonlySet<Cause> = new Set<Cause>([
  'connect_not_permitted',
  'tls_protocol',
  'tls_version',
  'tls_plaintext_peer',
  'tls_not_spoken',
  'tls_alert',
  'tls_certificate_expired',
  'tls_certificate_not_yet_valid',
  'tls_certificate_name',
  'tls_certificate_self_signed',
  'tls_certificate_untrusted',
  'tls_certificate_unfit',
]);
