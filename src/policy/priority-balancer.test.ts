import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../core/time.ts';
import type { BalancedEndpoint, Balancer, BalancerContext, CreateBalancer } from './balancer.ts';
import { withoutTried } from './balancer.ts';
import { PriorityBalancer } from './priority-balancer.ts';

const endpoint = (id: string, priority: number): BalancedEndpoint => ({
  ...{ id, priority, weight: 1, zone: '', load: 0, hasRoom: true },
});
const [a, b, c] = [endpoint('a', 0), endpoint('b', 0), endpoint('c', 5)] as const;

function contextOf(...tried: BalancedEndpoint[]): BalancerContext<BalancedEndpoint> {
  return {
    ...{ tried, method: 'GET', path: '/', header: () => null, eachHeader: () => {} },
    ...{ clientAddress: '192.0.2.7', now: 0 as Instant },
  };
}

/** Takes turns. */
class TakesTurns<E extends BalancedEndpoint> implements Balancer<E> {
  #endpoints: readonly E[] = [];
  #picks = 0;

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick({ tried }: BalancerContext<E>): E | null {
    const untried = withoutTried(this.#endpoints, tried);
    const candidates = untried.length > 0 ? untried : this.#endpoints;
    return candidates[this.#picks++ % candidates.length] ?? null;
  }
}

const create: CreateBalancer = () => new TakesTurns();

function balancerOf(...endpoints: BalancedEndpoint[]): PriorityBalancer<BalancedEndpoint> {
  const balancer = new PriorityBalancer<BalancedEndpoint>(create);
  balancer.update(endpoints);
  return balancer;
}

test('endpoints of the lowest priority number get all first attempts', () => {
  const balancer = balancerOf(c, a, b);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => balancer.pick(contextOf())?.id),
    ['a', 'b', 'a', 'b'],
  );
});

test('endpoints of the next priority get requests while none of the first may be picked', () => {
  const balancer = balancerOf(c);
  assert.equal(balancer.pick(contextOf())?.id, 'c');
  balancer.update([a, c]);
  assert.equal(balancer.pick(contextOf())?.id, 'a');
  balancer.update([]);
  assert.equal(balancer.pick(contextOf()), null);
});

test('a retry goes to the next priority when all of the first were tried, and to the first when all were', () => {
  const balancer = balancerOf(a, b, c);
  assert.equal(balancer.pick(contextOf(a))?.id, 'b');
  assert.equal(balancer.pick(contextOf(a, b))?.id, 'c');
  assert.equal(balancer.pick(contextOf(a, b, c))?.priority, 0);
});

test('the balancer of a priority keeps what it has counted when endpoints change', () => {
  const balancer = balancerOf(a, b);
  assert.equal(balancer.pick(contextOf())?.id, 'a');
  balancer.update([a, b, c]);
  assert.equal(balancer.pick(contextOf())?.id, 'b');
});
