import type { Health, HealthThresholds } from '../policy/health.ts';
import { failsLeft, passesNeeded } from '../policy/health.ts';

/**
 * Why an endpoint is in its state, from what its last check observed. Where that check contradicts the state, the
 * sentence says how many more are needed: "not ready: accepts connections" would contradict itself.
 */
export function healthReason(health: Health, found: string, thresholds: HealthThresholds): string {
  switch (health.state) {
    case 'unknown':
      return 'its first check is not back yet';
    case 'healthy':
      if (health.failsInRow === 0 && health.refusals > 0)
        return 'a request was refused a connection; a check follows at once';
      return health.failsInRow === 0
        ? found
        : `its last check failed (${found}), ${health.failsInRow} of ${health.failsInRow + failsLeft(health, thresholds)} in a row that take it out`;
    case 'unhealthy': {
      if (health.passesInRow === 0) return found;
      const needed = health.passesInRow + passesNeeded(health, thresholds);
      return `its last check passed (${found}), ${health.passesInRow} of ${needed} in a row that bring it back`;
    }
  }
}
