import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { VerdictState } from '../core/service-verdict.ts';
import { type GatewayFacts, judgeGateway, judgeUpstream, type UpstreamFacts } from './verdict.ts';

const closed = (open: number, ...routes: string[]) => ({ closed: routes, paused: [] as string[], open });
const paused = (open: number, ...routes: string[]) => ({ closed: routes, paused: routes, open });
const some = (requests: number, errors = 0) => ({ requests, errors });
const well: UpstreamFacts = {
  recent: some(100),
  lastMinute: some(1000),
  silentS: 0,
  endpoints: 2,
  usable: 2,
  stopped: 0,
  trouble: null,
  waiting: null,
  queued: null,
  awaited: null,
  usualMs: 20,
  onProbation: 0,
  tried: 0,
  unknown: 0,
  draining: 0,
  breakersOpen: 0,
  applicationProblem: null,
  isApplicationStopped: false,
  maintenance: closed(1),
};

/** It has answered nothing for four seconds. */
const hanging: Partial<UpstreamFacts> = { recent: some(0), silentS: 4 };

describe('an upstream', () => {
  const cases: readonly [what: string, facts: Partial<UpstreamFacts>, state: VerdictState, reason: RegExp][] = [
    [
      'whose application an operator has stopped',
      { endpoints: 0, usable: 0, recent: some(3, 3), isApplicationStopped: true },
      'failing',
      /^an operator has stopped its application \(`candor app start`\); 3 of 3 requests failed in the last 5 s$/,
    ],
    [
      'the same without requests',
      { endpoints: 0, usable: 0, recent: some(0), lastMinute: some(0), isApplicationStopped: true },
      'failing',
      /^an operator has stopped its application \(`candor app start`\)$/,
    ],
    ['with requests that succeed', {}, 'ok', /^1000 requests in the last minute, none failed$/],
    ['with failures earlier in the minute', { lastMinute: some(1000, 300) }, 'ok', /300 failed$/],
    ['with 1 % of failures', { recent: some(100, 1) }, 'ok', /none failed/],
    ['with more', { recent: some(100, 2) }, 'degraded', /^2 of 100 requests failed in the last 5 s$/],
    ['with 10 % of failures', { recent: some(100, 10) }, 'degraded', /^10 of 100/],
    ['with more than 10 %', { recent: some(100, 11) }, 'failing', /^11 of 100/],
    ['whose only request failed', { recent: some(1, 1) }, 'failing', /^1 of 1/],
    [
      'without requests now, whose last ones failed',
      { recent: some(0), lastMinute: some(4, 2), silentS: null },
      'failing',
      /^2 of 4 requests failed in the last minute$/,
    ],
    [
      'without requests for 28 s, whose last ones failed',
      { recent: some(0), lastMinute: some(1325, 429), silentS: 28 },
      'failing',
      /^429 of 1325 requests failed in the last minute; none has come for 25 s$/,
    ],
    ['one of whose requests failed', { recent: some(3, 1), lastMinute: some(3, 1) }, 'degraded', /^1 of 3/],
    [
      'one of whose requests failed, and which got none since',
      { recent: some(0), lastMinute: some(3, 1), silentS: 20 },
      'ok',
      /^3 requests in the last minute, 1 failed$/,
    ],
    [
      'that answers nothing although requests keep coming',
      { ...hanging, awaited: { count: 80, oldestMs: 4100, newestMs: 30 } },
      'degraded',
      /^no response has come for 4 s; 80 requests wait, the oldest for 4 s$/,
    ],
    [
      'that has answered nothing for ten seconds',
      { ...hanging, silentS: 10, awaited: { count: 200, oldestMs: 10_050, newestMs: 30 } },
      'failing',
      /^no response has come for 10 s; 200 requests wait, the oldest for 10 s$/,
    ],
    [
      'whose requests wait no longer than those that ended, as with long polling',
      { ...hanging, usualMs: 25_000, awaited: { count: 80, oldestMs: 20_000, newestMs: 30 } },
      'ok',
      /none failed/,
    ],
    [
      'whose first long polls came with the page that makes them',
      { ...hanging, silentS: 12, awaited: { count: 5, oldestMs: 14_000, newestMs: 11_900 } },
      'ok',
      /none failed/,
    ],
    [
      'that answers others while some wait',
      { recent: some(20), silentS: 0, awaited: { count: 9, oldestMs: 20_000, newestMs: 30 } },
      'ok',
      /none failed/,
    ],
    ['with a single slow request', { ...hanging, awaited: { count: 1, oldestMs: 4100, newestMs: 30 } }, 'ok', /none/],
    [
      'of which nothing is known but that requests wait',
      { ...hanging, usualMs: null, lastMinute: some(0), awaited: { count: 9, oldestMs: 9000, newestMs: 30 } },
      'idle',
      /^no requests/,
    ],
    [
      'whose only instance is stopped',
      { endpoints: 1, usable: 1, stopped: 1, awaited: { count: 2, oldestMs: 1500, newestMs: 30 } },
      'failing',
      /^its only instance is stopped by a signal; 2 requests wait, the oldest for 1 s$/,
    ],
    [
      'one of whose instances is stopped',
      { endpoints: 3, usable: 3, stopped: 1 },
      'degraded',
      /^1 of 3 instances is stopped by a signal$/,
    ],
    [
      'whose requests wait for an endpoint although one is thought ready',
      { waiting: { count: 200, oldestMs: 1300 } },
      'degraded',
      /^no endpoint is ready; 200 requests wait, the oldest for 1 s$/,
    ],
    [
      'whose requests wait for a connection',
      { queued: { count: 60, oldestMs: 1900 } },
      'degraded',
      /^no connection is free; 60 requests wait, the oldest for 1 s$/,
    ],
    ['whose requests have begun to wait for one', { queued: { count: 60, oldestMs: 300 } }, 'ok', /none failed/],
    [
      'without an endpoint while requests wait for one',
      { usable: 0, waiting: { count: 8, oldestMs: 2300 } },
      'failing',
      /^no endpoint may get requests; 8 requests wait, the oldest for 2 s$/,
    ],
    [
      'whose endpoint starts while requests wait for it',
      { usable: 0, unknown: 2, waiting: { count: 8, oldestMs: 2300 } },
      'degraded',
      /^no endpoint is ready; 8 requests wait, the oldest for 2 s$/,
    ],
    [
      'whose requests failed before others began to wait',
      {
        ...{ usable: 0, unknown: 2, waiting: { count: 8, oldestMs: 2300 } },
        ...{ recent: some(0), lastMinute: some(4, 2), silentS: 9 },
      },
      'failing',
      /^no endpoint is ready; 8 requests wait/,
    ],
    ['without requests', { recent: some(0), lastMinute: some(0) }, 'idle', /^no requests in the last minute$/],
    [
      'whose application ends again and again, while it runs',
      { applicationProblem: 'crash_loop' },
      'degraded',
      /^an instance of its application ends again and again$/,
    ],
    [
      'whose application ends again and again, and whose requests fail',
      { applicationProblem: 'crash_loop', recent: some(10, 5) },
      'failing',
      /^an instance of its application ends again and again; 5 of 10 requests failed in the last 5 s$/,
    ],
    ['with an endpoint that is not well', { usable: 1 }, 'degraded', /^1 of 2 endpoints is not healthy$/],
    ['with an endpoint that an operator drains', { usable: 1, draining: 1 }, 'ok', /none failed/],
    [
      'all of whose endpoints drain',
      { usable: 0, draining: 2 },
      'failing',
      /^all its endpoints are drained or ejected$/,
    ],
    ['none of whose endpoints may get requests', { usable: 0 }, 'failing', /^no endpoint may get requests$/],
    [
      'whose only endpoint gets single requests, and which got no request',
      { endpoints: 1, usable: 0, onProbation: 1, recent: some(0), lastMinute: some(0) },
      'degraded',
      /^no endpoint is healthy; 1 of 1 gets single requests, which show whether it is well$/,
    ],
    [
      'whose endpoints are tried all the same',
      { usable: 0, tried: 2 },
      'degraded',
      /^no endpoint is healthy; 2 of 2 get requests all the same$/,
    ],
    ['whose endpoint on probation fails', { usable: 0, onProbation: 1, recent: some(9, 9) }, 'failing', /^9 of 9/],
    ['with an endpoint on probation', { usable: 1, onProbation: 1 }, 'degraded', /^1 of 2 endpoints is not healthy$/],
    ['without endpoints', { endpoints: 0, usable: 0 }, 'failing', /^it has no endpoint$/],
    [
      'of which nothing is known',
      { usable: 0, unknown: 2, recent: some(0), lastMinute: some(0) },
      'unknown',
      /^no endpoint has been checked yet$/,
    ],
    ['of which only failures are known', { usable: 0, unknown: 2, recent: some(10, 1) }, 'degraded', /^1 of 10/],
    ['one of whose endpoints has not been checked yet', { usable: 1, unknown: 1 }, 'ok', /none failed/],
    [
      'with an open circuit breaker',
      { breakersOpen: 1 },
      'degraded',
      /^a circuit breaker of its routes is not closed$/,
    ],
    ['whose checks pass while its requests fail', { recent: some(50, 50) }, 'failing', /^50 of 50/],
    ['whose only route is closed', { maintenance: closed(0, '/') }, 'maintenance', /^route \/ is in maintenance$/],
    [
      'all of whose routes are closed, and whose endpoints are gone',
      { maintenance: closed(0, '/a', '/b'), usable: 0, recent: some(9, 9) },
      'maintenance',
      /^all 2 routes are in maintenance$/,
    ],
    [
      'whose only route is paused',
      { maintenance: paused(0, '/'), recent: some(2, 2) },
      'maintenance',
      /^route \/ is paused$/,
    ],
    [
      'of whose routes one is paused, and one closed',
      { maintenance: { ...closed(0, '/a', '/b'), paused: ['/b'] } },
      'maintenance',
      /^all 2 routes are in maintenance or paused$/,
    ],
    ['one of whose routes is closed', { maintenance: closed(1, '/a') }, 'maintenance', /^route \/a is in maintenance$/],
    [
      'of whose routes some are closed',
      { maintenance: closed(3, '/a', '/b') },
      'maintenance',
      /^2 of 5 routes are in maintenance$/,
    ],
    [
      'of which one route is closed, and others fail',
      { maintenance: closed(1, '/a'), recent: some(9, 9) },
      'failing',
      /^9 of 9/,
    ],
    [
      'of which one route is closed, and an endpoint is not well',
      { maintenance: closed(1, '/a'), usable: 1 },
      'degraded',
      /^1 of 2/,
    ],
  ];
  for (const [what, facts, state, reason] of cases) {
    test(`${what} is ${state}`, () => {
      const verdict = judgeUpstream({ ...well, ...facts });
      assert.equal(verdict.state, state);
      assert.match(verdict.reason, reason);
    });
  }
});

describe('a gateway', () => {
  const serving: GatewayFacts = {
    state: 'serving',
    recent: some(100),
    lastMinute: some(1000),
    silentS: 0,
    refusal: null,
    problems: [],
    unreadyReleases: [],
    incidents: 0,
    upstreams: [],
    maintenance: closed(1),
  };
  const upstream = (id: string, state: VerdictState) => ({
    ...{ id, verdict: { state, reason: `it is ${state}` } },
    ...{ isUsed: true, isPast: false },
  });
  const cases: readonly [what: string, facts: Partial<GatewayFacts>, state: VerdictState, reason: RegExp][] = [
    ['that serves', {}, 'ok', /none failed$/],
    ['that starts', { state: 'starting' }, 'unknown', /^the gateway starts$/],
    ['that drains', { state: 'draining' }, 'degraded', /^the gateway is draining$/],
    ['that fails requests by itself', { recent: some(100, 50) }, 'failing', /^50 of 100/],
    [
      'with a failing upstream among others',
      { upstreams: [upstream('a', 'failing'), upstream('b', 'ok')] },
      'degraded',
      /^upstream a: it is failing$/,
    ],
    [
      'whose requests fail at an upstream, of which the cause is known',
      { recent: some(100, 50), upstreams: [upstream('a', 'failing'), upstream('b', 'ok')] },
      'failing',
      /^upstream a: it is failing$/,
    ],
    [
      'some of whose requests fail at an upstream, of which the cause is known',
      { recent: some(100, 5), upstreams: [upstream('a', 'degraded'), upstream('b', 'ok')] },
      'degraded',
      /^upstream a: it is degraded$/,
    ],
    [
      'whose upstreams all fail',
      { upstreams: [upstream('a', 'failing'), upstream('b', 'failing')] },
      'failing',
      /^upstreams a, b: /,
    ],
    [
      'with a degraded upstream',
      { upstreams: [upstream('a', 'degraded'), upstream('b', 'idle')] },
      'degraded',
      /^upstream a/,
    ],
    [
      'whose only upstream with requests fails, while the others get none',
      { upstreams: [upstream('a', 'failing'), { ...upstream('b', 'ok'), isUsed: false }] },
      'failing',
      /^upstream a/,
    ],
    [
      'with present trouble at one upstream, and earlier failures at another',
      {
        ...{ recent: some(0), lastMinute: some(10, 5), silentS: 20 },
        upstreams: [{ ...upstream('a', 'failing'), isUsed: false, isPast: true }, upstream('b', 'degraded')],
      },
      'degraded',
      /^upstream b: /,
    ],
    ['with an incident', { incidents: 1 }, 'degraded', /^an incident goes on$/],
    [
      'that refuses clients, although the requests of the others succeed',
      { refusal: 'clients are refused: hardly any descriptor was left', problems: ['x', 'x'] },
      'failing',
      /^clients are refused: hardly any descriptor was left$/,
    ],
    [
      'with problems',
      { problems: ['the store fails', 'a disk is nearly full', 'a disk is nearly full'] },
      'degraded',
      /^the gateway itself has 3 problems: the store fails; a disk is nearly full$/,
    ],
    [
      'with a release that is not ready',
      { unreadyReleases: ['shop'] },
      'degraded',
      /^the new release of shop is not ready$/,
    ],
    [
      'with releases that are not ready, and a problem',
      { unreadyReleases: ['a', 'b', 'c', 'd'], problems: ['the store fails'] },
      'degraded',
      /^the gateway itself has a problem: the store fails, and the new releases of a, b, c and 1 more are not ready$/,
    ],
    [
      'without requests',
      { recent: some(0), lastMinute: some(0), upstreams: [upstream('a', 'idle')] },
      'idle',
      /^no requests/,
    ],
    [
      'all of whose routes are closed',
      { maintenance: closed(0, '/a', '/b'), recent: some(100, 90), upstreams: [upstream('a', 'maintenance')] },
      'maintenance',
      /^all 2 routes are in maintenance$/,
    ],
    [
      'all of whose routes are closed, with a problem of its own',
      { maintenance: closed(0, '/a'), problems: ['the store fails'] },
      'degraded',
      /^the gateway itself has a problem: the store fails$/,
    ],
    [
      'one of whose upstreams is in maintenance',
      { maintenance: closed(1, '/a'), upstreams: [upstream('a', 'maintenance'), upstream('b', 'ok')] },
      'maintenance',
      /^route \/a is in maintenance$/,
    ],
    [
      'whose upstreams fail, or are in maintenance',
      { maintenance: closed(1, '/a'), upstreams: [upstream('a', 'maintenance'), upstream('b', 'failing')] },
      'failing',
      /^upstream b/,
    ],
    [
      'of whose upstreams nothing is known',
      { recent: some(0), lastMinute: some(0), upstreams: [upstream('a', 'unknown')] },
      'unknown',
      /^upstream a/,
    ],
  ];
  for (const [what, facts, state, reason] of cases) {
    test(`${what} is ${state}`, () => {
      const verdict = judgeGateway({ ...serving, ...facts });
      assert.equal(verdict.state, state);
      assert.match(verdict.reason, reason);
    });
  }
});

describe('what is known at its cause is not displaced by its effects', () => {
  const out = { usable: 0, endpoints: 2 };
  const causes: readonly (readonly [what: string, facts: Partial<UpstreamFacts>, reason: RegExp])[] = [
    ['a stopped process', { endpoints: 1, usable: 1, stopped: 1 }, /^its only instance is stopped by a signal/],
    [
      'a stopped process that fails its checks',
      { endpoints: 1, usable: 0, stopped: 1, trouble: 'its checks fail' },
      /^its only instance is stopped/,
    ],
    ['one of three that is stopped', { endpoints: 3, usable: 3, stopped: 1 }, /^1 of 3 instances is stopped/],
    ...[
      'connect to 127.0.0.1:3000 refused: nothing listens there',
      'the certificate expired on 2026-01-01',
      'the name db.test does not exist',
      'killed by the kernel: out of memory; starts again after 2 s (failed 4 times in a row)',
      'write ENOSPC: no space left on the disk',
    ].map(
      (trouble) =>
        [
          trouble,
          { ...out, trouble },
          new RegExp(`^no endpoint may get requests: ${trouble.replace(/[.()]/g, '\\$&')}`),
        ] as const,
    ),
    ['a crash loop', { applicationProblem: 'crash_loop' }, /^an instance of its application ends again and again/],
  ];
  const wait = { count: 60, oldestMs: 1900 };
  const effects: readonly (readonly [what: string, facts: Partial<UpstreamFacts>])[] = [
    ['requests that fail', { recent: some(60, 40) }],
    ['requests that failed before', { recent: some(0), lastMinute: some(60, 40), silentS: 9 }],
    ['requests that wait for an endpoint', { waiting: wait }],
    ['a full pool', { queued: wait, awaited: { count: 256, oldestMs: 14_000, newestMs: 10_000 } }],
    ['a full pool whose queue times out', { queued: wait, recent: some(60, 60) }],
    ['responses that do not come', { ...hanging, awaited: { count: 80, oldestMs: 4100, newestMs: 30 } }],
    ['an open circuit breaker', { breakersOpen: 1 }],
    ['an ejection', { onProbation: 0, draining: 0 }],
  ];
  for (const [what, cause, reason] of causes)
    test(what, () => {
      for (const [effect, facts] of effects) {
        const verdict = judgeUpstream({ ...well, ...facts, ...cause });
        assert.match(verdict.reason, reason, effect);
        assert.ok(verdict.state === 'failing' || verdict.state === 'degraded', effect);
      }
    });
});

test('nothing is well while more than 1 % of its requests fail, whatever else is known', () => {
  const count = fc.nat(1000);
  const facts = fc.record({
    requests: fc.integer({ min: 1, max: 1000 }),
    errors: count,
    minute: count,
    endpoints: fc.nat(5),
    usable: fc.nat(5),
    onProbation: fc.nat(5),
    tried: fc.nat(5),
    unknown: fc.nat(5),
    draining: fc.nat(5),
  });
  fc.assert(
    fc.property(facts, ({ requests, errors, minute, ...endpoints }) => {
      fc.pre(errors <= requests && errors / requests > 0.01);
      const recent = some(requests, errors);
      const verdict = judgeUpstream({
        recent,
        lastMinute: some(minute),
        ...{ stopped: 0, trouble: null, waiting: null, queued: null, awaited: null, usualMs: null },
        silentS: 0,
        breakersOpen: 0,
        applicationProblem: null,
        isApplicationStopped: false,
        maintenance: closed(1),
        ...endpoints,
      });
      assert.ok(verdict.state === 'failing' || verdict.state === 'degraded', JSON.stringify(verdict));
      const whole = judgeGateway({
        state: 'serving',
        recent,
        lastMinute: recent,
        silentS: 0,
        refusal: null,
        problems: [],
        unreadyReleases: [],
        incidents: 0,
        upstreams: [],
        maintenance: closed(1),
      });
      assert.ok(whole.state === 'failing' || whole.state === 'degraded', JSON.stringify(whole));
    }),
  );
});
