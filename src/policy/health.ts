import type { CheckSchedule } from '../core/snapshot.ts';

/** The health of an endpoint by its checks alone. */
export type Health =
  | { readonly state: 'unknown' }
  | { readonly state: 'healthy'; readonly failsInRow: number; readonly refusals: number }
  | { readonly state: 'unhealthy'; readonly passesInRow: number; readonly refuses: boolean };

export interface HealthThresholds {
  /** Passes in a row that bring an unhealthy endpoint back. */
  readonly passes: number;
  /** The same where its last failed check was refused a connection: a listener that accepts again is proof. Absent: `passes`. */
  readonly passesAfterRefusal?: number;
  /** Failures in a row that make a healthy endpoint unhealthy. */
  readonly fails: number;
  /** Refused connections in a row, of checks and of requests, that do the same: two are no lost packet. Absent: `fails`. */
  readonly failsAfterRefusal?: number;
}

/** The result of one check. `refused`: the application is not running, or not yet. */
export type CheckOutcome = 'passed' | 'failed' | 'refused';

export const unknownHealth: Health = { state: 'unknown' };

/**
 * The next state after a check's result.
 *
 *     unknown ──first result──▶ healthy ◀──passes in a row── unhealthy
 *                                  └──────fails in a row──────▶┘
 *
 * The first result decides at once: there is no earlier result to outweigh it.
 */
export function nextHealth(health: Health, outcome: CheckOutcome, thresholds: HealthThresholds): Health {
  const passed = outcome === 'passed';
  switch (health.state) {
    case 'unknown':
      return passed ? healthy : failing(outcome);
    case 'healthy': {
      if (passed) return health.failsInRow + health.refusals === 0 ? health : healthy;
      const refusals = outcome === 'refused' ? health.refusals + 1 : 0;
      const next: Health = { state: 'healthy', failsInRow: health.failsInRow + 1, refusals };
      return failsLeft(next, thresholds) <= 0 ? failing(outcome) : next;
    }
    case 'unhealthy': {
      if (!passed) return failing(outcome);
      const next: Health = { ...health, passesInRow: health.passesInRow + 1 };
      return passesNeeded(next, thresholds) <= 0 ? healthy : next;
    }
  }
}

const healthy: Health = { state: 'healthy', failsInRow: 0, refusals: 0 };

/** A request was refused a connection. However many were, they saw the same moment; the next check is another one. */
export function noteRefusedRequest(health: Health): Health {
  return health.state === 'healthy' && health.refusals === 0 ? { ...health, refusals: 1 } : health;
}

/** How many more checks must fail, as the last one did, to take a healthy endpoint out. */
export function failsLeft(
  { failsInRow, refusals }: Extract<Health, { state: 'healthy' }>,
  { fails, failsAfterRefusal }: HealthThresholds,
): number {
  const left = fails - failsInRow;
  return refusals === 0 || failsAfterRefusal === undefined ? left : Math.min(left, failsAfterRefusal - refusals);
}

function failing(outcome: CheckOutcome): Health {
  return { state: 'unhealthy', passesInRow: 0, refuses: outcome === 'refused' };
}

/** How many checks in a row must pass before an endpoint is healthy. */
export function passesNeeded(health: Health, thresholds: HealthThresholds): number {
  if (health.state === 'healthy') return 0;
  if (health.state === 'unknown') return 1;
  const { passes, passesAfterRefusal = passes } = thresholds;
  return (health.refuses ? passesAfterRefusal : passes) - health.passesInRow;
}

/**
 * The pause between two checks of an endpoint that gets no requests: people wait for it. With a fifth of jitter either
 * way these are at most five connection attempts a second.
 */
const troubledEveryMs = 250;
const troubledJitter = 0.2;

/** Ten endpoints that are checked every five seconds should not be checked at the same moment. */
const jitter = 0.1;

/** The most checks of troubled endpoints per second: a tenth of a core while a whole data center is down. */
const troubledPerSecondMax = 800;

interface CheckTiming {
  /** The interval of the configuration. */
  readonly intervalMs: number;
  /** Endpoints of this gateway that are troubled now, including this one. */
  readonly troubled: number;
  /** Uniform in [0, 1). */
  readonly chance: number;
}

/**
 * How much an endpoint is watched. `troubled`: it is not healthy, or has refused a connection. `failing`: it is healthy, and its last check has failed.
 */
export type Attention = 'usual' | 'failing' | 'troubled';

/**
 * The pause between a check and the next one. Checks of a troubled endpoint follow quickly, and at least as often as the configuration says. A check that
 * failed is repeated after half of the interval, so that an endpoint that stopped answering is found out in two intervals instead of three.
 */
export function checkPauseMs(attention: Attention, { intervalMs, troubled, chance }: CheckTiming): number {
  if (attention !== 'troubled') {
    return (attention === 'failing' ? intervalMs / 2 : intervalMs) * (1 + jitter * (2 * chance - 1));
  }
  return troubledPauseMs(intervalMs, troubled) * (1 + troubledJitter * (2 * chance - 1));
}

/** The same without jitter. */
export function troubledPauseMs(intervalMs: number, troubled: number): number {
  return Math.min(intervalMs, Math.max(troubledEveryMs, (troubled * 1000) / troubledPerSecondMax));
}

/**
 * How long until an endpoint can be healthy, if every check from now on passes. The schedule may be old: checks since then
 * that were not reported have failed, and the next one is due after the interval.
 */
export function healthyInMs({ nextInstant, everyMs, passesNeeded }: CheckSchedule, now: number): number {
  const overdueMs = now - nextInstant;
  const untilNextMs = overdueMs < 0 ? -overdueMs : everyMs - (overdueMs % everyMs);
  return untilNextMs + Math.max(0, passesNeeded - 1) * everyMs;
}
