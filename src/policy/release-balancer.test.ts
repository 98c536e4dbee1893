import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import type { Instant } from '../core/time.ts';
import type { BalancerContext } from './balancer.ts';
import { type EndpointOfRelease, ReleaseBalancer } from './release-balancer.ts';
import { TwoChoices } from './two-choices.ts';

const endpoint = (id: string, release: string, share: number, load = 0): EndpointOfRelease => ({
  ...{ id, release, share, load, weight: 1, zone: '', priority: 0, hasRoom: true },
});

const context = (tried: readonly EndpointOfRelease[] = []): BalancerContext<EndpointOfRelease> => ({
  ...{ method: 'GET', path: '/', clientAddress: '127.0.0.1', tried, now: 0 as Instant },
  header: () => null,
  eachHeader: () => {},
});

function sharesOf(endpoints: readonly EndpointOfRelease[], tried: readonly EndpointOfRelease[] = []) {
  const random = new SeededRandom(1);
  const balancer = new ReleaseBalancer<EndpointOfRelease>(() => new TwoChoices(random), random);
  balancer.update(endpoints);
  const picks = new Map<string, number>();
  for (let one = 0; one < 20_000; one++) {
    const id = balancer.pick(context(tried))?.id ?? 'none';
    picks.set(id, (picks.get(id) ?? 0) + 1);
  }
  return Object.fromEntries(
    [...picks].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, count]) => [id, Math.round((100 * count) / 20_000)]),
  );
}

describe('a release gets its share of the requests', () => {
  const old = [endpoint('a', 'r1', 0.95), endpoint('b', 'r1', 0.95), endpoint('c', 'r1', 0.95)];
  const tried = old.slice(0, 1);
  for (const [what, endpoints, expected, met] of [
    ['however many endpoints it has', [...old, endpoint('n', 'r2', 0.05)], { a: 32, b: 32, c: 32, n: 5 }, []],
    ['however loaded they are', [...old, endpoint('n', 'r2', 0.05, 900)], { a: 32, b: 32, c: 32, n: 5 }, []],
    ['half of them', [endpoint('a', 'r1', 0.5, 9), endpoint('n', 'r2', 0.5)], { a: 50, n: 50 }, []],
    ['all where the other has no endpoint', [endpoint('n', 'r2', 0.05)], { n: 100 }, []],
    ['alike where none is to have any', [endpoint('a', 'r1', 0), endpoint('n', 'r2', 0)], { a: 50, n: 50 }, []],
    ['also of those that are sent again', [...old, endpoint('n', 'r2', 0.05)], { b: 48, c: 48, n: 5 }, tried],
    ['or another one where all of it were met', [...old, endpoint('n', 'r2', 0.05)], { n: 100 }, old],
  ] as const)
    test(what, () => {
      const shares = sharesOf(endpoints, met);
      assert.deepEqual(Object.keys(shares), Object.keys(expected));
      for (const [id, share] of Object.entries(expected))
        assert.ok(Math.abs((shares[id] ?? 0) - share) <= 1, `${id}: ${shares[id]} %, expected ${share} %`);
    });
});
