import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import fc from '../../test/properties.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import type { Balancer } from './balancer.ts';
import { contextOf, endpointsOf, type TestEndpoint } from './balancers.test-support.ts';
import { ConsistentHash } from './consistent-hash.ts';
import { PeakEwma } from './peak-ewma.ts';
import { RoundRobin } from './round-robin.ts';
import { SlowStart } from './slow-start.ts';
import { TwoChoices } from './two-choices.ts';

const at = (ms: number): Instant => ms as Instant;
const rampMs = 10_000;

type Create = (random: SeededRandom) => Balancer<TestEndpoint>;

const balancers: readonly [name: string, create: Create][] = [
  ['two_choices', (random) => new TwoChoices(random)],
  ['round_robin', (random) => new RoundRobin(random)],
  ['peak_ewma', (random) => new PeakEwma(random)],
  ['hash', (random) => new ConsistentHash({ kind: 'path' }, new TwoChoices(random))],
];

function started(create: Create, endpoints: readonly TestEndpoint[], seed = 'slow'): SlowStart<TestEndpoint> {
  const random = new SeededRandom(seed);
  const balancer = new SlowStart(create(random), rampMs, random);
  balancer.update(endpoints);
  return balancer;
}

/** How many of the picks at this time each endpoint gets; each pick has another path. */
function picksAt(
  balancer: Balancer<TestEndpoint>,
  endpoints: readonly TestEndpoint[],
  now: number,
  count: number,
): number[] {
  const picks = endpoints.map(() => 0);
  for (let index = 0; index < count; index++) {
    const picked = balancer.pick(contextOf({ path: `/${now}/${index}`, now: at(now) }));
    const position = endpoints.indexOf(picked as TestEndpoint);
    picks[position] = (picks[position] as number) + 1;
  }
  return picks;
}

for (const [name, create] of balancers)
  describe(`slow start with ${name}`, () => {
    it('lets an endpoint that became ready have a share that grows to the whole', () => {
      const endpoints = endpointsOf([1, 1, 1, 1]);
      (endpoints[3] as TestEndpoint).readySince = at(0);
      const balancer = started(create, endpoints);
      const count = 4000;
      for (const [now, part] of [
        [0, 0.1],
        [2000, 0.2],
        [5000, 0.5],
        [9000, 0.9],
        [10_000, 1],
      ] as const) {
        const [, , , share = 0] = picksAt(balancer, endpoints, now, count).map((picks) => (4 * picks) / count);
        assert.ok(Math.abs(share - part) < 0.12, `${share} of its share after ${now} ms, not ${part}`);
      }
    });

    it('never gives a starting endpoint more than its part, whatever else starts, and starves none', () => {
      const ages = fc.array(fc.integer({ min: 0, max: 2 * rampMs }), { minLength: 2, maxLength: 5 });
      fc.assert(
        fc.property(ages, fc.nat(1000), (all, seed) => {
          const endpoints = endpointsOf(all.map(() => 1));
          for (const [index, age] of all.entries()) (endpoints[index] as TestEndpoint).readySince = at(-age);
          const count = 300 * all.length;
          const picks = picksAt(started(create, endpoints, String(seed)), endpoints, 0, count);
          const parts = all.map((age) => Math.min(1, Math.max(0.1, age / rampMs)));
          const largest = Math.max(...parts);
          for (const [index, times] of picks.entries()) {
            const part = (parts[index] as number) / largest;
            assert.ok(times > 0, `${picks.join()} of parts ${parts.join()}`);
            // An endpoint that is passed over leaves its requests to the others: they may have more than a fair share.
            for (const [other, more] of picks.entries())
              if ((parts[other] as number) === largest && part < 0.5)
                assert.ok(times < more, `${picks.join()} of parts ${parts.join()}`);
          }
        }),
        { numRuns: 40 },
      );
    });

    it('changes nothing where all endpoints became ready at the same time', () => {
      const endpoints = endpointsOf([1, 1, 1]);
      for (const endpoint of endpoints) endpoint.readySince = at(0);
      for (const now of [0, 100, 5000]) {
        const picks = picksAt(started(create, endpoints), endpoints, now, 3000);
        for (const times of picks) assert.ok(times > 850 && times < 1150, `${picks.join()} after ${now} ms`);
      }
    });

    it('uses a starting endpoint where no other is left, or no other has room', () => {
      const endpoints = endpointsOf([1, 1]);
      const [old, starting] = endpoints as [TestEndpoint, TestEndpoint];
      starting.readySince = at(0);
      const balancer = started(create, endpoints);
      for (let count = 0; count < 50; count++)
        assert.equal(balancer.pick(contextOf({ tried: [old], path: `/${count}` })), starting);
      old.hasRoom = false;
      for (let count = 0; count < 50; count++) assert.equal(balancer.pick(contextOf({ path: `/${count}` })), starting);
    });

    it('lets a single endpoint have everything, and none nothing', () => {
      const [only] = endpointsOf([1]) as [TestEndpoint];
      only.readySince = at(0);
      assert.equal(started(create, [only]).pick(contextOf()), only);
      assert.equal(started(create, []).pick(contextOf()), null);
    });
  });
