import type { IncidentScenario, ScenarioStep, ScenarioUpstream } from './play-scenario.ts';
import { sharedScenarios } from './shared-scenarios.ts';

const api: ScenarioUpstream = { endpoints: 3, rate: 60, medianMs: 20, p99Ms: 90 };
const supervised: ScenarioUpstream = { ...api, endpoints: 1, application: 'web' };
const other: ScenarioUpstream = { endpoints: 2, rate: 40, medianMs: 10, p99Ms: 50 };

const changed = (at: number, ...parts: readonly string[]): ScenarioStep => ({
  at,
  event: {
    kind: 'configuration_applied',
    subject: 'gateway',
    reason: 'The configuration was applied.',
    evidence: { contentHash: 'b1', source: 'candor.yaml', changed: parts },
  },
});

const exited = (at: number, outOfMemory: boolean, application = 'web'): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_exited',
    subject: `instance:${application}/1`,
    from: 'ready',
    to: 'backing_off',
    reason: outOfMemory
      ? 'The instance was killed by SIGKILL; it had run out of memory.'
      : 'The instance exited with code 1.',
    evidence: {
      pid: 7,
      code: outOfMemory ? null : 1,
      signal: outOfMemory ? 'SIGKILL' : null,
      outOfMemory,
      afterMs: 90_000,
      output: ['Error: boom'],
    },
  },
});

const notStarted = (at: number): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_not_started',
    subject: 'instance:web/1',
    from: 'starting',
    to: 'backing_off',
    reason: 'port 8080 is taken: python3 (pid 7246) listens there',
    evidence: { command: 'node server.js', directory: '/srv/web', errno: 'EADDRINUSE' },
  },
});

const disagrees = (at: number, endpoint: string): ScenarioStep => ({
  at,
  event: {
    kind: 'health_disagreement',
    subject: `endpoint:${endpoint}`,
    reason: 'Its checks pass while its requests fail.',
    evidence: {
      address: '10.0.0.1:80',
      check: 'GET /health',
      requests: 20,
      failures: 18,
      windowMs: 10_000,
      consecutiveUnreachable: 0,
      causes: {},
      pauseMs: 1000,
    },
  },
});

const depends = (at: number, to: 'down' | 'up', otherMs: number | null = 5000): ScenarioStep => ({
  at,
  event: {
    kind: 'dependency_state',
    subject: 'dependency:database',
    from: to === 'down' ? 'up' : 'down',
    to,
    reason: `database (postgres://127.0.0.1:5432/shop) ${to === 'down' ? 'refuses connections' : 'works again: it is ready'}`,
    evidence: {
      ...{ dependency: 'database', type: 'postgres', address: 'postgres://127.0.0.1:5432/shop', fault: 'refused' },
      ...{ then: 'refused connections', dependents: ['web'], sinceMs: 4, otherMs, fix: 'Start it.' },
    },
  },
});

const gone = (from: number, to: number): readonly ScenarioStep[] => [
  { from, to: from + 0.5, fail: 'reset_before_response', share: 1 },
  { from: from + 0.5, to: from + 1.5, fail: 'connect_refused', share: 1 },
  { from: from + 1.5, to, fail: 'no_endpoint_ready', share: 1 },
];

/** Incidents of every kind, and traffic without one. */
export const ownScenarios: readonly IncidentScenario[] = [
  ...sharedScenarios,
  {
    name: 'the kernel kills the only instance for its memory',
    expect: 'out_of_memory',
    seconds: 150,
    upstreams: { api: supervised },
    steps: [exited(80, true), ...gone(80, 84)],
  },
  {
    name: 'an instance needs too much memory whenever it has run for a while',
    expect: 'out_of_memory',
    seconds: 200,
    upstreams: { api: { ...supervised, rate: 8 }, shop: other },
    steps: [exited(70, true), ...gone(70, 74), exited(110, true), ...gone(110, 114)],
  },
  {
    name: 'the process ends with an exception',
    expect: 'crash',
    seconds: 140,
    upstreams: { api: supervised },
    steps: [exited(75, false), ...gone(75, 78)],
  },
  {
    name: 'the database refuses connections, and the application answers with 500',
    expect: 'dependency',
    seconds: 160,
    upstreams: { api: supervised },
    steps: [depends(80.2, 'down'), { from: 80, to: 110, fail: 'app_error', share: 0.8 }, depends(109, 'up')],
  },
  {
    name: 'the database refuses connections, and the application ends with an exception',
    expect: 'dependency',
    seconds: 140,
    upstreams: { api: supervised },
    steps: [depends(74, 'down'), exited(75, false), ...gone(75, 78)],
  },
  {
    name: 'the application answers with 500 an hour after its database was gone, and works',
    expect: 'application_errors',
    seconds: 700,
    upstreams: { api: { ...supervised, rate: 4 } },
    steps: [depends(20, 'down'), depends(60, 'up'), { from: 600, to: 640, fail: 'app_error', share: 0.8 }],
  },
  {
    name: 'the process ends with an exception, and the database is gone later',
    expect: 'crash',
    seconds: 140,
    upstreams: { api: supervised },
    steps: [exited(75, false), ...gone(75, 78), depends(79, 'down', 3000)],
  },
  {
    name: 'the process ends with an exception, an hour after a release',
    expect: 'crash',
    seconds: 700,
    upstreams: { api: { ...supervised, rate: 4 } },
    steps: [changed(20, 'applications: web'), exited(600, false), ...gone(600, 604)],
  },
  {
    name: 'the port of the application is taken, so that it never starts',
    expect: 'not_started',
    seconds: 60,
    upstreams: { api: supervised },
    steps: [
      ...[1, 2, 4, 8, 16, 32].map((at) => notStarted(at)),
      {
        ...{ from: 0, to: 60, state: 'unhealthy' },
        reason:
          'port 8080 is taken: python3 (pid 7246) listens there; starts again after 22.5 s (failed 6 times in a row)',
      },
      { from: 0, to: 60, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'the check of an upstream with few requests meets an expired certificate, so that no request is sent',
    expect: 'certificate',
    seconds: 60,
    upstreams: { api: { ...api, endpoints: 1, rate: 0.5 } },
    steps: [
      {
        ...{ from: 0, to: 60, state: 'unhealthy', reason: 'The certificate ran out at 2026-11-20T00:00:00.000Z.' },
        checkCause: 'tls_certificate_expired',
      },
      { from: 0, to: 60, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'a release answers with 500',
    expect: 'release',
    seconds: 160,
    upstreams: { api: supervised },
    steps: [changed(78, 'applications: web'), { from: 80, to: 120, fail: 'app_error', share: 0.6 }],
  },
  {
    name: 'a release crashes again and again',
    expect: 'release',
    seconds: 160,
    upstreams: { api: supervised },
    steps: [
      changed(78, 'applications: web, worker'),
      exited(80, false),
      ...gone(80, 83),
      exited(90, false),
      ...gone(90, 93),
    ],
  },
  {
    name: 'a release is slow',
    expect: 'release',
    seconds: 180,
    upstreams: { api: supervised },
    steps: [
      changed(70, 'applications: web'),
      { from: 75, to: 120, medianMs: 900, p99Ms: 4000 },
      { from: 90, to: 120, fail: 'response_head_timeout', share: 0.3, tookMs: 5000 },
    ],
  },
  {
    name: 'a new address of the upstream is wrong',
    expect: 'configuration_change',
    seconds: 140,
    upstreams: { api, shop: other },
    steps: [changed(79, 'upstreams: api'), { from: 80, to: 100, fail: 'connect_refused', share: 1 }],
  },
  {
    name: 'a shorter timeout cuts requests',
    expect: 'configuration_change',
    seconds: 160,
    upstreams: { api: { ...api, medianMs: 300, p99Ms: 2000 } },
    steps: [changed(79, 'timeouts'), { from: 80, to: 120, fail: 'response_head_timeout', share: 0.2, tookMs: 500 }],
  },
  {
    name: 'a drained endpoint leaves too few',
    expect: 'operator_action',
    seconds: 150,
    upstreams: { api },
    steps: [
      {
        at: 79,
        event: {
          kind: 'overlay_changed',
          subject: 'drain:api/1',
          actor: 'admin:socket',
          reason: 'api/1 gets no new requests.',
          evidence: { revision: 3, persisted: true, before: null, after: {} as never },
        },
      },
      { from: 80, to: 110, fail: 'pool_full', share: 0.3 },
    ],
  },
  {
    name: 'one of three endpoints resets connections',
    expect: 'one_endpoint',
    seconds: 140,
    upstreams: { api },
    steps: [{ from: 80, to: 110, fail: 'reset_before_response', share: 1, endpoints: [2] }],
  },
  {
    name: 'one of three endpoints refuses, and retries hide it',
    expect: 'one_endpoint',
    seconds: 140,
    upstreams: { api },
    steps: [{ from: 80, to: 100, fail: 'connect_refused', share: 1, endpoints: [3], retried: 1 }],
  },
  {
    name: 'one endpoint sends garbage',
    expect: 'one_endpoint',
    seconds: 140,
    upstreams: { api: { ...api, rate: 200 } },
    steps: [{ from: 80, to: 110, fail: 'response_header', share: 0.9, endpoints: [1], retried: 0.5 }],
  },
  {
    name: 'one of two endpoints answers with 500 at once, and gets more requests than the other',
    expect: 'one_endpoint',
    seconds: 140,
    upstreams: { api: { ...api, endpoints: 2, rate: 4, firstShare: 0.6 } },
    steps: [{ from: 80, to: 110, fail: 'app_error', share: 1, endpoints: [1] }],
  },
  {
    name: 'both of two endpoints answer with 500',
    expect: 'application_errors',
    seconds: 140,
    upstreams: { api: { ...api, endpoints: 2, rate: 4, firstShare: 0.6 } },
    steps: [{ from: 80, to: 110, fail: 'app_error', share: 0.8 }],
  },
  {
    name: 'a service that one route calls does not answer: 504 after three seconds',
    expect: 'dependency',
    seconds: 150,
    upstreams: { api: { ...api, routes: ['/checkout', '/cart', '/search'] } },
    steps: [{ from: 80, to: 120, fail: 'app_error', share: 0.7, routes: ['/checkout'], tookMs: 3003 }],
  },
  {
    name: 'one route answers with 500 as fast as ever',
    expect: 'application_errors',
    seconds: 150,
    upstreams: { api: { ...api, routes: ['/checkout', '/cart', '/search'] } },
    steps: [{ from: 80, to: 120, fail: 'app_error', share: 0.7, routes: ['/checkout'], tookMs: 25 }],
  },
  {
    name: 'the pool is too small',
    expect: 'pool_full',
    seconds: 150,
    upstreams: { api },
    steps: [{ from: 80, to: 120, fail: 'pool_full', share: 0.2 }],
  },
  {
    name: 'the bound of requests is reached',
    expect: 'pool_full',
    seconds: 150,
    upstreams: { api },
    steps: [{ from: 80, to: 120, fail: 'concurrency_limit', share: 0.1 }],
  },
  {
    name: 'a health check fails for 18 s, and the last requests fail when it passes again',
    expect: 'failing_check',
    seconds: 160,
    upstreams: { api: { ...api, endpoints: 1, rate: 11 } },
    steps: [
      { from: 80, to: 98, state: 'unhealthy', reason: 'answered 503' },
      { from: 80, to: 99.5, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'a health document names what does not work, until shortly before the last failures',
    expect: 'dependency',
    seconds: 160,
    upstreams: { api },
    steps: [
      { from: 80, to: 98, advice: 'postgres:connections fails' },
      { from: 80, to: 99.5, fail: 'app_error', share: 0.5 },
    ],
  },
  {
    name: 'traffic begins ten seconds before a health check fails',
    expect: 'failing_check',
    seconds: 160,
    upstreams: { api: { ...api, endpoints: 1, rate: 0 } },
    steps: [
      { from: 0, to: 3, rate: 5 },
      { from: 70, to: 160, rate: 11 },
      { from: 80, to: 98, state: 'unhealthy', reason: 'answered 503' },
      { from: 80, to: 98, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'traffic begins ten seconds before all endpoints hang',
    expect: 'slow_application',
    seconds: 160,
    upstreams: { api: { ...api, rate: 0 } },
    steps: [
      { from: 0, to: 3, rate: 5 },
      { from: 70, to: 160, rate: 11 },
      { from: 80, to: 110, fail: 'response_head_timeout', share: 1, tookMs: 2000 },
    ],
  },
  {
    name: 'three times as many requests come, and the application answers none of them',
    expect: 'slow_application',
    seconds: 160,
    upstreams: { api: { ...api, rate: 4 } },
    steps: [
      { from: 79, to: 160, rate: 12 },
      { from: 80, to: 110, fail: 'response_head_timeout', share: 1, tookMs: 2000 },
    ],
  },
  {
    name: 'four times as many requests fill the queue',
    expect: 'traffic_growth',
    seconds: 160,
    upstreams: { api },
    steps: [
      { from: 75, to: 120, rate: 240 },
      { from: 80, to: 120, fail: 'queue_timeout', share: 0.3 },
    ],
  },
  {
    name: 'five times as many requests slow the application down',
    expect: 'traffic_growth',
    seconds: 160,
    upstreams: { api: { ...api, rate: 20 } },
    steps: [
      { from: 70, to: 120, rate: 100 },
      { from: 80, to: 120, fail: 'response_head_timeout', share: 0.2, tookMs: 10_000 },
    ],
  },
  {
    name: 'clients retry in a loop what seldom fails, until the queue is full',
    expect: 'client_retries',
    seconds: 160,
    upstreams: { api },
    steps: [
      { from: 70, to: 120, rate: 160, clientRetries: 0.6 },
      { from: 85, to: 120, fail: 'queue_timeout', share: 0.3 },
    ],
  },
  {
    name: 'the application answers with errors, and clients retry them',
    expect: 'application_errors',
    seconds: 160,
    upstreams: { api },
    steps: [
      { from: 70, to: 120, fail: 'app_error', share: 0.6 },
      { from: 72, to: 120, rate: 200, clientRetries: 0.7 },
    ],
  },
  {
    name: 'four times as many requests fill the queue, and some clients retry',
    expect: 'traffic_growth',
    seconds: 160,
    upstreams: { api },
    steps: [
      { from: 75, to: 80, rate: 240 },
      { from: 80, to: 120, rate: 270, clientRetries: 0.12 },
      { from: 80, to: 120, fail: 'queue_timeout', share: 0.3 },
    ],
  },
  {
    name: 'no descriptor is left',
    expect: 'descriptors',
    seconds: 140,
    upstreams: { api },
    steps: [
      {
        at: 79,
        event: {
          kind: 'descriptors_exhausted',
          subject: 'gateway',
          to: 'scarce',
          reason: 'Of 1,024 descriptors 1,020 are open.',
          evidence: { limit: 1024, needed: 11_024, wanted: 11_024, open: 1020, closed: 3, refused: 0 },
        },
      },
      { from: 80, to: 100, fail: 'descriptors_exhausted', share: 0.4 },
    ],
  },
  {
    name: 'the timeout is as long as a slow report takes',
    expect: 'timeout_too_short',
    seconds: 160,
    upstreams: { api: { ...api, medianMs: 2000, p99Ms: 9000 } },
    steps: [{ from: 80, to: 120, fail: 'response_head_timeout', share: 0.05, tookMs: 10_000 }],
  },
  {
    name: 'the name server does not answer',
    expect: 'dns',
    seconds: 140,
    upstreams: { api: { ...api, dnsName: 'api.internal' } },
    steps: [
      {
        at: 79,
        event: {
          kind: 'name_state',
          subject: 'name:api.internal',
          from: 'resolved',
          to: 'failed',
          reason: 'No name server answers.',
        },
      },
      { from: 80, to: 110, fail: 'dns_timeout', share: 1 },
    ],
  },
  {
    name: 'the name points to hosts where nothing listens',
    expect: 'dns_change',
    seconds: 140,
    upstreams: { api: { ...api, dnsName: 'api.internal' } },
    steps: [
      {
        at: 76,
        event: {
          kind: 'name_addresses',
          subject: 'name:api.internal',
          reason: 'api.internal has other addresses.',
          evidence: { name: 'api.internal', added: ['10.0.9.1'], removed: ['10.0.0.1'] },
        },
      },
      { from: 80, to: 110, fail: 'connect_refused', share: 1 },
    ],
  },
  {
    name: "the endpoint's certificate has expired",
    expect: 'certificate',
    seconds: 140,
    upstreams: { api },
    steps: [{ from: 80, to: 120, fail: 'tls_certificate_expired', share: 1 }],
  },
  {
    name: 'the endpoint wants another version of TLS',
    expect: 'tls_settings',
    seconds: 140,
    upstreams: { api },
    steps: [{ from: 80, to: 120, fail: 'tls_version', share: 1 }],
  },
  {
    name: 'the application closes idle connections first',
    expect: 'keep_alive_race',
    seconds: 160,
    upstreams: { api },
    steps: [{ from: 80, to: 130, fail: 'closed_before_response', share: 0.03, stale: true }],
  },
  {
    name: 'the application resets connections that it has kept open, at the second request',
    expect: 'keep_alive_race',
    seconds: 160,
    upstreams: { api },
    steps: [{ from: 80, to: 130, fail: 'reset_before_response', share: 0.33, stale: true }],
  },
  {
    name: 'the database of the application does not answer',
    expect: 'dependency',
    seconds: 150,
    upstreams: { api },
    steps: [
      { from: 79, to: 120, advice: 'db:connections fails: timed out' },
      { from: 80, to: 120, fail: 'app_error', share: 0.8 },
    ],
  },
  {
    name: 'the checks pass while every request fails',
    expect: 'lying_check',
    seconds: 150,
    upstreams: { api },
    steps: [
      disagrees(82, 'api/1'),
      disagrees(82, 'api/2'),
      disagrees(83, 'api/3'),
      { from: 80, to: 120, fail: 'closed_before_response', share: 1 },
    ],
  },
  {
    name: 'the only endpoint hangs, except at the path of its check',
    expect: 'slow_application',
    seconds: 150,
    upstreams: { api: { ...api, endpoints: 1 } },
    steps: [disagrees(82, 'api/1'), { from: 80, to: 120, fail: 'response_head_timeout', share: 1, tookMs: 2000 }],
  },
  {
    name: 'the check requests a path that a release has removed',
    expect: 'failing_check',
    seconds: 150,
    upstreams: { api },
    steps: [
      { from: 79, to: 110, state: 'unhealthy', reason: 'answered 404' },
      { from: 80, to: 110, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  ...(
    [
      ['nothing listens', 'connect_refused', 'nothing_listens'],
      ['no packet comes back', 'connect_timeout', 'network'],
      ['no response comes in time', 'response_head_timeout', 'slow_application'],
    ] as const
  ).map(
    ([what, checkCause, expect]): IncidentScenario => ({
      name: `the check has seen before any request that ${what}`,
      expect,
      seconds: 150,
      upstreams: { api: { ...api, endpoints: 1 } },
      steps: [
        { from: 0, to: 110, state: 'unhealthy', reason: what, checkCause },
        { from: 0, to: 110, rate: 0 },
        { from: 80, to: 110, rate: 5 },
        { from: 80, to: 110, fail: 'no_endpoint_ready', share: 1 },
      ],
    }),
  ),
  {
    name: 'a proxy before the application cuts responses, while more requests come',
    expect: 'connections_cut',
    seconds: 150,
    upstreams: { api: { ...api, rate: 5 } },
    steps: [
      { from: 75, to: 120, rate: 15 },
      { from: 80, to: 120, fail: 'response_body_short', share: 0.1 },
    ],
  },
  {
    name: 'an SSH server answers at the port',
    expect: 'another_program',
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 60, to: 90, fail: 'response_not_http', share: 1 }],
  },
  {
    name: 'one response in five begins with bytes that are no HTTP',
    expect: 'invalid_responses',
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 60, to: 90, fail: 'response_not_http', share: 0.2 }],
  },
  {
    name: 'one response in five has two lengths, and one in ten begins with bytes that are no HTTP',
    expect: 'invalid_responses',
    seconds: 120,
    upstreams: { api: { ...api, endpoints: 1, rate: 15 } },
    steps: [
      disagrees(64, 'api/1'),
      { from: 60, to: 100, fail: 'response_framing', share: 0.2 },
      { from: 60, to: 100, fail: 'response_not_http', share: 0.1 },
    ],
  },
  {
    name: 'bytes are left over from responses, few requests come, and most of those are repeated',
    expect: 'invalid_responses',
    seconds: 180,
    upstreams: { api: { ...api, endpoints: 1, rate: 4 } },
    steps: [{ from: 60, to: 150, fail: 'response_not_http', share: 0.5, retried: 0.8 }],
  },
  {
    name: 'another program has the port of one of two endpoints',
    expect: 'another_program',
    seconds: 120,
    upstreams: { api: { ...api, endpoints: 2 } },
    steps: [{ from: 60, to: 90, fail: 'response_not_http', share: 1, endpoints: [2], retried: 0.5 }],
  },
  {
    name: 'the application sends a header twice that may come once',
    expect: 'invalid_responses',
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 60, to: 90, fail: 'response_framing', share: 0.3 }],
  },
  {
    name: 'the application was stopped',
    expect: 'nothing_listens',
    seconds: 120,
    upstreams: { api: { ...api, endpoints: 1 } },
    steps: [...gone(60, 90)],
  },
  {
    name: 'a firewall drops all packets',
    expect: 'network',
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 60, to: 90, fail: 'connect_timeout', share: 1, tookMs: 5000 }],
  },
  {
    name: 'the application hangs',
    expect: 'slow_application',
    seconds: 150,
    upstreams: { api },
    steps: [{ from: 70, to: 110, fail: 'response_head_timeout', share: 1, tookMs: 30_000 }],
  },
  {
    name: 'the application answers with 500 by itself',
    expect: 'application_errors',
    seconds: 140,
    upstreams: { api },
    steps: [{ from: 70, to: 110, fail: 'app_error', share: 0.3 }],
  },
  {
    name: 'few requests, and all fail',
    expect: 'nothing_listens',
    seconds: 200,
    upstreams: { api: { ...api, endpoints: 1, rate: 1 } },
    steps: [{ from: 90, to: 160, fail: 'connect_refused', share: 1 }],
  },
  // Traffic without an incident.
  { name: 'nothing fails', expect: null, seconds: 120, upstreams: { api, shop: other }, steps: [] },
  {
    name: 'one request in 200 gets a 500, as always',
    expect: null,
    seconds: 200,
    upstreams: { api },
    steps: [{ from: 0, to: 200, fail: 'app_error', share: 0.005 }],
  },
  {
    name: 'clients leave',
    expect: null,
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 50, to: 100, fail: 'client_gone', share: 0.3 }],
  },
  {
    name: 'a release without failures',
    expect: null,
    seconds: 120,
    upstreams: { api: supervised },
    steps: [changed(60, 'applications: web'), { ...exited(63, false), at: 63 }],
  },
  {
    name: 'ten times as many requests, all answered',
    expect: null,
    seconds: 120,
    upstreams: { api: { ...api, rate: 20 } },
    steps: [{ from: 60, to: 100, rate: 200 }],
  },
  {
    name: 'two requests fail',
    expect: null,
    seconds: 120,
    upstreams: { api: { ...api, rate: 300 } },
    steps: [{ from: 60, to: 61, fail: 'reset_before_response', share: 0.005 }],
  },
  {
    name: 'an endpoint is away for a while, and no request was sent there',
    expect: null,
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 50, to: 90, state: 'unhealthy', reason: 'refused the connection', endpoints: [1] }],
  },
  {
    name: 'maintenance',
    expect: null,
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 50, to: 90, fail: 'maintenance', share: 1 }],
  },
  {
    name: 'addresses that do not exist are asked for',
    expect: null,
    seconds: 120,
    upstreams: { api },
    steps: [{ from: 50, to: 90, fail: 'no_route', share: 0.5 }],
  },
];
