import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { Http1World, type Http1Settings } from './http1-world.ts';
import type { ArrivedRequest, WorldOptions } from './world.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

const clients = 1000;
const seconds = 3;

/** Each client sends a request a second on its own connection, unless the one before is still open. */
function load(world: Http1World): void {
  const random = new SeededRandom('load');
  const offsets = Array.from({ length: clients }, () => Math.floor(random.next() * 1000)).toSorted((a, b) => a - b);
  for (let second = 0; second < seconds; second++) {
    let at = 0;
    for (const [client, offset] of offsets.entries()) {
      if (offset > at) world.pass(offset - at);
      at = offset;
      world.request({ target: `/${second}` }, { connection: `client ${client}` });
    }
    world.pass(1000 - at);
  }
}

const manyWays: readonly [what: string, play: (request: ArrivedRequest) => void, retry: WorldOptions['retry']][] = [
  ['every endpoint hangs up', (request) => request.breakOff('closed'), { attemptsMax: 5 }],
  ['every endpoint answers 503', (request) => request.answer(503), { attemptsMax: 5, statuses: [503] }],
  [
    'every endpoint answers 500, and its route hedges',
    (request) => request.answer(500),
    { attemptsMax: 5, statuses: [500], hedge: true },
  ],
  ['no endpoint answers in time', () => {}, { attemptsMax: 5, attemptMs: 300, hedge: true }],
  ['every second request fails', alternately(), { attemptsMax: 5, statuses: [503] }],
];

function alternately(): (request: ArrivedRequest) => void {
  let requests = 0;
  return (request) => request.answer(++requests % 2 === 0 ? 200 : 503);
}

describe('1,000 clients at an upstream that fails', () => {
  for (const [what, play, retry = {}] of sampled(manyWays, 3))
    it(`where ${what}, cause no more than a fifth more requests, and thirty at the start`, () => {
      const endpoints = ['a', 'b', 'c'];
      const world = new Http1World({ endpoints, retry, connectionsMax: 2000, limits: { connectionsMax: 2000 } });
      for (const endpoint of endpoints) world.endpoint(endpoint).onRequest = play;
      load(world);
      world.pass(10_000);
      const exchanges = world.records.length;
      const arrived = endpoints.reduce((sum, endpoint) => sum + world.endpoint(endpoint).arrived.length, 0);
      assert.equal(exchanges, seconds * clients);
      assert.ok(arrived >= exchanges * 1.1, `retries happen: ${arrived} requests for ${exchanges} exchanges`);
      assert.ok(arrived <= exchanges * 1.2 + 30 + 20, `${arrived} requests for ${exchanges} exchanges`);
      world.verifyAtRest();
    });
});

describe('an outage in which every connection is refused', () => {
  const ways: readonly [what: string, options: WorldOptions, settings: Http1Settings, perSecond: number][] = [
    ['of endpoints without checks', {}, { endpointChanges: () => ({ state: 'unchecked' }) }, 5],
    [
      'where requests wait',
      {},
      { endpointChanges: () => ({ state: 'unchecked' }), whenNoneReady: { waitMs: 5000, waitersMax: 256 } },
      5,
    ],
    [
      'on a route with many attempts',
      { retry: { attemptsMax: 10, statuses: [503], hedge: true } },
      { endpointChanges: () => ({ state: 'unchecked' }) },
      5,
    ],
  ];
  for (const [what, options, settings, perSecond] of sampled(ways, 2))
    it(`${what} sees at most ${perSecond} connections a second at each endpoint, from 1,000 clients`, () => {
      const endpoints = ['a', 'b'];
      const dials = new Map(endpoints.map((endpoint) => [endpoint, 0]));
      const world: Http1World = new Http1World(
        { ...options, endpoints, limits: { connectionsMax: 2000 } },
        {
          ...settings,
          connectFault: (address) => {
            const name = endpoints.find((endpoint) => world.endpoint(endpoint).address === address) ?? '';
            dials.set(name, (dials.get(name) ?? 0) + 1);
            return 'ECONNREFUSED';
          },
        },
      );
      load(world);
      for (const [endpoint, count] of dials)
        assert.ok(count <= perSecond * seconds, `${count} connections to ${endpoint}`);
      world.pass(10_000);
      assert.equal(world.records.length, seconds * clients);
      const total = [...dials.values()].reduce((sum, count) => sum + count, 0);
      assert.ok(total <= world.records.length * 0.2, `${total} connections for ${world.records.length} exchanges`);
    });
});
