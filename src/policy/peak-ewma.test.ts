import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { contextOf, endpointsOf, type TestEndpoint } from './balancers.test-support.ts';
import { PeakEwma } from './peak-ewma.ts';
import { PeakLatency } from './peak-latency.ts';

const at = (ms: number): Instant => ms as Instant;

describe('PeakLatency', () => {
  it('rises at once and falls slowly', () => {
    const latency = new PeakLatency();
    for (const ms of [0, 10, 20]) latency.note(5, false, at(ms));
    assert.equal(latency.estimateMs(at(20), 0), 5);
    latency.note(500, false, at(30));
    assert.equal(latency.estimateMs(at(30), 0), 500);
    latency.note(5, false, at(40));
    assert.ok(latency.estimateMs(at(40), 0) > 490);
    for (let now = 1000; now <= 60_000; now += 100) latency.note(5, false, at(now));
    assert.ok(latency.estimateMs(at(60_000), 0) < 7);
  });

  it('falls while nothing is measured, so that an endpoint that was slow gets requests again', () => {
    const latency = new PeakLatency();
    latency.note(1000, false, at(0));
    assert.ok(Math.abs(latency.estimateMs(at(10_000), 0) - 1000 / Math.E) < 1);
    assert.ok(latency.estimateMs(at(200_000), 0) <= 0.1);
  });

  it('lets an endpoint of which nothing is known get one request, and takes it for a slow one until that is answered', () => {
    const latency = new PeakLatency();
    assert.ok(latency.estimateMs(at(0), 0) <= 0.1);
    assert.equal(latency.estimateMs(at(0), 1), 1000);
    latency.note(3, false, at(5));
    assert.equal(latency.estimateMs(at(5), 1), 3);
  });

  it('counts a failure as a second at least, however quick it was', () => {
    const latency = new PeakLatency();
    latency.note(0.2, true, at(0));
    assert.equal(latency.estimateMs(at(0), 0), 1000);
    latency.note(5000, true, at(0));
    assert.equal(latency.estimateMs(at(0), 0), 5000);
  });
});

describe('PeakEwma', () => {
  function balancerOf(endpoints: readonly TestEndpoint[]): PeakEwma<TestEndpoint> {
    const balancer = new PeakEwma<TestEndpoint>(new SeededRandom('peak'));
    balancer.update(endpoints);
    return balancer;
  }

  function endpointsWith(latencies: readonly number[], weights = latencies.map(() => 1)): TestEndpoint[] {
    return endpointsOf(weights).map((endpoint, index) => {
      const latency = new PeakLatency();
      latency.note(latencies[index] as number, false, at(0));
      return { ...endpoint, latency };
    });
  }

  it('never picks the one of two where a request is likely to wait longer', () => {
    const [slow, quick] = endpointsWith([100, 5]) as [TestEndpoint, TestEndpoint];
    const balancer = balancerOf([slow, quick]);
    for (let count = 0; count < 50; count++) assert.equal(balancer.pick(contextOf()), quick);
    quick.load = 18; // 5 ms × 19 < 100 ms
    assert.equal(balancer.pick(contextOf()), quick);
    quick.load = 20;
    assert.equal(balancer.pick(contextOf()), slow);
  });

  it('gives endpoints of the same latency requests in proportion to their weights', () => {
    const [light, heavy] = endpointsWith([5, 5], [1, 3]) as [TestEndpoint, TestEndpoint];
    const balancer = balancerOf([light, heavy]);
    for (let count = 0; count < 400; count++) (balancer.pick(contextOf()) as TestEndpoint).load++;
    assert.ok(light.load > 80 && light.load < 120, `${light.load}`);
  });

  it('passes over endpoints that were tried or have no room, while there are others', () => {
    const [a, b] = endpointsWith([1, 100]) as [TestEndpoint, TestEndpoint];
    const balancer = balancerOf([a, b]);
    assert.equal(balancer.pick(contextOf({ tried: [a] })), b);
    a.hasRoom = false;
    assert.equal(balancer.pick(contextOf()), b);
    assert.notEqual(balancer.pick(contextOf({ tried: [a, b] })), null);
    assert.equal(balancerOf([]).pick(contextOf()), null);
  });
});
