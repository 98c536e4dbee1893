import type { CallFailure } from '../call-failure.ts';
import { GatewayError } from '../gateway-error.ts';
import { type AdapterOptions, adapterPolicy, callFailureOf } from './adapter-policy.ts';

export { callFailureOf, type AdapterOptions } from './adapter-policy.ts';

export interface QueryRetryOptions extends AdapterOptions {
  /** How often a query is asked in all, by this function alone. Default 3. */
  readonly attemptsMax?: number;
  /** Whose budget the retries are taken from, where an error does not tell its address. */
  readonly origin?: string;
  /** Whether executing twice does no harm: true for queries, false for mutations. Default true. */
  readonly idempotent?: boolean;
}

export interface QueryRetry {
  readonly retry: (failureCount: number, error: unknown) => boolean;
  readonly retryDelay: (failureCount: number, error: unknown) => number;
}

/**
 * `retry` and `retryDelay` for TanStack Query. What `createFetch` has given up for good, it does not begin again: only a wait that was
 * longer than its call may take is taken up here. Errors of other clients are judged as the client would have done.
 */
export function queryRetry(options: QueryRetryOptions = {}): QueryRetry {
  const { attemptsMax = 3, origin = 'https://query.invalid', idempotent = true } = options;
  const { policy, begin } = adapterPolicy(options);
  const delays = new WeakMap<object, number>();
  const failureOf = (error: unknown): CallFailure | null => {
    const response = (error as { response?: unknown } | null)?.response;
    const known = callFailureOf(error);
    if (known !== null || !(response instanceof Response)) return known ?? policy.failureOfError(error);
    return policy.failureOfResponse({
      status: response.status,
      header: (name) => response.headers.get(name),
      bodyStart: '',
    });
  };
  return {
    retry: (failureCount, error) => {
      // An abort is the caller's wish.
      if ((error as Error | null)?.name === 'AbortError') return false;
      if (error instanceof GatewayError && !takenUp.has(error.retryReason)) return false;
      const failure = failureOf(error);
      if (failure === null || failureCount + 1 >= attemptsMax) return false;
      const response = (error as { response?: { url?: string } } | null)?.response;
      const url = new URL(response?.url || origin);
      const call = begin({ method: idempotent ? 'GET' : 'POST', url, hasIdempotencyKey: false, replayable: true });
      if (call.admit() !== null) return false;
      const { next } = call.failed(failure);
      if (next.retry && typeof error === 'object' && error !== null) delays.set(error, next.delayMs);
      return next.retry;
    },
    retryDelay: (_, error) => (typeof error === 'object' && error !== null ? delays.get(error) : null) ?? 1000,
  };
}

/** Reasons why the client gave up that are about its own limits, not about the request. */
const takenUp: ReadonlySet<string> = new Set(['no_time_left', 'breaker_open', 'queue_full']);
