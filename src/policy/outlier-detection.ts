import { type Instant, after } from '../core/time.ts';

/**
 * What an endpoint's own traffic says of it. A health check is an opinion; traffic is the fact.
 *
 *     trusted ── most requests fail, or no connection in a row ──▶ ejected
 *        ▲                                                        │   ▲
 *        └── successes in a row ── probation ◀── pause over, ──────┘   │
 *                                     │         checks pass           │
 *                                     └────────── one failure ────────┘
 */
export type OutlierState =
  | {
      readonly state: 'trusted';
      readonly window: readonly Slice[];
      readonly consecutiveUnreachable: number;
      /** Ejections so far that are not forgotten; the next pause is longer for each. */
      readonly ejections: number;
      readonly since: Instant;
    }
  | { readonly state: 'ejected'; readonly since: Instant; readonly until: Instant; readonly ejections: number }
  | { readonly state: 'probation'; readonly since: Instant; readonly successes: number; readonly ejections: number };

type Trusted = Extract<OutlierState, { state: 'trusted' }>;
type Ejected = Extract<OutlierState, { state: 'ejected' }>;

/** The window in slices, so that old outcomes leave it without being kept one by one. */
interface Slice {
  readonly number: number;
  readonly successes: number;
  readonly failures: number;
}

/** Outcomes that came together. Only failures that count against health are among them. */
export interface OutcomeSample {
  readonly successes: number;
  readonly failures: number;
  /** Of the last ones in a row, how many found no connection. */
  readonly consecutiveUnreachable: number;
}

/** Why traffic contradicts the checks: the figures of an event. */
export interface OutlierEvidence {
  readonly requests: number;
  readonly failures: number;
  readonly windowMs: number;
  readonly consecutiveUnreachable: number;
}

/** Long enough to hold twenty requests of a quiet site, short enough to forget a mended fault. */
export const windowMs = 30_000;
const sliceMs = 5_000;

/** Of fewer requests a half is chance. */
export const requestsMin = 20;
const successShareMin = 0.5;

/**
 * Connections in a row that could not be made. One refused connection is a restart; after five within a few
 * moments nobody is there, and the next check may be seconds away.
 */
export const unreachableInRowMax = 5;

/** The first pause is about two checks long; each further one doubles, up to what an operator notices anyway. */
export const firstPauseMs = 10_000;
export const longestPauseMs = 300_000;
/** Endpoints that were ejected for one reason are not to come back in one instant. */
const pauseSpread = 0.2;

/** Successes, one after the other, that end a trial. */
export const probationSuccesses = 3;

/** An endpoint that was trusted for this long since its last ejection begins with the first pause again. */
const forgetAfterMs = 600_000;

export function trusted(now: Instant, ejections = 0): Trusted {
  return { state: 'trusted', window: [], consecutiveUnreachable: 0, ejections, since: now };
}

/** What is known after `sample`. `chance` is uniform in [0, 1). An ejected endpoint has nothing to prove. */
export function afterSample(health: OutlierState, sample: OutcomeSample, now: Instant, chance: number): OutlierState {
  switch (health.state) {
    case 'trusted':
      return afterTrustedSample(health, sample, now);
    case 'probation': {
      if (sample.failures > 0) return ejected(health, now, chance);
      const successes = health.successes + sample.successes;
      return successes >= probationSuccesses ? trusted(now, health.ejections) : { ...health, successes };
    }
    case 'ejected':
      return health;
  }
}

function afterTrustedSample(health: Trusted, sample: OutcomeSample, now: Instant): Trusted {
  const number = Math.floor(now / sliceMs);
  const kept = health.window.filter((slice) => slice.number > number - windowMs / sliceMs && slice.number !== number);
  const same = health.window.find((slice) => slice.number === number);
  const successes = (same?.successes ?? 0) + sample.successes;
  const failures = (same?.failures ?? 0) + sample.failures;
  // A row goes on from the sample before where nothing but connections that failed came in between.
  const goesOn = sample.successes === 0 && sample.failures === sample.consecutiveUnreachable;
  const consecutiveUnreachable = (goesOn ? health.consecutiveUnreachable : 0) + sample.consecutiveUnreachable;
  return { ...health, window: [...kept, { number, successes, failures }], consecutiveUnreachable };
}

/** Null where traffic gives no reason to doubt what checks say. */
export function outlierEvidenceOf(health: OutlierState): OutlierEvidence | null {
  if (health.state !== 'trusted') return null;
  const failures = health.window.reduce((sum, slice) => sum + slice.failures, 0);
  const requests = health.window.reduce((sum, slice) => sum + slice.successes, failures);
  const { consecutiveUnreachable } = health;
  const mostFail = requests >= requestsMin && (requests - failures) / requests < successShareMin;
  if (!mostFail && consecutiveUnreachable < unreachableInRowMax) return null;
  return { requests, failures, windowMs, consecutiveUnreachable };
}

/** Out, for a pause that grows with each time. */
export function ejected(health: OutlierState, now: Instant, chance: number): Ejected {
  const calm = health.state === 'trusted' && now - health.since >= forgetAfterMs;
  const ejections = calm ? 1 : health.ejections + 1;
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(ejections - 1, 10));
  const until = after(now, pauseMs * (1 + pauseSpread * chance));
  return { state: 'ejected', since: now, until, ejections };
}

/** The pause is over: it may show with few requests that it is well. Call only while its checks pass. */
export function startProbation(health: OutlierState, now: Instant): OutlierState {
  if (health.state !== 'ejected' || now < health.until) return health;
  return { state: 'probation', since: now, successes: 0, ejections: health.ejections };
}

/**
 * Whether one more endpoint may be ejected, of `passing` whose checks pass and of which `out` are out already.
 * Half of them stay, and always one: what most endpoints fail at is seldom theirs (a database, a network), and
 * the few that are left could not carry the load of all.
 */
export function mayEject(passing: number, out: number): boolean {
  return passing - out - 1 >= Math.max(1, Math.ceil(passing / 2));
}
