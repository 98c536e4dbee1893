import type { CheckSchedule } from '../core/snapshot.ts';

/** What is known of an endpoint from its checks alone. */
export type Health =
  | { readonly state: 'unknown' }
  | { readonly state: 'healthy'; readonly failsInRow: number }
  | { readonly state: 'unhealthy'; readonly passesInRow: number; readonly refuses: boolean };

export interface HealthThresholds {
  /** Passes in a row that bring an unhealthy endpoint back. */
  readonly passes: number;
  /** The same where its last failed check was refused a connection: a listener that is back is proof. Absent: `passes`. */
  readonly passesAfterRefusal?: number;
  /** Failures in a row that take a healthy one out. */
  readonly fails: number;
}

/** What one check found: the application behind a refused connection is not running, or not yet. */
export type CheckOutcome = 'passed' | 'failed' | 'refused';

export const unknownHealth: Health = { state: 'unknown' };

/**
 * The next state after a check's result.
 *
 *     unknown ──first result──▶ healthy ◀──passes in a row── unhealthy
 *                                  └──────fails in a row──────▶┘
 *
 * The first result decides at once: nothing is known that could outweigh it.
 */
export function nextHealth(health: Health, outcome: CheckOutcome, thresholds: HealthThresholds): Health {
  const passed = outcome === 'passed';
  switch (health.state) {
    case 'unknown':
      return passed ? { state: 'healthy', failsInRow: 0 } : failing(outcome);
    case 'healthy': {
      if (passed) return health.failsInRow === 0 ? health : { state: 'healthy', failsInRow: 0 };
      const failsInRow = health.failsInRow + 1;
      return failsInRow >= thresholds.fails ? failing(outcome) : { state: 'healthy', failsInRow };
    }
    case 'unhealthy': {
      if (!passed) return failing(outcome);
      const next: Health = { ...health, passesInRow: health.passesInRow + 1 };
      return passesNeeded(next, thresholds) <= 0 ? { state: 'healthy', failsInRow: 0 } : next;
    }
  }
}

function failing(outcome: CheckOutcome): Health {
  return { state: 'unhealthy', passesInRow: 0, refuses: outcome === 'refused' };
}

/** How many checks must pass, one after the other, before an endpoint is healthy. */
export function passesNeeded(health: Health, thresholds: HealthThresholds): number {
  if (health.state === 'healthy') return 0;
  if (health.state === 'unknown') return 1;
  const { passes, passesAfterRefusal = passes } = thresholds;
  return (health.refuses ? passesAfterRefusal : passes) - health.passesInRow;
}

/**
 * Between two checks of an endpoint that gets no requests: people wait for it. With a fifth of jitter either way these
 * are five connection attempts a second at most.
 */
const troubledEveryMs = 250;
const troubledJitter = 0.2;

/** Ten endpoints that are checked every five seconds should not be checked in the same instant. */
const jitter = 0.1;

/** Main makes so many checks of troubled endpoints a second at most: a tenth of a core, when a whole data center is down. */
const troubledPerSecondMax = 800;

export interface CheckTiming {
  /** The interval of the configuration. */
  readonly intervalMs: number;
  /** Endpoints of this gateway that are troubled now, this one included. */
  readonly troubled: number;
  /** Uniform in [0, 1). */
  readonly chance: number;
}

/**
 * How long after one check the next one follows. An endpoint is troubled while it is not healthy, and after it has
 * refused a connection; then checks are quick, but never less often than the configuration says.
 */
export function checkPauseMs(isTroubled: boolean, { intervalMs, troubled, chance }: CheckTiming): number {
  if (!isTroubled) return intervalMs * (1 + jitter * (2 * chance - 1));
  return troubledPauseMs(intervalMs, troubled) * (1 + troubledJitter * (2 * chance - 1));
}

/** The same without jitter. */
export function troubledPauseMs(intervalMs: number, troubled: number): number {
  return Math.min(intervalMs, Math.max(troubledEveryMs, (troubled * 1000) / troubledPerSecondMax));
}

/**
 * How long until an endpoint can be healthy, if every check from now on passes. What is known of its rhythm may
 * be old: checks that have come since then without news have failed, and the next one is due in its turn.
 */
export function healthyInMs({ nextInstant, everyMs, passesNeeded }: CheckSchedule, now: number): number {
  const overdueMs = now - nextInstant;
  const untilNextMs = overdueMs < 0 ? -overdueMs : everyMs - (overdueMs % everyMs);
  return untilNextMs + Math.max(0, passesNeeded - 1) * everyMs;
}
