import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CountedRequests, ExchangeCount } from '../core/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { FailedRequests } from './failed-requests.ts';
import { incidentSentence, mostSentences } from './incident-sentence.ts';
import { incidentStatus } from './incident-status.ts';
import { IncidentTracker } from './incident-tracker.ts';
import type { LiveIncident } from '../core/live-incident.ts';

const pay: CountedRequests = { method: 'POST', status: 504, path: '/api/checkout', count: 10 };

const failing = (requests: readonly CountedRequests[], more: Partial<ExchangeCount> = {}): ExchangeCount =>
  sampleCount({
    ...{ route: 'checkout', upstream: 'shop', shape: 'too_slow', cause: 'response_head_timeout', statusClass: '5xx' },
    ...{ count: requests.reduce((sum, { count }) => sum + count, 0), durationMsMin: 3001, durationMsMax: 3040 },
    requests: [...requests],
    ...more,
  });

/** An incident of the given failures in each of ten seconds. */
function incidentOf(...counts: readonly ExchangeCount[]): LiveIncident {
  const tracker = new IncidentTracker(0);
  for (let second = 1; second <= 10; second++) {
    tracker.note({ exchanges: [...counts], outcomes: [], staleReusesFailed: 0 }, second * 1000);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  return tracker.list(11_000)[0] as LiveIncident;
}

const shown = (incident: LiveIncident): string | undefined =>
  incidentStatus({ ...incident, ...{ key: 'a', interrupted: false, findings: [] } }).most?.sentence;

test('most of the failures are told with route, method, status and path', () => {
  const incident = incidentOf(failing([pay]));
  assert.equal(
    shown(incident),
    'All 100 are POST /api/checkout (route checkout), answered with 504 by the gateway after 3 s.',
  );
  const others = failing([{ ...pay, path: '/api/cart', count: 2 }], { route: 'cart' });
  assert.match(
    shown(incidentOf(failing([pay]), others)) ?? '',
    /^83 % of them are POST \/api\/checkout \(route checkout\)/,
  );
});

test('what a client has chosen is in no text that goes into chats and mails', () => {
  const text = incidentSentence(incidentOf(failing([pay])));
  assert.ok(text.includes('All 100 are POST on the route checkout, answered with 504 by the gateway after 3 s.'), text);
  assert.ok(!text.includes('/api/checkout'), text);
});

for (const [what, counts, says] of [
  [
    'different paths: the route alone',
    [failing([pay, { ...pay, path: '/api/cart' }])],
    'All 200 are POST on the route checkout, answered with 504 by the gateway after 3 s.',
  ],
  [
    'the application answers, at different times, on a route that is called like its path',
    [failing([pay], { route: '/api/checkout', shape: 'app_error', cause: 'none', durationMsMin: 4 })],
    'All 100 are POST /api/checkout, answered with 504 by the application.',
  ],
  [
    'a secret in the path',
    [failing([{ ...pay, path: '/a/token=s3cr3t-value' }])],
    /^All 100 are POST \/a\/token=(?!s3cr3t)/,
  ],
  [
    'none of them is common',
    [failing([pay]), failing([pay], { route: 'b' }), failing([{ ...pay, method: 'GET' }])],
    undefined,
  ],
  ['nothing is known', [failing([], { count: 10 })], undefined],
] as const)
  test(`failures where ${what}`, () => {
    const text = shown(incidentOf(...counts));
    if (says instanceof RegExp) assert.match(text ?? '', says);
    else assert.equal(text, says);
  });

test('those of several counts are added up', () => {
  const all = new FailedRequests();
  const other = new FailedRequests();
  all.add(failing([pay]));
  other.add(failing([pay], { durationMsMin: 20 }));
  all.addAll(other);
  assert.deepEqual({ failed: all.most().most?.failed, tookMs: all.most().most?.tookMs }, { failed: 20, tookMs: null });
  assert.deepEqual(new FailedRequests().most(), {});
  assert.deepEqual(mostSentences({ failed: 3, family: 'slow', resolvedAt: null }, 'path'), []);
});
