import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type BreakerState, circuitBreakerName, type RouteBreakerSpec } from './settings.ts';
import { RouteBreaker } from './worker-breaker.ts';

interface BreakerPart extends FeaturePart {
  readonly breaker: RouteBreaker;
}

/** The same breaker from one revision of the configuration to the next. */
export const circuitBreaker = workerFeature<RouteBreakerSpec, BreakerPart>({
  name: circuitBreakerName,
  prepare(scope, spec, ports, previous) {
    const route = { id: scope.id, upstream: scope.upstream ?? '' };
    const { clock } = ports;
    const breaker =
      previous?.breaker ??
      new RouteBreaker(route, spec, ports.semaphores(() => {}).requests, clock, () => ports.onUrgent());
    return {
      breaker,
      hooks: { gate: breaker },
      judgesFailures: true,
      activate: () => breaker.configure(route, spec),
      discard: () => previous === null && breaker.close(),
      close: () => breaker.close(),
      report: () => breaker.take(),
      onState: (state) => breaker.update(state as BreakerState | null),
      condition: () => ({ breaker: breaker.condition }),
    };
  },
});
