import { after, type Instant } from '../core/time.ts';
import type { AttemptOutcomes } from './outlier-detection.ts';
import { type EjectionSettings, longestRestMs } from './outlier-settings.ts';

/**
 * What follows from the traffic of an endpoint. A health check is an opinion; traffic is the fact.
 *
 *     trusted ──── an outlier ──▶ ejected ── pause over, checks pass ──▶ probation
 *        ▲                           ▲                                     │   │
 *        │                           └──────────── one failure ────────────┘   │
 *        └──────────────────────── successes in a row ─────────────────────────┘
 *
 * With `byBreaker` these are the states of a circuit breaker, closed, open and half-open: the endpoint was not ejected, since too few
 * others are left, and gets no requests all the same.
 */
export type TrustState =
  | {
      readonly state: 'trusted';
      readonly since: Instant;
      /** Ejections that are not forgotten; the next pause is longer for each. */
      readonly ejections: number;
    }
  | ({ readonly state: 'ejected'; readonly since: Instant; readonly until: Instant } & NotTrusted)
  | ({ readonly state: 'probation'; readonly since: Instant; readonly successes: number } & NotTrusted);

interface NotTrusted {
  readonly ejections: number;
  readonly byBreaker: boolean;
}

type Ejected = Extract<TrustState, { state: 'ejected' }>;
type Probation = Extract<TrustState, { state: 'probation' }>;

export function trusted(now: Instant, ejections = 0): TrustState {
  return { state: 'trusted', since: now, ejections };
}

/** How an ejection begins. */
export interface EjectionCause {
  /** Uniform in [0, 1). */
  readonly random: number;
  readonly byBreaker: boolean;
  /** The endpoint has asked for a rest of this length; absent: it has not. */
  readonly restMs?: number;
}

/** Out, for a pause that grows with each ejection, and that is not shorter than the rest that the endpoint has asked for. */
export function ejected(
  trust: TrustState,
  now: Instant,
  { random, byBreaker, restMs = 0 }: EjectionCause,
  settings: EjectionSettings,
): Ejected {
  const { firstPauseMs, longestPauseMs, pauseFactor, pauseSpread, forgetAfterMs } = settings;
  const isForgotten = trust.state === 'trusted' && now - trust.since >= forgetAfterMs;
  const ejections = isForgotten ? 1 : trust.ejections + 1;
  const grownMs = Math.min(longestPauseMs, firstPauseMs * pauseFactor ** Math.min(ejections - 1, 10));
  const pauseMs = Math.max(grownMs, Math.min(restMs, longestRestMs));
  return {
    state: 'ejected',
    since: now,
    until: after(now, pauseMs * (1 + pauseSpread * random)),
    ejections,
    byBreaker,
  };
}

/** The pause is over: a few requests may show that the endpoint is well. Call only while its checks pass. */
export function startProbation(trust: TrustState, now: Instant): TrustState {
  if (trust.state !== 'ejected' || now < trust.until) return trust;
  const { ejections, byBreaker } = trust;
  return { state: 'probation', since: now, successes: 0, ejections, byBreaker };
}

export function afterProbation(
  trust: Probation,
  outcomes: AttemptOutcomes,
  now: Instant,
  random: number,
  settings: EjectionSettings,
): TrustState {
  if (outcomes.failures > 0) return ejected(trust, now, { random, byBreaker: trust.byBreaker }, settings);
  const successes = trust.successes + outcomes.successes;
  return successes >= settings.probationSuccesses ? trusted(now, trust.ejections) : { ...trust, successes };
}

/** Whether one more endpoint may be ejected, of `passing` whose checks pass and of which `out` are out already. */
export function mayEject(passing: number, out: number, { stayingShareMin }: EjectionSettings): boolean {
  return passing - out - 1 >= Math.max(1, Math.ceil(passing * stayingShareMin));
}
