import type { CallFailure } from './call-failure.ts';
import type { OriginStats } from './client-stats.ts';
import type { RetryWhy } from './gateway-error.ts';
import type { ResponseFacts } from './response-facts.ts';
import type { RetryPolicyOptions } from './retry-options.ts';

/** What the policy must know of a call. */
export interface CallFacts {
  readonly method: string;
  readonly url: string | URL;
  /** Divides the origin; see `FetchOptions.key`. */
  readonly key?: string;
  /** The request carries an Idempotency-Key. */
  readonly hasIdempotencyKey?: boolean;
  /** The caller's word that executing it twice does no harm. */
  readonly idempotent?: boolean;
  /** Whether the body can be sent again. Default true. */
  readonly replayable?: boolean;
  readonly attemptsMax?: number;
  /** How long the call may take from now; null: without end. Default 30 s. */
  readonly overallMs?: number | null;
}

export type NextStep =
  | { readonly retry: true; readonly delayMs: number; readonly reason: RetryWhy }
  | { readonly retry: false; readonly reason: RetryWhy };

/** One call: `begin`, then for each attempt `admit`, then `succeeded` or `failed`; `cancelled` if the caller gives up. */
export interface PolicyCall {
  /** Attempts that `admit` has let through. */
  readonly attempts: number;
  /** Null: send it. Else the breaker is open: wait and ask again, or give up. */
  admit(): { readonly failure: CallFailure; readonly next: NextStep } | null;
  succeeded(status?: number): void;
  /** The attempt failed: whether to make another one, and when. A retry is taken out of the budget. */
  failed(failure: CallFailure): NextStep;
  cancelled(): void;
}

/** The brain of the client, without any I/O: adapters of other HTTP clients use the same one. */
export interface ClientRetryPolicy {
  begin(call: CallFacts): PolicyCall;
  /** Null: the answer is no failure (below 400, or a 4xx that is not about the moment). */
  failureOfResponse(facts: ResponseFacts): CallFailure | null;
  failureOfError(error: unknown): CallFailure;
  /** A key to send in `Idempotency-Key`, in the form of the header; null where the options say that there is none. */
  idempotencyKeyFor(method: string, url: string | URL): string | null;
  origins(): readonly OriginStats[];
}

export declare function createRetryPolicy(options?: RetryPolicyOptions): ClientRetryPolicy;
