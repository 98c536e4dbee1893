import type { CheckRhythm } from '../core/snapshot.ts';

/** What is known of an endpoint from its checks alone. */
export type Health =
  | { readonly state: 'unknown' }
  | { readonly state: 'healthy'; readonly failsInRow: number }
  | { readonly state: 'unhealthy'; readonly passesInRow: number };

export interface HealthThresholds {
  /** Passes in a row that bring an unhealthy endpoint back. */
  readonly passes: number;
  /** Failures in a row that take a healthy one out. */
  readonly fails: number;
}

export const unknownHealth: Health = { state: 'unknown' };

/**
 * The next state after a check's result.
 *
 *     unknown ──first result──▶ healthy ◀──passes in a row── unhealthy
 *                                  └──────fails in a row──────▶┘
 *
 * The first result decides at once: nothing is known that could outweigh it.
 */
export function nextHealth(health: Health, passed: boolean, thresholds: HealthThresholds): Health {
  switch (health.state) {
    case 'unknown':
      return passed ? { state: 'healthy', failsInRow: 0 } : { state: 'unhealthy', passesInRow: 0 };
    case 'healthy': {
      if (passed) return health.failsInRow === 0 ? health : { state: 'healthy', failsInRow: 0 };
      const failsInRow = health.failsInRow + 1;
      return failsInRow >= thresholds.fails ? { state: 'unhealthy', passesInRow: 0 } : { state: 'healthy', failsInRow };
    }
    case 'unhealthy': {
      if (!passed) return { state: 'unhealthy', passesInRow: 0 };
      const passesInRow = health.passesInRow + 1;
      return passesInRow >= thresholds.passes
        ? { state: 'healthy', failsInRow: 0 }
        : { state: 'unhealthy', passesInRow };
    }
  }
}

/** How many checks must pass, one after the other, before an endpoint is healthy. */
export function passesNeeded(health: Health, thresholds: HealthThresholds): number {
  if (health.state === 'healthy') return 0;
  return health.state === 'unknown' ? 1 : thresholds.passes - health.passesInRow;
}

/**
 * How long until an endpoint can be healthy, if every check from now on passes. What is known of its rhythm may
 * be old: checks that have come since then without news have failed, and the next one is due in its turn.
 */
export function healthyInMs({ nextInstant, everyMs, passesNeeded }: CheckRhythm, now: number): number {
  const overdueMs = now - nextInstant;
  const untilNextMs = overdueMs < 0 ? -overdueMs : everyMs - (overdueMs % everyMs);
  return untilNextMs + Math.max(0, passesNeeded - 1) * everyMs;
}
