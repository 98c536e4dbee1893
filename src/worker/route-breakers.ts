import type { GatewayState } from '../core/gateway-state.ts';
import { localBoundSemaphores } from '../core/local-semaphore.ts';
import type { RouteBreakerState, RouteOutcomes } from '../core/route-breaker.ts';
import type { SemaphoreSource } from '../core/semaphores.ts';
import type { BreakerSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import { RouteBreaker } from '../exchange/route-breaker.ts';

export interface RouteBreakersPorts {
  readonly clock: Clock;
  readonly semaphores: SemaphoreSource;
}

/** The circuit breakers of routes in one worker. A breaker stays the same object from one revision of the configuration to the next. */
export class RouteBreakers {
  readonly #ports: RouteBreakersPorts;
  /** By `keyOf`. */
  #active: ReadonlyMap<string, RouteBreaker> = new Map();
  /** By route. */
  #byRoute: ReadonlyMap<string, RouteBreaker> = new Map();
  #states: readonly RouteBreakerState[] = [];
  #isUrgent = false;
  readonly #onUrgent = (): void => {
    this.#isUrgent = true;
  };

  constructor(ports: RouteBreakersPorts) {
    this.#ports = ports;
  }

  /** The breakers of the next revision. Until `activate` nothing changes. */
  prepare(snapshots: readonly BreakerSnapshot[]): PendingBreakers {
    return new PendingBreakers(snapshots, this.#active, this.#ports, this.#onUrgent);
  }

  activate(next: PendingBreakers): void {
    const active = next.activate();
    for (const [key, breaker] of this.#active) if (!active.has(key)) breaker.close();
    this.#active = active;
    this.#byRoute = next.byRoute;
    this.use(this.#states);
  }

  /** What the main thread has decided: all breakers that are not closed. */
  use(states: readonly RouteBreakerState[]): void {
    this.#states = states;
    for (const [route, breaker] of this.#byRoute) {
      breaker.update(states.find((state) => state.route === route) ?? null);
    }
  }

  has(route: string): boolean {
    return this.#byRoute.has(route);
  }

  /** Of a route; null: it has none. */
  conditionOf(route: string): GatewayState['breaker'] | null {
    return this.#byRoute.get(route)?.condition ?? null;
  }

  /** Whether the main thread should not wait for the next regular report. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  /** How exchanges have ended since the last call. */
  take(): readonly RouteOutcomes[] {
    this.#isUrgent = false;
    return [...this.#byRoute.values()].flatMap((breaker) => breaker.take() ?? []);
  }
}

export class PendingBreakers {
  readonly byRoute = new Map<string, RouteBreaker>();
  readonly #known: ReadonlyMap<string, RouteBreaker>;
  readonly #snapshots: readonly BreakerSnapshot[];
  readonly #breakers = new Map<string, RouteBreaker>();

  constructor(
    snapshots: readonly BreakerSnapshot[],
    known: ReadonlyMap<string, RouteBreaker>,
    { clock, semaphores }: RouteBreakersPorts,
    onUrgent: () => void,
  ) {
    this.#known = known;
    this.#snapshots = snapshots;
    for (const snapshot of snapshots) {
      const { semaphores: handle } = snapshot;
      const create = (): RouteBreaker => {
        const shared = handle === undefined ? localBoundSemaphores() : semaphores.bound(handle, () => {});
        return new RouteBreaker(snapshot, shared.requests, clock, onUrgent);
      };
      const breaker = known.get(keyOf(snapshot)) ?? create();
      this.#breakers.set(keyOf(snapshot), breaker);
      this.byRoute.set(snapshot.route, breaker);
    }
  }

  /** Called by `RouteBreakers` alone. */
  activate(): ReadonlyMap<string, RouteBreaker> {
    for (const snapshot of this.#snapshots) this.#breakers.get(keyOf(snapshot))?.configure(snapshot);
    return this.#breakers;
  }

  /** They will not be activated. */
  discard(): void {
    for (const [key, breaker] of this.#breakers) if (!this.#known.has(key)) breaker.close();
  }
}

/** A breaker that gets other semaphores is another one: its probes have their permits of the old ones. */
function keyOf({ route, semaphores }: BreakerSnapshot): string {
  return semaphores === undefined ? route : `${route} ${semaphores.index} ${semaphores.generation}`;
}
