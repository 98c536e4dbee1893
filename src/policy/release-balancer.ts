import type { Random } from '../core/random.ts';
import type { BalancedEndpoint, Balancer, BalancerContext } from './balancer.ts';
import { drawIndex } from './two-choices.ts';

/** What decides to which release of an application an endpoint belongs. */
export interface EndpointOfRelease extends BalancedEndpoint {
  readonly release: string | null;
  /** The share of requests that the endpoints of its release get together; null: those that are chosen for it; absent: only one release runs. */
  readonly share?: number | null | undefined;
}

interface Arm<E extends EndpointOfRelease> {
  readonly release: string | null;
  readonly endpoints: readonly E[];
  readonly balancer: Balancer<E>;
}

/**
 * Draws the release that gets a request before an endpoint of it is picked, by the shares of the releases alone: the load of endpoints must not decide it, or a
 * slow release would get fewer requests than the judge computes with (`release-judge.ts`). A release none of whose endpoints may be picked leaves its
 * requests to the other. A request that is sent again goes to an endpoint that it has not met, of the release that is drawn if there is one, and never of one
 * that is for other requests.
 */
export class ReleaseBalancer<E extends EndpointOfRelease> implements Balancer<E> {
  readonly #create: () => Balancer<E>;
  readonly #random: Random;
  #arms: readonly Arm<E>[] = [];
  #shareSums: readonly number[] = [];

  constructor(create: () => Balancer<E>, random: Random) {
    this.#create = create;
    this.#random = random;
  }

  update(endpoints: readonly E[]): void {
    const known = this.#arms;
    const releases = [...new Set(endpoints.map(({ release }) => release))];
    this.#arms = releases.map((release) => {
      const balancer = known.find((arm) => arm.release === release)?.balancer ?? this.#create();
      const arm = { release, balancer, endpoints: endpoints.filter((endpoint) => endpoint.release === release) };
      balancer.update(arm.endpoints);
      return arm;
    });
    let sum = 0;
    const shares = this.#arms.map(({ endpoints: [first] }) => (first?.share === undefined ? 1 : (first.share ?? 0)));
    const hasNone = shares.every((share) => share === 0);
    this.#shareSums = shares.map((share) => (sum += hasNone ? 1 : share));
  }

  pick(context: BalancerContext<E>): E | null {
    const arms = this.#arms;
    if (arms.length === 0) return null;
    const drawn = arms[arms.length === 1 ? 0 : drawIndex(this.#shareSums, this.#random)] as Arm<E>;
    const { tried } = context;
    if (tried.length === 0 || hasUntried(drawn.endpoints, tried)) return drawn.balancer.pick(context);
    const other = arms.find(({ endpoints }) => endpoints[0]?.share !== null && hasUntried(endpoints, tried));
    return (other ?? drawn).balancer.pick(context);
  }
}

export const hasUntried = <E>(endpoints: readonly E[], tried: readonly E[]): boolean =>
  endpoints.some((endpoint) => !tried.includes(endpoint));
