import assert from 'node:assert/strict';
import { test } from 'node:test';
import { incidentStatus } from '../../src/incidents/incident-status.ts';
import type { Cause } from '#failures/failure.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { Shape } from '#failures/shape.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import { requestsQuery } from '../../src/incidents/requests-query.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';
import { matches } from '../../src/store/match.ts';
import { parseQuery } from '../../src/store/parse-query.ts';

// A record is found by when its request began; an incident starts when the first of its requests has failed.

const wall = 1_795_000_000_000;
const watched = () => ({ application: null, endpoints: [] });

/** Each second a request fails that began `tookMs` before. */
function incidentOf(cause: Cause | 'none', tookMs: number) {
  const tracker = new IncidentTracker(wall);
  for (let ms = 0; ms < 90_000; ms += 100) {
    const isFailed = ms >= 60_000 && ms % 1000 === 500;
    const verdict = isFailed ? ({ cause, shape: cause === 'none' ? 'app_error' : 'too_slow' } as const) : {};
    const times = { firstEndedAt: wall + ms, firstStartedAt: wall + ms - (isFailed ? tookMs : 5) };
    const exchanges = [sampleCount({ upstream: 'api', count: 1, ...verdict, ...times })];
    tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, ms);
    tracker.judge(ms, watched);
  }
  const [incident] = tracker.list(90_000);
  assert.ok(incident !== undefined);
  return incident;
}

for (const [cause, tookMs] of [
  ['response_head_timeout', 30_000],
  ['response_head_timeout', 75_000],
  ['none', 2000],
] as const)
  test(`the query of an incident finds its first request, which began ${tookMs} ms before it failed: ${cause}`, () => {
    const incident = incidentOf(cause, tookMs);
    assert.equal(incident.startedAt, wall + 60_500);
    const query = requestsQuery(incident);
    const parsed = parseQuery(query, wall + 100_000);
    assert.ok(parsed.ok, query);
    assert.equal(parsed.query.since, wall + 60_500 - tookMs);
    const kept = { ...incident, key: 'run-1', interrupted: false, findings: [] };
    const { firstRequestAt, requestsQuery: shown } = incidentStatus(kept);
    assert.deepEqual([Date.parse(firstRequestAt), shown], [parsed.query.since, query]);
  });

interface Ended {
  readonly cause: Cause | null;
  readonly shape: Shape;
  readonly upstream?: string;
  /** Of an attempt that another one answered. */
  readonly attemptCause?: Cause;
}

/** An incident of requests that ended so, one in each tenth of a second, after a minute of successes; and their records. */
function endedSo(failures: readonly Ended[], quietS = 0) {
  const tracker = new IncidentTracker(wall);
  const records: ExchangeRecord[] = [];
  const firstMs = 60_000;
  const lastMs = firstMs + failures.length * 100;
  const until = lastMs + 3000 + quietS * 1000;
  for (let ms = 0; ms < until; ms += 100) {
    const failed = ms >= firstMs && ms < lastMs ? failures[(ms - firstMs) / 100] : undefined;
    const { cause = null, shape = 'none', upstream = 'api', attemptCause } = failed ?? {};
    const [firstStartedAt, firstEndedAt] = [wall + ms - 5, wall + ms];
    const one = { upstream, count: 1, cause: cause ?? ('none' as const), shape, firstStartedAt, firstEndedAt };
    const hidden = attemptCause === undefined ? [] : [outcomeOf(upstream, attemptCause, firstStartedAt, firstEndedAt)];
    tracker.note({ exchanges: [sampleCount(one)], outcomes: hidden, staleReusesFailed: 0 }, ms);
    tracker.judge(ms, watched);
    const attempts = [{ cause: attemptCause ?? cause }];
    const record = { at: new Date(firstStartedAt).toISOString(), cause, shape, upstream, attempts };
    records.push(record as unknown as ExchangeRecord);
  }
  const [incident] = tracker.list(until);
  assert.ok(incident !== undefined);
  return { incident, records };
}

const outcomeOf = (
  upstream: string,
  cause: Cause,
  firstStartedAt: number,
  firstFailedAt: number,
): EndpointOutcomes => ({
  ...{
    upstream,
    endpoint: `${upstream}/1`,
    state: 'healthy',
    successes: 1,
    serverErrors: 0,
    rateLimited: 0,
    restMs: 0,
  },
  ...{ failures: 1, consecutiveFailures: 0, consecutiveUnreachable: 0, latencyMs: 5, causes: [{ cause, count: 1 }] },
  ...{ firstFailedAt, firstStartedAt },
});

const times = (count: number, ended: Ended): readonly Ended[] => Array.from({ length: count }, () => ended);
const refused = { cause: 'connect_refused', shape: 'unreachable' } as const;
const notReady = { cause: 'no_endpoint_ready', shape: 'refused_by_gateway' } as const;
const serverError = { cause: null, shape: 'app_error' } as const;
const answered = { cause: null, shape: 'none' } as const;

const ofSeveral: readonly (readonly [what: string, failures: readonly Ended[], failures: RegExp])[] = [
  [
    'refused connections, and what followed from them',
    [refused, ...times(52, notReady)],
    /^cause:no_endpoint_ready,connect_refused -shape:none upstream:api since:/,
  ],
  [
    'an expired certificate, and what followed from it',
    [...times(23, { cause: 'tls_certificate_expired', shape: 'unreachable' }), ...times(47, notReady)],
    /^cause:no_endpoint_ready,tls_certificate_expired -shape:none /,
  ],
  [
    'several failures of one family',
    [
      { cause: 'response_framing', shape: 'garbage' },
      ...times(3, { cause: 'response_not_http', shape: 'garbage' }),
      ...times(2, { cause: 'response_header', shape: 'garbage' }),
    ],
    /^cause:response_not_http,response_header,response_framing -shape:none /,
  ],
  [
    "the application's own 5xx, and what followed from them",
    [...times(20, serverError), ...times(9, notReady)],
    /^shape:app_error,refused_by_gateway upstream:api since:/,
  ],
  [
    'refused connections, of which other attempts answered some',
    [...times(4, refused), ...times(9, { ...answered, attemptCause: 'connect_refused' }), ...times(5, notReady)],
    /^cause:connect_refused,no_endpoint_ready -shape:none /,
  ],
];
for (const [what, failures, query] of ofSeveral)
  for (const quietS of [0, 90])
    test(`the query of an incident${quietS > 0 ? ' that is over' : ''} finds as many requests as it counts: ${what}`, () => {
      const { incident, records } = endedSo(failures, quietS);
      assert.equal(incident.failed, failures.filter(({ shape }) => shape !== 'none').length);
      assert.match(requestsQuery(incident), query);
      // The same again, a minute after it.
      const later = records
        .filter(({ shape }) => shape !== 'none')
        .map((one) => ({ ...one, at: new Date(Date.parse(one.at) + 60_000).toISOString() }));
      const parsed = parseQuery(requestsQuery(incident), wall + 300_000);
      assert.ok(parsed.ok, requestsQuery(incident));
      const isOver = incident.resolvedAt !== null;
      assert.equal(isOver, quietS > 0);
      const all = isOver ? [...records, ...later] : records;
      assert.equal(all.filter((record) => matches(parsed.query, record)).length, incident.failed);
    });

test('the query of an incident finds the attempts that failed where other attempts answered all requests', () => {
  const { incident, records } = endedSo(times(30, { ...answered, attemptCause: 'connect_refused' }));
  assert.deepEqual([incident.failed, incident.attemptsFailed], [0, 30]);
  const parsed = parseQuery(requestsQuery(incident), wall + 300_000);
  assert.ok(parsed.ok);
  assert.equal(records.filter((record) => matches(parsed.query, record)).length, 30);
});

test('the query of an incident of several upstreams names them', () => {
  const { incident } = endedSo(times(20, refused));
  const upstreams = ['api', 'shop'].map((upstream) => ({ upstream, failed: 10, attemptsFailed: 10 }));
  assert.match(requestsQuery({ ...incident, upstream: '', upstreams }), / upstream:api,shop since:/);
  const before = [{ upstream: '', failed: 10, attemptsFailed: 10 }];
  assert.doesNotMatch(requestsQuery({ ...incident, upstream: '', upstreams: before }), /upstream:/);
});
