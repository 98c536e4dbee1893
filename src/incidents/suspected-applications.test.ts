import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { specOfCause } from '#failures/failure-texts.ts';
import type { Cause } from '#failures/failure.ts';
import { failureTable } from '#failures/failure-table.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import type { IncidentSuspect, LiveIncident } from '../core/live-incident.ts';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import { SeenEndpoints } from './endpoint-count.ts';
import { incidentTitle } from './incident-sentence.ts';
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
  test('and behind what cuts responses in their middle, which no check meets', () => {
    const cut = incidentOf('gone', [['response_chunked_truncated', 30]]);
    const found = ranking({ ...cut, requests: 40 }, { events });
    assert.deepEqual(
      found.map(({ name }) => name),
      ['connections_cut', 'lying_check'],
    );
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
  const first = (incident: LiveIncident, ids: readonly string[], seen = events) =>
    ranking(incident, {
      events: seen,
      watched: { application: null, endpoints: ids.map((id) => endpointOf(id)) },
    }).map(({ name }) => name);
  const both = [...events, disagrees(3000, 'app/2', 12)];

  test('behind that the application hangs, where no endpoint answers in time', () => {
    assert.deepEqual(first(hanging, ['app/1']), ['slow_application', 'lying_check']);
    assert.deepEqual(first(hanging, ['app/1', 'app/2'], both), ['slow_application', 'lying_check']);
    // The second has met too few requests for an event.
    const endpoints = ['app/1', 'app/2'].map((endpoint) => ({ endpoint, attempts: 15, failed: 15 }));
    assert.deepEqual(first({ ...hanging, endpoints }, ['app/1', 'app/2']), ['slow_application', 'lying_check']);
    const partly = ['app/1', 'app/2'].map((endpoint) => ({ endpoint, attempts: 250, failed: 90 }));
    assert.deepEqual(first({ ...hanging, endpoints: partly }, ['app/1', 'app/2']), ['slow_application', 'lying_check']);
  });
  test('first where another endpoint would have answered, and where something else than timeouts fails', () => {
    assert.equal(first(hanging, ['app/1', 'app/2'])[0], 'lying_check');
    const endpoints = [30, 2].map((failed, at) => ({ endpoint: `app/${at + 1}`, attempts: 40, failed }));
    const apart = first({ ...hanging, endpoints }, ['app/1', 'app/2']);
    assert.ok(apart.indexOf('lying_check') < apart.indexOf('slow_application'), apart.join());
    const errors = incidentOf('application', [['app_error', 30]]);
    assert.equal(first(errors, ['app/1'])[0], 'lying_check');
  });
  test('behind what the application says itself', () => {
    const said = {
      source: 'log',
      at: 0,
      isFirst: true,
      where: 'app/1',
      route: null,
      status: null,
      lines: ['no such column'],
    } as const;
    const errors = { ...incidentOf('application', [['app_error', 30]]), excerpts: [said] };
    assert.deepEqual(first(errors, ['app/1']).slice(0, 2), ['application_errors', 'lying_check']);
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

describe('an application of which a signal has stopped processes', () => {
  type Stopped = NonNullable<NonNullable<WatchedUpstream['processes']>[number]['stopped']>;
  const watching = (...stopped: readonly (Stopped | null)[]): WatchedUpstream => ({
    application: 'app',
    endpoints: stopped.map((_, n) => endpointOf(`app/app/${n + 1}/127.0.0.1:${n}`)),
    processes: stopped.map((one, n) => {
      return { instance: `app/${n + 1}`, beforeExit: null, strains: [], ...(one === null ? {} : { stopped: one }) };
    }),
  });
  const suspectOf = (watched: WatchedUpstream, failed: readonly number[] = []) => {
    const endpoints = failed.map((count, n) => ({
      endpoint: `app/app/${n + 1}/127.0.0.1:${n}`,
      attempts: 40,
      failed: count,
    }));
    return ranking({ ...hanging, endpoints }, { watched }).find(({ name }) => name === 'slow_application');
  };
  const whole = { pids: [77, 78], isWhole: true } as const;
  const part = { pids: [77], isWhole: false } as const;

  test('is the first suspect of requests that get no answer', () => {
    const [first] = ranking(hanging, { watched: watching(whole) });
    assert.deepEqual([first?.name, first?.fit], ['slow_application', 0.99]);
    assert.equal(first?.sentence, 'The application is stopped: a signal has suspended its processes.');
    assert.match(first.evidence.join(), /app\/1: processes 77 and 78 are stopped \(state T/);
    assert.match(first.nextStep, /^Let it go on with `kill -CONT 77 78`/);
  });
  for (const [family, cause] of [
    ['full', 'pool_full'],
    ['full', 'queue_timeout'],
    ['not_ready', 'no_endpoint_ready'],
    ['network', 'connect_timeout'],
    ['gone', 'reset_before_response'],
    ['gateway', 'descriptors_exhausted'],
  ] as const)
    test(`is the first suspect also where requests meet ${cause}, its effect`, () => {
      const [first] = ranking(incidentOf(family, [[cause, 90]]), { watched: watching(whole) });
      assert.equal(first?.sentence, 'The application is stopped: a signal has suspended its processes.');
      assert.match(first.nextStep, /^Let it go on with `kill -CONT 77 78`/);
    });
  test('is no suspect of what a stopped process cannot do', () => {
    for (const [family, cause] of [
      ['dns', 'dns_timeout'],
      ['garbage', 'response_not_http'],
      ['application', 'app_error'],
    ] as const) {
      const suspects = ranking(incidentOf(family, [[cause, 90]]), { watched: watching(whole) });
      assert.ok(suspects.every(({ name }) => name !== 'slow_application'));
    }
  });
  test('is said to be stopped where its only process is', () => {
    const suspect = suspectOf(watching({ pids: [77], isWhole: true }), [30]);
    assert.equal(suspect?.sentence, 'The application is stopped: a signal has suspended its process.');
  });
  test('is named by the instances that are stopped where others run', () => {
    const suspect = suspectOf(watching(whole, null), [30, 0]);
    assert.equal(suspect?.sentence, 'app/1 is stopped: a signal has suspended its processes.');
  });
  test('is not said to be stopped where most requests fail at another instance', () => {
    const suspect = suspectOf(watching(whole, null), [2, 28]);
    assert.deepEqual([suspect?.fit, suspect?.nextStep.includes('kill')], [0.6, false]);
  });
  test('is not said to be stopped where that is one process of several', () => {
    const suspect = suspectOf(watching(part));
    assert.equal(suspect?.fit, 0.6);
    assert.equal(
      suspect.sentence,
      'Process 77 of app/1 is stopped by a signal; it may be the one that does not answer.',
    );
    assert.match(
      suspect.nextStep,
      /^See with `ps -o pid,ppid,stat,args -p 77` what it does for the application, and find/,
    );
    assert.match(
      suspectOf(watching(part, { pids: [88], isWhole: false }))?.sentence ?? '',
      /^The processes 77 of app\/1, 88 of app\/2 are stopped by a signal; they may be those that do not answer\.$/,
    );
  });
  for (const [what, stopped, fit, sentence] of [
    ['as a whole', whole, 0.85, 'The application was stopped for a while: a signal had suspended its processes.'],
    [
      'in part',
      part,
      0.57,
      'Process 77 of app/1 was stopped by a signal for a while; it may be the one that did not answer.',
    ],
  ] as const)
    test(`is said to have been stopped where it no longer is: ${what}`, () => {
      const seen = new SeenEndpoints();
      seen.see(watching(stopped));
      const suspect = suspectOf(seen.see(watching(null)));
      assert.deepEqual([suspect?.fit, suspect?.sentence], [fit, sentence]);
      assert.match(suspect?.evidence.join() ?? '', /app\/1: process 77.* had been stopped/);
      assert.equal(
        suspect?.nextStep,
        'It is no longer stopped: find out what had stopped it, such as SIGSTOP or Ctrl-Z (SIGTSTP).',
      );
    });
  test('keeps that it was stopped as a whole while one process still is', () => {
    const seen = new SeenEndpoints();
    seen.see(watching(whole));
    assert.equal(suspectOf(seen.see(watching(part)))?.fit, 0.85);
    assert.equal(suspectOf(seen.see(watching(whole)))?.fit, 0.99);
  });
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

describe('an application that was started and has not become ready', () => {
  const reason = 'starting: GET / on port 41213 answered 503';
  const starting = endpointOf('app/app/1/127.0.0.1:41213', { state: 'starting', reason });
  const suspectOf = (application: string | null) =>
    named(
      ranking(incidentOf('not_ready', [['instance_starting', 30]]), {
        watched: { application, endpoints: [starting] },
      }),
      'failing_check',
    );
  test('is suspected with what its checks see', () => {
    const suspect = suspectOf('app');
    assert.equal(suspect?.sentence, 'The application was started, and has not become ready.');
    assert.deepEqual(suspect?.evidence, [`${starting.id}: ${reason}`]);
    assert.match(suspect?.nextStep ?? '', /fix what keeps its readiness path from answering 200\.$/);
  });
  test('is none where the gateway does not start it', () => assert.equal(suspectOf(null), undefined));
});

test('an incident of checks that fail where no request had failed does not say that the application is unavailable', () => {
  const incident = { ...incidentOf('not_ready', [['no_endpoint_ready', 4]]), attemptsFailed: 0 };
  const titleWith = (more: Parameters<typeof endpointOf>[1]): string => {
    const endpoints = [endpointOf('app/a/127.0.0.1:1', { state: 'unhealthy', reason: 'answered 404', ...more })];
    return incidentTitle({
      ...incident,
      suspects: ranking(incident, { watched: { application: null, endpoints } }),
    });
  };
  assert.equal(titleWith({}), 'The health check fails where no request had failed (upstream app)');
  assert.equal(titleWith({ checkCause: 'connect_refused' }), 'The application is unavailable (upstream app)');
});

describe('what checks meet is the cause where they keep requests from being sent, however few requests came', () => {
  const suspectsOf = (checkCause: Cause) =>
    ranking(
      { ...incidentOf('not_ready', [['no_endpoint_ready', 4]]), attemptsFailed: 0 },
      {
        watched: {
          application: null,
          endpoints: [endpointOf('app/localhost/127.0.0.1:1', { state: 'unhealthy', reason: 'it failed', checkCause })],
        },
      },
    );
  for (const cause of Object.keys(failureTable) as Cause[])
    if (cause.startsWith('tls_certificate_'))
      test(cause, () => {
        const [first] = suspectsOf(cause);
        assert.equal(first?.name, 'certificate');
        assert.equal(
          first?.sentence,
          `The endpoint's certificate is not accepted: ${lowerFirst(specOfCause(cause).title)}.`,
        );
        assert.deepEqual(first?.evidence, ['app/localhost/127.0.0.1:1: it failed']);
      });
  for (const [cause, name] of [
    ['tls_version', 'tls_settings'],
    ['tls_plaintext_peer', 'another_program'],
    ['response_not_http', 'another_program'],
    ['response_framing', 'invalid_responses'],
    ['connect_refused', 'nothing_listens'],
    ['connect_timeout', 'network'],
    ['tls_timeout', 'network'],
    ['dns_not_found', 'dns'],
    ['response_head_timeout', 'slow_application'],
    ['closed_before_response', 'connections_cut'],
    ['descriptors_exhausted', 'descriptors'],
  ] as const)
    test(cause, () => assert.equal(suspectsOf(cause)[0]?.name, name));
});

describe('errors of the application that come after one time', () => {
  const waited = {
    ...{ routes: ['checkout'], errors: 146, afterMs: 3002, status: 504 },
    elsewhere: { routes: 7, requests: 4000, failed: 2 },
  };
  const errors = incidentOf('application', [['app_error', 146]]);
  const dependency = (more: Partial<typeof waited> = {}, incident = errors) =>
    ranking(incident, { waited: { ...waited, ...more } }).find(({ name }) => name === 'dependency');

  test('are those of something that it calls, and the time is told', () => {
    const endpoints = ['app/1', 'app/2'].map((endpoint) => ({ endpoint, attempts: 500, failed: 73 }));
    const [first] = ranking({ ...errors, endpoints }, { waited });
    assert.equal(first?.name, 'dependency');
    assert.match(
      first.sentence,
      /does not answer: its own errors come after 3 s, its timeout for it, on the route checkout\./,
    );
    assert.deepEqual(first.evidence, [
      '146 of its errors in the last minute, 504: nearly all after 3 s',
      '2 endpoints alike',
      '7 other routes: 2 of 4000 requests failed',
    ]);
    assert.match(first.nextStep, /what does it call on checkout with a timeout of 3 s/);
  });
  test('are less surely so where every route has them', () =>
    assert.ok(
      (dependency({ elsewhere: { routes: 7, requests: 900, failed: 850 } })?.fit ?? 1) < (dependency()?.fit ?? 0),
    ));
  test('are likelier its own where few requests have them after a time that is no timeout', () => {
    const few = { ...errors, requests: 5000 };
    for (const [afterMs, first] of [
      [1204, 'application_errors'],
      [1004, 'dependency'],
      [3050, 'dependency'],
    ] as const)
      assert.equal(ranking(few, { waited: { ...waited, afterMs, status: 500 } })[0]?.name, first, String(afterMs));
    assert.equal(ranking(errors, { waited: { ...waited, afterMs: 1204 } })[0]?.name, 'dependency');
  });
  test('are not where it refuses requests, or where one endpoint alone has them', () => {
    assert.equal(dependency({ status: 501 }), undefined);
    const endpoints = [146, 0].map((failed, at) => ({ endpoint: `app/${at + 1}`, attempts: 500, failed }));
    assert.equal(dependency({}, { ...errors, endpoints }), undefined);
  });
});
