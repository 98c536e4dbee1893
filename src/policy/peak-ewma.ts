import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { type BalancedEndpoint, type Balancer, type BalancerContext, withoutTried } from './balancer.ts';
import { drawIndex, weightSumsOf } from './two-choices.ts';

/**
 * Draws two endpoints at random, as two choices does, and picks the one where a request is likely to wait less: the latency
 * measured there (`peak-latency.ts`) times the requests in flight. For endpoints of unequal speed.
 */
export class PeakEwma<E extends BalancedEndpoint> implements Balancer<E> {
  readonly #random: Random;
  #endpoints: readonly E[] = [];
  #weightSums: readonly number[] | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
    this.#weightSums = weightSumsOf(endpoints);
  }

  pick({ tried, now }: BalancerContext<E>): E | null {
    if (tried.length === 0) return this.#pickOf(this.#endpoints, this.#weightSums, now);
    const untried = withoutTried(this.#endpoints, tried);
    const candidates = untried.length > 0 ? untried : this.#endpoints;
    return this.#pickOf(candidates, weightSumsOf(candidates), now);
  }

  #pickOf(endpoints: readonly E[], weightSums: readonly number[] | null, now: Instant): E | null {
    const picked = this.#cheaperOfTwo(endpoints, weightSums, now);
    if (picked === null || picked.hasRoom) return picked;
    const roomy = endpoints.filter(({ hasRoom }) => hasRoom);
    return this.#cheaperOfTwo(roomy, weightSumsOf(roomy), now) ?? picked;
  }

  #cheaperOfTwo(endpoints: readonly E[], weightSums: readonly number[] | null, now: Instant): E | null {
    const count = endpoints.length;
    if (count < 2) return endpoints[0] ?? null;
    const first = weightSums === null ? Math.floor(this.#random.next() * count) : drawIndex(weightSums, this.#random);
    const second =
      weightSums === null
        ? (first + 1 + Math.floor(this.#random.next() * (count - 1))) % count
        : drawIndex(weightSums, this.#random);
    const [a, b] = [endpoints[first] as E, endpoints[second] as E];
    return costOf(a, now) <= costOf(b, now) ? a : b;
  }
}

/** Load counts per weight, as in two choices. */
function costOf({ latency, load, weight }: BalancedEndpoint, now: Instant): number {
  return (latency?.estimateMs(now, load) ?? 1) * (load / Math.max(weight, 1) + 1);
}
