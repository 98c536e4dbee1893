import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { shapeOf } from '#failures/failure-texts.ts';
import type { EndpointState } from '../core/endpoint.ts';

/** Failures that are held, of all routes; what comes beyond this counts at once. */
const heldMax = 4096;

/** A failure that has been held for longer than this says nothing about the endpoint any more. */
const heldMs = 30_000;

/** Failures of a route at one endpoint, of which it is not known yet whose they are. */
export interface HeldFailures {
  readonly upstream: string;
  readonly endpoint: string;
  readonly state: EndpointState;
  readonly since: number;
  count: number;
}

/**
 * A route with a circuit breaker may fail at every endpoint: that is no reason to take the endpoints from the other routes. Its failures count against an endpoint
 * once the route has succeeded at another one. Connections that could not be made are the endpoint's in any case.
 */
export class RouteFailures {
  readonly #hasBreaker: (route: string) => boolean;
  /** By route, then by endpoint. */
  readonly #held = new Map<string, Map<string, HeldFailures>>();
  #count = 0;

  constructor(hasBreaker: (route: string) => boolean) {
    this.#hasBreaker = hasBreaker;
  }

  /** Whether the failure does not count against its endpoint yet. */
  hold({ route, upstream, startedAt }: EndedExchange, attempt: AttemptFacts): boolean {
    const { endpoint, endpointState: state, failure } = attempt;
    if (failure === null || !this.#hasBreaker(route) || shapeOf(failure) === 'unreachable') return false;
    if (this.#count >= heldMax) return false;
    const held = this.#held.get(route) ?? new Map<string, HeldFailures>();
    this.#held.set(route, held);
    const known = held.get(endpoint);
    if (known?.state === state) known.count++;
    else held.set(endpoint, { upstream, endpoint, state, since: startedAt, count: 1 });
    if (known === undefined) this.#count++;
    return true;
  }

  /** The route has succeeded at `endpoint`: returns the failures that it had at others. */
  releasedBy({ route, startedAt }: EndedExchange, endpoint: string): readonly HeldFailures[] {
    const held = this.#count === 0 ? undefined : this.#held.get(route);
    if (held === undefined) return none;
    this.#held.delete(route);
    this.#count -= held.size;
    return [...held.values()].filter((one) => one.endpoint !== endpoint && startedAt - one.since <= heldMs);
  }
}

const none: readonly HeldFailures[] = [];
