import type { Instant } from '../core/time.ts';
import type { BalancedEndpoint, BalancerContext } from './balancer.ts';
import { drawIndex, TwoChoices } from './two-choices.ts';

/**
 * Draws two endpoints at random, as two choices does, and picks the one where a request is likely to wait less: the latency
 * measured there (`peak-latency.ts`) times the requests in flight. For endpoints of unequal speed.
 */
export class PeakEwma<E extends BalancedEndpoint> extends TwoChoices<E> {
  protected override pickOfTwo(
    endpoints: readonly E[],
    weightSums: readonly number[] | null,
    { now }: BalancerContext<E>,
  ): E | null {
    const count = endpoints.length;
    if (count < 2) return endpoints[0] ?? null;
    const first = weightSums === null ? Math.floor(this.random.next() * count) : drawIndex(weightSums, this.random);
    const second =
      weightSums === null
        ? (first + 1 + Math.floor(this.random.next() * (count - 1))) % count
        : drawIndex(weightSums, this.random);
    const [a, b] = [endpoints[first] as E, endpoints[second] as E];
    return costOf(a, now) <= costOf(b, now) ? a : b;
  }
}

/** Load counts per weight, as in two choices. */
function costOf({ latency, load, weight }: BalancedEndpoint, now: Instant): number {
  return (latency?.estimateMs(now, load) ?? 1) * (load / Math.max(weight, 1) + 1);
}
