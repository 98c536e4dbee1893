import type { CallFailure } from './call-failure.ts';
import type { BreakerEvent, ClientBreakerState } from './client-hooks.ts';
import type { BreakerOptions } from './retry-options.ts';

type BreakerChange = Omit<BreakerEvent, 'origin' | 'key'>;

export interface OriginBreaker {
  readonly state: ClientBreakerState;
  readonly lastFailure: CallFailure | null;
  /** 'send', 'probe' (which must end in `succeeded`, `failed` or `probeLost`), or for how long to wait before asking again. */
  admit(now: number): 'send' | 'probe' | number;
  succeeded(isProbe: boolean): void;
  failed(failure: CallFailure, isProbe: boolean, now: number, chance: number): void;
  /** The caller cancelled the probe: the next call is one. */
  probeLost(now: number): void;
}

/**
 * Opens when the attempts at an origin fail, lets one probe through after a while, and closes when it succeeds. Pure but for its own
 * state: the caller passes the time and the chance.
 */
export function originBreaker(
  { failuresInRow, failureShare, windowCalls, openMs, openMaxMs }: Required<BreakerOptions>,
  changed: (change: BreakerChange) => void,
): OriginBreaker {
  let state: ClientBreakerState = 'closed';
  let lastFailure: CallFailure | null = null;
  let inRow = 0;
  let until = 0;
  /** The latest outcomes, true for a failure. */
  let window: boolean[] = [];

  const change = (to: ClientBreakerState, failure: CallFailure | null = null, openMs: number | null = null): void => {
    const from = state;
    state = to;
    inRow = 0;
    changed({ from, to, failure, openMs });
  };
  const isFailing = (isFailure: boolean): boolean => {
    inRow = isFailure ? inRow + 1 : 0;
    window = [...window, isFailure].slice(-windowCalls);
    const failures = window.filter(Boolean).length;
    return inRow >= failuresInRow || (window.length >= windowCalls && failures >= failureShare * windowCalls);
  };

  return {
    get state() {
      return state;
    },
    get lastFailure() {
      return lastFailure;
    },
    admit(now) {
      if (state === 'closed') return 'send';
      if (state === 'half_open') return openMs;
      if (now < until) return until - now;
      change('half_open');
      return 'probe';
    },
    succeeded(isProbe) {
      if (isProbe) {
        window = [];
        change('closed');
      } else if (state === 'closed') isFailing(false);
    },
    failed(failure, isProbe, now, chance) {
      lastFailure = failure;
      if (!isProbe && (state !== 'closed' || !isFailing(true))) return;
      // Between four fifths of the time and all of it, so that many clients do not probe in step. Never before the time that the service asks for.
      const wait = Math.min(openMaxMs, failure.retryAfterMs ?? 0) + openMs * (0.8 + chance / 5);
      until = now + wait;
      change('open', failure, wait);
    },
    probeLost(now) {
      until = now;
      change('open', lastFailure, 0);
    },
  };
}
