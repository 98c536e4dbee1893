import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { IncidentTracker } from './incident-tracker.ts';
import { endpointOf } from './ranking.test-support.ts';

/** Half of the requests fail at app/1 from second 60 to second 70; what becomes of it then is the test's. */
function told(stateAt: (second: number) => Partial<ReturnType<typeof endpointOf>>): readonly string[] {
  const tracker = new IncidentTracker(0);
  const all: string[] = [];
  for (let second = 1; second <= 400; second++) {
    const failed = second > 60 && second <= 70 ? 10 : 0;
    const failure = { shape: 'app_error', statusClass: '5xx', whose: 'application' } as const;
    const exchanges = [sampleCount({ upstream: 'app', route: 'cart', count: 20 - failed })];
    if (failed > 0) exchanges.push(sampleCount({ upstream: 'app', route: 'cart', count: failed, ...failure }));
    const outcomes = ['app/1', 'app/2'].map(
      (endpoint): EndpointOutcomes => ({
        ...{ upstream: 'app', endpoint, state: 'healthy', successes: 10, failures: 0, latencyMs: 0, causes: [] },
        ...{ rateLimited: 0, restMs: 0, consecutiveFailures: 0, consecutiveUnreachable: 0 },
        serverErrors: endpoint === 'app/1' ? failed : 0,
      }),
    );
    tracker.note({ exchanges, outcomes, staleReusesFailed: 0 }, second * 1000);
    const endpoints = [endpointOf('app/1', stateAt(second)), endpointOf('app/2')];
    for (const { kind } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints })))
      if (kind !== 'grown') all.push(`${kind} ${second}`);
  }
  return all;
}

test('an incident is not over while the endpoint that failed gets no requests, but when it is well again', () => {
  const out = (second: number) => (second <= 70 ? {} : { state: second < 200 ? 'ejected' : 'probation' });
  assert.deepEqual(
    told(out).map((one) => one.replace(/ \d+/, '')),
    ['opened'],
  );
  const [, resolved = ''] = told((second) => (second < 300 ? out(second) : {}));
  assert.match(resolved, /^resolved 30\d$/);
});

test('an incident is over after a minute although another endpoint is out, or an operator has taken this one out', () => {
  const byOperator = told((second) => (second <= 70 ? {} : { state: 'ejected', takenOutBy: 'admin' }));
  assert.match(byOperator[1] ?? '', /^resolved 1[34]\d$/);
  assert.match(told(() => ({}))[1] ?? '', /^resolved 1[34]\d$/);
});
