import type { ClientStats } from './client-stats.ts';
import type { RetryPolicyOptions } from './retry-options.ts';

export type FetchInput = string | URL | Request;
/** What `new Headers` takes. */
export type HeadersSource = ConstructorParameters<typeof Headers>[0];
export type FetchFunction = (input: FetchInput, init?: RequestInit) => Promise<Response>;

export interface CallTimeouts {
  /** Until an attempt has the head of its response. Default 10 s where another attempt may follow, and none elsewhere; null: none. */
  readonly attemptMs?: number | null;
  /** Until `fetch` resolves, with all attempts and waits. Default 30 s; null: none. */
  readonly overallMs?: number | null;
  /** Between two parts of a response's body, while the caller waits for one. Default 30 s, none for event streams; null: none. */
  readonly bodyIdleMs?: number | null;
  /** Whether `overallMs` bounds reading the body too. Default false: downloads take as long as they take. */
  readonly overallCoversBody?: boolean;
}

export interface ConcurrencyOptions {
  /** Attempts that wait for the head of their response at the same time, per origin and key. */
  readonly max: number;
  /** Calls that wait for their turn; one more fails at once. Default 1000. */
  readonly queueMax?: number;
}

export interface FetchOptions extends RetryPolicyOptions {
  /** The fetch underneath. Default: the platform's, looked up at each call. */
  readonly fetch?: FetchFunction;
  readonly timeouts?: CallTimeouts;
  /** Default: no limit. */
  readonly concurrency?: ConcurrencyOptions | null;
  /** A second GET is sent if the first has no answer after this time; the first good one wins. Default: none. */
  readonly hedge?: { readonly afterMs: number } | null;
  /** Divides an origin into breakers and budgets of their own: by tenant, route, account … */
  readonly key?: (input: FetchInput, init: RequestInit | undefined) => string;
  /** Headers for each attempt, such as `traceparent`. Those of the call win. */
  readonly headers?: (attempt: OutgoingAttempt) => HeadersSource | undefined;
  /**
   * The header that tells the service for how long its answer is waited for; null: none. Default `x-envoy-expected-rq-timeout-ms`, and none
   * where a page asks another origin: there each header costs a preflight.
   */
  readonly deadlineHeader?: string | null;
  /** Whether the answer of a gateway in the service's place is thrown as GatewayError, in place of a Response. Default false, as fetch does. */
  readonly throwGatewayAnswers?: boolean;
  /**
   * Bodies of responses whose Content-Length is at most this are read before `fetch` resolves, so that one that is cut can be
   * retried. Default 64 KiB; 0: none.
   */
  readonly holdBytesMax?: number;
}

export interface OutgoingAttempt {
  readonly url: string;
  readonly method: string;
  /** From 1. */
  readonly attempt: number;
  /** How long its answer is waited for; null: without end. */
  readonly timeoutMs: number | null;
}

/** What one call may set, as `init.resilience`. */
export interface CallOptions {
  readonly timeouts?: CallTimeouts;
  /** Attempts in all; 1: no retry. */
  readonly attemptsMax?: number;
  readonly key?: string;
  /** The key for `Idempotency-Key`. Without `idempotent` it allows no retry. */
  readonly idempotencyKey?: string;
  /** The caller's word that executing this call twice does no harm, whatever its method. */
  readonly idempotent?: boolean;
  readonly hedge?: { readonly afterMs: number } | null;
}

export interface ResilientRequestInit extends RequestInit {
  readonly resilience?: CallOptions;
}

/** A fetch: it can be given to whatever takes one. */
export interface ResilientFetch {
  (input: FetchInput, init?: ResilientRequestInit): Promise<Response>;
  stats(): ClientStats;
  /** Rejects calls that wait, cancels their timers, and refuses later ones. */
  close(): void;
}
