// Incidents written without sight of the ranking, after the shape of public post-mortems and issue threads.
import type { IncidentScenario, ScenarioStep } from './play-scenario.ts';

type CountedFailure = Extract<ScenarioStep, { readonly fail: unknown }>['fail'];

// Guessed names, in one place: the brief names them only in words.
const CERTIFICATE_EXPIRED: CountedFailure = 'tls_certificate_expired';
const CERTIFICATE_NOT_YET_VALID: CountedFailure = 'tls_certificate_not_yet_valid';
const CERTIFICATE_OTHER_NAME: CountedFailure = 'tls_certificate_name';
const CERTIFICATE_SELF_SIGNED: CountedFailure = 'tls_certificate_self_signed';
const CERTIFICATE_UNTRUSTED: CountedFailure = 'tls_certificate_untrusted';
const CERTIFICATE_EXPIRES_SOON = 'certificate_expiring';

const applied = (at: number, ...changed: string[]): ScenarioStep => ({
  at,
  event: {
    kind: 'configuration_applied',
    subject: 'gateway',
    evidence: { contentHash: `sha256:${String(at).padStart(8, '0')}`, source: 'file', changed },
  },
});

const started = (at: number, instance: string, port: number): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_started',
    subject: `instance:${instance}`,
    from: 'stopped',
    to: 'starting',
    evidence: { pid: 4000 + port, port, command: 'node server.js' },
  },
});

const ready = (at: number, instance: string, port: number, afterMs: number): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_ready',
    subject: `instance:${instance}`,
    from: 'starting',
    to: 'ready',
    evidence: { port, passes: 2, afterMs },
  },
});

const exited = (
  at: number,
  instance: string,
  how: { code?: number; signal?: string; outOfMemory?: boolean; afterMs: number; output?: string[]; from?: string },
): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_exited',
    subject: `instance:${instance}`,
    from: how.from ?? 'ready',
    to: 'exited',
    evidence: {
      pid: 4100 + Math.floor(at),
      code: how.code ?? null,
      signal: how.signal ?? null,
      outOfMemory: how.outOfMemory ?? false,
      afterMs: how.afterMs,
      output: how.output ?? [],
    },
  },
});

const overlay = (at: number, subject: string, before: unknown, after: unknown, revision = 7): ScenarioStep => ({
  at,
  event: {
    kind: 'overlay_changed',
    subject,
    evidence: { revision, persisted: true, before, after } as never,
  },
});

const endpointState = (at: number, endpoint: string, from: string, to: string, reason: string): ScenarioStep => ({
  at,
  event: {
    kind: 'endpoint_state',
    subject: `endpoint:${endpoint}`,
    from,
    to,
    reason,
    evidence: { address: '10.20.0.7:8080', check: reason },
  },
});

const disagreement = (
  at: number,
  endpoint: string,
  requests: number,
  failures: number,
  causes: Record<string, number>,
): ScenarioStep => ({
  at,
  event: {
    kind: 'health_disagreement',
    subject: `endpoint:${endpoint}`,
    evidence: {
      address: '10.20.0.7:8080',
      check: 'passing',
      requests,
      failures,
      windowMs: 10000,
      consecutiveUnreachable: 0,
      causes,
      pauseMs: 5000,
    },
  },
});

const nameState = (
  at: number,
  name: string,
  from: string,
  to: string,
  cause: string | null,
  rcode: string | null,
  addresses: string[],
): ScenarioStep => ({
  at,
  event: { kind: 'name_state', subject: `name:${name}`, from, to, evidence: { name, addresses, cause, rcode } },
});

const nameAddresses = (at: number, name: string, added: string[], removed: string[]): ScenarioStep => ({
  at,
  event: { kind: 'name_addresses', subject: `name:${name}`, evidence: { name, added, removed } },
});

const expiresSoon = (at: number, name: string, days: number): ScenarioStep => ({
  at,
  event: { kind: CERTIFICATE_EXPIRES_SOON as never, subject: `certificate:${name}`, evidence: { name, days } },
});

const scarce = (at: number): ScenarioStep => ({
  at,
  event: {
    kind: 'descriptors_exhausted',
    subject: 'gateway',
    from: 'available',
    to: 'scarce',
    evidence: { limit: 1024, open: 1019 },
  },
});

export const blindScenarios: readonly IncidentScenario[] = [
  // ---------------------------------------------------------------- out_of_memory
  {
    name: 'the only process is killed for its memory by a large report and comes back 13 s later',
    expect: 'out_of_memory',
    seconds: 150,
    upstreams: {
      reports: { endpoints: 1, rate: 8, medianMs: 120, p99Ms: 900, application: 'reports', routes: ['/reports'] },
    },
    steps: [
      { from: 80, to: 95, medianMs: 260, p99Ms: 2400 },
      exited(95, 'reports/1', { signal: 'SIGKILL', outOfMemory: true, afterMs: 4_812_000 }),
      { from: 95, to: 96, fail: 'reset_before_response', share: 1 },
      { from: 96, to: 99, fail: 'connect_refused', share: 1 },
      started(97, 'reports/1', 8101),
      { from: 99, to: 110, state: 'unhealthy', reason: 'connect_refused' },
      { from: 99, to: 110, fail: 'no_endpoint_ready', share: 1 },
      ready(110, 'reports/1', 8101, 13_000),
    ],
  },
  {
    name: 'a leak: three of four instances are killed one after the other, most requests are repeated elsewhere',
    expect: 'out_of_memory',
    seconds: 200,
    upstreams: { web: { endpoints: 4, rate: 120, medianMs: 40, p99Ms: 350, application: 'web', routes: ['/'] } },
    steps: [
      applied(20, 'routes: /static'),
      { from: 60, to: 150, medianMs: 70, p99Ms: 800 },
      exited(80, 'web/2', { signal: 'SIGKILL', outOfMemory: true, afterMs: 86_400_000 }),
      { from: 80, to: 81, fail: 'reset_before_response', share: 1, endpoints: [2], retried: 0.7 },
      { from: 81, to: 84, fail: 'connect_refused', share: 1, endpoints: [2], retried: 1 },
      { from: 84, to: 95, state: 'unhealthy', reason: 'connect_refused', endpoints: [2] },
      exited(110, 'web/1', { signal: 'SIGKILL', outOfMemory: true, afterMs: 86_430_000 }),
      { from: 110, to: 111, fail: 'reset_before_response', share: 1, endpoints: [1], retried: 0.7 },
      { from: 111, to: 114, fail: 'connect_refused', share: 1, endpoints: [1], retried: 1 },
      { from: 114, to: 124, state: 'unhealthy', reason: 'connect_refused', endpoints: [1] },
      exited(135, 'web/4', { signal: 'SIGKILL', outOfMemory: true, afterMs: 86_455_000 }),
      { from: 135, to: 136.5, fail: 'reset_before_response', share: 1, endpoints: [4], retried: 0.6 },
      { from: 136.5, to: 139, fail: 'connect_refused', share: 1, endpoints: [4], retried: 1 },
      { from: 139, to: 150, state: 'unhealthy', reason: 'connect_refused', endpoints: [4] },
    ],
  },
  {
    name: 'a release five minutes ago, then the process is killed for its memory again and again',
    expect: 'out_of_memory',
    seconds: 470,
    upstreams: {
      billing: { endpoints: 2, rate: 14, medianMs: 80, p99Ms: 600, application: 'billing', routes: ['/billing'] },
      site: { endpoints: 2, rate: 30, medianMs: 20, p99Ms: 120, routes: ['/'] },
    },
    steps: [
      applied(15, 'applications: billing'),
      started(15, 'billing/1', 8201),
      ready(19, 'billing/1', 8201, 4000),
      started(19, 'billing/2', 8202),
      ready(23, 'billing/2', 8202, 4000),
      exited(330, 'billing/1', { signal: 'SIGKILL', outOfMemory: true, afterMs: 311_000 }),
      exited(334, 'billing/2', { signal: 'SIGKILL', outOfMemory: true, afterMs: 311_000 }),
      { from: 330, to: 333, fail: 'closed_before_response', share: 1, endpoints: [1], retried: 0.5 },
      { from: 334, to: 336, fail: 'reset_before_response', share: 1, endpoints: [2] },
      { from: 336, to: 345, state: 'unhealthy', reason: 'connect_refused' },
      { from: 336, to: 345, fail: 'no_endpoint_ready', share: 1 },
      started(337, 'billing/1', 8201),
      ready(345, 'billing/1', 8201, 8000),
      exited(372, 'billing/1', { signal: 'SIGKILL', outOfMemory: true, afterMs: 27_000 }),
      { from: 372, to: 374, fail: 'reset_before_response', share: 1, endpoints: [1] },
      { from: 374, to: 410, state: 'unhealthy', reason: 'connect_refused', endpoints: [1] },
      { from: 400, to: 418, state: 'unhealthy', reason: 'connect_refused', endpoints: [2] },
      exited(398, 'billing/2', { signal: 'SIGKILL', outOfMemory: true, afterMs: 50_000 }),
      { from: 400, to: 410, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'one of twelve instances is killed for its memory at high traffic; other things go on beside it',
    expect: 'out_of_memory',
    seconds: 140,
    upstreams: {
      api: { endpoints: 12, rate: 360, medianMs: 12, p99Ms: 90, application: 'api', routes: ['/api'] },
      mail: { endpoints: 1, rate: 0.5, medianMs: 300, p99Ms: 1500, application: 'mail', routes: ['/mail'] },
    },
    steps: [
      { from: 0, to: 140, fail: 'app_error', share: 0.002 },
      expiresSoon(30, 'old.example.org', 6),
      exited(41, 'mail/1', { code: 0, afterMs: 600_000, from: 'draining' }),
      started(42, 'mail/1', 8400),
      exited(78, 'api/7', {
        signal: 'SIGKILL',
        outOfMemory: true,
        afterMs: 40_000_000,
        output: ['<--- Last few GCs --->'],
      }),
      { from: 78, to: 80, fail: 'reset_before_response', share: 1, endpoints: [7], retried: 0.4 },
      { from: 80, to: 86, fail: 'connect_refused', share: 1, endpoints: [7], retried: 0.5 },
      { from: 86, to: 98, state: 'unhealthy', reason: 'connect_refused', endpoints: [7] },
    ],
  },
  // ---------------------------------------------------------------- crash
  {
    name: 'an uncaught exception ends the only process three times, hardly any traffic',
    expect: 'crash',
    seconds: 160,
    upstreams: { bot: { endpoints: 1, rate: 1.2, medianMs: 60, p99Ms: 400, application: 'bot', routes: ['/hook'] } },
    steps: [
      exited(70, 'bot/1', {
        code: 1,
        afterMs: 903_000,
        output: [
          "TypeError: Cannot read properties of undefined (reading 'id')",
          '    at handle (/srv/bot/server.js:88:14)',
        ],
      }),
      { from: 70, to: 71, fail: 'closed_before_response', share: 1 },
      { from: 71, to: 74, fail: 'connect_refused', share: 1 },
      started(71, 'bot/1', 8300),
      ready(74, 'bot/1', 8300, 3000),
      exited(82, 'bot/1', {
        code: 1,
        afterMs: 8000,
        output: ["TypeError: Cannot read properties of undefined (reading 'id')"],
      }),
      { from: 82, to: 85, fail: 'connect_refused', share: 1 },
      { from: 85, to: 90, state: 'unhealthy', reason: 'connect_refused' },
      { from: 85, to: 90, fail: 'no_endpoint_ready', share: 1 },
      exited(100, 'bot/1', {
        code: 1,
        afterMs: 10_000,
        output: ["TypeError: Cannot read properties of undefined (reading 'id')"],
      }),
      { from: 100, to: 104, fail: 'connect_refused', share: 1 },
      { from: 104, to: 120, state: 'unhealthy', reason: 'connect_refused' },
      { from: 104, to: 120, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'a query of death, repeated, takes three processes with it within two seconds',
    expect: 'crash',
    seconds: 140,
    upstreams: {
      search: { endpoints: 3, rate: 45, medianMs: 30, p99Ms: 220, application: 'search', routes: ['/search'] },
      site: { endpoints: 2, rate: 80, medianMs: 15, p99Ms: 90, routes: ['/'] },
    },
    steps: [
      exited(88.2, 'search/3', { signal: 'SIGSEGV', afterMs: 7_200_000 }),
      exited(88.9, 'search/1', { signal: 'SIGSEGV', afterMs: 7_205_000 }),
      exited(89.6, 'search/2', { signal: 'SIGSEGV', afterMs: 7_210_000 }),
      { from: 88, to: 90, fail: 'reset_before_response', share: 0.7, upstream: 'search', retried: 0.2 },
      { from: 90, to: 92, fail: 'connect_refused', share: 1, upstream: 'search' },
      { from: 92, to: 104, state: 'unhealthy', reason: 'connect_refused', upstream: 'search' },
      { from: 92, to: 104, fail: 'no_endpoint_ready', share: 1, upstream: 'search' },
      started(91, 'search/1', 8501),
      started(91, 'search/2', 8502),
      started(91, 'search/3', 8503),
      ready(104, 'search/1', 8501, 13_000),
    ],
  },
  {
    name: 'a process aborts soon after the start of everything',
    expect: 'crash',
    seconds: 70,
    upstreams: { app: { endpoints: 2, rate: 6, medianMs: 45, p99Ms: 300, application: 'app', routes: ['/'] } },
    steps: [
      started(0.2, 'app/1', 8001),
      started(0.2, 'app/2', 8002),
      ready(2, 'app/1', 8001, 1800),
      ready(2.5, 'app/2', 8002, 2300),
      exited(14, 'app/1', {
        signal: 'SIGABRT',
        afterMs: 13_800,
        output: ['terminate called after throwing an instance of std::bad_variant_access'],
      }),
      { from: 14, to: 15, fail: 'closed_before_response', share: 1, endpoints: [1] },
      { from: 15, to: 22, fail: 'connect_refused', share: 1, endpoints: [1], retried: 0.5 },
      { from: 22, to: 34, state: 'unhealthy', reason: 'connect_refused', endpoints: [1] },
    ],
  },
  {
    name: 'workers recycle themselves at the same time, seconds after a change of another upstream',
    expect: 'crash',
    seconds: 145,
    upstreams: {
      shop: { endpoints: 2, rate: 25, medianMs: 90, p99Ms: 700, application: 'shop', routes: ['/shop'] },
      blog: { endpoints: 1, rate: 4, medianMs: 40, p99Ms: 200, routes: ['/blog'] },
    },
    steps: [
      applied(86, 'upstreams: blog'),
      exited(92, 'shop/1', { code: 0, afterMs: 1_800_000, output: ['max requests reached, exiting'] }),
      exited(92.5, 'shop/2', { code: 0, afterMs: 1_800_000, output: ['max requests reached, exiting'] }),
      { from: 92, to: 93, fail: 'closed_before_response', share: 0.8, upstream: 'shop' },
      { from: 93, to: 95, fail: 'connect_refused', share: 1, upstream: 'shop' },
      { from: 95, to: 101, state: 'unhealthy', reason: 'connect_refused', upstream: 'shop' },
      { from: 95, to: 101, fail: 'no_endpoint_ready', share: 1, upstream: 'shop' },
      ready(101, 'shop/1', 8601, 8000),
      ready(101.5, 'shop/2', 8602, 8400),
    ],
  },
  // ---------------------------------------------------------------- release
  {
    name: 'a new release answers a third of the requests with 500 until it is rolled back',
    expect: 'release',
    seconds: 260,
    upstreams: {
      shop: { endpoints: 3, rate: 60, medianMs: 55, p99Ms: 420, application: 'shop', routes: ['/', '/cart'] },
    },
    steps: [
      { from: 0, to: 260, fail: 'app_error', share: 0.003 },
      applied(75, 'applications: shop'),
      started(75, 'shop/1', 8701),
      ready(79, 'shop/1', 8701, 4000),
      { from: 79, to: 205, fail: 'app_error', share: 0.35, endpoints: [1] },
      started(79.5, 'shop/2', 8702),
      ready(84, 'shop/2', 8702, 4500),
      { from: 84, to: 207, fail: 'app_error', share: 0.35, endpoints: [2] },
      started(84.5, 'shop/3', 8703),
      ready(89, 'shop/3', 8703, 4500),
      { from: 89, to: 209, fail: 'app_error', share: 0.35, endpoints: [3] },
    ],
  },
  {
    name: 'a release breaks one route of four',
    expect: 'release',
    seconds: 220,
    upstreams: {
      api: {
        endpoints: 4,
        rate: 100,
        medianMs: 25,
        p99Ms: 180,
        application: 'api',
        routes: ['/users', '/orders', '/checkout', '/search'],
      },
    },
    steps: [
      applied(100, 'applications: api', 'applications: worker'),
      started(100.5, 'api/1', 8801),
      ready(103, 'api/1', 8801, 2500),
      ready(105, 'api/2', 8802, 2500),
      ready(107, 'api/3', 8803, 2500),
      ready(109, 'api/4', 8804, 2500),
      { from: 105, to: 175, fail: 'app_error', share: 0.9, routes: ['/checkout'] },
    ],
  },
  {
    name: 'the new release does not start: its processes end before they are ready',
    expect: 'release',
    seconds: 165,
    upstreams: {
      portal: { endpoints: 2, rate: 18, medianMs: 70, p99Ms: 500, application: 'portal', routes: ['/portal'] },
      assets: { endpoints: 2, rate: 120, medianMs: 4, p99Ms: 30, routes: ['/assets'] },
    },
    steps: [
      applied(82, 'applications: portal'),
      started(82.5, 'portal/1', 8901),
      started(82.5, 'portal/2', 8902),
      { from: 83, to: 86, fail: 'connect_refused', share: 1, upstream: 'portal' },
      exited(84, 'portal/1', {
        code: 1,
        afterMs: 1500,
        from: 'starting',
        output: ['Error: missing environment variable DATABASE_URL'],
      }),
      exited(84, 'portal/2', {
        code: 1,
        afterMs: 1500,
        from: 'starting',
        output: ['Error: missing environment variable DATABASE_URL'],
      }),
      { from: 86, to: 125, state: 'unhealthy', reason: 'connect_refused', upstream: 'portal' },
      { from: 86, to: 125, fail: 'no_endpoint_ready', share: 1, upstream: 'portal' },
      exited(95, 'portal/1', {
        code: 1,
        afterMs: 1600,
        from: 'starting',
        output: ['Error: missing environment variable DATABASE_URL'],
      }),
      exited(96, 'portal/2', {
        code: 1,
        afterMs: 1600,
        from: 'starting',
        output: ['Error: missing environment variable DATABASE_URL'],
      }),
    ],
  },
  {
    name: 'a release with a query for each row: slow at once, a part of it runs into the timeout',
    expect: 'release',
    seconds: 230,
    upstreams: { crm: { endpoints: 2, rate: 22, medianMs: 60, p99Ms: 380, application: 'crm', routes: ['/crm'] } },
    steps: [
      applied(90, 'applications: crm'),
      started(90, 'crm/1', 9001),
      ready(94, 'crm/1', 9001, 4000),
      ready(98, 'crm/2', 9002, 4000),
      { from: 96, to: 190, medianMs: 1900, p99Ms: 9500 },
      { from: 96, to: 190, fail: 'response_head_timeout', share: 0.12, tookMs: 10_000 },
    ],
  },
  // ---------------------------------------------------------------- configuration_change
  {
    name: 'a change gives an upstream the wrong port',
    expect: 'configuration_change',
    seconds: 170,
    upstreams: {
      api: { endpoints: 2, rate: 35, medianMs: 30, p99Ms: 240, routes: ['/api'] },
      web: { endpoints: 3, rate: 90, medianMs: 18, p99Ms: 110, routes: ['/'] },
    },
    steps: [
      applied(90, 'upstreams: api'),
      { from: 90, to: 93, fail: 'connect_refused', share: 1, upstream: 'api' },
      { from: 93, to: 130, state: 'unhealthy', reason: 'connect_refused', upstream: 'api' },
      { from: 93, to: 130, fail: 'no_endpoint_ready', share: 1, upstream: 'api' },
      applied(130, 'upstreams: api'),
    ],
  },
  {
    name: 'a changed rewrite of one route: the application cannot do anything with the new paths',
    expect: 'configuration_change',
    seconds: 190,
    upstreams: { core: { endpoints: 5, rate: 75, medianMs: 35, p99Ms: 260, routes: ['/v1', '/v2', '/search'] } },
    steps: [
      { from: 0, to: 190, fail: 'app_error', share: 0.004 },
      applied(88, 'routes: /v2'),
      { from: 88, to: 145, fail: 'app_error', share: 0.75, routes: ['/v2'] },
    ],
  },
  {
    name: 'timeouts are made shorter and cut the slow ones',
    expect: 'configuration_change',
    seconds: 210,
    upstreams: { docs: { endpoints: 2, rate: 40, medianMs: 300, p99Ms: 2800, routes: ['/docs'] } },
    steps: [
      applied(95, 'timeouts'),
      { from: 95, to: 170, fail: 'response_head_timeout', share: 0.05, tookMs: 2000 },
      { from: 95, to: 170, medianMs: 290, p99Ms: 1990 },
    ],
  },
  {
    name: 'a change lets an upstream have only a few connections',
    expect: 'configuration_change',
    seconds: 170,
    upstreams: {
      web: { endpoints: 3, rate: 200, medianMs: 45, p99Ms: 300, routes: ['/'] },
    },
    steps: [
      applied(70, 'upstreams: web'),
      { from: 71, to: 125, fail: 'queue_timeout', share: 0.28, tookMs: 1000 },
      { from: 71, to: 125, fail: 'pool_full', share: 0.12 },
    ],
  },
  {
    name: 'a change speaks TLS to an upstream that does not',
    expect: 'configuration_change',
    seconds: 130,
    upstreams: {
      partner: { endpoints: 1, rate: 3, medianMs: 140, p99Ms: 900, routes: ['/partner'] },
      web: { endpoints: 2, rate: 50, medianMs: 20, p99Ms: 150, routes: ['/'] },
    },
    steps: [
      expiresSoon(12, 'shop.example.net', 11),
      applied(72, 'upstreams: partner', 'routes: /partner'),
      { from: 72, to: 95, fail: 'tls_plaintext_peer', share: 1, upstream: 'partner' },
      applied(95, 'upstreams: partner'),
    ],
  },
  // ---------------------------------------------------------------- operator_action
  {
    name: 'two of three endpoints are drained; the third has no room for all',
    expect: 'operator_action',
    seconds: 190,
    upstreams: { web: { endpoints: 3, rate: 150, medianMs: 50, p99Ms: 280, routes: ['/'] } },
    steps: [
      overlay(80, 'drain:web/1', false, true, 11),
      { from: 80, to: 140, state: 'draining', reason: 'operator', endpoints: [1] },
      overlay(84, 'drain:web/2', false, true, 12),
      { from: 84, to: 140, state: 'draining', reason: 'operator', endpoints: [2] },
      { from: 86, to: 140, fail: 'queue_timeout', share: 0.3, endpoints: [3], tookMs: 2000 },
      { from: 86, to: 140, fail: 'pool_full', share: 0.2, endpoints: [3] },
      overlay(140, 'drain:web/1', true, false, 13),
      overlay(141, 'drain:web/2', true, false, 14),
    ],
  },
  {
    name: 'a cold endpoint gets nearly all of the weight',
    expect: 'operator_action',
    seconds: 180,
    upstreams: { cache: { endpoints: 4, rate: 110, medianMs: 8, p99Ms: 60, routes: ['/cache'] } },
    steps: [
      overlay(96, 'weight:cache/3', 1, 50, 4),
      { from: 97, to: 135, fail: 'response_head_timeout', share: 0.4, endpoints: [3], tookMs: 3000, retried: 0.2 },
      { from: 97, to: 135, medianMs: 700, p99Ms: 2900 },
      overlay(135, 'weight:cache/3', 50, 1, 5),
    ],
  },
  {
    name: 'a route is paused and its requests wait until they may wait no longer',
    expect: 'operator_action',
    seconds: 170,
    upstreams: { orders: { endpoints: 2, rate: 12, medianMs: 70, p99Ms: 500, routes: ['/orders', '/baskets'] } },
    steps: [
      overlay(76, 'pause:/orders', false, true, 21),
      { from: 78, to: 130, fail: 'queue_timeout', share: 1, routes: ['/orders'], tookMs: 10_000 },
      overlay(130, 'pause:/orders', true, false, 22),
    ],
  },
  {
    name: 'the only endpoint of an upstream is drained by mistake',
    expect: 'operator_action',
    seconds: 140,
    upstreams: {
      site: { endpoints: 4, rate: 60, medianMs: 20, p99Ms: 140, routes: ['/'] },
      admin: { endpoints: 1, rate: 2, medianMs: 90, p99Ms: 600, routes: ['/admin'] },
    },
    steps: [
      { from: 0, to: 140, fail: 'app_error', share: 0.005, upstream: 'site' },
      overlay(71, 'drain:admin/1', false, true, 2),
      { from: 71, to: 104, state: 'draining', reason: 'operator', upstream: 'admin' },
      { from: 71, to: 104, fail: 'no_endpoint_ready', share: 1, upstream: 'admin' },
      overlay(104, 'drain:admin/1', true, false, 3),
    ],
  },
  // ---------------------------------------------------------------- one_endpoint
  {
    name: 'one of six answers nothing but 500',
    expect: 'one_endpoint',
    seconds: 190,
    upstreams: { web: { endpoints: 6, rate: 90, medianMs: 28, p99Ms: 190, routes: ['/'] } },
    steps: [
      { from: 0, to: 190, fail: 'app_error', share: 0.002 },
      { from: 84, to: 145, fail: 'app_error', share: 0.98, endpoints: [4] },
    ],
  },
  {
    name: 'one of four resets half of its connections, nearly all are repeated elsewhere',
    expect: 'one_endpoint',
    seconds: 200,
    upstreams: { api: { endpoints: 4, rate: 55, medianMs: 33, p99Ms: 210, routes: ['/api'] } },
    steps: [{ from: 70, to: 160, fail: 'reset_before_response', share: 0.5, endpoints: [2], retried: 0.85 }],
  },
  {
    name: 'one of ten hangs: every request to it runs into the timeout',
    expect: 'one_endpoint',
    seconds: 170,
    upstreams: {
      feed: { endpoints: 10, rate: 200, medianMs: 16, p99Ms: 130, routes: ['/feed'] },
      img: { endpoints: 2, rate: 40, medianMs: 9, p99Ms: 70, routes: ['/img'] },
    },
    steps: [
      applied(25, 'routes: /img'),
      { from: 92, to: 135, fail: 'response_head_timeout', share: 1, endpoints: [9], tookMs: 5000, upstream: 'feed' },
    ],
  },
  {
    name: 'the host of one of eight endpoints dies: resets, then connections that never come about',
    expect: 'one_endpoint',
    seconds: 150,
    upstreams: { rpc: { endpoints: 8, rate: 240, medianMs: 7, p99Ms: 45, routes: ['/rpc'] } },
    steps: [
      { from: 80, to: 81, fail: 'reset_before_response', share: 1, endpoints: [5], retried: 0.5 },
      { from: 81, to: 90, fail: 'connect_timeout', share: 1, endpoints: [5], tookMs: 1000, retried: 0.6 },
      { from: 90, to: 115, state: 'unhealthy', reason: 'connect_timeout', endpoints: [5] },
      endpointState(90, 'rpc/5', 'healthy', 'unhealthy', 'connect_timeout'),
    ],
  },
  // ---------------------------------------------------------------- pool_full
  {
    name: 'connections that streams never give back: a third finds the pool full, nothing slower, nothing more',
    expect: 'pool_full',
    seconds: 200,
    upstreams: { chat: { endpoints: 2, rate: 40, medianMs: 35, p99Ms: 250, routes: ['/chat'] } },
    steps: [
      { from: 90, to: 110, fail: 'queue_timeout', share: 0.1, tookMs: 1000 },
      { from: 110, to: 155, fail: 'pool_full', share: 0.3 },
      { from: 110, to: 155, fail: 'queue_timeout', share: 0.12, tookMs: 1000 },
    ],
  },
  {
    name: 'the limit of concurrent requests of a route is reached again and again',
    expect: 'pool_full',
    seconds: 240,
    upstreams: { render: { endpoints: 3, rate: 30, medianMs: 400, p99Ms: 1800, routes: ['/render', '/thumb'] } },
    steps: [
      { from: 75, to: 100, fail: 'concurrency_limit', share: 0.3, routes: ['/render'] },
      { from: 120, to: 150, fail: 'concurrency_limit', share: 0.35, routes: ['/render'] },
      { from: 120, to: 150, fail: 'concurrency_timeout', share: 0.1, routes: ['/render'], tookMs: 2000 },
      { from: 170, to: 195, fail: 'concurrency_limit', share: 0.4, routes: ['/render'] },
    ],
  },
  {
    name: 'few requests, but most of them wait in vain for a connection',
    expect: 'pool_full',
    seconds: 220,
    upstreams: {
      legacy: { endpoints: 1, rate: 2.5, medianMs: 200, p99Ms: 1100, routes: ['/legacy'] },
      web: { endpoints: 2, rate: 25, medianMs: 20, p99Ms: 130, routes: ['/'] },
    },
    steps: [{ from: 100, to: 175, fail: 'queue_timeout', share: 0.6, tookMs: 5000, upstream: 'legacy' }],
  },
  // ---------------------------------------------------------------- traffic_growth
  {
    name: 'a sale begins: fifteen times the requests within seconds',
    expect: 'traffic_growth',
    seconds: 190,
    upstreams: { shop: { endpoints: 4, rate: 30, medianMs: 40, p99Ms: 280, routes: ['/', '/checkout'] } },
    steps: [
      { from: 80, to: 84, rate: 200 },
      { from: 84, to: 150, rate: 450 },
      { from: 84, to: 150, medianMs: 300, p99Ms: 2500 },
      { from: 88, to: 150, fail: 'pool_full', share: 0.35 },
      { from: 88, to: 150, fail: 'queue_timeout', share: 0.1, tookMs: 2000 },
    ],
  },
  {
    name: 'a burst of 2000 requests each second, twelve endpoints',
    expect: 'traffic_growth',
    seconds: 150,
    upstreams: { api: { endpoints: 12, rate: 100, medianMs: 6, p99Ms: 40, routes: ['/api'] } },
    steps: [
      { from: 90, to: 110, rate: 2000 },
      { from: 91, to: 110, fail: 'concurrency_limit', share: 0.7 },
      { from: 91, to: 110, medianMs: 18, p99Ms: 160 },
    ],
  },
  {
    name: 'clients repeat what failed: four times the requests, everything is slow, a quarter runs into the timeout',
    expect: 'traffic_growth',
    seconds: 210,
    upstreams: {
      sync: { endpoints: 3, rate: 50, medianMs: 45, p99Ms: 320, routes: ['/sync'] },
      web: { endpoints: 2, rate: 20, medianMs: 25, p99Ms: 150, routes: ['/'] },
    },
    steps: [
      { from: 85, to: 100, rate: 120, upstream: 'sync' },
      { from: 100, to: 165, rate: 210, upstream: 'sync' },
      { from: 95, to: 165, medianMs: 1800, p99Ms: 4900, upstream: 'sync' },
      { from: 102, to: 165, fail: 'response_head_timeout', share: 0.25, tookMs: 5000, upstream: 'sync' },
    ],
  },
  {
    name: 'a crawler: twelve times the requests, step by step, until the application answers 503',
    expect: 'traffic_growth',
    seconds: 230,
    upstreams: { forum: { endpoints: 2, rate: 5, medianMs: 110, p99Ms: 700, routes: ['/forum'] } },
    steps: [
      { from: 75, to: 95, rate: 20 },
      { from: 95, to: 115, rate: 40 },
      { from: 115, to: 185, rate: 60 },
      { from: 100, to: 185, medianMs: 600, p99Ms: 3000 },
      { from: 112, to: 185, fail: 'app_error', share: 0.5 },
    ],
  },
  // ---------------------------------------------------------------- descriptors
  {
    name: 'no descriptors left for half of the requests',
    expect: 'descriptors',
    seconds: 120,
    upstreams: { web: { endpoints: 4, rate: 450, medianMs: 25, p99Ms: 200, routes: ['/'] } },
    steps: [scarce(62), { from: 62, to: 80, fail: 'descriptors_exhausted', share: 0.5 }],
  },
  {
    name: 'a leak eats the descriptors slowly; two upstreams suffer alike',
    expect: 'descriptors',
    seconds: 240,
    upstreams: {
      a: { endpoints: 2, rate: 40, medianMs: 30, p99Ms: 220, routes: ['/a'] },
      b: { endpoints: 3, rate: 70, medianMs: 12, p99Ms: 100, routes: ['/b'] },
    },
    steps: [
      applied(30, 'routes: /b'),
      scarce(118),
      { from: 120, to: 150, fail: 'descriptors_exhausted', share: 0.05, upstream: 'a' },
      { from: 120, to: 150, fail: 'descriptors_exhausted', share: 0.05, upstream: 'b' },
      { from: 150, to: 195, fail: 'descriptors_exhausted', share: 0.35, upstream: 'a' },
      { from: 150, to: 195, fail: 'descriptors_exhausted', share: 0.35, upstream: 'b' },
    ],
  },
  {
    name: 'all local ports are in use towards one address',
    expect: 'descriptors',
    seconds: 155,
    upstreams: { ads: { endpoints: 1, rate: 350, medianMs: 5, p99Ms: 35, routes: ['/ads'] } },
    steps: [{ from: 75, to: 110, fail: 'local_ports_exhausted', share: 0.25 }],
  },
  // ---------------------------------------------------------------- timeout_too_short
  {
    name: 'exports have always taken nearly half a minute, and some take more',
    expect: 'timeout_too_short',
    seconds: 420,
    upstreams: { export: { endpoints: 2, rate: 3, medianMs: 7000, p99Ms: 28_500, routes: ['/export'] } },
    steps: [{ from: 60, to: 370, fail: 'response_head_timeout', share: 0.06, tookMs: 30_000 }],
  },
  {
    name: 'a search cut at two seconds, where many take 1.9',
    expect: 'timeout_too_short',
    seconds: 260,
    upstreams: {
      search: { endpoints: 4, rate: 50, medianMs: 650, p99Ms: 1920, routes: ['/search'] },
      web: { endpoints: 2, rate: 30, medianMs: 20, p99Ms: 110, routes: ['/'] },
    },
    steps: [{ from: 5, to: 215, fail: 'response_head_timeout', share: 0.03, tookMs: 2000, upstream: 'search' }],
  },
  {
    name: 'a model that answers in eight of ten permitted seconds, low traffic',
    expect: 'timeout_too_short',
    seconds: 600,
    upstreams: { llm: { endpoints: 3, rate: 1.5, medianMs: 4200, p99Ms: 9700, routes: ['/complete'] } },
    steps: [{ from: 90, to: 555, fail: 'response_head_timeout', share: 0.09, tookMs: 10_000 }],
  },
  // ---------------------------------------------------------------- dns
  {
    name: 'a name expires: first the old addresses serve, then it does not exist',
    expect: 'dns',
    seconds: 190,
    upstreams: {
      partner: {
        endpoints: 1,
        rate: 7,
        medianMs: 130,
        p99Ms: 800,
        dnsName: 'api.partner.example',
        routes: ['/partner'],
      },
    },
    steps: [
      nameState(70, 'api.partner.example', 'resolved', 'stale', 'dns_not_found', 'NXDOMAIN', ['203.0.113.9']),
      nameState(100, 'api.partner.example', 'stale', 'failed', 'dns_not_found', 'NXDOMAIN', []),
      { from: 100, to: 145, fail: 'dns_not_found', share: 1 },
      nameState(145, 'api.partner.example', 'failed', 'resolved', null, 'NOERROR', ['203.0.113.9']),
    ],
  },
  {
    name: 'the resolver answers SERVFAIL for two upstreams, a third has no name',
    expect: 'dns',
    seconds: 180,
    upstreams: {
      db: { endpoints: 2, rate: 45, medianMs: 12, p99Ms: 80, dnsName: 'dynamo.region.example', routes: ['/db'] },
      queue: { endpoints: 1, rate: 15, medianMs: 20, p99Ms: 140, dnsName: 'queue.region.example', routes: ['/queue'] },
      web: { endpoints: 2, rate: 60, medianMs: 18, p99Ms: 120, routes: ['/'] },
    },
    steps: [
      nameState(88, 'dynamo.region.example', 'resolved', 'failed', 'dns_failed', 'SERVFAIL', []),
      nameState(89, 'queue.region.example', 'resolved', 'failed', 'dns_failed', 'SERVFAIL', []),
      { from: 88, to: 140, fail: 'dns_failed', share: 0.95, upstream: 'db' },
      { from: 89, to: 141, fail: 'dns_failed', share: 0.95, upstream: 'queue' },
    ],
  },
  {
    name: 'lookups time out for a part of the requests',
    expect: 'dns',
    seconds: 200,
    upstreams: {
      svc: { endpoints: 3, rate: 24, medianMs: 26, p99Ms: 170, dnsName: 'svc.cluster.local', routes: ['/svc'] },
    },
    steps: [
      nameState(78, 'svc.cluster.local', 'resolved', 'stale', 'dns_timeout', null, [
        '10.3.0.4',
        '10.3.0.5',
        '10.3.0.6',
      ]),
      { from: 95, to: 155, fail: 'dns_timeout', share: 0.3, tookMs: 5000 },
      nameState(95, 'svc.cluster.local', 'stale', 'failed', 'dns_timeout', null, []),
    ],
  },
  // ---------------------------------------------------------------- dns_change
  {
    name: 'a container was made anew: the name has another address, where nothing answers',
    expect: 'dns_change',
    seconds: 155,
    upstreams: {
      web: { endpoints: 1, rate: 10, medianMs: 40, p99Ms: 260, dnsName: 'web.docker.internal', routes: ['/'] },
    },
    steps: [
      nameAddresses(85, 'web.docker.internal', ['172.17.0.9'], ['172.17.0.7']),
      { from: 86, to: 115, fail: 'connect_timeout', share: 1, tookMs: 3000 },
    ],
  },
  {
    name: 'the name moves to another pool, and that pool answers with 500',
    expect: 'dns_change',
    seconds: 190,
    upstreams: {
      api: { endpoints: 3, rate: 65, medianMs: 32, p99Ms: 230, dnsName: 'api-blue-green.example', routes: ['/api'] },
      web: { endpoints: 2, rate: 30, medianMs: 20, p99Ms: 110, routes: ['/'] },
    },
    steps: [
      { from: 0, to: 190, fail: 'app_error', share: 0.003, upstream: 'web' },
      nameAddresses(
        93,
        'api-blue-green.example',
        ['10.9.1.1', '10.9.1.2', '10.9.1.3'],
        ['10.8.1.1', '10.8.1.2', '10.8.1.3'],
      ),
      { from: 94, to: 145, fail: 'app_error', share: 0.7, upstream: 'api' },
      nameAddresses(
        145,
        'api-blue-green.example',
        ['10.8.1.1', '10.8.1.2', '10.8.1.3'],
        ['10.9.1.1', '10.9.1.2', '10.9.1.3'],
      ),
    ],
  },
  {
    name: 'a balancer changes its addresses; connections to the new ones are refused',
    expect: 'dns_change',
    seconds: 170,
    upstreams: {
      lb: { endpoints: 2, rate: 130, medianMs: 22, p99Ms: 160, dnsName: 'internal-lb-42.elb.example', routes: ['/'] },
    },
    steps: [
      nameAddresses(77, 'internal-lb-42.elb.example', ['10.0.4.18', '10.0.5.77'], ['10.0.4.2', '10.0.5.3']),
      { from: 78, to: 84, fail: 'connect_refused', share: 1 },
      { from: 84, to: 125, state: 'unhealthy', reason: 'connect_refused' },
      { from: 84, to: 125, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  // ---------------------------------------------------------------- certificate
  {
    name: 'a certificate expires: more and more, as the old connections go',
    expect: 'certificate',
    seconds: 200,
    upstreams: { origin: { endpoints: 2, rate: 48, medianMs: 38, p99Ms: 240, routes: ['/'] } },
    steps: [
      expiresSoon(20, 'unrelated.example.com', 13),
      { from: 90, to: 100, fail: CERTIFICATE_EXPIRED, share: 0.3 },
      { from: 100, to: 115, fail: CERTIFICATE_EXPIRED, share: 0.7 },
      { from: 115, to: 155, fail: CERTIFICATE_EXPIRED, share: 1 },
    ],
  },
  {
    name: 'one of three endpoints was set up anew with the certificate it came with',
    expect: 'certificate',
    seconds: 160,
    upstreams: { edge: { endpoints: 3, rate: 27, medianMs: 44, p99Ms: 310, routes: ['/'] } },
    steps: [
      { from: 70, to: 72, fail: 'connect_refused', share: 1, endpoints: [2], retried: 1 },
      { from: 72, to: 120, fail: CERTIFICATE_SELF_SIGNED, share: 1, endpoints: [2], retried: 0.5 },
    ],
  },
  {
    name: 'a certificate that begins tomorrow, one request every two seconds',
    expect: 'certificate',
    seconds: 340,
    upstreams: { iot: { endpoints: 1, rate: 0.5, medianMs: 210, p99Ms: 1200, routes: ['/telemetry'] } },
    steps: [{ from: 180, to: 290, fail: CERTIFICATE_NOT_YET_VALID, share: 1 }],
  },
  {
    name: 'the partner moved to a host whose certificate bears another name',
    expect: 'certificate',
    seconds: 150,
    upstreams: {
      pay: { endpoints: 2, rate: 9, medianMs: 180, p99Ms: 1000, routes: ['/pay'] },
      web: { endpoints: 3, rate: 100, medianMs: 22, p99Ms: 140, routes: ['/'] },
    },
    steps: [
      applied(58, 'routes: /about'),
      { from: 74, to: 110, fail: CERTIFICATE_OTHER_NAME, share: 1, upstream: 'pay' },
    ],
  },
  {
    name: 'the new chain lacks its intermediate certificate',
    expect: 'certificate',
    seconds: 175,
    upstreams: { idp: { endpoints: 4, rate: 36, medianMs: 60, p99Ms: 420, routes: ['/login'] } },
    steps: [
      { from: 82, to: 90, fail: CERTIFICATE_UNTRUSTED, share: 0.5 },
      { from: 90, to: 135, fail: CERTIFICATE_UNTRUSTED, share: 0.97 },
    ],
  },
  // ---------------------------------------------------------------- tls_settings
  {
    name: 'the other side speaks only a newer version of TLS',
    expect: 'tls_settings',
    seconds: 160,
    upstreams: { salt: { endpoints: 2, rate: 11, medianMs: 85, p99Ms: 560, routes: ['/salt'] } },
    steps: [{ from: 78, to: 125, fail: 'tls_version', share: 1 }],
  },
  {
    name: 'alerts and closed handshakes: the application wants a certificate of the client now',
    expect: 'tls_settings',
    seconds: 170,
    upstreams: {
      bank: { endpoints: 4, rate: 20, medianMs: 120, p99Ms: 700, routes: ['/bank'] },
      web: { endpoints: 2, rate: 90, medianMs: 15, p99Ms: 90, routes: ['/'] },
    },
    steps: [
      { from: 90, to: 130, fail: 'tls_alert', share: 0.75, upstream: 'bank' },
      { from: 90, to: 130, fail: 'tls_closed', share: 0.2, upstream: 'bank' },
    ],
  },
  {
    name: 'handshakes that break the protocol, at every endpoint, beside a background of 500s',
    expect: 'tls_settings',
    seconds: 180,
    upstreams: { gw: { endpoints: 3, rate: 64, medianMs: 30, p99Ms: 200, routes: ['/'] } },
    steps: [
      { from: 0, to: 180, fail: 'app_error', share: 0.006 },
      { from: 86, to: 140, fail: 'tls_protocol', share: 0.6 },
    ],
  },
  // ---------------------------------------------------------------- keep_alive_race
  {
    name: 'idle connections closed after five seconds, as requests are sent on them',
    expect: 'keep_alive_race',
    seconds: 330,
    upstreams: { node: { endpoints: 2, rate: 20, medianMs: 18, p99Ms: 140, routes: ['/'] } },
    steps: [{ from: 60, to: 285, fail: 'closed_before_response', share: 0.03, stale: true, retried: 0.5 }],
  },
  {
    name: 'resets of stale connections that must not be repeated, from the beginning, little traffic',
    expect: 'keep_alive_race',
    seconds: 500,
    upstreams: {
      forms: { endpoints: 3, rate: 5, medianMs: 50, p99Ms: 350, routes: ['/forms'] },
      web: { endpoints: 2, rate: 40, medianMs: 15, p99Ms: 80, routes: ['/'] },
    },
    steps: [{ from: 3, to: 455, fail: 'reset_before_response', share: 0.05, stale: true, upstream: 'forms' }],
  },
  {
    name: 'clients in step: small heaps of stale connections once a minute',
    expect: 'keep_alive_race',
    seconds: 350,
    upstreams: { otlp: { endpoints: 4, rate: 60, medianMs: 9, p99Ms: 70, routes: ['/v1/traces'] } },
    steps: [
      { from: 70, to: 80, fail: 'closed_before_response', share: 0.07, stale: true, retried: 0.4 },
      { from: 130, to: 140, fail: 'closed_before_response', share: 0.06, stale: true, retried: 0.4 },
      { from: 190, to: 200, fail: 'reset_before_response', share: 0.08, stale: true, retried: 0.4 },
      { from: 250, to: 260, fail: 'closed_before_response', share: 0.07, stale: true, retried: 0.4 },
      { from: 300, to: 310, fail: 'closed_before_response', share: 0.06, stale: true, retried: 0.4 },
    ],
  },
  // ---------------------------------------------------------------- dependency
  {
    name: 'the database is gone, and the health document says so',
    expect: 'dependency',
    seconds: 190,
    upstreams: { web: { endpoints: 3, rate: 70, medianMs: 42, p99Ms: 300, application: 'web', routes: ['/'] } },
    steps: [
      { from: 92, to: 145, fail: 'app_error', share: 0.85 },
      { from: 95, to: 145, advice: 'postgres: connection refused (db.internal:5432)' },
    ],
  },
  {
    name: 'the cache is slow: some 500s, some timeouts; two of three endpoints say why',
    expect: 'dependency',
    seconds: 200,
    upstreams: { api: { endpoints: 3, rate: 38, medianMs: 25, p99Ms: 180, routes: ['/api'] } },
    steps: [
      { from: 85, to: 155, medianMs: 700, p99Ms: 4500 },
      { from: 85, to: 155, fail: 'app_error', share: 0.25 },
      { from: 85, to: 155, fail: 'response_head_timeout', share: 0.15, tookMs: 5000 },
      { from: 88, to: 155, advice: 'redis: timeout', endpoints: [1, 3] },
    ],
  },
  {
    name: 'the payment provider is down: one route fails, the health document names the provider',
    expect: 'dependency',
    seconds: 180,
    upstreams: {
      shop: { endpoints: 2, rate: 24, medianMs: 65, p99Ms: 480, routes: ['/shop', '/pay'] },
      blog: { endpoints: 1, rate: 6, medianMs: 30, p99Ms: 160, routes: ['/blog'] },
    },
    steps: [
      applied(10, 'routes: /blog'),
      { from: 80, to: 140, fail: 'app_error', share: 0.95, routes: ['/pay'], upstream: 'shop' },
      { from: 78, to: 140, advice: 'payments: 503 from provider', upstream: 'shop' },
    ],
  },
  // ---------------------------------------------------------------- lying_check
  {
    name: 'the check touches nothing and passes, while every request fails',
    expect: 'lying_check',
    seconds: 180,
    upstreams: { web: { endpoints: 2, rate: 32, medianMs: 35, p99Ms: 240, routes: ['/'] } },
    steps: [
      { from: 84, to: 135, fail: 'app_error', share: 1 },
      disagreement(95, 'web/1', 160, 160, { app_error: 160 }),
      disagreement(95.2, 'web/2', 158, 158, { app_error: 158 }),
    ],
  },
  {
    name: 'checks pass at another port, requests are reset at four of five endpoints',
    expect: 'lying_check',
    seconds: 190,
    upstreams: { rpc: { endpoints: 5, rate: 80, medianMs: 14, p99Ms: 95, routes: ['/rpc'] } },
    steps: [
      { from: 90, to: 145, fail: 'reset_before_response', share: 0.9, endpoints: [1, 2, 3, 5], retried: 0.1 },
      disagreement(100, 'rpc/1', 160, 141, { reset_before_response: 141 }),
      disagreement(100.3, 'rpc/2', 161, 147, { reset_before_response: 147 }),
      disagreement(101, 'rpc/3', 159, 144, { reset_before_response: 144 }),
      disagreement(101.4, 'rpc/5', 160, 145, { reset_before_response: 145 }),
    ],
  },
  {
    name: 'a wedged process answers its check and nothing else, the only endpoint',
    expect: 'lying_check',
    seconds: 200,
    upstreams: {
      jobs: { endpoints: 1, rate: 6, medianMs: 90, p99Ms: 500, routes: ['/jobs'] },
      web: { endpoints: 2, rate: 50, medianMs: 20, p99Ms: 120, routes: ['/'] },
    },
    steps: [
      expiresSoon(33, 'static.example.com', 9),
      { from: 88, to: 150, fail: 'closed_before_response', share: 1, upstream: 'jobs' },
      disagreement(99, 'jobs/1', 60, 60, { closed_before_response: 60 }),
      disagreement(120, 'jobs/1', 61, 61, { closed_before_response: 61 }),
    ],
  },
  // ---------------------------------------------------------------- failing_check
  {
    name: 'a thorough check runs into its timeout everywhere; nobody is let in any more',
    expect: 'failing_check',
    seconds: 170,
    upstreams: { web: { endpoints: 5, rate: 85, medianMs: 30, p99Ms: 200, routes: ['/'] } },
    steps: [
      { from: 80, to: 125, state: 'unhealthy', reason: 'response_head_timeout', endpoints: [1, 2] },
      { from: 82, to: 125, state: 'unhealthy', reason: 'response_head_timeout', endpoints: [3, 4] },
      { from: 84, to: 125, state: 'unhealthy', reason: 'response_head_timeout', endpoints: [5] },
      endpointState(80, 'web/1', 'healthy', 'unhealthy', 'response_head_timeout'),
      endpointState(80.1, 'web/2', 'healthy', 'unhealthy', 'response_head_timeout'),
      endpointState(82, 'web/3', 'healthy', 'unhealthy', 'response_head_timeout'),
      endpointState(82.1, 'web/4', 'healthy', 'unhealthy', 'response_head_timeout'),
      endpointState(84, 'web/5', 'healthy', 'unhealthy', 'response_head_timeout'),
      { from: 84, to: 125, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'the check asks for a login now: the only endpoint is taken out, few requests',
    expect: 'failing_check',
    seconds: 210,
    upstreams: {
      intranet: { endpoints: 1, rate: 2, medianMs: 75, p99Ms: 450, routes: ['/intranet'] },
      web: { endpoints: 2, rate: 30, medianMs: 18, p99Ms: 100, routes: ['/'] },
    },
    steps: [
      { from: 0, to: 210, fail: 'app_error', share: 0.005, upstream: 'web' },
      endpointState(101, 'intranet/1', 'healthy', 'unhealthy', 'status'),
      { from: 101, to: 160, state: 'unhealthy', reason: 'status', upstream: 'intranet' },
      { from: 101, to: 160, fail: 'no_endpoint_ready', share: 1, upstream: 'intranet' },
    ],
  },
  // ---------------------------------------------------------------- another_program
  {
    name: 'after a reboot something else has taken the port',
    expect: 'another_program',
    seconds: 170,
    upstreams: { app: { endpoints: 1, rate: 9, medianMs: 50, p99Ms: 320, routes: ['/'] } },
    steps: [
      { from: 72, to: 80, fail: 'connect_refused', share: 1 },
      { from: 80, to: 125, fail: 'response_not_http', share: 1 },
    ],
  },
  {
    name: 'where TLS was spoken something answers in plain text, at all three',
    expect: 'another_program',
    seconds: 150,
    upstreams: {
      vault: { endpoints: 3, rate: 17, medianMs: 22, p99Ms: 150, routes: ['/vault'] },
      web: { endpoints: 2, rate: 45, medianMs: 20, p99Ms: 120, routes: ['/'] },
    },
    steps: [{ from: 76, to: 110, fail: 'tls_plaintext_peer', share: 1, upstream: 'vault' }],
  },
  {
    name: 'a gRPC upstream whose port does not speak HTTP/2 any more',
    expect: 'another_program',
    seconds: 140,
    upstreams: { grpc: { endpoints: 2, rate: 210, medianMs: 4, p99Ms: 25, routes: ['/pkg.Service'] } },
    steps: [{ from: 65, to: 100, fail: 'response_not_http2', share: 1 }],
  },
  // ---------------------------------------------------------------- invalid_responses
  {
    name: 'two Transfer-Encoding fields at one route',
    expect: 'invalid_responses',
    seconds: 190,
    upstreams: { java: { endpoints: 3, rate: 33, medianMs: 48, p99Ms: 330, routes: ['/users', '/tokens'] } },
    steps: [{ from: 87, to: 145, fail: 'response_framing', share: 0.9, routes: ['/tokens'] }],
  },
  {
    name: 'cookies grow until the head of the response is too large',
    expect: 'invalid_responses',
    seconds: 270,
    upstreams: { php: { endpoints: 2, rate: 70, medianMs: 95, p99Ms: 600, routes: ['/'] } },
    steps: [
      { from: 0, to: 270, fail: 'app_error', share: 0.003 },
      { from: 90, to: 150, fail: 'response_head_too_large', share: 0.03 },
      { from: 150, to: 220, fail: 'response_head_too_large', share: 0.1 },
    ],
  },
  {
    name: 'chunks with wrong lengths, and fields that are none',
    expect: 'invalid_responses',
    seconds: 165,
    upstreams: { cgi: { endpoints: 1, rate: 15, medianMs: 140, p99Ms: 800, routes: ['/cgi'] } },
    steps: [
      { from: 75, to: 120, fail: 'response_chunk', share: 0.25 },
      { from: 75, to: 120, fail: 'response_header', share: 0.2 },
    ],
  },
  // ---------------------------------------------------------------- nothing_listens
  {
    name: 'a service that others run stops: resets, refusals, no endpoint',
    expect: 'nothing_listens',
    seconds: 160,
    upstreams: {
      ext: { endpoints: 3, rate: 42, medianMs: 24, p99Ms: 170, routes: ['/ext'] },
      web: { endpoints: 2, rate: 60, medianMs: 18, p99Ms: 100, routes: ['/'] },
    },
    steps: [
      { from: 85, to: 86, fail: 'reset_before_response', share: 0.6, upstream: 'ext' },
      { from: 86, to: 91, fail: 'connect_refused', share: 1, upstream: 'ext' },
      { from: 91, to: 120, state: 'unhealthy', reason: 'connect_refused', upstream: 'ext' },
      { from: 91, to: 120, fail: 'no_endpoint_ready', share: 1, upstream: 'ext' },
    ],
  },
  {
    name: 'the socket file of the application is missing',
    expect: 'nothing_listens',
    seconds: 150,
    upstreams: { fpm: { endpoints: 1, rate: 26, medianMs: 70, p99Ms: 500, routes: ['/'] } },
    steps: [{ from: 77, to: 115, fail: 'connect_socket_missing', share: 1 }],
  },
  {
    name: 'refused, at one request every three seconds, while another application restarts well',
    expect: 'nothing_listens',
    seconds: 420,
    upstreams: {
      cam: { endpoints: 1, rate: 0.35, medianMs: 160, p99Ms: 900, routes: ['/cam'] },
      web: { endpoints: 2, rate: 20, medianMs: 22, p99Ms: 120, application: 'web', routes: ['/'] },
    },
    steps: [
      exited(150, 'web/2', { code: 0, afterMs: 1_000_000, from: 'draining' }),
      started(150.5, 'web/2', 8002),
      ready(153, 'web/2', 8002, 2500),
      { from: 240, to: 375, fail: 'connect_refused', share: 1, upstream: 'cam' },
    ],
  },
  // ---------------------------------------------------------------- network
  {
    name: 'a zone is cut off: no connection comes about at two upstreams',
    expect: 'network',
    seconds: 170,
    upstreams: {
      users: { endpoints: 3, rate: 50, medianMs: 15, p99Ms: 90, routes: ['/users'] },
      carts: { endpoints: 2, rate: 25, medianMs: 25, p99Ms: 150, routes: ['/carts'] },
      near: { endpoints: 2, rate: 40, medianMs: 5, p99Ms: 30, routes: ['/near'] },
    },
    steps: [
      { from: 80, to: 125, fail: 'connect_timeout', share: 1, upstream: 'users', tookMs: 3000 },
      { from: 80, to: 125, fail: 'connect_timeout', share: 1, upstream: 'carts', tookMs: 3000 },
    ],
  },
  {
    name: 'no route to any of the endpoints',
    expect: 'network',
    seconds: 145,
    upstreams: { vpn: { endpoints: 2, rate: 13, medianMs: 55, p99Ms: 340, routes: ['/vpn'] } },
    steps: [applied(15, 'upstreams: other'), { from: 70, to: 110, fail: 'connect_unroutable', share: 1 }],
  },
  {
    name: 'a full table of connections on the way: one of six attempts is lost',
    expect: 'network',
    seconds: 200,
    upstreams: { web: { endpoints: 4, rate: 140, medianMs: 20, p99Ms: 140, routes: ['/'] } },
    steps: [{ from: 88, to: 155, fail: 'connect_timeout', share: 0.16, tookMs: 2000, retried: 0.5 }],
  },
  // ---------------------------------------------------------------- slow_application
  {
    name: 'a lock in the database: from 50 ms to 4 s, a third runs into the timeout',
    expect: 'slow_application',
    seconds: 200,
    upstreams: { erp: { endpoints: 2, rate: 28, medianMs: 50, p99Ms: 380, routes: ['/erp'] } },
    steps: [
      { from: 84, to: 155, medianMs: 3600, p99Ms: 4950 },
      { from: 86, to: 155, fail: 'response_head_timeout', share: 0.33, tookMs: 5000 },
    ],
  },
  {
    name: 'bodies stall and everything takes longer, at all endpoints',
    expect: 'slow_application',
    seconds: 210,
    upstreams: {
      files: { endpoints: 4, rate: 36, medianMs: 120, p99Ms: 900, routes: ['/files'] },
      web: { endpoints: 2, rate: 40, medianMs: 18, p99Ms: 110, routes: ['/'] },
    },
    steps: [
      { from: 0, to: 210, fail: 'app_error', share: 0.004, upstream: 'web' },
      { from: 95, to: 160, medianMs: 2500, p99Ms: 14_000, upstream: 'files' },
      { from: 97, to: 160, fail: 'response_body_stalled', share: 0.12, tookMs: 15_000, upstream: 'files' },
      { from: 97, to: 160, fail: 'response_head_timeout', share: 0.06, tookMs: 15_000, upstream: 'files' },
    ],
  },
  {
    name: 'all threads hang: nothing is answered in time any more',
    expect: 'slow_application',
    seconds: 180,
    upstreams: { tomcat: { endpoints: 2, rate: 19, medianMs: 85, p99Ms: 550, routes: ['/'] } },
    steps: [
      { from: 78, to: 90, medianMs: 2000, p99Ms: 9000 },
      { from: 85, to: 90, fail: 'response_head_timeout', share: 0.4, tookMs: 10_000 },
      { from: 90, to: 135, fail: 'response_head_timeout', share: 1, tookMs: 10_000 },
    ],
  },
  {
    name: 'attempts are given up and repeated; half of the repetitions succeed',
    expect: 'slow_application',
    seconds: 190,
    upstreams: { quotes: { endpoints: 6, rate: 95, medianMs: 22, p99Ms: 160, routes: ['/quotes'] } },
    steps: [
      { from: 90, to: 145, medianMs: 450, p99Ms: 990 },
      { from: 90, to: 145, fail: 'attempt_timeout', share: 0.4, tookMs: 1000, retried: 0.5 },
    ],
  },
  // ---------------------------------------------------------------- application_errors
  {
    name: 'the application answers a twelfth with 500, nothing else is to be seen',
    expect: 'application_errors',
    seconds: 200,
    upstreams: { api: { endpoints: 3, rate: 80, medianMs: 30, p99Ms: 210, routes: ['/api'] } },
    steps: [{ from: 82, to: 155, fail: 'app_error', share: 0.085 }],
  },
  {
    name: 'nothing but 500 from twelve endpoints, 600 requests each second',
    expect: 'application_errors',
    seconds: 98,
    upstreams: { edge: { endpoints: 12, rate: 600, medianMs: 10, p99Ms: 70, routes: ['/'] } },
    steps: [{ from: 60, to: 66, fail: 'app_error', share: 1 }],
  },
  {
    name: 'one route of three fails by itself, long after an unrelated change',
    expect: 'application_errors',
    seconds: 420,
    upstreams: {
      crm: { endpoints: 2, rate: 16, medianMs: 60, p99Ms: 430, routes: ['/contacts', '/import', '/stats'] },
      web: { endpoints: 1, rate: 10, medianMs: 20, p99Ms: 120, routes: ['/'] },
    },
    steps: [
      applied(12, 'upstreams: web'),
      { from: 310, to: 375, fail: 'app_error', share: 0.6, routes: ['/import'], upstream: 'crm' },
    ],
  },
  {
    name: 'a background of 500s becomes ten times what it was',
    expect: 'application_errors',
    seconds: 220,
    upstreams: { shop: { endpoints: 4, rate: 130, medianMs: 45, p99Ms: 320, routes: ['/'] } },
    steps: [
      { from: 0, to: 95, fail: 'app_error', share: 0.003 },
      { from: 95, to: 175, fail: 'app_error', share: 0.035 },
      { from: 175, to: 220, fail: 'app_error', share: 0.003 },
    ],
  },
  // ---------------------------------------------------------------- one thing after the other, and wrong tracks
  {
    name: 'everything is 500 until the circuit opens and hides it',
    expect: 'application_errors',
    seconds: 180,
    upstreams: { api: { endpoints: 3, rate: 65, medianMs: 28, p99Ms: 190, routes: ['/api'] } },
    steps: [
      { from: 80, to: 88, fail: 'app_error', share: 1 },
      { from: 88, to: 100, fail: 'circuit_open', share: 0.95 },
      { from: 100, to: 101, fail: 'app_error', share: 1 },
      { from: 101, to: 113, fail: 'circuit_open', share: 0.95 },
      { from: 113, to: 114, fail: 'app_error', share: 1 },
      { from: 114, to: 126, fail: 'circuit_open', share: 0.95 },
    ],
  },
  {
    name: 'refused, then the circuit is open, then no endpoint is ready',
    expect: 'nothing_listens',
    seconds: 170,
    upstreams: {
      geo: { endpoints: 2, rate: 20, medianMs: 16, p99Ms: 110, routes: ['/geo'] },
      web: { endpoints: 2, rate: 80, medianMs: 20, p99Ms: 130, routes: ['/'] },
    },
    steps: [
      { from: 0, to: 170, fail: 'app_error', share: 0.004, upstream: 'web' },
      { from: 86, to: 87, fail: 'connect_reset', share: 0.7, upstream: 'geo' },
      { from: 87, to: 92, fail: 'connect_refused', share: 1, upstream: 'geo' },
      { from: 92, to: 98, fail: 'circuit_open', share: 1, upstream: 'geo' },
      { from: 98, to: 130, state: 'unhealthy', reason: 'connect_refused', upstream: 'geo' },
      { from: 98, to: 130, fail: 'no_endpoint_ready', share: 1, upstream: 'geo' },
    ],
  },
  {
    name: 'a crash in the middle of large responses, seconds after the release of another application',
    expect: 'crash',
    seconds: 150,
    upstreams: {
      media: { endpoints: 2, rate: 30, medianMs: 180, p99Ms: 1400, application: 'media', routes: ['/media'] },
      blog: { endpoints: 1, rate: 5, medianMs: 35, p99Ms: 200, application: 'blog', routes: ['/blog'] },
    },
    steps: [
      applied(84, 'applications: blog'),
      started(84.5, 'blog/1', 8800),
      ready(87, 'blog/1', 8800, 2500),
      exited(90, 'media/2', { signal: 'SIGBUS', afterMs: 5_000_000 }),
      { from: 90, to: 91, fail: 'response_body_reset', share: 0.6, endpoints: [2], upstream: 'media' },
      { from: 90, to: 91, fail: 'send_failed', share: 0.2, endpoints: [2], upstream: 'media' },
      { from: 91, to: 97, fail: 'connect_refused', share: 1, endpoints: [2], upstream: 'media', retried: 0.6 },
      { from: 97, to: 108, state: 'unhealthy', reason: 'connect_refused', endpoints: [2], upstream: 'media' },
    ],
  },
  {
    name: 'the database is slow, requests pile up until the pool is full',
    expect: 'slow_application',
    seconds: 220,
    upstreams: { api: { endpoints: 3, rate: 85, medianMs: 40, p99Ms: 300, routes: ['/api'] } },
    steps: [
      { from: 82, to: 95, medianMs: 900, p99Ms: 4000 },
      { from: 95, to: 165, medianMs: 3200, p99Ms: 7900 },
      { from: 96, to: 165, fail: 'response_head_timeout', share: 0.2, tookMs: 8000 },
      { from: 104, to: 165, fail: 'pool_full', share: 0.25 },
      { from: 104, to: 165, fail: 'queue_timeout', share: 0.1, tookMs: 2000 },
    ],
  },
  {
    name: 'a little more traffic, and much slower responses soon after: whole exchanges run out of time',
    expect: 'slow_application',
    seconds: 230,
    upstreams: {
      checkout: { endpoints: 4, rate: 50, medianMs: 60, p99Ms: 420, routes: ['/checkout'] },
      web: { endpoints: 2, rate: 30, medianMs: 20, p99Ms: 120, routes: ['/'] },
    },
    steps: [
      { from: 75, to: 185, rate: 62, upstream: 'checkout' },
      { from: 105, to: 185, medianMs: 4500, p99Ms: 14_500, upstream: 'checkout' },
      { from: 108, to: 185, fail: 'exchange_timeout', share: 0.14, tookMs: 15_000, upstream: 'checkout' },
    ],
  },
  {
    name: 'a certificate expires; the checks notice it too and take the endpoints out',
    expect: 'certificate',
    seconds: 175,
    upstreams: { secure: { endpoints: 2, rate: 16, medianMs: 48, p99Ms: 330, routes: ['/'] } },
    steps: [
      { from: 80, to: 88, fail: CERTIFICATE_EXPIRED, share: 0.8 },
      { from: 88, to: 130, state: 'unhealthy', reason: CERTIFICATE_EXPIRED },
      endpointState(88, 'secure/1', 'healthy', 'unhealthy', CERTIFICATE_EXPIRED),
      endpointState(88.4, 'secure/2', 'healthy', 'unhealthy', CERTIFICATE_EXPIRED),
      { from: 89, to: 130, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'the network goes: neither connections nor handshakes come about, then no endpoint is ready',
    expect: 'network',
    seconds: 180,
    upstreams: { remote: { endpoints: 3, rate: 29, medianMs: 70, p99Ms: 460, routes: ['/remote'] } },
    steps: [
      { from: 84, to: 86, fail: 'tls_timeout', share: 0.3, tookMs: 3000 },
      { from: 84, to: 96, fail: 'connect_timeout', share: 0.65, tookMs: 2000 },
      { from: 96, to: 135, state: 'unhealthy', reason: 'connect_timeout' },
      { from: 96, to: 135, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'a release of the application that fails, half a minute after a weight of another upstream was changed',
    expect: 'release',
    seconds: 200,
    upstreams: {
      blog: { endpoints: 2, rate: 20, medianMs: 38, p99Ms: 260, application: 'blog', routes: ['/blog'] },
      web: { endpoints: 3, rate: 70, medianMs: 20, p99Ms: 130, routes: ['/'] },
    },
    steps: [
      overlay(66, 'weight:web/3', 1, 2, 51),
      applied(97, 'applications: blog'),
      started(97.2, 'blog/1', 8810),
      ready(100, 'blog/1', 8810, 2800),
      ready(103, 'blog/2', 8811, 2800),
      { from: 100, to: 150, fail: 'app_error', share: 0.5, upstream: 'blog' },
    ],
  },
  {
    name: 'lookups fail seconds after a change of another upstream',
    expect: 'dns',
    seconds: 165,
    upstreams: {
      ext: { endpoints: 1, rate: 4, medianMs: 110, p99Ms: 700, dnsName: 'hooks.example.io', routes: ['/hooks'] },
      web: { endpoints: 2, rate: 55, medianMs: 18, p99Ms: 110, routes: ['/'] },
    },
    steps: [
      applied(83, 'upstreams: web'),
      nameState(88, 'hooks.example.io', 'resolved', 'failed', 'dns_not_found', 'NXDOMAIN', []),
      { from: 88, to: 125, fail: 'dns_not_found', share: 1, upstream: 'ext' },
    ],
  },
  {
    name: 'responses end before their end, others contradict themselves in their length',
    expect: 'invalid_responses',
    seconds: 190,
    upstreams: { old: { endpoints: 2, rate: 23, medianMs: 66, p99Ms: 480, routes: ['/old'] } },
    steps: [
      { from: 88, to: 145, fail: 'response_framing', share: 0.15 },
      { from: 88, to: 145, fail: 'response_chunked_truncated', share: 0.06 },
      { from: 88, to: 145, fail: 'response_body_short', share: 0.05 },
      { from: 88, to: 145, fail: 'response_head_truncated', share: 0.02 },
    ],
  },
  {
    name: 'where TLS was answered, a program waits for something else',
    expect: 'another_program',
    seconds: 155,
    upstreams: { box: { endpoints: 1, rate: 2.2, medianMs: 95, p99Ms: 600, routes: ['/box'] } },
    steps: [
      { from: 90, to: 93, fail: 'connect_refused', share: 1 },
      { from: 93, to: 120, fail: 'tls_not_spoken', share: 1 },
    ],
  },
  {
    name: 'the health document names what is missing from the sixth second on, 1450 requests each second',
    expect: 'dependency',
    seconds: 40,
    upstreams: { hot: { endpoints: 8, rate: 1450, medianMs: 4, p99Ms: 30, routes: ['/'] } },
    steps: [
      { from: 6, to: 10, fail: 'app_error', share: 0.5 },
      { from: 6, to: 10, advice: 'kafka: no broker reachable' },
    ],
  },
  {
    name: 'one of five closes connections without an answer, after an operator drained an endpoint elsewhere',
    expect: 'one_endpoint',
    seconds: 190,
    upstreams: {
      calc: { endpoints: 5, rate: 33, medianMs: 52, p99Ms: 340, routes: ['/calc'] },
      web: { endpoints: 3, rate: 60, medianMs: 20, p99Ms: 120, routes: ['/'] },
    },
    steps: [
      overlay(70, 'drain:web/1', false, true, 61),
      { from: 70, to: 140, state: 'draining', reason: 'operator', endpoints: [1], upstream: 'web' },
      { from: 85, to: 145, fail: 'closed_before_response', share: 0.8, endpoints: [3], upstream: 'calc', retried: 0.3 },
    ],
  },
  {
    name: 'a release is in order; four minutes later the name moves and connections are refused',
    expect: 'dns_change',
    seconds: 400,
    upstreams: {
      api: { endpoints: 2, rate: 26, medianMs: 34, p99Ms: 240, dnsName: 'api.svc.local', routes: ['/api'] },
    },
    steps: [
      applied(70, 'applications: worker', 'routes: /old'),
      nameAddresses(318, 'api.svc.local', ['10.1.0.8', '10.1.0.9'], ['10.1.0.4', '10.1.0.5']),
      { from: 319, to: 355, fail: 'connect_refused', share: 1 },
    ],
  },

  // ================================================================ nothing is an incident
  {
    name: 'quiet: ordinary traffic at two upstreams (what clients do wrong does not count)',
    expect: null,
    seconds: 180,
    upstreams: {
      web: { endpoints: 3, rate: 60, medianMs: 25, p99Ms: 180, routes: ['/'] },
      api: { endpoints: 2, rate: 20, medianMs: 40, p99Ms: 260, routes: ['/api'] },
    },
    steps: [{ from: 80, to: 140, rate: 75 }],
  },
  {
    name: 'quiet: single 500s, half a percent, always',
    expect: null,
    seconds: 240,
    upstreams: { web: { endpoints: 3, rate: 110, medianMs: 30, p99Ms: 240, routes: ['/'] } },
    steps: [{ from: 0, to: 240, fail: 'app_error', share: 0.005 }],
  },
  {
    name: 'quiet: a release, instance by instance, without a failure',
    expect: null,
    seconds: 150,
    upstreams: { shop: { endpoints: 3, rate: 50, medianMs: 45, p99Ms: 300, application: 'shop', routes: ['/'] } },
    steps: [
      applied(70, 'applications: shop'),
      started(70.5, 'shop/1', 8701),
      ready(74, 'shop/1', 8701, 3500),
      exited(76, 'shop/1', { code: 0, afterMs: 9_000_000, from: 'draining' }),
      started(76.5, 'shop/2', 8702),
      ready(80, 'shop/2', 8702, 3500),
      exited(82, 'shop/2', { code: 0, afterMs: 9_000_000, from: 'draining' }),
      started(82.5, 'shop/3', 8703),
      ready(86, 'shop/3', 8703, 3500),
      exited(88, 'shop/3', { signal: 'SIGTERM', afterMs: 9_000_000, from: 'draining' }),
      { from: 74, to: 95, medianMs: 60, p99Ms: 420 },
    ],
  },
  {
    name: 'quiet: traffic doubles and nothing fails',
    expect: null,
    seconds: 200,
    upstreams: { web: { endpoints: 4, rate: 100, medianMs: 20, p99Ms: 150, routes: ['/'] } },
    steps: [
      { from: 80, to: 160, rate: 210 },
      { from: 80, to: 160, medianMs: 28, p99Ms: 210 },
    ],
  },
  {
    name: 'quiet: one single failure',
    expect: null,
    seconds: 130,
    upstreams: { api: { endpoints: 2, rate: 10, medianMs: 40, p99Ms: 250, routes: ['/api'] } },
    steps: [{ from: 85, to: 85.1, fail: 'reset_before_response', share: 1 }],
  },
  {
    name: 'quiet: two single failures of different kinds, a minute between them',
    expect: null,
    seconds: 190,
    upstreams: { web: { endpoints: 3, rate: 40, medianMs: 25, p99Ms: 170, routes: ['/'] } },
    steps: [
      { from: 72, to: 72.025, fail: 'app_error', share: 1 },
      { from: 140, to: 140.025, fail: 'closed_before_response', share: 1 },
    ],
  },
  {
    name: 'quiet: announced maintenance: an endpoint is drained, worked on, and comes back',
    expect: null,
    seconds: 190,
    upstreams: { web: { endpoints: 3, rate: 45, medianMs: 22, p99Ms: 160, routes: ['/'] } },
    steps: [
      overlay(75, 'drain:web/2', false, true, 31),
      { from: 75, to: 145, state: 'draining', reason: 'operator', endpoints: [2] },
      overlay(145, 'drain:web/2', true, false, 32),
    ],
  },
  {
    name: 'quiet: a checked endpoint goes away and comes back, no request failed',
    expect: null,
    seconds: 160,
    upstreams: { api: { endpoints: 4, rate: 30, medianMs: 28, p99Ms: 190, routes: ['/api'] } },
    steps: [
      { from: 80, to: 115, state: 'unhealthy', reason: 'connect_refused', endpoints: [3] },
      endpointState(80, 'api/3', 'healthy', 'unhealthy', 'connect_refused'),
      endpointState(115, 'api/3', 'unhealthy', 'healthy', 'passed'),
    ],
  },
  {
    name: 'quiet: the night: a request every three seconds, one of them fails',
    expect: null,
    seconds: 420,
    upstreams: { site: { endpoints: 2, rate: 0.3, medianMs: 60, p99Ms: 400, routes: ['/'] } },
    steps: [{ from: 370, to: 373.3, fail: 'app_error', share: 1 }],
  },
  {
    name: 'quiet: an upstream without traffic beside one that is well',
    expect: null,
    seconds: 140,
    upstreams: {
      web: { endpoints: 2, rate: 35, medianMs: 20, p99Ms: 130, routes: ['/'] },
      spare: { endpoints: 2, rate: 0, medianMs: 20, p99Ms: 130, routes: ['/spare'] },
    },
    steps: [{ from: 70, to: 100, state: 'unhealthy', reason: 'connect_refused', endpoints: [2], upstream: 'spare' }],
  },
  {
    name: 'quiet: a change of configuration after which all is as before',
    expect: null,
    seconds: 150,
    upstreams: {
      web: { endpoints: 2, rate: 55, medianMs: 24, p99Ms: 170, routes: ['/'] },
      api: { endpoints: 2, rate: 18, medianMs: 38, p99Ms: 260, routes: ['/api'] },
    },
    steps: [applied(72, 'upstreams: web', 'routes: /', 'timeouts'), applied(100, 'routes: /api')],
  },
  {
    name: 'quiet: responses take twice as long for a while, all in time',
    expect: null,
    seconds: 190,
    upstreams: { web: { endpoints: 3, rate: 65, medianMs: 40, p99Ms: 300, routes: ['/'] } },
    steps: [{ from: 85, to: 145, medianMs: 85, p99Ms: 700 }],
  },
  {
    name: 'quiet: a balancer changes its addresses, nobody notices',
    expect: null,
    seconds: 150,
    upstreams: { lb: { endpoints: 2, rate: 75, medianMs: 26, p99Ms: 180, dnsName: 'lb.example', routes: ['/'] } },
    steps: [
      nameAddresses(78, 'lb.example', ['198.51.100.4'], ['198.51.100.2']),
      nameAddresses(110, 'lb.example', ['198.51.100.5'], ['198.51.100.3']),
    ],
  },
  {
    name: 'quiet: lookups fail for a while, the old addresses serve',
    expect: null,
    seconds: 150,
    upstreams: { svc: { endpoints: 2, rate: 22, medianMs: 30, p99Ms: 200, dnsName: 'svc.example', routes: ['/svc'] } },
    steps: [
      nameState(76, 'svc.example', 'resolved', 'stale', 'dns_timeout', null, ['192.0.2.7', '192.0.2.8']),
      nameState(105, 'svc.example', 'stale', 'resolved', null, 'NOERROR', ['192.0.2.7', '192.0.2.8']),
    ],
  },
  {
    name: 'quiet: certificates of other names expire in some days',
    expect: null,
    seconds: 130,
    upstreams: { web: { endpoints: 2, rate: 28, medianMs: 24, p99Ms: 160, routes: ['/'] } },
    steps: [expiresSoon(62, 'old.example.com', 12), expiresSoon(90, 'api.example.net', 5)],
  },
  {
    name: 'quiet: single stale connections, one of a thousand, all repeated',
    expect: null,
    seconds: 260,
    upstreams: { node: { endpoints: 3, rate: 140, medianMs: 15, p99Ms: 110, routes: ['/'] } },
    steps: [{ from: 0, to: 260, fail: 'closed_before_response', share: 0.001, stale: true, retried: 1 }],
  },
  {
    name: 'quiet: a background of 500s, a harmless release, and then more traffic',
    expect: null,
    seconds: 250,
    upstreams: {
      shop: { endpoints: 4, rate: 90, medianMs: 35, p99Ms: 260, application: 'shop', routes: ['/'] },
      mail: { endpoints: 1, rate: 1, medianMs: 200, p99Ms: 900, application: 'mail', routes: ['/mail'] },
    },
    steps: [
      { from: 0, to: 250, fail: 'app_error', share: 0.006 },
      applied(90, 'applications: mail'),
      started(90.5, 'mail/1', 8400),
      ready(93, 'mail/1', 8400, 2500),
      { from: 130, to: 200, rate: 150 },
    ],
  },
  {
    name: 'quiet: weights are shifted step by step, nothing fails',
    expect: null,
    seconds: 170,
    upstreams: { web: { endpoints: 2, rate: 48, medianMs: 28, p99Ms: 190, routes: ['/'] } },
    steps: [
      overlay(70, 'weight:web/2', 1, 2, 41),
      overlay(90, 'weight:web/2', 2, 4, 42),
      overlay(120, 'weight:web/2', 4, 1, 43),
    ],
  },
  {
    name: 'quiet: traffic falls to nearly nothing',
    expect: null,
    seconds: 220,
    upstreams: { web: { endpoints: 3, rate: 70, medianMs: 20, p99Ms: 140, routes: ['/'] } },
    steps: [
      { from: 0, to: 220, fail: 'app_error', share: 0.002 },
      { from: 90, to: 180, rate: 1 },
    ],
  },
  {
    name: 'quiet: 1000 requests each second with the few failures there always are',
    expect: null,
    seconds: 58,
    upstreams: { edge: { endpoints: 10, rate: 1000, medianMs: 5, p99Ms: 40, routes: ['/'] } },
    steps: [
      { from: 0, to: 58, fail: 'app_error', share: 0.0004 },
      { from: 0, to: 58, fail: 'reset_before_response', share: 0.0003, retried: 0.9 },
    ],
  },
];
