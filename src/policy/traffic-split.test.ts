import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { HashKey } from '../core/upstream-spec.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { TrafficSplit } from './traffic-split.ts';

type Weights = Readonly<Record<string, number>>;

const splitOf = (weights: Weights, key: HashKey | null = null): TrafficSplit<string> =>
  new TrafficSplit(
    Object.entries(weights).map(([of, weight]) => ({ of, weight })),
    key,
    new SeededRandom(7),
  );

/** A request of a client, with these headers. */
const request = (clientAddress: string, headers: Readonly<Record<string, string>> = {}) => ({
  clientAddress,
  path: '/',
  header: (name: string): string | null => headers[name] ?? null,
  eachHeader: (name: string, visit: (value: string) => void): void => {
    if (headers[name] !== undefined) visit(headers[name]);
  },
});

const clients = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`);

const shareOf = (name: string, got: readonly string[]): number => got.filter((one) => one === name).length / got.length;

describe('requests that are divided', () => {
  const cases: readonly (readonly [Weights, key: HashKey | null])[] = [
    [{ v1: 95, v2: 5 }, null],
    [{ v1: 0.5, v2: 0.5 }, null],
    [{ v1: 3, v2: 0, v3: 1 }, null],
    [{ v1: 95, v2: 5 }, { kind: 'address' }],
    [
      { v1: 1, v2: 2, v3: 3 },
      { kind: 'header', name: 'x-user' },
    ],
    [
      { v1: 1, v2: 1 },
      { kind: 'cookie', name: 'session' },
    ],
  ];
  for (const [weights, key] of cases)
    test(`get their shares: ${JSON.stringify(weights)} by ${key?.kind ?? 'chance'}`, () => {
      const split = splitOf(weights, key);
      const got = clients(20_000).map((client) => {
        return split.partAt(split.pointOf(request(client, { 'x-user': client, cookie: `a=b; session=${client}` })));
      });
      const sum = Object.values(weights).reduce((all, weight) => all + weight, 0);
      for (const [name, weight] of Object.entries(weights))
        assert.ok(Math.abs(shareOf(name, got) - weight / sum) < 0.012, `${name} got ${shareOf(name, got)}`);
    });

  test('stay at one upstream by the key, and are drawn without it', () => {
    const split = splitOf({ v1: 1, v2: 1 }, { kind: 'header', name: 'x-user' });
    const draws = (headers: Readonly<Record<string, string>>): ReadonlySet<string> =>
      new Set(Array.from({ length: 50 }, () => split.partAt(split.pointOf(request('10.0.0.1', headers)))));
    assert.equal(draws({ 'x-user': 'ada' }).size, 1);
    assert.equal(draws({}).size, 2);
    assert.equal(draws({ 'x-user': '' }).size, 2);
  });

  test('keep their clients at the last of two upstreams when its weight grows', () => {
    const weights = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 49 }));
    fc.assert(
      fc.property(weights, fc.ipV4(), ([weight, more], client) => {
        const [before, after] = [weight, weight + more].map((v2) => {
          const split = splitOf({ v1: 100 - v2, v2 }, { kind: 'address' });
          return split.partAt(split.pointOf(request(client)));
        });
        assert.ok(before !== 'v2' || after === 'v2');
      }),
    );
  });

  test('go to the others by their weights while one may get none, and never to one with the weight 0', () => {
    const split = splitOf({ v1: 10, v2: 60, v3: 30, v4: 0 });
    const points = Array.from({ length: 20_000 }, (_, index) => index / 20_000);
    const ofV2 = points.filter((point) => split.partAt(point) === 'v2');
    const got = ofV2.map((point) => split.partBeside(point, () => true) ?? '');
    assert.ok(Math.abs(shareOf('v1', got) - 0.25) < 0.01);
    assert.equal(shareOf('v1', got) + shareOf('v3', got), 1);
    assert.equal(
      split.partBeside(0.5, (name) => name === 'v4' || name === 'v2'),
      null,
    );
  });

  test('all find a part, whatever the weights', () => {
    const some = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 6 });
    const point = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(some, point, (weights, at) => {
        fc.pre(weights.some((weight) => weight > 0));
        const all = Object.fromEntries(weights.map((weight, index) => [`v${index}`, weight]));
        assert.ok((all[splitOf(all).partAt(at)] as number) > 0);
      }),
    );
  });
});
