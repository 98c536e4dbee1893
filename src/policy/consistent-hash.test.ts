import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import type { HashKey } from '../core/upstream-spec.ts';
import type { Balancer } from './balancer.ts';
import { contextOf, endpointsOf, type TestEndpoint } from './balancers.test-support.ts';
import { ConsistentHash } from './consistent-hash.ts';

/** Picks nothing, so that a pick shows whether there was a key. */
const none: Balancer<TestEndpoint> = { update() {}, pick: () => null };

function balancerOf(endpoints: readonly TestEndpoint[], key: HashKey = { kind: 'path' }): ConsistentHash<TestEndpoint> {
  const balancer = new ConsistentHash<TestEndpoint>(key, none);
  balancer.update(endpoints);
  return balancer;
}

const keysMax = 4000;
const paths = Array.from({ length: keysMax }, (_, index) => `/user/${index}`);

function picksOf(endpoints: readonly TestEndpoint[]): (string | undefined)[] {
  const balancer = balancerOf(endpoints);
  return paths.map((path) => balancer.pick(contextOf({ path }))?.id);
}

/** Four standard deviations of a share of the keys. */
function slackOf(share: number): number {
  return 4 * Math.sqrt((share * (1 - share)) / keysMax);
}

describe('ConsistentHash', () => {
  it('moves only the keys of an endpoint that goes, and gives a new one only its share', () => {
    for (const count of [2, 3, 10, 50]) {
      const endpoints = endpointsOf(Array.from({ length: count }, () => 1));
      const before = picksOf(endpoints);
      const gone = endpoints[1] as TestEndpoint;
      const after = picksOf(endpoints.filter((one) => one !== gone));
      const moved = before.filter((id, index) => id !== after[index]);
      assert.ok(moved.every((id) => id === gone.id));
      assert.ok(moved.length / keysMax <= 1 / count + slackOf(1 / count), `${moved.length} keys of ${count} endpoints`);
    }
  });

  it('gives endpoints keys in proportion to their weights, and a new weight moves no more keys than it must', () => {
    const endpoints = endpointsOf([1, 3, 6]);
    const before = picksOf(endpoints);
    for (const { id, weight } of endpoints) {
      const share = before.filter((one) => one === id).length / keysMax;
      assert.ok(Math.abs(share - weight / 10) <= slackOf(weight / 10), `${share} for ${weight}`);
    }
    (endpoints[0] as TestEndpoint).weight = 2;
    const after = picksOf(endpoints);
    const moved = after.filter((id, index) => id !== before[index]);
    assert.ok(moved.every((id) => id === endpoints[0]?.id));
  });

  it('does not depend on the order in which endpoints are listed', () => {
    const endpoints = endpointsOf([1, 2, 1, 5]);
    assert.deepEqual(picksOf(endpoints), picksOf(endpoints.toReversed()));
  });

  it('lets no endpoint have more than a quarter above its share of the requests in flight, or 8', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 5 }), (all, requests, keys) => {
        const endpoints = endpointsOf(all);
        const balancer = balancerOf(endpoints);
        const sum = all.reduce((total, weight) => total + weight, 0);
        for (let count = 1; count <= requests; count++) {
          const picked = balancer.pick(contextOf({ path: `/${count % keys}` }));
          assert.ok(picked !== null);
          picked.load++;
          assert.ok(picked.load <= Math.max(8, Math.ceil((1.25 * count * picked.weight) / sum)));
        }
      }),
    );
  });

  it('passes over endpoints without room and endpoints that were tried, always to the same next one', () => {
    const endpoints = endpointsOf([1, 1, 1]);
    const balancer = balancerOf(endpoints);
    const first = balancer.pick(contextOf({ path: '/a' })) as TestEndpoint;
    const second = balancer.pick(contextOf({ path: '/a', tried: [first] })) as TestEndpoint;
    first.hasRoom = false;
    assert.equal(balancer.pick(contextOf({ path: '/a' })), second);
    for (const one of endpoints) one.hasRoom = false;
    assert.equal(balancer.pick(contextOf({ path: '/a' })), first);
    assert.notEqual(first, second);
  });

  const cases: readonly [string, HashKey, Parameters<typeof contextOf>[0], Parameters<typeof contextOf>[0]][] = [
    [
      'the client address',
      { kind: 'address' },
      { clientAddress: '192.0.2.1' },
      { clientAddress: '192.0.2.1', path: '/b' },
    ],
    ['the path', { kind: 'path' }, { path: '/a' }, { path: '/a', clientAddress: '192.0.2.1' }],
    [
      'a header',
      { kind: 'header', name: 'x-user' },
      { headers: [['x-user', 'ann']] },
      { headers: [['x-user', 'ann']], path: '/b' },
    ],
    [
      'a cookie, in any of the Cookie lines',
      { kind: 'cookie', name: 'id' },
      { headers: [['cookie', 'a=1; id=ann']] },
      {
        headers: [
          ['cookie', 'a=2'],
          ['cookie', ' id=ann ;b=3'],
        ],
      },
    ],
  ];
  for (const [name, key, one, other] of cases) {
    it(`goes by ${name}`, () => {
      const balancer = balancerOf(endpointsOf([1, 1, 1, 1, 1, 1, 1, 1]), key);
      const picked = balancer.pick(contextOf(one));
      assert.notEqual(picked, null);
      assert.equal(balancer.pick(contextOf(other)), picked);
    });
  }

  it('leaves requests without a key, or with an empty one, to the other balancer', () => {
    const endpoints = endpointsOf([1, 1]);
    for (const headers of [[], [['x-user', '']], [['cookie', 'id=']]] as const) {
      for (const key of [
        { kind: 'header', name: 'x-user' },
        { kind: 'cookie', name: 'id' },
      ] as const) {
        assert.equal(balancerOf(endpoints, key).pick(contextOf({ headers })), null);
      }
    }
  });
});
