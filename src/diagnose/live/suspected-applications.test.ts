import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IncidentSuspect } from '../../core/live-incident.ts';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import { SeenEndpoints } from './seen-endpoints.ts';
import type { NewestFailure, WatchedUpstream } from './watched-upstream.ts';

const disagrees = (afterMs: number, endpoint: string, failures: number, check = 'http') =>
  eventAt(afterMs, {
    kind: 'health_disagreement',
    subject: `endpoint:${endpoint}`,
    reason: `its checks pass, but ${failures} of ${failures} requests failed`,
    evidence: { failures, check },
  });

const kept = eventAt(3000, {
  kind: 'health_disagreement',
  subject: 'endpoint:app/1',
  from: 'unhealthy',
  to: 'healthy',
  reason: 'its checks fail, but 38 of 40 requests were answered; it stays',
  evidence: { failures: 2, check: 'GET /health' },
});

const hanging = incidentOf('slow', [['response_head_timeout', 30]]);
const named = (found: readonly IncidentSuspect[], name: IncidentSuspect['name']) =>
  found.find((one) => one.name === name);

describe('a check is said to pass while requests fail', () => {
  const events = [disagrees(3000, 'app/1', 12), disagrees(33_000, 'app/1', 90)];
  const suspect = (watched: Partial<WatchedUpstream>) =>
    named(
      ranking(hanging, { events, watched: { application: null, endpoints: [endpointOf('app/1')], ...watched } }),
      'lying_check',
    );

  test('while it passes, with one line for events that differ in numbers alone', () => {
    assert.deepEqual(suspect({})?.evidence, [
      'app/1: its checks pass, but 90 of 90 requests failed (the latest of 2 such events), 33 s after the first failure',
    ]);
  });
  test('and not where it fails too', () => {
    assert.equal(suspect({ endpoints: [endpointOf('app/1', { state: 'unhealthy', reason: 'no answer' })] }), undefined);
  });
  test('and not where it has failed too and passes again', () => {
    const seen = new SeenEndpoints();
    seen.see({ application: null, endpoints: [endpointOf('app/1', { state: 'unhealthy', reason: 'no answer' })] });
    const { endpoints } = seen.see({ application: null, endpoints: [endpointOf('app/1')] });
    assert.equal(suspect({ endpoints }), undefined);
  });
  test('and not where checks fail while requests are answered', () => {
    assert.equal(named(ranking(hanging, { events: [kept] }), 'lying_check'), undefined);
  });
  test('and not where there is no check, or one that only connects', () => {
    for (const check of ['none', 'tcp']) {
      const found = ranking(hanging, { events: [disagrees(3000, 'app/1', 12, check)] });
      assert.equal(named(found, 'lying_check'), undefined);
    }
  });
  test('with the key of an upstream', () => assert.match(suspect({})?.nextStep ?? '', /`check\.path`/));
  test('with the key of an application that the gateway starts', () =>
    assert.match(suspect({ application: 'app' })?.nextStep ?? '', /`readiness\.path`/));
});

describe('a process that has used up its descriptors', () => {
  const of = (open: number, max: number): WatchedUpstream => ({
    application: 'app',
    endpoints: [endpointOf('app/1')],
    processes: [
      { instance: 'app/1', beforeExit: null, strains: ['nearly used up'], descriptors: { open, max } },
      { instance: 'app/2', beforeExit: null, strains: [] },
    ],
  });

  for (const [family, cause] of [
    ['slow', 'response_head_timeout'],
    ['gone', 'reset_before_response'],
    ['network', 'connect_timeout'],
    ['application', 'app_error'],
  ] as const)
    test(`is the first suspect of ${cause}`, () => {
      const [first] = ranking(incidentOf(family, [[cause, 30]]), { watched: of(64, 64) });
      assert.equal(first?.name, 'application_descriptors');
      assert.deepEqual(first?.evidence, ['app/1: 64 of 64 descriptors are open']);
      assert.match(first?.nextStep ?? '', /does not close/);
    });
  test('is not the first one while some are left', () => {
    const found = ranking(incidentOf('gone', [['connect_refused', 30]]), { watched: of(58, 64) });
    assert.notEqual(found[0]?.name, 'application_descriptors');
  });
  test('is no suspect of a certificate', () => {
    const found = ranking(incidentOf('tls', [['tls_certificate_expired', 30]]), { watched: of(64, 64) });
    assert.equal(named(found, 'application_descriptors'), undefined);
  });
  test('stays known when it was started again', () => {
    const seen = new SeenEndpoints();
    seen.see(of(64, 64));
    const processes = [{ instance: 'app/1', beforeExit: 'RSS 80 MiB', strains: [] }];
    const later = seen.see({ application: 'app', endpoints: [], processes }).processes?.[0];
    assert.deepEqual([later?.descriptors, later?.beforeExit], [{ open: 64, max: 64 }, 'RSS 80 MiB']);
  });
});

test('a process that a signal has stopped is the first suspect of requests that get no answer', () => {
  const strains = ['process 77 is stopped'];
  const processes = [{ instance: 'app/1', beforeExit: null, strains, stoppedPid: 77 }];
  const watched: WatchedUpstream = { application: 'app', endpoints: [endpointOf('app/1')], processes };
  const [first] = ranking(incidentOf('slow', [['response_head_timeout', 30]]), { watched });
  assert.equal(first?.sentence, 'The application is stopped: a signal has suspended its process.');
  assert.ok(first.evidence.includes('app/1: process 77 is stopped'), first.evidence.join());
  assert.match(first.nextStep, /^Let it go on with `kill -CONT 77`/);
});

describe('the step for responses of which only some are no valid HTTP', () => {
  const incident = {
    ...incidentOf('garbage', [['response_framing', 30]]),
    ...{
      routes: [{ route: '/pay', failed: 30 }],
      endpoints: [{ endpoint: 'app/10.0.0.1:443', attempts: 60, failed: 30 }],
    },
  };
  const stepOf = (newestFailure: NewestFailure | null, tls: boolean): string =>
    named(
      ranking(incident, {
        ...{ validBetween: 9, newestFailure },
        watched: { application: null, endpoints: [], ...(tls ? { tls: true as const } : {}) },
      }),
      'invalid_responses',
    )?.nextStep ?? '';
  const cases: readonly (readonly [what: string, NewestFailure | null, tls: boolean, step: RegExp])[] = [
    [
      'repeats a GET',
      { id: 'r1', method: 'GET' },
      false,
      /`candor explain r1` .* \(`for .* curl -s .* http:\/\/10\.0\.0\.1:443\/pay /,
    ],
    [
      'speaks TLS where the gateway does',
      { id: 'r1', method: 'GET' },
      true,
      / curl -k -s .* https:\/\/10\.0\.0\.1:443\/pay /,
    ],
    [
      'repeats no POST',
      { id: 'r1', method: 'POST' },
      false,
      /^See in `candor explain r1` which bytes came, and search/,
    ],
    [
      'says for which requests it is, where that is not known',
      null,
      false,
      /`candor explain ID` .* \(for requests with GET, `for /,
    ],
  ];
  for (const [what, newest, tls, step] of cases) test(what, () => assert.match(stepOf(newest, tls), step));
});
