import type { BalancedEndpoint, Balancer, BalancerContext, CreateBalancer } from './balancer.ts';

interface PriorityGroup<E extends BalancedEndpoint> {
  readonly priority: number;
  readonly endpoints: readonly E[];
  readonly balancer: Balancer<E>;
}

/**
 * Gives each priority a balancer of its own. Endpoints of the lowest number get the requests; those of the next number
 * get them only while no endpoint of the first may be picked, and get the retries that have tried all of the first.
 */
export class PriorityBalancer<E extends BalancedEndpoint> implements Balancer<E> {
  readonly #create: CreateBalancer;
  #groups: readonly PriorityGroup<E>[] = [];

  constructor(create: CreateBalancer) {
    this.#create = create;
  }

  update(endpoints: readonly E[]): void {
    const known = this.#groups;
    const priorities = [...new Set(endpoints.map(({ priority }) => priority))].toSorted((a, b) => a - b);
    this.#groups = priorities.map((priority) => {
      // A balancer that counts goes on counting when an endpoint changes.
      const balancer = known.find((group) => group.priority === priority)?.balancer ?? this.#create<E>();
      const group = { priority, endpoints: endpoints.filter((endpoint) => endpoint.priority === priority), balancer };
      balancer.update(group.endpoints);
      return group;
    });
  }

  pick(context: BalancerContext<E>): E | null {
    const groups = this.#groups;
    const first = groups[0];
    if (first === undefined) return null;
    if (groups.length === 1 || context.tried.length === 0) return first.balancer.pick(context);
    const untried = groups.find(({ endpoints }) => endpoints.some((endpoint) => !context.tried.includes(endpoint)));
    return (untried ?? first).balancer.pick(context);
  }
}
