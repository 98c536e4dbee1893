import type { Cause } from '../../failures/src/failure.ts';
import type { Delivery, Shape, Whose } from '../../failures/src/shape.ts';

/** Causes that the client itself observes, and the gateway has no name for. */
export type ClientCause =
  | 'overall_timeout' // the time for the whole call ran out
  | 'network_error' // the platform says no more, as browsers do
  | 'queue_full' // the client's own queue
  | 'breaker_open' // the client's own breaker
  | 'client_closed'; // `close()` was called

/** A cause of `docs/failures.md`, one of the client's own, or a name that only a newer gateway knows. */
export type FailureCause = Cause | ClientCause | (string & Record<never, never>);

/** Who wrote the answer, or saw the failure. */
export type FailureWriter =
  | 'gateway' // a gateway or CDN in front of the service
  | 'service' // the service itself
  | 'client' // this client: there was no answer
  | 'unknown'; // the answer does not tell

/** What is known of an attempt that failed. Plain data: it can be logged and cloned. */
export interface CallFailure {
  readonly writer: FailureWriter;
  /** The product ('nginx', 'cloudflare') or, from Proxy-Status, the name of the deployment. */
  readonly gateway: string | null;
  /** Null where the answer does not tell. */
  readonly shape: Shape | null;
  readonly cause: FailureCause | null;
  readonly whose: Whose | null;
  readonly delivery: Delivery;
  /** False only where the answer proves it: `not_sent` or `refused_by_peer`. */
  readonly mayHaveBeenExecuted: boolean;
  /** The error type of RFC 9209. */
  readonly proxyError: string | null;
  /** Null without an answer. */
  readonly status: number | null;
  /** How long to wait at least before another attempt, from Retry-After and RateLimit. */
  readonly retryAfterMs: number | null;
  /** False where another attempt would fail in the same way, such as a wrong certificate. */
  readonly temporary: boolean;
  /** The id under which the gateway has recorded the request. */
  readonly requestId: string | null;
}

/** A part of it; null and undefined: not known. */
export type KnownOfFailure = { readonly [Name in keyof CallFailure]?: CallFailure[Name] | null | undefined };

/** The client did not send it. */
export const unsent = (cause: FailureCause): KnownOfFailure => ({ writer: 'client', cause, delivery: 'not_sent' });

/** What failed behind a redirect proves nothing of the request before it: the service has answered that. */
export const answeredBefore = { delivery: 'sent_unknown', mayHaveBeenExecuted: true } as const;

/** A failure of which only this is known; of two that know the same, the later one counts. What nobody knows is null, and counts as sent. */
export function describeFailure(...known: readonly (KnownOfFailure | null)[]): CallFailure {
  const failure: Record<string, unknown> = {
    writer: 'unknown',
    gateway: null,
    shape: null,
    cause: null,
    whose: null,
    delivery: 'sent_unknown',
    proxyError: null,
    status: null,
    retryAfterMs: null,
    temporary: true,
    requestId: null,
  };
  // Problem details may have anything in them.
  for (const source of known)
    for (const [name, value] of Object.entries(source ?? {}))
      if (value != null && typeof value !== 'object') failure[name] = value;
  failure['mayHaveBeenExecuted'] ??= !/^(not_sent|refused_by_peer)$/.test(failure['delivery'] as string);
  return failure as unknown as CallFailure;
}
