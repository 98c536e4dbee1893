import type { CallFailure } from './call-failure.ts';
import type { BreakerEvent, ClientBreakerState } from './client-hooks.ts';
import type { BreakerOptions } from './retry-options.ts';

type BreakerChange = Omit<BreakerEvent, 'origin' | 'key'>;

export interface OriginBreaker {
  readonly state: ClientBreakerState;
  readonly lastFailure: CallFailure | null;
  /**
   * For how long to wait before asking again. Null: send; if the breaker is not closed then, the attempt is a probe, and must end in `succeeded`,
   * `failed` or `probeLost`.
   */
  admit(now: number, url: string, waitMaxMs: number, chance: number): number | null;
  succeeded(isProbe: boolean): void;
  failed(failure: CallFailure, url: string, isProbe: boolean, now: number, chance: number): void;
  /** The caller cancelled the probe: the next call may be one. */
  probeLost(now: number): void;
}

/**
 * Opens when the attempts at an origin fail, lets a probe through now and then, and closes when one succeeds. Pure but for its own
 * state: the caller passes the time and the chance.
 */
export function originBreaker(
  { failuresInRow, failureShare, windowCalls, openMs, openMaxMs }: Required<BreakerOptions>,
  changed: (change: BreakerChange) => void,
): OriginBreaker {
  let inRow = 0;
  let inRowSince = 0;
  /** No probe before both. */
  let probeAt = 0;
  let retryAt = 0;
  let failedUrl = '';
  /** The latest outcomes, true for a failure. */
  let window: boolean[] = [];

  const change = (to: ClientBreakerState, failure: CallFailure | null = null, openMs: number | null = null): void => {
    const { state: from } = breaker;
    breaker.state = to;
    inRow = 0;
    changed({ from, to, failure, openMs });
  };
  const isFailing = (isFailure: boolean, now: number): boolean => {
    inRow = isFailure ? inRow + 1 : 0;
    if (inRow < 2) inRowSince = now;
    window = [...window, isFailure].slice(-windowCalls);
    // A client with few calls would need many seconds for five of them.
    const isLong = inRow * 3 > failuresInRow && now - inRowSince >= openMs;
    return isLong || inRow >= failuresInRow || window.filter(Boolean).length >= failureShare * windowCalls;
  };

  const breaker: { -readonly [Name in keyof OriginBreaker]: OriginBreaker[Name] } = {
    state: 'closed',
    lastFailure: null,

    admit(now, url, waitMaxMs, chance) {
      const { state } = breaker;
      // By chance, so that calls that have waited do not come all at once.
      const waitMs =
        (state === 'half_open' ? 0 : Math.max(probeAt, retryAt) - now) +
        (chance * openMs) / (state === 'closed' ? 1 : 3);
      // The path that asked for a wait gets it, if the call has the time.
      if (state === 'closed') return url === failedUrl && now < retryAt && waitMs <= waitMaxMs ? waitMs : null;
      // One path in maintenance says nothing of the others: a call that would be refused may try another one.
      if (now < probeAt || (now < retryAt && (waitMs <= waitMaxMs || url === failedUrl))) return waitMs;
      // A probe without an answer does not keep the next one waiting for long: the service may have been slow, and be back.
      probeAt = now + 2 * openMs;
      if (state === 'open') change('half_open');
      return null;
    },
    succeeded(isProbe) {
      if (breaker.state === 'closed') isFailing(false, 0);
      else if (isProbe) {
        window = [];
        probeAt = 0;
        change('closed');
      }
    },
    failed(failure, url, isProbe, now, chance) {
      const askedMs = Math.min(openMaxMs, failure.retryAfterMs ?? 0);
      breaker.lastFailure = failure;
      if (askedMs > 0) {
        failedUrl = url;
        retryAt = now + askedMs;
      }
      // A 4xx is the caller's, and a quota that is spent is no sign of a service that is down.
      if ((failure.status ?? 500) < 500) return breaker.succeeded(isProbe);
      if (breaker.state === 'closed' ? !isFailing(true, now) : !isProbe) return;
      // Between four fifths of the time and all of it, so that many clients do not probe in step. Never before the time that the service asks for.
      const waitMs = openMs * (0.8 + chance / 5);
      probeAt = now + waitMs;
      retryAt += waitMs;
      change('open', failure, waitMs + askedMs);
    },
    probeLost(now) {
      probeAt = now;
      if (breaker.state === 'half_open') change('open', breaker.lastFailure, 0);
    },
  };
  return breaker;
}
