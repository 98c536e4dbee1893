import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CountedCause, IncidentSuspect, LiveIncident, SuspectKind } from '../core/live-incident.ts';
import { endpointOf, eventAt, incidentOf, ranking } from './ranking.test-support.ts';
import { causesFirst } from './suspects.ts';

const firstSentence = (incident: LiveIncident): string => ranking(incident)[0]?.sentence ?? '';

describe('a suspect names the failure that it is about, whichever came first', () => {
  const cases = [
    [
      'garbage',
      [
        ['reset_before_response', 3],
        ['response_framing', 9],
      ],
      /no valid HTTP: the length of the application's answer is wrong or ambiguous/,
    ],
    [
      'garbage',
      [
        ['reset_before_response', 6],
        ['response_not_http', 4],
      ],
      /no valid HTTP\.$/,
    ],
    [
      'tls',
      [
        ['tls_timeout', 1],
        ['tls_certificate_expired', 9],
      ],
      /certificate is not accepted: .*expired/,
    ],
  ] as const;
  for (const [family, counts, sentence] of cases)
    test(counts.map(([cause]) => cause).join(', '), () => {
      assert.match(firstSentence(incidentOf(family, counts)), sentence);
    });
});

describe('a look at the endpoint takes part in the ranking', () => {
  const accepts = {
    endpoint: 'app/1',
    isAccepting: true,
    isHanging: false,
    cause: null,
    answer: 'answered 200',
    tookMs: 20,
    at: 5000,
  };
  const looks = [
    ['it accepts: not likely that nothing listens', 'gone', 'connect_refused', 'nothing_listens', accepts, -1],
    [
      'it is refused: likelier that nothing listens',
      'gone',
      'connect_refused',
      'nothing_listens',
      { ...accepts, isAccepting: false, cause: 'connect_refused' },
      1,
    ],
    ['it accepts: no lost host', 'network', 'connect_timeout', 'network', accepts, -1],
    [
      'nothing comes back: a lost host',
      'network',
      'connect_timeout',
      'network',
      { ...accepts, isAccepting: false, isHanging: true },
      1,
    ],
    ['it hangs too', 'slow', 'response_head_timeout', 'slow_application', { ...accepts, isHanging: true }, 1],
    ['it answers: that says nothing of other paths', 'slow', 'response_head_timeout', 'slow_application', accepts, 0],
  ] as const;
  for (const [name, family, cause, kind, directLook, change] of looks)
    test(name, () => {
      const incident = incidentOf(family, [[cause, 9]]);
      const fitOf = (found: readonly IncidentSuspect[]): number => found.find((one) => one.name === kind)?.fit ?? 0;
      assert.equal(Math.sign(fitOf(ranking(incident, { directLook })) - fitOf(ranking(incident))), change);
    });
});

test('an endpoint whose check gets an unexpected answer is not suspected of not listening', () => {
  const endpoint = { id: 'app/1', name: null, state: 'unhealthy', checkCause: null, advice: null };
  const watched = { application: null, endpoints: [{ ...endpoint, reason: 'answered 503' }] };
  const incident = { ...incidentOf('not_ready', [['no_endpoint_ready', 9]]), attemptsFailed: 0 };
  assert.deepEqual(
    ranking(incident, { watched }).map(({ name }) => name),
    ['failing_check'],
  );
});

test('evidence says which counts are of requests, and which of attempts', () => {
  const incident = incidentOf('network', [['connect_timeout', 9]]);
  const counted = (failed: number, attemptsFailed: number): string | undefined => {
    const causes = [{ cause: 'connect_timeout' as const, count: 9, failed, attemptsFailed, isConsequence: false }];
    return ranking({ ...incident, causes })[0]?.evidence[0];
  };
  assert.equal(counted(3, 9), 'connect_timeout: 3 requests, 9 attempts');
  assert.equal(counted(1, 1), 'connect_timeout: 1 request');
  assert.equal(counted(0, 9), 'connect_timeout: 9 attempts');
});

test('a share of the failures is told where no others followed; else all are told by their counts', () => {
  const evidenceOf = (family: LiveIncident['family'], counts: readonly CountedCause[]) =>
    ranking({ ...incidentOf(family, []), causes: counts })[0]?.evidence[0];
  const counted = (cause: CountedCause['cause'], failed: number, isConsequence = false): CountedCause => ({
    ...{ cause, count: failed, failed, attemptsFailed: 0, isConsequence },
  });
  const expired = counted('tls_certificate_expired', 23);
  assert.equal(evidenceOf('tls', [expired]), '100 % of the failures: tls_certificate_expired: 23 requests');
  assert.equal(
    evidenceOf('tls', [expired, counted('tls_alert', 2)]),
    '92 % of the failures: tls_certificate_expired: 23 requests',
  );
  assert.equal(
    evidenceOf('tls', [counted('no_endpoint_ready', 47, true), expired, counted('tls_alert', 2)]),
    'tls_certificate_expired: 23 requests; tls_alert: 2 requests, followed by no_endpoint_ready: 47 requests',
  );
  assert.equal(
    evidenceOf('full', [counted('pool_full', 30), counted('no_endpoint_ready', 1, true)]),
    'pool_full: 30 requests, followed by no_endpoint_ready: 1 request',
  );
});

test('an endpoint that speaks another protocol is suspected before anything that cuts connections', () => {
  const answer = '127.0.0.1:9000 speaks FastCGI and not HTTP';
  const directLook = {
    ...{ endpoint: 'php/127.0.0.1:9000', isAccepting: true, isHanging: false, cause: 'response_not_http' as const },
    ...{ speaks: 'fastcgi' as const, answer, tookMs: null, at: 5000 },
  };
  const [first, ...others] = ranking(incidentOf('gone', [['reset_before_response', 9]]), { directLook });
  assert.equal(first?.sentence, 'The endpoint speaks FastCGI, which the gateway does not speak.');
  assert.match(first?.nextStep ?? '', /^Set `protocol: fastcgi`/);
  assert.match(first?.evidence.join() ?? '', /speaks FastCGI and not HTTP/);
  assert.ok(!others.some(({ name }) => name === 'connections_cut'));
  const [after] = ranking(incidentOf('not_ready', [['no_endpoint_ready', 9]]), { directLook });
  assert.equal(after?.sentence, first?.sentence, 'also where its checks have taken it out');
});

test('an endpoint that speaks HTTP/2 without `http2: true` is suspected by its protocol, with the key to set', () => {
  const answer = '127.0.0.1:50051 speaks HTTP/2 and not HTTP/1.1';
  const directLook = {
    ...{
      endpoint: 'greeter/127.0.0.1:50051',
      isAccepting: true,
      isHanging: false,
      cause: 'response_not_http' as const,
    },
    ...{ speaks: 'http2' as const, answer, tookMs: null, at: 5000 },
  };
  const [first] = ranking(incidentOf('garbage', [['response_not_http', 9]]), { directLook });
  assert.equal(first?.sentence, 'The endpoint speaks HTTP/2, and the gateway speaks HTTP/1.1 with it.');
  assert.match(first?.nextStep ?? '', /^Set `http2: true` of the upstream/);
});

test('what listens again when the gateway looks is told so, with the moment of the look', () => {
  const incident = { ...incidentOf('gone', [['connect_refused', 9]]), startedAt: 1000 };
  const look = {
    endpoint: 'app/1',
    isAccepting: true,
    isHanging: false,
    cause: null,
    answer: 'answered 200',
    tookMs: 20,
    at: 5000,
  };
  const found = (directLook: typeof look | null) =>
    ranking(incident, { directLook }).find(({ name }) => name === 'nothing_listens');
  assert.match(found(look)?.sentence ?? '', /^Nothing listened .* for a while; it listened again/);
  assert.equal(found(look)?.refutedBy, 'a direct look at app/1, 4 s after the first failure: answered 200');
  assert.equal(found(null)?.refutedBy, undefined);
  assert.match(found(null)?.sentence ?? '', /^Nothing listens at/);
});

test('endpoints that an operator took out long ago are said to be out, and the operator is suspected', () => {
  const endpoint = { name: null, checkCause: null, advice: null };
  const out = {
    ...endpoint,
    state: 'ejected',
    reason: 'ejected by admin:socket; otherwise healthy',
    takenOutBy: 'admin:socket',
  };
  const well = { ...endpoint, id: 'app/2', state: 'healthy', reason: '' };
  const incident = incidentOf('not_ready', [['no_endpoint_ready', 9]]);
  const first = (...endpoints: readonly ((typeof out & { id: string }) | typeof well)[]): IncidentSuspect | undefined =>
    ranking(incident, { watched: { application: null, endpoints } })[0];
  const all = first({ ...out, id: 'app/1' });
  assert.equal(all?.name, 'operator_action');
  assert.equal(all.sentence, 'An operator has taken all endpoints out of use.');
  assert.deepEqual(all.evidence, ['app/1 is ejected: ejected by admin:socket; otherwise healthy']);
  assert.equal(first({ ...out, id: 'app/1' }, well)?.sentence, 'An operator has taken 1 of 2 endpoints out of use.');
  assert.notEqual(first(well)?.name, 'operator_action');
});

describe('what is no HTTP', () => {
  const incident = incidentOf('garbage', [
    ['response_not_http', 73],
    ['response_framing', 48],
  ]);

  test('is among valid responses where those came between responses of another kind that were not', () => {
    const [first] = ranking(incidentOf('garbage', [['response_framing', 73]]), { validBetween: 9 });
    assert.match(first?.sentence ?? '', /some responses that are no valid HTTP, and others that are/);
  });

  test('comes from another program where the endpoint sends nothing else', () => {
    const [first] = ranking(incident);
    assert.equal(first?.name, 'another_program');
    assert.match(first.nextStep, /ss -ltnp/);
  });

  test('is never said to come from another program where the same endpoint answers in HTTP meanwhile', () => {
    const found = ranking(incident, { answeredBetween: 570, validBetween: 570 });
    const [first] = found;
    assert.deepEqual(
      [first?.name, first?.sentence, first?.evidence.at(-1)],
      [
        'invalid_responses',
        'The application sends some responses that are no valid HTTP, and others that are.',
        '570 responses of the same endpoints were HTTP meanwhile',
      ],
    );
    assert.doesNotMatch(JSON.stringify(found), /ss -ltnp|another_program/);
  });

  test('says nothing of TLS that fails', () => {
    const tls = incidentOf('tls', [
      ['tls_plaintext_peer', 9],
      ['response_not_http', 2],
    ]);
    assert.ok(ranking(tls, { answeredBetween: 5 }).some(({ name }) => name === 'another_program'));
  });
});

describe('connections that were cut are one suspect', () => {
  const cut: LiveIncident = { ...incidentOf('gone', [['reset_before_response', 10]]), requests: 500 };
  for (const [what, staleReusesFailed, expected] of [
    ['as idle ones were used again: the race', 10, ['keep_alive_race']],
    ['half of them: the race too', 5, ['keep_alive_race']],
    ['new ones: the cut', 0, ['connections_cut']],
  ] as const)
    test(what, () => {
      assert.deepEqual(
        ranking(cut, { staleReusesFailed }).map(({ name }) => name),
        expected,
      );
    });
});

test('no more requests are told to have failed on closing connections than have failed at the upstream', () => {
  const incident = { ...incidentOf('gone', [['closed_before_response', 10]]), requests: 1000 };
  const race = ranking(incident, { staleReusesFailed: 70 }).find(({ name }) => name === 'keep_alive_race');
  assert.deepEqual(race?.evidence, [
    '10 requests failed on a connection that the endpoint was closing',
    '990 others were answered meanwhile',
  ]);
});

describe('an effect is never ranked before its cause', () => {
  const suspect = (name: SuspectKind, fit: number): IncidentSuspect => ({
    ...{ name, fit, sentence: '', evidence: [], nextStep: '' },
  });
  const shown = [
    ...(['out_of_memory', 'crash', 'not_started', 'application_descriptors', 'descriptors', 'dependency'] as const),
    ...(['dns', 'certificate', 'tls_settings', 'another_program', 'nothing_listens', 'network'] as const),
    'slow_application',
  ] as const;
  for (const cause of shown)
    test(cause, () => {
      for (const effect of ['pool_full', 'failing_check'] as const)
        for (const fit of [0.55, 0.7, 0.9]) {
          const ranked = causesFirst([suspect(effect, 0.75), suspect(cause, fit)]);
          assert.deepEqual(
            ranked.map(({ name }) => name),
            [cause, effect],
          );
          assert.ok((ranked[0]?.fit ?? 0) > (ranked[1]?.fit ?? 0), 'they stay so wherever they are sorted again');
        }
    });
  test('what hardly explains the failures is no cause', () => {
    assert.equal(causesFirst([suspect('crash', 0.3), suspect('pool_full', 0.75)])[0]?.name, 'pool_full');
  });
});

describe('the only endpoint is killed while it sends event streams', () => {
  // Those are cut; after one refused connection no request is sent any more.
  const cut = incidentOf('gone', [
    ['response_chunked_truncated', 15],
    ['no_endpoint_ready', 2400],
  ]);
  const incident = {
    ...cut,
    causes: cut.causes.map((one) => ({ ...one, isConsequence: one.cause === 'no_endpoint_ready' })),
  };
  const disagrees = eventAt(2000, {
    kind: 'health_disagreement',
    subject: 'endpoint:app/1',
    reason: 'its checks pass, but 15 of 15 requests failed',
    evidence: { failures: 15, check: 'http' },
  });
  const look = {
    ...{ endpoint: 'app/1', isAccepting: false, isHanging: false, cause: 'connect_refused' as const, tookMs: null },
    ...{ answer: 'refused the connection', at: Date.UTC(2026, 0, 1, 12, 0, 3) },
  } as const;

  test('what the gateway has seen itself comes first: nothing listens', () => {
    const found = ranking(incident, {
      events: [disagrees],
      directLook: look,
      watched: { application: null, endpoints: [endpointOf('app/1')] },
    });
    assert.deepEqual(
      found.map(({ name }) => name),
      ['nothing_listens'],
    );
    assert.equal(
      found[0]?.sentence,
      'The application ended: its connections were cut, and then nothing listened at its address.',
    );
  });

  test('and its checks say the same where nothing was looked at', () => {
    const refused = endpointOf('app/1', { state: 'unhealthy', reason: 'refused', checkCause: 'connect_refused' });
    const found = ranking(incident, { events: [disagrees], watched: { application: null, endpoints: [refused] } });
    assert.equal(found[0]?.name, 'nothing_listens');
  });
});

test('resets of one endpoint, while its siblings have none, are no keep-alive race', () => {
  const endpoint = (name: string, failed: number) => ({ endpoint: `app/${name}`, attempts: 500, failed });
  const incident = {
    ...incidentOf('gone', [['reset_before_response', 12]]),
    requests: 1500,
    endpoints: [endpoint('1', 12), endpoint('2', 0), endpoint('3', 0)],
  };
  const names = (counted: typeof incident): readonly string[] =>
    ranking(counted, { staleReusesFailed: 12 }).map(({ name }) => name);
  assert.equal(names(incident)[0], 'one_endpoint');
  const everywhere = { ...incident, endpoints: [endpoint('1', 4), endpoint('2', 4), endpoint('3', 4)] };
  assert.equal(names(everywhere)[0], 'keep_alive_race');
});

test('where checks meet another fault than the first requests did, that is what is wrong', () => {
  const incident = {
    ...incidentOf('gone', [
      ['connect_refused', 2],
      ['response_chunked_truncated', 2],
      ['no_endpoint_ready', 100],
    ]),
    causes: [
      { cause: 'no_endpoint_ready', count: 100, failed: 100, attemptsFailed: 0, isConsequence: true },
      { cause: 'connect_refused', count: 2, failed: 2, attemptsFailed: 2, isConsequence: false },
    ] as const,
  };
  const look = {
    endpoint: 'app/1',
    isAccepting: false,
    isHanging: false,
    cause: 'connect_refused',
    answer: 'refused',
    tookMs: null,
    at: incident.startedAt,
  } as const;
  const unhealthy = { ...endpointOf('app/1'), state: 'unhealthy', checkCause: 'tls_certificate_name' } as const;
  const found = ranking(incident, { directLook: look, watched: { application: null, endpoints: [unhealthy] } });
  assert.equal(found[0]?.name, 'certificate');
});

test('connections that are reset before they are open are cut: something has met them', () => {
  const endpoints = [1, 2].map((at) => endpointOf(`app/${at}`, { state: 'unhealthy', checkCause: 'connect_reset' }));
  const look = {
    endpoint: 'app/1',
    isAccepting: false,
    isHanging: false,
    cause: 'connect_reset',
    answer: '',
    tookMs: 1,
    at: 5000,
  } as const;
  const incident = incidentOf('gone', [
    ['reset_before_response', 4],
    ['connect_reset', 40],
    ['no_endpoint_ready', 60],
  ]);
  const [first] = ranking(incident, { watched: { application: null, endpoints }, directLook: look });
  assert.equal(first?.name, 'connections_cut');
});
