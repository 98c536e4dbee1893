import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Event } from '../core/event.ts';
import type { HealthCheckRequest, HealthCheckResult } from '../core/health-checker.ts';
import type { LiveIncident } from '../core/live-incident.ts';
import type { OutputLine } from '../core/output-line.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import { parseQuery } from '../store/parse-query.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type ExaminationParts, IncidentExamination } from './incident-examination.ts';
import type { HasServed } from './seen-releases.ts';

const startedAt = Date.UTC(2026, 0, 1, 12);
const incident = {
  cause: 'connect_refused',
  upstream: 'api',
  upstreams: [{ upstream: 'api', failed: 9 }],
  startedAt,
  firstRequestAt: startedAt,
  endpoints: [{ endpoint: 'api/10.0.0.1:80', attempts: 9, failed: 9 }],
} as unknown as LiveIncident;

const always: HasServed = () => true;

let clock: SimulatedClock;
let asked: HealthCheckRequest[];
let queries: string[];
let answer: HealthCheckResult | null;

beforeEach(() => {
  clock = new SimulatedClock(startedAt);
  asked = [];
  queries = [];
  answer = { kind: 'timed_out', limitMs: 1500, connected: true, status: null };
});

function examination(parts: Partial<ExaminationParts> = {}): IncidentExamination {
  const endpoint = { id: 'api/10.0.0.1:80', address: { kind: 'ip', address: '10.0.0.1', port: 80 } };
  return new IncidentExamination({
    clock,
    checker: {
      check: (request, onResult) => {
        asked.push(request);
        if (answer !== null) onResult(answer);
        return { cancel: () => {} };
      },
    },
    upstream: () =>
      ({ id: 'api', application: 'api', tls: null, endpoints: [endpoint] }) as unknown as UpstreamSnapshot,
    checkOf: () => null,
    instances: () => [],
    search: async (query) => {
      queries.push(query);
      return { kind: 'unavailable', problem: 'none' };
    },
    searchOutput: async () => ({ kind: 'unavailable', problem: 'none' }),
    readinessOf: () => null,
    events: () => [],
    stateFolder: () => null,
    ...parts,
  });
}

async function examined(parts: Partial<ExaminationParts> = {}, hasServed = always): Promise<readonly string[]> {
  return (await examination(parts).examine(incident, hasServed))?.findings ?? [];
}

test('the worst endpoint is asked by GET / where no check names a path', async () => {
  const [probed] = await examined();
  assert.equal(probed, 'a direct GET / to api/10.0.0.1:80: did not answer within 1500 ms (0 ms)');
  assert.deepEqual([asked.length, asked[0]?.probe.kind === 'http' && asked[0].probe.path], [1, '/']);
});

test('the path that checks ask for is asked for', async () => {
  await examined({ checkOf: () => ({ kind: 'http', path: '/up', host: null }) as never });
  assert.equal(asked[0]?.probe.kind === 'http' && asked[0].probe.path, '/up');
});

test('the readiness path of its application is asked for too, once', async () => {
  const [first, second] = await examined({ readinessOf: () => ({ path: '/ready' }) });
  assert.match(`${first}; ${second}`, /^a direct GET \/ to api.*; a direct GET \/ready to api/);
  assert.equal(asked.length, 2);
  asked = [];
  const checkOf = () => ({ kind: 'http', path: '/ready', host: null }) as never;
  await examined({ readinessOf: () => ({ path: '/ready' }), checkOf });
  assert.equal(asked.length, 1);
});

test('an instance of an application, which has no other check, is asked for its readiness path', async () => {
  await examined({ readinessOf: () => ({ path: '/ready' }), checkOf: () => ({ kind: 'none' }) });
  assert.deepEqual(
    asked.map(({ probe }) => probe.kind),
    ['tcp', 'http'],
  );
});

test('the first errors that the application has printed are shown with their time, and with the instance', async () => {
  const line = (s: number, stream: 'stdout' | 'stderr', text: string): OutputLine => ({
    ...{ at: startedAt + s * 1000, text, leftOut: 0 },
    source: { application: 'web', instance: 'web/1', pid: 7, stream, path: null },
  });
  const lines = [
    line(9, 'stderr', 'fourth'),
    line(3, 'stderr', 'third'),
    line(2, 'stdout', 'listening'),
    line(1, 'stdout', 'Error: second'),
    line(0, 'stderr', 'first\u0007 '),
  ];
  const found = await examined({
    upstream: () => ({ id: 'api', application: 'web', tls: null, endpoints: [] }) as unknown as UpstreamSnapshot,
    searchOutput: async (query) => {
      queries.push(query);
      return { kind: 'page', lines, cursor: null, end: '', timedOut: false };
    },
  });
  assert.deepEqual(
    found.filter((finding) => finding.includes('printed')),
    [
      'web/1 printed at 12:00:00 UTC: first',
      'web/1 printed at 12:00:01 UTC: Error: second',
      'web/1 printed at 12:00:03 UTC: third',
    ],
  );
  for (const query of queries) assert.ok(parseQuery(query, startedAt).ok, query);
});

test('instances that got no requests say nothing', async () => {
  const lines = ['web/1', 'web/2', null].map((instance) => ({
    ...{ at: startedAt, text: 'Error', leftOut: 3 },
    source: { stream: 'stderr', instance, path: 'app.log' },
  }));
  const found = await examined(
    {
      upstream: () => ({ id: 'api', application: 'web', tls: null, endpoints: [] }) as unknown as UpstreamSnapshot,
      searchOutput: async () => ({ kind: 'page', lines, cursor: null, end: '' }) as never,
    },
    (instance) => instance === 'web/2',
  );
  assert.deepEqual(
    found.filter((finding) => finding.includes('print')).map((finding) => finding.slice(0, 8)),
    ['app.log ', 'web/2 pr', '6 lines '],
  );
});

test('of an error with its stack the error is shown, and its lines of one moment stay in their order', async () => {
  const texts = ['TypeError: no card', '    at pay (/app/pay.js:3:1)', '', 'code 7', 'Node.js v26.10.0'];
  const lines = texts.map((text) => ({ at: startedAt, text, source: { stream: 'stderr', instance: 'web/1' } }));
  const found = await examined({
    upstream: () => ({ id: 'api', application: 'web', tls: null, endpoints: [] }) as unknown as UpstreamSnapshot,
    searchOutput: async () => ({ kind: 'page', lines: lines.toReversed(), cursor: null, end: '' }) as never,
  });
  assert.deepEqual(
    found.filter((finding) => finding.includes('printed')),
    ['web/1 printed at 12:00:00 UTC: TypeError: no card', 'web/1 printed at 12:00:00 UTC: code 7'],
  );
});

test('of a line of JSON its message is shown, without secrets', async () => {
  const error = { message: 'no table for {"password":"c4nary"}', stack: 'Error: no table\n    at pay.js:1' };
  const text = JSON.stringify({ level: 50, hostname: 'h'.repeat(300), err: error, msg: 'request errored' });
  const lines = [{ at: startedAt, text, source: { stream: 'stderr', instance: 'web/1' } }];
  const found = await examined({
    upstream: () => ({ id: 'api', application: 'web', tls: null, endpoints: [] }) as unknown as UpstreamSnapshot,
    searchOutput: async () => ({ kind: 'page', lines, cursor: null, end: '' }) as never,
  });
  assert.deepEqual(
    found.filter((finding) => finding.includes('printed')),
    ['web/1 printed at 12:00:00 UTC: request errored: no table for {"password":"…"}'],
  );
});

test('lines of the application that were not stored are told by their reasons', async () => {
  const source = { stream: 'stderr', instance: 'web/1' };
  const lines = [
    { text: 'Error: first', leftOut: 0 },
    { text: '', leftOut: 40 },
    { text: 'third', leftOut: 2 },
    { text: '', leftOut: 7, leftOutWhy: 'store_failed' },
  ].map((line) => ({ at: startedAt, source, ...line }));
  const found = await examined({
    upstream: () => ({ id: 'api', application: 'web', tls: null, endpoints: [] }) as unknown as UpstreamSnapshot,
    searchOutput: async () => ({ kind: 'page', lines, cursor: null, end: '' }) as never,
  });
  assert.deepEqual(
    found.filter((finding) => finding.includes('lines of web')),
    [
      '42 lines of web left out of the store: printed too fast (they may say more)',
      '7 lines of web lost: the store failed (they may say more)',
    ],
  );
});

test('the newest stored failure has the time of its end', async () => {
  const at = new Date(startedAt - 86_400_000).toISOString();
  const record = {
    id: 'r1',
    at,
    method: 'GET',
    route: '/',
    duration_ms: 76_000,
    status: 502,
    cause: 'connect_refused',
    shape: 'unreachable',
  };
  const search = async () => ({ kind: 'page', exchanges: [{ record }], cursor: null, end: '' }) as never;
  const { findings: found = [], newest } = (await examination({ search }).examine(incident, always)) ?? {};
  assert.deepEqual(newest, { id: 'r1', method: 'GET' });
  assert.ok(
    found.some((finding) => finding.startsWith('the newest stored failure, of 2025-12-31 12:01:16 UTC: GET on')),
    found.join('\n'),
  );
});

test('where every request was answered by another attempt, the newest one is not called a failure', async () => {
  const at = new Date(startedAt).toISOString();
  const record = { id: 'r1', at, method: 'GET', route: '/', status: 200, cause: null, shape: 'none', duration_ms: 0 };
  const asked: string[] = [];
  const found = await examined({
    search: async (query) => {
      asked.push(query);
      return { kind: 'page', exchanges: asked.length === 1 ? [] : [{ record }], cursor: null, end: '' } as never;
    },
  });
  assert.match(asked[0] ?? '', / -shape:none$/);
  for (const query of asked) assert.ok(parseQuery(query, startedAt).ok, query);
  const text = found.find((finding) => finding.includes('newest')) ?? '';
  assert.match(text, /^the newest stored request of which an attempt failed so, of 12:00:00 UTC: GET on the route \/ /);
  assert.match(text, / ended with 200, because another attempt was made \(candor explain r1\)$/);
});

describe('of an incident without failures', () => {
  const record = {
    ...{ id: 'r1', at: new Date(startedAt).toISOString(), method: 'POST', route: 'shop' },
    ...{ cause: null, shape: 'none', status: 415, duration_ms: 4120 },
  };
  const routes = [{ route: 'shop', failed: 9 }];
  async function told(facts: Partial<LiveIncident>): Promise<string | undefined> {
    const search = async (query: string) => {
      queries.push(query);
      return { kind: 'page', exchanges: [{ record }], cursor: null, end: '' } as never;
    };
    const examined = await examination({ search }).examine(
      {
        ...incident,
        cause: null,
        routes,
        ...facts,
      } as LiveIncident,
      always,
    );
    assert.equal(examined?.newest, null, 'no request has failed');
    for (const query of queries) assert.ok(parseQuery(query, startedAt).ok, query);
    return examined.findings.find((finding) => finding.includes('newest'));
  }
  const changed = (now: string, usual = 'JSON'): Partial<LiveIncident> => ({
    family: 'changed',
    answers: { route: 'shop', now, usual },
  });

  test('a request that took longer than the limit is named', async () => {
    const lateness = { route: 'shop', usualMs: 35, nowMs: 4000, limitMs: 450 };
    assert.equal(
      await told({ family: 'slower', lateness }),
      'the newest stored request that took longer than 450 ms, of 12:00:04 UTC: POST on the route shop took 4.1 s and ended with 415 (candor explain r1)',
    );
    assert.match(queries.join(), /^route:shop duration:>450ms upstream:api since:\S+$/);
  });

  test('a request with the changed status is named', async () => {
    assert.equal(
      await told(changed('4xx')),
      'the newest stored request with such an answer, of 12:00:04 UTC: POST on the route shop ended with 415 (candor explain r1)',
    );
    assert.match(
      queries.join(),
      /^route:shop status:4xx -status:401 .*-status:429 shape:none .*upstream:api since:\S+$/,
    );
  });

  for (const [now, usual] of [
    ['HTML', 'JSON'],
    ['nothing (no content)', 'JSON'],
    ['404 for what it answered well before', 'JSON'],
    ['404', 'an upgrade (101)'],
  ] as const)
    test(`no request is named where it cannot be searched for: ${now} in place of ${usual}`, async () => {
      assert.equal(await told(changed(now, usual)), undefined);
      assert.deepEqual(queries, []);
    });

  for (const facts of [{ family: 'slower' }, { family: 'changed' }] as const)
    test(`no request is named where it is not known what is unusual: ${facts.family}`, async () => {
      assert.equal(await told(facts), undefined);
      assert.deepEqual(queries, []);
    });
});

test('the queries of the paths that are asked for are not told', async () => {
  const checkOf = () => ({ kind: 'http', path: '/ok?secret=c4nary&c4nary', host: null }) as never;
  const found = await examined({ checkOf, readinessOf: () => ({ path: '/ready?c4nary' }) });
  assert.equal(asked[0]?.probe.kind === 'http' && asked[0].probe.path, '/ok?secret=c4nary&c4nary');
  assert.match(found.join('\n'), /^a direct GET \/ok\?secret=… to .*\na direct GET \/ready\?… to /);
  assert.doesNotMatch(found.join('\n'), /c4nary/);
});

test('an endpoint that is not to be checked gets no request', async () => {
  answer = { kind: 'connected', address: '10.0.0.1:80' };
  const [probed] = await examined({ checkOf: () => ({ kind: 'none' }) });
  assert.match(probed ?? '', /^a direct connection to api\/10\.0\.0\.1:80: /);
  assert.deepEqual(
    asked.map(({ probe }) => probe.kind),
    ['tcp'],
  );
});

test('an upstream is looked at once in ten seconds', async () => {
  const looks = examination();
  assert.notEqual(await looks.examine(incident, always), null);
  await clock.advance(9000);
  assert.equal(await looks.examine(incident, always), null);
  await clock.advance(2000);
  assert.notEqual(await looks.examine(incident, always), null);
});

test('what is not known after two seconds is left out', async () => {
  answer = null;
  const found = examination().examine(incident, always);
  await clock.advance(2000);
  assert.ok((await found)?.findings.every((finding) => !finding.startsWith('a direct GET')));
});

test('the newest failure is searched for by a query that the store understands', async () => {
  await examined();
  const parsed = parseQuery(queries[0] ?? '', startedAt);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.match(queries[0] ?? '', /^cause:connect_refused .*since:/, 'another failure would belong to another incident');
});

test('changes before the incident are named, the newest first, and those of other applications, and what the gateway has stopped, are not', async () => {
  const at = (s: number, kind: string, subject: string, reason: string): Event =>
    ({ kind, subject, reason, at: startedAt - s * 1000 }) as unknown as Event;
  const found = await examined({
    events: () => [
      at(3600, 'configuration_applied', 'gateway', 'revision 1 is active'),
      at(60, 'configuration_applied', 'gateway', 'revision 2 is active'),
      at(30, 'instance_exited', 'instance:web/1', 'web/1 ended'),
      at(5, 'instance_exited', 'instance:api/1', 'killed by SIGTERM'),
      { ...at(4.5, 'instance_exited', 'instance:api/0', 'killed by SIGTERM'), from: 'stopping' },
      at(4, 'worker_started', 'worker:1', 'it runs'),
      at(-0.2, 'overlay_changed', 'overlay:drain:api/2', 'on behalf of ann'),
      at(-0.9, 'instance_started', 'instance:api/2', 'api/2 starts'),
      at(-9, 'instance_started', 'instance:api/1', 'api/1 starts'),
    ],
  });
  assert.deepEqual(found.slice(-3), [
    '1 s after the first failure: api/2 starts',
    'at the time of the first failure: drain:api/2: on behalf of ann',
    '5 s before the first failure: api/1 ended, which the gateway had not asked for: killed by SIGTERM',
  ]);
});

test('instances of an application called null are no change of an upstream without an application', async () => {
  const started = {
    ...{ kind: 'instance_started', subject: 'instance:null/1', reason: 'started', at: startedAt - 5000, from: null },
  } as unknown as Event;
  const of = async (application: string | null): Promise<boolean> => {
    const upstream = () => ({ id: 'api', application, tls: null, endpoints: [] }) as unknown as UpstreamSnapshot;
    return (await examined({ upstream, events: () => [started] })).some((finding) =>
      finding.includes('the first failure'),
    );
  };
  assert.deepEqual([await of('null'), await of(null)], [true, false]);
});

test('an instance that has no port yet is not asked', async () => {
  const endpoint = {
    id: 'api/api/1/127.0.0.1:0',
    instance: 'api/1',
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  };
  const [first] = await examined({
    upstream: () =>
      ({ id: 'api', application: 'api', tls: null, endpoints: [endpoint] }) as unknown as UpstreamSnapshot,
  });
  assert.equal(first, 'api/1 cannot be asked directly: it has no port yet');
  assert.deepEqual(asked, []);
});
