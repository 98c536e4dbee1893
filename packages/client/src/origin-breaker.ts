import type { CallFailure } from './call-failure.ts';
import type { BreakerEvent, ClientBreakerState } from './client-hooks.ts';
import type { BreakerOptions } from './retry-options.ts';

type BreakerChange = Omit<BreakerEvent, 'origin' | 'key'>;

export interface OriginBreaker {
  readonly state: ClientBreakerState;
  readonly failure: CallFailure | null;
  /**
   * For how long to wait before asking again. Null: send; if the breaker is not closed then, the attempt is a probe, and must end in `succeeded`,
   * `failed` or `cancelled`.
   */
  admit(now: number, url: string, waitMaxMs: number, chance: number, hasWaited: boolean): number | null;
  succeeded(isProbe: boolean): void;
  failed(failure: CallFailure, url: string, isProbe: boolean, now: number, chance: number): void;
  /** The caller cancelled the probe: the next call may be one. */
  cancelled(now: number): void;
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
  /** No probe before it, nor before `retryAt` and the pause. */
  let probeAt = 0;
  let retryAt = 0;
  /** Between the failure that opened it, with the wait that it asked for, and the next probe. */
  let pauseMs = 0;
  let failedUrl = '';
  /** Calls that have waited since it opened. */
  let waited = 0;
  /** The weights of the latest outcomes. */
  let window: number[] = [];

  const change = (to: ClientBreakerState, failure: CallFailure | null = null, openMs: number | null = null): void => {
    const { state: from } = breaker;
    breaker.state = to;
    inRow = 0;
    changed({ from, to, failure, openMs });
  };
  /** In which calls that have waited come back. The more there are, the shorter is the pause, so that all of them are back in the same time. */
  const spreadMs = (): number => openMs * Math.min(0.8, (waited + 5) / 100);
  /** `weight` is 0 for a success. */
  const isFailing = (weight: number, now: number): boolean => {
    inRow = weight && inRow + weight;
    if (inRow <= weight) inRowSince = now;
    window = [...window, weight].slice(-windowCalls);
    // A client with few calls would need many seconds for five of them.
    const isLong = inRow * 2 > failuresInRow && now - inRowSince >= openMs;
    return isLong || inRow >= failuresInRow || window.filter(Boolean).length >= failureShare * windowCalls;
  };

  const breaker: { -readonly [Name in keyof OriginBreaker]: OriginBreaker[Name] } = {
    state: 'closed',
    failure: null,

    admit(now, url, waitMaxMs, chance, hasWaited) {
      const { state } = breaker;
      const isClosed = state === 'closed';
      const askedAt = retryAt + pauseMs;
      // By chance, so that calls that have waited do not come all at once.
      const waitMs =
        (state === 'half_open' ? 0 : Math.max(probeAt, askedAt) - now) +
        chance * (isClosed ? openMs : Math.min(spreadMs(), 1.08 * openMs - pauseMs));
      // The path that asked for a wait gets it, if the call has the time.
      if (isClosed) return url === failedUrl && now < askedAt && waitMs <= waitMaxMs ? waitMs : null;
      // One path in maintenance says nothing of the others: a call that would be refused may try another one.
      if (now < probeAt || (now < askedAt && (waitMs <= waitMaxMs || url === failedUrl))) {
        if (!hasWaited) waited++;
        return waitMs;
      }
      // A probe without an answer does not keep the next one waiting for long: the service may have been slow, and be back.
      probeAt = now + 1.5 * openMs;
      if (state === 'open') change('half_open');
      return null;
    },
    succeeded(isProbe) {
      if (breaker.state === 'closed') isFailing(0, 0);
      else if (isProbe) {
        window = [];
        probeAt = pauseMs = waited = 0;
        change('closed');
      }
    },
    failed(failure, url, isProbe, now, chance) {
      const askedMs = Math.min(openMaxMs, failure.retryAfterMs ?? 0);
      breaker.failure = failure;
      if (askedMs) {
        failedUrl = url;
        retryAt = now + askedMs;
      }
      // A 4xx is the caller's, and a quota that is spent is no sign of a service that is down.
      if ((failure.status ?? 500) < 500) return breaker.succeeded(isProbe);
      const isClosed = breaker.state === 'closed';
      if (isClosed ? !isFailing(askedMs || failure.shape === 'too_slow' ? 2 : 1, now) : !isProbe) return;
      // The first pause is anything up to the whole: clients whose calls began in step are not to probe in step.
      pauseMs = (openMs - spreadMs()) * (1 - chance * (isClosed && !askedMs ? 1 : 0.2));
      probeAt = now + pauseMs;
      change('open', failure, pauseMs + askedMs);
    },
    cancelled(now) {
      probeAt = now;
      if (breaker.state === 'half_open') change('open', breaker.failure, 0);
    },
  };
  return breaker;
}
