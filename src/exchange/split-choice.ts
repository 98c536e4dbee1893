import type { RequestFacts } from '../policy/balancer.ts';
import type { Endpoint, Route, RouteSplit } from './ports.ts';

/** The upstream that was drawn for a request, and which one takes its place. Exchanges of routes that are not divided have none. */
export class SplitChoice {
  readonly #split: RouteSplit;
  readonly #point: number;
  readonly #drawn: Route;

  constructor(split: RouteSplit, request: RequestFacts) {
    this.#split = split;
    this.#point = split.drawn(request);
    this.#drawn = split.routeAt(this.#point);
  }

  get upstream(): string {
    return this.#drawn.upstream?.id ?? '';
  }

  /** The route as it is drawn, or with another upstream while no endpoint of that one is ready. */
  get route(): Route {
    return this.#drawn.upstream?.isReady === false ? (this.beside([]) ?? this.#drawn) : this.#drawn;
  }

  /** With another upstream, for a request that has tried these endpoints; null: no other one can do better. */
  beside(tried: readonly Endpoint[]): Route | null {
    return this.#split.readyBeside(this.#point, tried);
  }
}
