import type { Judgement } from '../core/release.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import type { Clock } from '../core/time.ts';

/** What the judge is told of a rollout, from what workers count. */
export class RolloutComparison {
  constructor(_clock: Clock) {}

  add(_routes: readonly RouteTraffic[]): void {}

  judgement(): Judgement | null {
    return null;
  }

  isSuspicious(): boolean {
    return false;
  }
}
