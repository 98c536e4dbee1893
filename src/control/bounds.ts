import type { Configuration } from '../core/configuration.ts';
import type { BoundCounters } from '../core/semaphores.ts';
import type { BoundSnapshot, BreakerSnapshot } from '../core/snapshot.ts';

/** The bounds of requests in flight that a configuration has, with the shared semaphores in which all workers count them. */
export function boundsOf(configuration: Configuration, counters: BoundCounters | null): readonly BoundSnapshot[] {
  return unallocated(configuration).map((bound) => {
    // All are in use only right after reloads with other bounds, while requests of earlier revisions are in flight: then each worker counts its own.
    const semaphores = counters?.allocateBound(keyOf(bound)) ?? null;
    return semaphores === null ? bound : { ...bound, semaphores };
  });
}

/** The circuit breakers of routes, with the shared semaphores of their probes. */
export function breakersOf(configuration: Configuration, counters: BoundCounters | null): readonly BreakerSnapshot[] {
  return unallocatedBreakers(configuration).map((breaker) => {
    const semaphores = counters?.allocateBound(breakerKeyOf(breaker)) ?? null;
    return semaphores === null ? breaker : { ...breaker, semaphores };
  });
}

/** Other bounds and breakers are not used any more. */
export function keepBoundsOf(configuration: Configuration, counters: BoundCounters | null): void {
  const breakers = unallocatedBreakers(configuration).map(breakerKeyOf);
  counters?.keepOnlyBounds(new Set([...unallocated(configuration).map(keyOf), ...breakers]));
}

function unallocatedBreakers({ routes }: Configuration): readonly BreakerSnapshot[] {
  return routes.flatMap(({ id: route, action, circuitBreaker: spec }) =>
    spec === undefined || action.kind !== 'upstream' ? [] : [{ route, upstream: action.upstream, spec }],
  );
}

function breakerKeyOf({ route }: BreakerSnapshot): string {
  return `breaker ${route}`;
}

function unallocated({ routes, upstreams }: Configuration): readonly BoundSnapshot[] {
  const bounds: BoundSnapshot[] = [];
  for (const { id, concurrency: spec } of routes) if (spec !== undefined) bounds.push({ kind: 'route', id, spec });
  for (const { id, concurrency: spec } of upstreams)
    if (spec !== undefined) bounds.push({ kind: 'upstream', id, spec });
  return bounds;
}

function keyOf({ kind, id }: BoundSnapshot): string {
  return `${kind} ${id}`;
}
