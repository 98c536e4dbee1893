import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { EndpointResponses, StageTimes } from '../core/attempt-counts.ts';
import { emptyStage } from '../record/attempt-counters.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AttemptTotals } from './worker-reports.ts';

const minute = 60_000;

let clock: SimulatedClock;
let current: Record<string, readonly string[]>;
let totals: AttemptTotals;

beforeEach(() => {
  clock = new SimulatedClock();
  current = {};
  totals = new AttemptTotals(clock, () =>
    Object.entries(current).map(([id, endpoints]) => ({
      id,
      endpoints: endpoints.map((endpoint) => ({ id: endpoint })),
    })),
  );
});

const response = (endpoint: string, count = 1, upstream = 'shop'): EndpointResponses => ({
  ...{ upstream, endpoint, count },
  ...{ method: 'GET', status: 200 },
});
const stage = (upstream: string): StageTimes => ({ ...emptyStage(upstream, 'wait'), sumMs: 1 });
const counted = () => Object.fromEntries(totals.responses.map(({ endpoint, count }) => [endpoint, count]));
const pass = (minutes: number): void => {
  for (let time = 0; time < 4 * minutes; time++) {
    clock.advanceSync(minute / 4);
    totals.add([], []);
  }
};

describe('the totals of attempts', () => {
  test('of an endpoint are kept while it exists, however quiet it is, and ten minutes after it has gone', () => {
    current = { shop: ['a', 'b'] };
    totals.add([response('a'), response('b', 2)], []);
    pass(600);
    current = { shop: ['b'] };
    pass(10);
    assert.deepEqual(counted(), { a: 1, b: 2 });
    pass(2);
    assert.deepEqual(counted(), { b: 2 });
  });

  test('go on where the endpoint returns within that time', () => {
    current = { shop: ['a'] };
    totals.add([response('a')], []);
    for (let turn = 0; turn < 5; turn++) {
      current = { shop: [] };
      pass(9);
      current = { shop: ['a'] };
      pass(2);
    }
    totals.add([response('a')], []);
    assert.deepEqual(counted(), { a: 2 });
  });

  test('of an upstream are given up ten minutes after it has gone, too', () => {
    current = { shop: [], api: [] };
    totals.add([], [stage('shop'), stage('api')]);
    current = { api: [] };
    pass(12);
    assert.deepEqual(
      totals.stages.map(({ upstream }) => upstream),
      ['api'],
    );
  });

  test('have an entry for each new instance, however many there have been', () => {
    for (let hour = 0; hour < 20; hour++) {
      const endpoints = Array.from({ length: 1000 }, (_, n) => `shop/${hour}-${n}`);
      current = { shop: endpoints };
      totals.add(
        endpoints.map((endpoint) => response(endpoint)),
        [],
      );
      pass(60);
      assert.ok(totals.responses.length <= 1000, `${totals.responses.length}`);
    }
    assert.equal(counted()['(other)'], undefined);
  });

  test('of more than there are entries for are counted together, and these are kept', () => {
    totals.add(
      Array.from({ length: 10_500 }, (_, n) => response(`shop/${n}`)),
      [],
    );
    assert.equal(counted()['(other)'], 500);
    pass(12);
    assert.deepEqual(counted(), { '(other)': 500 });
  });
});
