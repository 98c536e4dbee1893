import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConcurrencySpec } from '../core/upstream-spec.ts';
import { type SettingName, settingAside, settingNames, settingText, ReplacedLimits } from './present-settings.ts';
import { eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

const routes = (limits: Readonly<Record<string, number>>) =>
  Object.entries(limits).map(([id, responseHeadMs]) => ({
    id,
    timeouts: { responseHeadMs, exchangeMs: null },
  })) as never;

test('the timeouts before a change are known of each route that it changed, of the last five changes', () => {
  const replaced = new ReplacedLimits();
  replaced.replace(routes({ a: 5000, b: 5000, gone: 1 }), routes({ a: 500, b: 5000, added: 1 }), 2);
  const before = (route: string, revision: number) => replaced.of(route, revision)?.responseHeadMs ?? null;
  assert.deepEqual(
    ['a', 'b', 'gone', 'added', 'none'].map((route) => before(route, 2)),
    [5000, null, null, null, null],
  );
  for (let revision = 3; revision <= 6; revision += 1)
    replaced.replace(routes({ a: 500 }), routes({ a: 500 }), revision);
  assert.deepEqual([before('a', 2), before('a', 3)], [5000, null]);
  replaced.replace(routes({ a: 500 }), routes({ a: 400 }), 7);
  assert.deepEqual([before('a', 2), before('a', 7)], [null, 500]);
});

const bound = (requestsMax: number | null, adaptive = false): ConcurrencySpec => ({
  ...{ requestsMax, adaptive, queueMax: 10, queueMs: 2000 },
});
const upstream = { connectionsMax: 100, idleConnectionMs: 4500, queueMs: 5000 };
const limits = { responseHeadMs: 30_000, attemptMs: null, exchangeMs: 60_000 };
const incident = {
  ...incidentOf('full', [['pool_full', 10]]),
  routes: [
    { route: '/api', failed: 9 },
    { route: '/shop', failed: 1 },
  ],
};
const known: WatchedUpstream = {
  ...{ application: null, endpoints: [], settings: upstream },
  concurrencyOf: () => null,
  limitsOf: () => limits,
};
const with20 = { ...known, concurrencyOf: (route: string) => (route === '/api' ? bound(20) : null) };

describe('a step that names a setting says its present value', () => {
  const cases: readonly [name: SettingName, watched: WatchedUpstream, expected: string][] = [
    ['connections.max', known, 'now 100'],
    ['connections.requests_max', known, ''],
    ['connections.requests_max', { ...known, settings: { ...upstream, requestsMax: 8 } }, 'now 8'],
    ['connections.idle_timeout', known, 'now 4.5 s'],
    ['connections.queue_timeout', known, 'now 5 s'],
    ['concurrency', known, ''],
    ['concurrency', with20, 'now 20 for the route /api'],
    [
      'concurrency',
      { ...known, settings: { ...upstream, concurrency: bound(50, true) } },
      'now adaptive, at most 50 for the upstream app',
    ],
    [
      'concurrency',
      { ...with20, settings: { ...upstream, concurrency: bound(null, true) } },
      'now 20 for the route /api, adaptive for the upstream app',
    ],
    ['concurrency.max', known, 'not set'],
    ['concurrency.max', with20, 'now 20 for the route /api'],
    [
      'concurrency.max',
      { ...known, concurrencyOf: () => bound(null, true) },
      'now none for the route /api, none for the route /shop',
    ],
    ['concurrency.queue_timeout', with20, 'now 2 s for the route /api'],
    ['timeouts.response_head', known, 'now 30 s'],
    [
      'timeouts.response_head',
      { ...known, limitsOf: (route) => (route === '/api' ? limits : { ...limits, responseHeadMs: 500 }) },
      'now 30 s for the route /api, 500 ms for the route /shop',
    ],
    ['timeouts.exchange', known, 'now 60 s'],
    ['retry.attempt_timeout', known, ''],
    ['retry.attempt_timeout', { ...known, limitsOf: () => ({ ...limits, attemptMs: 1000 }) }, 'now 1 s'],
  ];
  for (const [name, watched, expected] of cases)
    test(`${name}: ${expected || 'nothing'}`, () => {
      const context = { incident, watched };
      assert.equal(settingText(name, context), expected === '' ? `\`${name}\`` : `\`${name}\` (${expected})`);
      assert.equal(settingAside(name, context), expected === '' ? `(\`${name}\`)` : `(\`${name}\`, ${expected})`);
    });

  test('every setting of the table is among these cases', () => {
    assert.deepEqual(
      settingNames.filter((name) => !cases.some(([one]) => one === name)),
      [],
    );
  });

  test('nothing of an upstream of which no settings are known', () => {
    const watched: WatchedUpstream = { application: null, endpoints: [] };
    for (const name of settingNames) assert.equal(settingText(name, { incident, watched }), `\`${name}\``);
  });
});

test('the steps of suspects have the values', () => {
  const step = (name: string, ...more: Parameters<typeof ranking>): string =>
    ranking(...more).find((one) => one.name === name)?.nextStep ?? '';
  assert.match(step('pool_full', incident, { watched: with20 }), /raise `connections\.max` \(now 100\) only if/);
  const bounded = { ...incidentOf('full', [['concurrency_timeout', 10]]), routes: incident.routes };
  const boundedStep = step('pool_full', bounded, { watched: with20 });
  assert.match(boundedStep, /^See under BOUNDS .*raise `concurrency\.max` \(now 20 for the route \/api\) only if/);
  assert.doesNotMatch(boundedStep, /connections\.max/);
  assert.match(
    boundedStep,
    /; a longer `concurrency\.queue_timeout` \(now 2 s for the route \/api\) helps only with bursts\.$/,
  );
  const late = { ...incidentOf('full', [['queue_timeout', 10]]), routes: incident.routes };
  const settings = { ...upstream, requestsMax: 8 };
  assert.match(
    step('pool_full', late, { watched: { ...known, settings } }),
    /raise `connections\.max` \(now 100\) or `connections\.requests_max` \(now 8\) only if .*; a longer `connections\.queue_timeout` \(now 5 s\) helps only with bursts\.$/,
  );
  assert.doesNotMatch(step('pool_full', incident, { watched: known }), /queue_timeout|requests_max/);
  assert.match(
    step(
      'traffic_growth',
      { ...incident, rate: { before: 10, during: 100 } },
      { watched: with20, steadyRateBefore: 10 },
    ),
    /bound them with `concurrency` \(now 20 for the route \/api\), or add endpoints/,
  );
  const race = { ...incidentOf('gone', [['reset_before_response', 10]]), requests: 500 };
  assert.match(
    step('keep_alive_race', race, { watched: known, staleReusesFailed: 10 }),
    /\(`connections\.idle_timeout`, now 4\.5 s\)/,
  );
  const killed = { code: null, signal: 'SIGKILL', outOfMemory: true, output: [], pid: 1, afterMs: 9 };
  const event = eventAt(-100, { kind: 'instance_exited', subject: 'instance:app/1', from: 'ready', evidence: killed });
  assert.match(
    step(
      'out_of_memory',
      { ...race, routes: incident.routes },
      { watched: { ...with20, application: 'app' }, events: [event] },
    ),
    /\(`concurrency`, now 20 for the route \/api\) need less/,
  );
});
