import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { contextOf, endpointsOf, type TestEndpoint } from './balancers.test-support.ts';
import { RoundRobin } from './round-robin.ts';

function balancerOf(endpoints: readonly TestEndpoint[]): RoundRobin<TestEndpoint> {
  const balancer = new RoundRobin<TestEndpoint>({ next: () => 0, fill() {} });
  balancer.update(endpoints);
  return balancer;
}

describe('RoundRobin', () => {
  it('gives each endpoint its exact share at any time, give or take less than one pick', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.nat(1000), (all, seed) => {
        const endpoints = endpointsOf(all);
        const balancer = new RoundRobin<TestEndpoint>(new SeededRandom(String(seed)));
        balancer.update(endpoints);
        const sum = all.reduce((total, weight) => total + weight, 0);
        const picks = new Map(endpoints.map((one) => [one, 0]));
        for (let count = 1; count <= 2 * sum; count++) {
          const picked = balancer.pick(contextOf());
          assert.ok(picked !== null);
          picks.set(picked, (picks.get(picked) ?? 0) + 1);
          for (const [one, times] of picks) {
            assert.ok(
              Math.abs(times - (count * one.weight) / sum) < 1,
              `${times} of ${count} for ${one.weight}/${sum}`,
            );
          }
        }
      }),
    );
  });

  it('spreads the picks of a heavy endpoint', () => {
    const endpoints = endpointsOf([4, 1, 1]);
    const balancer = balancerOf(endpoints);
    const order = Array.from({ length: 12 }, () => endpoints.indexOf(balancer.pick(contextOf()) as TestEndpoint));
    assert.equal(order.join(''), '001002001002');
  });

  it('goes on where it was when an endpoint changes without its weight', () => {
    const endpoints = endpointsOf([1, 1, 1]);
    const balancer = balancerOf(endpoints);
    const order: number[] = [];
    for (let count = 0; count < 6; count++) {
      order.push(endpoints.indexOf(balancer.pick(contextOf()) as TestEndpoint));
      balancer.update(endpoints);
    }
    assert.deepEqual(order, [0, 1, 2, 0, 1, 2]);
  });

  it('passes over endpoints without room, and endpoints that were tried, while there are others', () => {
    const [a, b, c] = endpointsOf([1, 1, 1]) as [TestEndpoint, TestEndpoint, TestEndpoint];
    const balancer = balancerOf([a, b, c]);
    a.hasRoom = false;
    for (let count = 0; count < 5; count++) assert.equal(balancer.pick(contextOf({ tried: [b] })), c);
    assert.equal(balancer.pick(contextOf({ tried: [b, c] })), a);
    assert.notEqual(balancer.pick(contextOf({ tried: [a, b, c] })), null);
  });

  it('treats endpoints as equal whose weights are all 0, and picks none of none', () => {
    const endpoints = endpointsOf([0, 0]);
    const balancer = balancerOf(endpoints);
    assert.equal(new Set([balancer.pick(contextOf()), balancer.pick(contextOf())]).size, 2);
    assert.equal(balancerOf([]).pick(contextOf()), null);
  });

  it('begins at an endpoint drawn at random, so that workers do not all begin with the first', () => {
    const endpoints = endpointsOf([1, 1, 1, 1]);
    const begins = new Set<TestEndpoint | null>();
    for (let x = 0; x < 1; x += 0.25) {
      const balancer = new RoundRobin<TestEndpoint>({ next: () => x, fill() {} });
      balancer.update(endpoints);
      begins.add(balancer.pick(contextOf()));
    }
    assert.equal(begins.size, 4);
  });
});
