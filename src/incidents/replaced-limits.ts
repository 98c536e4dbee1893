import type { RouteSpec } from '../core/route-spec.ts';
import type { RouteLimits } from './watched-upstream.ts';
import { retryOf } from '../features/retry/settings.ts';

/** The timeouts of a route that bound a response; null: there is no such route. */
export const limitsOfRoute = (route: Pick<RouteSpec, 'timeouts' | 'features'> | null): RouteLimits | null =>
  route === null ? null : limitsOf(route);

function limitsOf({ timeouts, features }: Pick<RouteSpec, 'timeouts' | 'features'>): RouteLimits {
  const { responseHeadMs, exchangeMs } = timeouts;
  return { responseHeadMs, exchangeMs, attemptMs: retryOf(features)?.attemptMs ?? null };
}

type LimitedRoute = Pick<RouteSpec, 'id' | 'timeouts' | 'features'>;

/** An incident is blamed on one of the last changes. */
const keptMax = 5;

/** The timeouts that the last changes of the configuration have replaced. */
export class ReplacedLimits {
  /** By revision and route: only what has changed. */
  readonly #replaced = new Map<number, ReadonlyMap<string, RouteLimits>>();

  /** `revision` has these routes `now`. */
  replace(before: readonly LimitedRoute[], now: readonly LimitedRoute[], revision: number): void {
    const known = new Map(before.map((route) => [route.id as string, limitsOf(route)]));
    const replaced = new Map<string, RouteLimits>();
    for (const route of now) {
      const old = known.get(route.id);
      if (old !== undefined && !isSame(old, limitsOf(route))) replaced.set(route.id, old);
    }
    this.#replaced.set(revision, replaced);
    this.#replaced.delete(revision - keptMax);
  }

  /** Those of the route before the revision; null: the revision has not changed them, or that is no longer known. */
  of(route: string, revision: number): RouteLimits | null {
    return this.#replaced.get(revision)?.get(route) ?? null;
  }
}

const isSame = (one: RouteLimits, other: RouteLimits): boolean =>
  one.responseHeadMs === other.responseHeadMs &&
  one.attemptMs === other.attemptMs &&
  one.exchangeMs === other.exchangeMs;
