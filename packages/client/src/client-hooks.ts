import type { CallFailure } from './call-failure.ts';
import type { RetryWhy } from './gateway-error.ts';

export interface CallSubject {
  readonly method: string;
  /** Without query and fragment, which may have secrets. */
  readonly url: string;
  readonly origin: string;
  /** What `key` made of the request; '' without. */
  readonly key: string;
}

/** An attempt failed, and another one follows. */
export interface RetryEvent extends CallSubject {
  /** Attempts sent so far. */
  readonly attempt: number;
  readonly failure: CallFailure;
  readonly reason: RetryWhy;
  readonly delayMs: number;
}

/** The answers of an origin changed from good to bad, or back. */
export interface BreakerEvent {
  readonly origin: string;
  readonly key: string;
  readonly from: ClientBreakerState;
  readonly to: ClientBreakerState;
  /** The failure that opened it; null when it closes. */
  readonly failure: CallFailure | null;
  /** Until it lets a probe through; null unless it is open. */
  readonly openMs: number | null;
}

export type ClientBreakerState = 'closed' | 'open' | 'half_open';

/** The n-th call in a row to an origin failed. */
export interface FailuresEvent extends CallSubject {
  readonly failures: number;
  readonly failure: CallFailure;
}

/** An attempt ended, well or not. */
export interface AttemptEvent extends CallSubject {
  readonly attempt: number;
  readonly durationMs: number;
  readonly status: number | null;
  readonly failure: CallFailure | null;
  readonly isHedge: boolean;
}

/** Called at once, in the client's own turn. What a hook throws is counted (`stats().hookErrors`) and changes nothing. */
export interface ClientHooks {
  readonly retry?: (event: RetryEvent) => void;
  readonly breaker?: (event: BreakerEvent) => void;
  /** Called when `failuresInRow` calls to an origin have failed in a row, and then after as many more. */
  readonly failures?: (event: FailuresEvent) => void;
  /** Default 5. */
  readonly failuresInRow?: number;
  readonly attempt?: (event: AttemptEvent) => void;
}
