import type { Random } from '../core/random.ts';
import { after, type Instant } from '../core/time.ts';
import { type BalancedEndpoint, type Balancer, type BalancerContext, SecondPick } from './balancer.ts';

/** An endpoint that has just become ready gets this part of its share: without any request it would never warm up. */
const leastShare = 0.1;

/**
 * Lets endpoints that became ready a short time ago have a part of their share, which grows until the time is over. It works with every
 * balancer: a pick of such an endpoint counts with a chance as large as that part; otherwise another endpoint is picked.
 *
 * Only differences matter: where all endpoints became ready at the same time, each has its whole share. A starting endpoint is also used where
 * no other has been left untried, or where a request would have to wait for a connection to the others.
 */
export class SlowStart<E extends BalancedEndpoint> implements Balancer<E> {
  readonly #inner: Balancer<E>;
  readonly #rampMs: number;
  readonly #random: Random;
  #endpoints: readonly E[] = [];
  /** When all endpoints have their whole share; null as soon as they have. */
  #doneAt: Instant | null = null;

  constructor(inner: Balancer<E>, rampMs: number, random: Random) {
    this.#inner = inner;
    this.#rampMs = rampMs;
    this.#random = random;
  }

  update(endpoints: readonly E[]): void {
    this.#inner.update(endpoints);
    this.#endpoints = endpoints;
    const latest = Math.max(...endpoints.map(({ readySince = longAgo }) => readySince)) as Instant;
    this.#doneAt = endpoints.length < 2 || latest === longAgo ? null : after(latest, this.#rampMs);
  }

  pick(context: BalancerContext<E>): E | null {
    const picked = this.#inner.pick(context);
    if (this.#doneAt === null || picked === null) return picked;
    const { now } = context;
    if (now < this.#doneAt) return this.#pickByShares(picked, context, now);
    this.#doneAt = null;
    return picked;
  }

  #pickByShares(first: E, context: BalancerContext<E>, now: Instant): E {
    const { tried } = context;
    const largest = this.#largestShare(tried, now);
    let passedOver: readonly E[] = [];
    let picked = first;
    while (this.#random.next() * largest >= this.#shareOf(picked, now)) {
      passedOver = [...passedOver, picked];
      const next = this.#inner.pick(new SecondPick(context, [...tried, ...passedOver]));
      if (next === null || !next.hasRoom || tried.includes(next) || passedOver.includes(next)) return first;
      picked = next;
    }
    return picked;
  }

  #largestShare(tried: readonly E[], now: Instant): number {
    let largest = 0;
    for (const endpoint of this.#endpoints) {
      if (!tried.includes(endpoint)) largest = Math.max(largest, this.#shareOf(endpoint, now));
    }
    return largest;
  }

  #shareOf({ readySince = longAgo }: E, now: Instant): number {
    return Math.min(1, Math.max(leastShare, (now - readySince) / this.#rampMs));
  }
}

const longAgo = Number.NEGATIVE_INFINITY as Instant;
