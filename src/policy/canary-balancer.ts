import type { Balancer, BalancerContext } from './balancer.ts';
import type { CanaryMatch } from './canary-match.ts';
import { type EndpointOfRelease, hasUntried } from './release-balancer.ts';

/**
 * Sends requests that match to the release that is for them alone, as long as that has an endpoint for them; `all` balances the others, and keeps clients with a
 * session there where they are.
 */
export class CanaryBalancer<E extends EndpointOfRelease> implements Balancer<E> {
  readonly #all: Balancer<E>;
  readonly #canary: Balancer<E>;
  readonly #isMatch: CanaryMatch;
  #endpoints: readonly E[] = [];

  constructor(all: Balancer<E>, canary: Balancer<E>, isMatch: CanaryMatch) {
    this.#all = all;
    this.#canary = canary;
    this.#isMatch = isMatch;
  }

  update(endpoints: readonly E[], staying: readonly E[] = []): void {
    const isCanary = ({ share }: E): boolean => share === null;
    this.#endpoints = endpoints.filter(isCanary);
    this.#all.update(endpoints, staying);
    this.#canary.update(this.#endpoints, staying.filter(isCanary));
  }

  pick(context: BalancerContext<E>): E | null {
    return this.#for(context).pick(context);
  }

  hasSession(context: BalancerContext<E>): boolean {
    return this.#for(context).hasSession?.(context) === true;
  }

  #for(context: BalancerContext<E>): Balancer<E> {
    return hasUntried(this.#endpoints, context.tried) && this.#isMatch(context) ? this.#canary : this.#all;
  }
}
