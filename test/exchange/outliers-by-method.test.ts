import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OutlierDetector } from '../../src/discovery/outlier-detector.ts';
import type { UpstreamId } from '../../src/core/endpoint.ts';
import { outlierSettingsOf } from '../../src/policy/outlier-settings.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { OutcomeCounts } from '../../src/worker/outcome-counts.ts';
import { type Http1Arrived, Http1World } from './http1-world.ts';

interface Found {
  /** Seconds until the endpoint was ejected; null: it was not, in a minute. */
  readonly afterS: number | null;
  readonly failed: number;
}

/** Endpoints whose requests come at this rate. After 3 s the first one resets each connection, or those alone that were used before. */
function find(method: 'GET' | 'POST', perSecond: number, resets: 'each' | 'used' = 'each', count = 3): Found {
  const names = ['a', 'b', 'c'].slice(0, count);
  const world = new Http1World({ endpoints: names });
  const checked = names.map((name) => world.endpoint(name).snapshot());
  const outcomes = new OutcomeCounts();
  let isFound = false;
  const detector: OutlierDetector = new OutlierDetector({
    clock: world.clock,
    random: new SeededRandom('1'),
    events: { emit: () => void (isFound = true) },
    checked: () => new Map(checked.map((endpoint) => [endpoint.id, endpoint])),
    checkOf: () => 'tcp',
    onChange: () => world.upstream.changeEndpoints(detector.adjust(checked)),
    settingsOf: () => outlierSettingsOf(),
  });
  for (const name of names) world.endpoint(name).onRequest = (request) => request.answer(200, 'ok');
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms && !isFound; passed += 100) {
      const before = world.records.length;
      for (let sent = 0; sent < perSecond / 10; sent++) {
        world.request(method === 'POST' ? { method, body: 'x' } : { method });
        world.pass(1000 / perSecond);
        passed += Math.max(0, 1000 / perSecond - 100);
      }
      for (const record of world.records.slice(before)) outcomes.count(record);
      detector.onOutcomes(outcomes.take().map((one) => ({ ...one, upstream: 'app' as UpstreamId })));
    }
  };
  pass(3000);
  const since = world.clock.now();
  const used = new WeakSet();
  world.endpoint('a').onRequest = (request) => {
    const { transport } = request as Http1Arrived;
    if (resets === 'each' || used.has(transport)) request.breakOff('reset');
    else request.answer(200, 'ok');
    used.add(transport);
  };
  pass(60_000);
  const failed = world.records.filter(({ failure }) => failure !== null).length;
  return { afterS: isFound ? (world.clock.now() - since) / 1000 : null, failed };
}

/** The figures that docs/prevention.md has. */
const rows: readonly (readonly [method: 'GET' | 'POST', perSecond: number, withinS: number, failedMost: number])[] = [
  ['POST', 2, 20, 8],
  ['POST', 10, 10, 8],
  ['POST', 100, 10, 8],
  ['GET', 2, 15, 0],
  ['GET', 10, 4, 0],
  ['GET', 100, 1, 0],
];

describe('an endpoint that begins to reset each connection is found', () => {
  for (const [method, perSecond, withinS, failedMost] of rows)
    it(`by ${perSecond} ${method}s a second within ${withinS} s, and ${failedMost === 0 ? 'none' : `at most ${failedMost}`} of them fail`, () => {
      const { afterS, failed } = find(method, perSecond);
      assert.ok(afterS !== null && afterS <= withinS, `after ${afterS} s`);
      assert.ok(failed <= failedMost, `${failed} fail`);
    });
});

/** Half of its attempts succeed, on fresh connections. Three endpoints at two POSTs a second give it too few requests to be sure. */
const usedRows: readonly (readonly [method: 'GET' | 'POST', perSecond: number, withinS: number, failedMost: number])[] =
  [
    ['POST', 10, 20, 12],
    ['POST', 50, 20, 12],
    ['POST', 100, 20, 12],
    ['GET', 2, 25, 0],
    ['GET', 10, 6, 0],
    ['GET', 100, 2, 0],
  ];

describe('an endpoint that begins to reset used connections, and answers on fresh ones, is found', () => {
  for (const count of [2, 3])
    for (const [method, perSecond, withinS, failedMost] of usedRows)
      it(`among ${count} by ${perSecond} ${method}s a second within ${withinS} s, and ${failedMost === 0 ? 'none' : `at most ${failedMost}`} of them fail`, () => {
        const { afterS, failed } = find(method, perSecond, 'used', count);
        assert.ok(afterS !== null && afterS <= withinS, `after ${afterS} s`);
        assert.ok(failed <= failedMost, `${failed} fail`);
      });
});
