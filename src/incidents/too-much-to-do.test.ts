import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LiveIncident } from '../core/live-incident.ts';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import type { SuspectContext } from './suspect-facts.ts';

const endpoints = Array.from({ length: 4 }, (_, at) => endpointOf(`app/${at + 1}`));
const gone = { state: 'unhealthy', checkCause: 'connect_refused', reason: 'nothing listens' } as const;
const expired = { ...gone, checkCause: 'tls_certificate_expired' } as const;
const tooOld = { ...gone, checkCause: 'tls_alert' } as const;
const withGone = (count: number, how: object = gone): SuspectContext['watched'] => ({
  application: null,
  endpoints: endpoints.map((one, at) => (at < count ? { ...one, ...how } : one)),
});
const grown = (before: number): Partial<SuspectContext> => ({ steadyRateBefore: before });
const applied = (changed: string) =>
  eventAt(-3000, {
    ...{ kind: 'configuration_applied', subject: 'gateway', revision: 2, actor: 'signal:SIGHUP' },
    evidence: { contentHash: '2', source: 'candor.yaml', changed: [changed], returned: [] },
  });

/** Of the instance that is left, which ran before. */
const left: Partial<SuspectContext> = {
  watched: { application: 'web', endpoints: [] },
  instances: new Map([['web/1', { revision: 1, startedMs: 0, readyMs: 1000 }]]),
};

describe('an application that refuses with 503 what is too much for it', () => {
  const cases: readonly (readonly [what: string, more: Partial<SuspectContext>, first: string])[] = [
    ['gets half as many requests more', grown(100), 'traffic_growth'],
    ['gets as many as ever', grown(145), 'application_errors'],
    ['answers 500 beside more requests', { ...grown(100), errorStatus: 500 }, 'application_errors'],
    ['has one of four processes left', { watched: withGone(3) }, 'nothing_listens'],
    ['has two of four left, where certificates have expired', { watched: withGone(2, expired) }, 'certificate'],
    ['has two of four left, where TLS is too old', { watched: withGone(2, tooOld) }, 'tls_settings'],
    ['has three of four left', { watched: withGone(1) }, 'application_errors'],
    [
      'has fewer instances by a new configuration',
      { ...left, events: [applied('applications: web (instances)')] },
      'configuration_change',
    ],
    [
      'is not what the new configuration is about',
      { ...left, events: [applied('applications: cart (instances), web (log)')] },
      'application_errors',
    ],
  ];
  for (const [what, more, first] of cases)
    test(`${what}: ${first}`, () => {
      const incident: LiveIncident = {
        ...incidentOf('application', [['app_error', 40]]),
        requests: 200,
        endpoints: [{ endpoint: 'app/web/1/127.0.0.1:80', attempts: 200, failed: 40 }],
        rate: { before: null, during: 150 },
      };
      const [found] = ranking(incident, { errorStatus: 503, ...more });
      assert.equal(found?.name, first);
    });
});

test('that a health check passes is no first suspect where few requests fail', () => {
  const kept = eventAt(2000, {
    ...{ kind: 'health_disagreement', subject: 'endpoint:app/1', from: 'healthy', to: 'healthy' },
    evidence: { failures: 5, check: 'GET /healthz' },
  });
  const firstOf = (requests: number) =>
    ranking({ ...incidentOf('application', [['app_error', 40]]), requests }, { events: [kept] })[0]?.name;
  assert.deepEqual([40, 400].map(firstOf), ['lying_check', 'application_errors']);
});

test('requests that have waited for endpoints without TLS, and fail at once, are no growth', () => {
  const incident: LiveIncident = {
    ...incidentOf('not_ready', [['no_endpoint_ready', 370]]),
    requests: 370,
    rate: { before: 58, during: 182 },
  };
  const [first, ...others] = ranking(incident, { steadyRateBefore: 58, watched: withGone(4, tooOld) });
  assert.equal(first?.name, 'tls_settings');
  assert.equal(
    others.find(({ name }) => name === 'traffic_growth'),
    undefined,
  );
});
