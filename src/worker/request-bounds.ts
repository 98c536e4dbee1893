import type { RouteSpec } from '../core/route-spec.ts';
import type { QueueState } from '../core/gateway-state.ts';
import type { SemaphoreSource } from '../core/semaphores.ts';
import { localBoundSemaphores } from '../core/local-semaphore.ts';
import type { BoundSnapshot } from '../core/snapshot.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import { type BoundPorts, RequestBound } from '../exchange/request-bound.ts';
import type { RequestGate, RouteBounds } from '../exchange/request-gate.ts';

export interface RequestBoundsPorts extends BoundPorts {
  readonly semaphores: SemaphoreSource;
}

/** The bounds of requests in flight of one worker. A bound stays the same object from one revision of the configuration to the next. */
export class RequestBounds {
  readonly #ports: RequestBoundsPorts;
  /** By `keyOf`. */
  #active: ReadonlyMap<string, RequestBound> = new Map();

  constructor(ports: RequestBoundsPorts) {
    this.#ports = ports;
  }

  /** The bounds of the next revision. Until `activate` nothing changes. */
  prepare(bounds: readonly BoundSnapshot[]): PendingBounds {
    return new PendingBounds(bounds, this.#active, this.#ports);
  }

  activate(next: PendingBounds): void {
    const active = next.activate();
    for (const [key, bound] of this.#active) if (!active.has(key)) bound.close();
    this.#active = active;
  }

  /** Of the bounds with these names. */
  conditions(names: readonly string[]): QueueState[] {
    return [...this.#active.values()].filter(({ name }) => names.includes(name)).map(({ condition }) => condition);
  }

  waiting(): WaitingRequests[] {
    const all: WaitingRequests[] = [];
    for (const { name, waiting, oldestSince } of this.#active.values()) {
      if (oldestSince !== null) all.push({ at: name, for: 'turn', count: waiting, sinceInstant: oldestSince });
    }
    return all;
  }
}

export class PendingBounds {
  readonly #ports: RequestBoundsPorts;
  readonly #known: ReadonlyMap<string, RequestBound>;
  /** By name. */
  readonly #snapshots: ReadonlyMap<string, BoundSnapshot>;
  readonly #bounds = new Map<string, RequestBound>();

  constructor(bounds: readonly BoundSnapshot[], known: ReadonlyMap<string, RequestBound>, ports: RequestBoundsPorts) {
    this.#ports = ports;
    this.#known = known;
    this.#snapshots = new Map(bounds.map((bound) => [nameOf(bound), bound]));
    for (const bound of bounds) this.#bounds.set(keyOf(bound), known.get(keyOf(bound)) ?? this.#create(bound));
  }

  #create(bound: BoundSnapshot): RequestBound {
    const { semaphores: handle, spec } = bound;
    const { semaphores } = this.#ports;
    const semaphoresOf = (onAvailable: () => void) =>
      handle === undefined ? localBoundSemaphores() : semaphores.bound(handle, onAvailable);
    return new RequestBound(nameOf(bound), spec, semaphoresOf, this.#ports);
  }

  /** What requests of a route must pass: `breaker`, if it has one, its own bound, then that of its upstream. Null if there is none. */
  of({ id, action, priority = 'normal' }: RouteSpec, breaker: RequestGate | null = null): RouteBounds | null {
    const names = [`route ${id}`, ...(action.kind === 'upstream' ? [`upstream ${action.upstream}`] : [])];
    const bounds = [breaker, ...names.map((name) => this.#named(name))].filter((bound) => bound !== null);
    return bounds.length === 0 ? null : { bounds, priority };
  }

  #named(name: string): RequestBound | null {
    const snapshot = this.#snapshots.get(name);
    return snapshot === undefined ? null : (this.#bounds.get(keyOf(snapshot)) ?? null);
  }

  /** Called by `RequestBounds` alone. */
  activate(): ReadonlyMap<string, RequestBound> {
    for (const snapshot of this.#snapshots.values()) this.#bounds.get(keyOf(snapshot))?.update(snapshot.spec);
    return this.#bounds;
  }

  /** They will not be activated. */
  discard(): void {
    for (const [key, bound] of this.#bounds) if (!this.#known.has(key)) bound.close();
  }
}

function nameOf({ kind, id }: BoundSnapshot): string {
  return `${kind} ${id}`;
}

/** A bound that gets other semaphores is another one: requests in flight have their permits of the old ones. */
function keyOf(bound: BoundSnapshot): string {
  const { semaphores } = bound;
  return semaphores === undefined ? nameOf(bound) : `${nameOf(bound)} ${semaphores.index} ${semaphores.generation}`;
}
