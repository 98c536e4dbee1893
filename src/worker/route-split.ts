import type { SplitSpec } from '../core/route-spec.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { Endpoint, Route, RouteSplit } from '../exchange/ports.ts';
import type { RequestFacts } from '../policy/balancer.ts';
import { TrafficSplit } from '../policy/traffic-split.ts';
import { RequestContext } from '../upstream/request-context.ts';
import type { CompiledRoute } from './compile-route.ts';

/** The same route once for each of its upstreams: filters and bounds of an upstream are those of its requests alone. */
export class LiveRouteSplit implements RouteSplit {
  readonly variants: readonly CompiledRoute[];
  readonly #split: TrafficSplit<CompiledRoute>;
  readonly #context: RequestContext<Endpoint>;

  /** `variants`: in the order of the spec. */
  constructor(
    { shares, by }: SplitSpec,
    variants: readonly CompiledRoute[],
    { clock, random }: { readonly clock: Clock; readonly random: Random },
  ) {
    this.variants = variants.map((variant) => ({ ...variant, split: this }));
    const parts = this.variants.map((of, index) => ({ of, weight: shares[index]?.weight ?? 0 }));
    this.#split = new TrafficSplit(parts, by, random);
    this.#context = new RequestContext(clock);
  }

  drawn(request: RequestFacts): number {
    this.#context.set(request, []);
    const point = this.#split.pointOf(this.#context);
    this.#context.clear();
    return point;
  }

  routeAt(point: number): Route {
    return this.#split.partAt(point);
  }

  readyBeside(point: number, tried: readonly Endpoint[]): Route | null {
    return this.#split.partBeside(point, ({ upstream, bounds }) => {
      // A request that is sent again has passed the bounds of the other upstream alone.
      const mayPass = tried.length === 0 || bounds === null;
      return upstream !== null && mayPass && upstream.isReady !== false && upstream.hasOther(tried);
    });
  }
}
