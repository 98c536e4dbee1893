import { after, type Instant } from '../core/time.ts';
import type { AttemptOutcomes } from './outlier-detection.ts';
import type { EjectionSettings } from './outlier-settings.ts';

/**
 * What follows from the traffic of an endpoint. A health check is an opinion; traffic is the fact.
 *
 *     trusted ──── an outlier ──▶ ejected ── pause over, checks pass ──▶ probation
 *        ▲                           ▲                                     │   │
 *        │                           └──────────── one failure ────────────┘   │
 *        └──────────────────────── successes in a row ─────────────────────────┘
 */
export type TrustState =
  | {
      readonly state: 'trusted';
      readonly since: Instant;
      /** Ejections that are not forgotten; the next pause is longer for each. */
      readonly ejections: number;
    }
  | { readonly state: 'ejected'; readonly since: Instant; readonly until: Instant; readonly ejections: number }
  | { readonly state: 'probation'; readonly since: Instant; readonly successes: number; readonly ejections: number };

type Ejected = Extract<TrustState, { state: 'ejected' }>;
type Probation = Extract<TrustState, { state: 'probation' }>;

export function trusted(now: Instant, ejections = 0): TrustState {
  return { state: 'trusted', since: now, ejections };
}

/** Out, for a pause that grows with each ejection. `random` is uniform in [0, 1). */
export function ejected(trust: TrustState, now: Instant, random: number, settings: EjectionSettings): Ejected {
  const { firstPauseMs, longestPauseMs, pauseFactor, pauseSpread, forgetAfterMs } = settings;
  const isForgotten = trust.state === 'trusted' && now - trust.since >= forgetAfterMs;
  const ejections = isForgotten ? 1 : trust.ejections + 1;
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * pauseFactor ** Math.min(ejections - 1, 10));
  return { state: 'ejected', since: now, until: after(now, pauseMs * (1 + pauseSpread * random)), ejections };
}

/** The pause is over: a few requests may show that the endpoint is well. Call only while its checks pass. */
export function startProbation(trust: TrustState, now: Instant): TrustState {
  if (trust.state !== 'ejected' || now < trust.until) return trust;
  return { state: 'probation', since: now, successes: 0, ejections: trust.ejections };
}

export function afterProbation(
  trust: Probation,
  outcomes: AttemptOutcomes,
  now: Instant,
  random: number,
  settings: EjectionSettings,
): TrustState {
  if (outcomes.failures > 0) return ejected(trust, now, random, settings);
  const successes = trust.successes + outcomes.successes;
  return successes >= settings.probationSuccesses ? trusted(now, trust.ejections) : { ...trust, successes };
}

/** Whether one more endpoint may be ejected, of `passing` whose checks pass and of which `out` are out already. */
export function mayEject(passing: number, out: number, { stayingShareMin }: EjectionSettings): boolean {
  return passing - out - 1 >= Math.max(1, Math.ceil(passing * stayingShareMin));
}
