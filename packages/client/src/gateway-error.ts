import type { Delivery, Shape, Whose } from '../../failures/src/shape.ts';
import type { CallFailure, FailureCause, FailureWriter } from './call-failure.ts';

export interface GatewayErrorFacts {
  readonly failure: CallFailure;
  /** Attempts that were sent. */
  readonly attempts: number;
  /** Why there was no further attempt. */
  readonly retryReason: RetryWhy;
  /** The answer, if there was one. Its body can still be read. */
  readonly response?: Response | null;
  /** What the platform threw. */
  readonly underlying?: unknown;
}

/** Why an attempt was, or was not, followed by another one. The words are those of the gateway's record where it has them. */
export type RetryWhy =
  | 'nothing_sent' // retried: no byte of the request reached the service
  | 'refused_by_peer' // retried: the answer says that the request was not processed
  | 'idempotent' // retried: executing it twice does no harm
  | 'idempotency_key' // retried: the origin is declared to honour keys
  | 'breaker_open' // retried, without having been sent; or not, since the wait would be too long
  | 'not_idempotent'
  | 'body_not_held' // the body was a stream
  | 'attempts_spent'
  | 'budget_spent'
  | 'no_time_left'
  | 'fails_anywhere' // not temporary
  | 'status_not_retried'
  | 'cancelled'
  | 'queue_full'
  | 'client_closed'
  | 'response_started'; // the caller already has the beginning of the response

/**
 * A call that failed. A TypeError, as fetch throws without an answer, so that code that knows only fetch goes on to work.
 * `cause` is the word for what happened; what the platform threw is `underlying`.
 */
export class GatewayError extends TypeError implements CallFailure {
  declare readonly writer: FailureWriter;
  declare readonly gateway: string | null;
  declare readonly shape: Shape | null;
  declare readonly cause: FailureCause | null;
  declare readonly whose: Whose | null;
  declare readonly delivery: Delivery;
  declare readonly mayHaveBeenExecuted: boolean;
  declare readonly proxyError: string | null;
  declare readonly status: number | null;
  declare readonly retryAfterMs: number | null;
  declare readonly temporary: boolean;
  declare readonly requestId: string | null;
  declare readonly attempts: number;
  declare readonly retryReason: RetryWhy;
  declare readonly response: Response | null;
  declare readonly underlying: unknown;
  override name = 'GatewayError';

  constructor(message: string, { failure, ...facts }: GatewayErrorFacts) {
    super(message);
    Object.assign(this, failure, { response: null }, facts);
  }

  /** In seconds, as in the header. */
  get retryAfter(): number | null {
    return this.retryAfterMs && this.retryAfterMs / 1000;
  }
}

/** The time for the call or its last attempt ran out. Its name is that of the platform's own timeouts. */
export class CallTimeoutError extends GatewayError {
  override name = 'TimeoutError';
}

/** The breaker of the origin is open: nothing was sent. */
export class BreakerOpenError extends GatewayError {
  override name = 'BreakerOpenError';
}

/** The client's own queue is full, or the client is closed: nothing was sent. */
export class ClientLimitError extends GatewayError {
  override name = 'ClientLimitError';
}
