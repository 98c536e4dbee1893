import type { ClientClock, ClientRandom } from './client-clock.ts';
import type { ClientHooks } from './client-hooks.ts';
import type { ClassifyResponse } from './response-facts.ts';

export interface BackoffOptions {
  /** Attempts in all. Default 4; 1: no retry. */
  readonly attemptsMax?: number;
  /** The wait before retry n is uniform between 0 and `baseMs` × 2^(n-1), at most `capMs`. Defaults 200 and 1000. */
  readonly baseMs?: number;
  readonly capMs?: number;
  /** Statuses after which an idempotent request is sent again. Default 408, 425, 429, 502, 503, 504, 520 to 524, 530. */
  readonly statuses?: readonly number[];
}

/** A token bucket per origin and key: each call that succeeds adds `share` of a retry, each retry takes one, or 0.9 of it behind a Retry-After. */
export interface BudgetOptions {
  /** Retries per call that succeeds. Default 0.1. */
  readonly share?: number;
  /** Retries at the start, and what time alone brings back. Default 2.5: the third one needs a few calls that succeed. */
  readonly minimum?: number;
  /** Time brings back one retry in this time, up to `minimum`. Default 30 s. */
  readonly refillMs?: number;
  /** Retries that calls can save. Default 20. */
  readonly max?: number;
}

/** A breaker per origin and key. It counts attempts that failed for reasons of the service, not 4xx and not cancelled calls. */
export interface BreakerOptions {
  /**
   * Opens when this many attempts in a row …, or more than half of it where nothing has succeeded for `openMs`. A timeout and an answer with
   * Retry-After count twice. Default 5.
   */
  readonly failuresInRow?: number;
  /** … or this share of the latest `windowCalls` attempts have failed. Defaults 0.5 and 20. */
  readonly failureShare?: number;
  readonly windowCalls?: number;
  /**
   * In about this time behind the end of an outage all calls that wait are back: each probe comes at most so long after the one before it, later
   * where Retry-After says so, up to `openMaxMs`, and sooner the more calls wait, since these need the rest of the time. The first
   * one comes by chance after anything up to it. A probe without an answer is followed by another one after 1.5 × `openMs`. Defaults 1.7 s
   * and 30 s.
   */
  readonly openMs?: number;
  readonly openMaxMs?: number;
  /**
   * How long a call waits in all for a breaker that is open, in place of failing at once, and for the Retry-After that its path has got, in place
   * of getting it too; 0: not at all. Default 12 s.
   */
  readonly waitMs?: number;
}

export interface IdempotencyOptions {
  /**
   * Origins ('https://api.example.org') that are known to execute a request once per `Idempotency-Key`, or a function that tells.
   * Only there is a POST that may have been executed sent again.
   */
  readonly honouredBy?: readonly string[] | ((url: URL) => boolean);
  /** Which POST and PATCH get a key that the caller did not give: those to such origins (default), all, or none. */
  readonly makeKeys?: 'honoured' | 'always' | 'never';
  /** Default: 128 random bits. The header has it in quotes (a String of RFC 9651), unless it has quotes already. */
  readonly key?: () => string;
}

export interface RetryPolicyOptions {
  /** False: no retries. */
  readonly retry?: BackoffOptions | false;
  readonly budget?: BudgetOptions;
  /** False: no breaker. */
  readonly breaker?: BreakerOptions | false;
  readonly idempotency?: IdempotencyOptions;
  /** Reads answers of other gateways. */
  readonly classify?: ClassifyResponse;
  readonly hooks?: ClientHooks;
  readonly clock?: ClientClock;
  readonly random?: ClientRandom;
}
