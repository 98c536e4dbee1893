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
 * others are left, and gets no requests all the same. Ejections and openings are counted apart: the pauses of one do not lengthen those of the other.
 */
export type TrustState =
  | ({
      readonly state: 'trusted';
      readonly since: Instant;
    } & PastPauses)
  | ({
      readonly state: 'ejected';
      readonly since: Instant;
      readonly until: Instant;
      /** The rest that the endpoint has asked for; 0: none. */
      readonly restMs: number;
    } & NotTrusted)
  | ({ readonly state: 'probation'; readonly since: Instant; readonly successes: number } & NotTrusted);

/** Pauses that are not forgotten; the next one of that kind is longer for each. */
interface PastPauses {
  readonly ejections: number;
  /** Of its circuit breaker. */
  readonly openings: number;
}

interface NotTrusted extends PastPauses {
  readonly byBreaker: boolean;
}

type Ejected = Extract<TrustState, { state: 'ejected' }>;
type Probation = Extract<TrustState, { state: 'probation' }>;

const noPauses: PastPauses = { ejections: 0, openings: 0 };

export function trusted(now: Instant, { ejections, openings }: PastPauses = noPauses): TrustState {
  return { state: 'trusted', since: now, ejections, openings };
}

/** How an ejection begins, or how a circuit breaker opens. */
interface EjectionCause {
  /** Uniform in [0, 1). */
  readonly random: number;
  readonly byBreaker: boolean;
  /** The endpoint has asked for a rest of this length; absent: it has not. */
  readonly restMs?: number;
}

/**
 * Out, for a pause that grows with each one of its kind. It is longer by chance, within the longest pause, and not shorter than the rest that
 * the endpoint has asked for.
 */
export function ejected(
  trust: TrustState,
  now: Instant,
  { random, byBreaker, restMs = 0 }: EjectionCause,
  settings: EjectionSettings,
): Ejected {
  const isForgotten = trust.state === 'trusted' && now - trust.since >= settings.forgetAfterMs;
  const { ejections, openings } = isForgotten ? noPauses : trust;
  const past = byBreaker ? { ejections, openings: openings + 1 } : { ejections: ejections + 1, openings };
  const rest = Math.min(restMs, longestRestMs);
  const pauseMs = Math.max(rest, grownPauseMs(byBreaker ? past.openings : past.ejections, random, settings));
  return { state: 'ejected', since: now, until: after(now, pauseMs), restMs: rest, byBreaker, ...past };
}

function grownPauseMs(
  pauses: number,
  random: number,
  { firstPauseMs, longestPauseMs, pauseFactor, pauseSpread }: EjectionSettings,
): number {
  const grownMs = firstPauseMs * pauseFactor ** Math.min(pauses - 1, 10);
  // Also the longest pauses are to end at different moments.
  return Math.min(grownMs, longestPauseMs / (1 + pauseSpread)) * (1 + pauseSpread * random);
}

/**
 * No other endpoint may get requests, so that an ejected one would get all of them: its circuit breaker decides instead. It is open for its
 * first pause since the ejection, and half-open then. `breaker` has the times of the circuit breaker.
 */
export function byOwnBreaker(trust: TrustState, now: Instant, breaker: EjectionSettings): TrustState {
  if (trust.state === 'trusted' || trust.byBreaker) return trust;
  if (trust.state === 'probation') return { ...trust, byBreaker: true };
  const openMs = Math.max(breaker.firstPauseMs, trust.restMs);
  const until = after(trust.since, Math.min(openMs, trust.until - trust.since));
  return startProbation({ ...trust, until, byBreaker: true }, now);
}

/** The pause is over: a few requests may show that the endpoint is well. Call only while its checks pass. */
export function startProbation(trust: TrustState, now: Instant): TrustState {
  if (trust.state !== 'ejected' || now < trust.until) return trust;
  const { ejections, openings, byBreaker } = trust;
  return { state: 'probation', since: now, successes: 0, ejections, openings, byBreaker };
}

export function afterProbation(
  trust: Probation,
  outcomes: AttemptOutcomes,
  now: Instant,
  cause: EjectionCause,
  settings: EjectionSettings,
): TrustState {
  if (outcomes.failures > 0) return ejected(trust, now, cause, settings);
  const successes = trust.successes + outcomes.successes;
  return successes >= settings.probationSuccesses ? trusted(now, trust) : { ...trust, successes };
}

/** Whether one more endpoint may be ejected, of `passing` whose checks pass and of which `out` are out already. */
export function mayEject(passing: number, out: number, { stayingShareMin }: EjectionSettings): boolean {
  return passing - out - 1 >= Math.max(1, Math.ceil(passing * stayingShareMin));
}
