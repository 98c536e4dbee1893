import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { alertKinds } from '../core/alert.ts';
import type { ConnectionRefusalReason, EventKind, IncidentFacts, NewEvent } from '../core/event.ts';
import { alertOfEvent } from './alert-of-event.ts';
import { eventOf } from './alert-samples.test-support.ts';

const incident: IncidentFacts = {
  incident: 3,
  key: 'run-1-3',
  upstream: 'api',
  upstreams: ['api'],
  family: 'gone',
  additions: [],
  routes: ['/api'],
  cause: 'connect_refused',
  requests: 60,
  failed: 41,
  attemptsFailed: 90,
  startedAt: '2026-01-01T00:00:00.000Z',
  suspects: [{ name: 'crash', sentence: 'api/1 ended by itself.' }],
  nextStep: 'Look at its last output.',
};
const certificate = { names: ['shop.example.org'], notAfter: '2026-01-20T00:00:00.000Z' };
const renewal = {
  ...{ names: ['shop.example.org'], authority: 'https://ca', cause: 'dns', step: 'order', problem: null, detail: null },
  ...{ seen: null, fix: 'Set the record.', failures: 2, retryMs: 1000 },
};

const objective = {
  route: '/api',
  objective: 'availability',
  target: 0.99,
  underMs: null,
  burnRate: 20,
  budgetLeft: 0.1,
} as const;

const descriptors = { limit: 200, needed: 11_024, wanted: 11_024, open: 190, closed: 7, refused: 4 };
const workers = { lost: 3, lastedMs: 1500, serving: 0, wanted: 2, why: 'it ended with 3' };
const loop = { application: 'shop', instance: 'shop/2', ends: 3, serving: [], fix: 'Read its last output.' };
const outage = { upstream: 'shop', application: null, endpoints: 2, fix: 'See whether they run.' };
const dependency = {
  ...{ dependency: 'database', type: 'postgres', address: 'postgres://127.0.0.1:5432/shop', fault: 'refused' },
  ...{ then: 'refused connections', dependents: ['shop'], sinceMs: 3, otherMs: 4000, fix: 'Start it.' },
};
const rollout = { application: 'shop', rollout: 3, release: 'r3', before: 'r2', share: 0, ordered: false };
const job = { application: 'shop', job: 'shop.report', run: 7, code: 3, signal: null, fix: 'See what it printed.' };
const over = { ...job, run: null, code: null, fix: null };
const release = { application: 'shop', instance: 'shop/2', restarts: 3, serving: [] };

function refused(
  reason: ConnectionRefusalReason,
  { to = 'refusing', count = 3, address = null as string | null } = {},
): NewEvent {
  return event('connections_refused', { reason, count, limit: 5, address }, to);
}

const about = (event: NewEvent): string | null => {
  const alert = alertOfEvent(eventOf(event), { deployment: 'shop' });
  return alert === null ? null : `${alert.key} ${alert.change} ${alert.severity}`;
};

function event<K extends EventKind>(
  kind: K,
  evidence: NewEvent<K>['evidence'],
  to: string | null = null,
  from: string | null = null,
): NewEvent {
  return { kind, subject: 'gateway', reason: 'what happened', evidence, to, from } as unknown as NewEvent;
}

const rows: readonly (readonly [promise: string, event: NewEvent, alert: string | null])[] = [
  ['an incident', event('incident_opened', incident), 'incident:run-1-3 opened critical'],
  [
    'an incident of few requests',
    event('incident_grown', { ...incident, requests: 1000 }),
    'incident:run-1-3 grown warning',
  ],
  [
    'an incident that retries hide',
    event('incident_opened', { ...incident, failed: 0 }),
    'incident:run-1-3 opened info',
  ],
  [
    'an upstream without an available endpoint',
    event('upstream_unavailable', outage, 'unavailable'),
    'upstream:shop opened critical',
  ],
  [
    'an upstream that is available again',
    event('upstream_unavailable', { ...outage, endpoints: 0, fix: null }, 'available'),
    'upstream:shop resolved info',
  ],
  [
    'a dependency that is down',
    event('dependency_state', dependency, 'down', 'up'),
    'dependency:database opened warning',
  ],
  [
    'a dependency that works again',
    event('dependency_state', { ...dependency, fault: null, fix: null }, 'up', 'down'),
    'dependency:database resolved info',
  ],
  ['a dependency that says that it is degraded', event('dependency_state', dependency, 'degraded', 'up'), null],
  [
    'another cause of an incident',
    event('incident_corrected', {
      ...incident,
      corrected: { from: null, to: { name: 'crash', sentence: 'api/1 ended by itself.' } },
    }),
    'incident:run-1-3 corrected critical',
  ],
  ['the end of an incident', event('incident_resolved', incident), 'incident:run-1-3 resolved critical'],
  [
    'a certificate that expires',
    event('certificate_expiring', { ...certificate, daysLeft: 19 }, 'expiring'),
    'certificate:shop.example.org opened warning',
  ],
  [
    'a certificate that is not valid yet',
    event('certificate_not_yet_valid', { ...certificate, notBefore: certificate.notAfter }),
    'certificate:shop.example.org opened critical',
  ],
  [
    'a certificate that was issued',
    event('certificate_issued', { ...certificate, authority: 'https://ca', isRenewal: true }),
    'certificate:shop.example.org resolved info',
  ],
  [
    'a certificate that has expired',
    event('certificate_expiring', { ...certificate, daysLeft: 0 }, 'expired'),
    'certificate:shop.example.org opened critical',
  ],
  [
    'a certificate that was replaced',
    event('certificate_expiring', { ...certificate, daysLeft: 89 }, 'valid'),
    'certificate:shop.example.org resolved info',
  ],
  [
    'a certificate that cannot be renewed',
    event('certificate_renewal_failed', { ...renewal, validUntil: certificate.notAfter }),
    'certificate:shop.example.org opened warning',
  ],
  [
    'a host without a certificate',
    event('certificate_renewal_failed', { ...renewal, validUntil: null }),
    'certificate:shop.example.org opened critical',
  ],
  [
    'a store that fails',
    event('store_failing', { path: '/s', fault: 'full', limit: null, needed: null }, 'failing'),
    'records:store opened warning',
  ],
  [
    'a store that is written again',
    event('store_failing', { path: '/s', fault: null, limit: null, needed: null }, 'storing'),
    'records:store resolved warning',
  ],
  [
    'a log that loses lines',
    event('log_dropped', { what: '/l', count: 1, errno: 'ENOSPC' }, 'failing'),
    'records:log opened warning',
  ],
  [
    'a disk that is nearly full',
    event('disk_space', { path: '/var', freeBytes: 1, totalBytes: 9 }, 'low'),
    'gateway opened warning',
  ],
  [
    'an objective that is missed',
    event('slo_burning', { ...objective, tier: 'fast' }),
    'slo:availability:/api opened critical',
  ],
  [
    'an objective that is missed slowly',
    event('slo_burning', { ...objective, tier: 'slow' }),
    'slo:availability:/api opened warning',
  ],
  [
    'an objective that was removed',
    event('slo_burning', { ...objective, tier: null }, 'removed'),
    'slo:availability:/api resolved info',
  ],
  [
    'an objective that is kept again',
    event('slo_burning', { ...objective, tier: null }),
    'slo:availability:/api resolved info',
  ],
  [
    'descriptors that are scarce',
    event('descriptors_exhausted', { ...descriptors, refused: 0 }, 'scarce'),
    'gateway:descriptors opened warning',
  ],
  [
    'clients that are refused because no descriptor is left',
    event('descriptors_exhausted', descriptors, 'refusing'),
    'gateway:descriptors opened critical',
  ],
  [
    'descriptors that are enough again',
    event('descriptors_exhausted', descriptors, 'enough'),
    'gateway:descriptors resolved info',
  ],
  [
    'workers that end again and again, while others serve',
    event('workers_failing', { ...workers, serving: 1 }, 'failing'),
    'gateway:workers opened warning',
  ],
  [
    'workers that end again and again, and none serves',
    event('workers_failing', workers, 'failing'),
    'gateway:workers opened critical',
  ],
  [
    'workers that run on',
    event('workers_failing', { ...workers, serving: null }, 'stable'),
    'gateway:workers resolved info',
  ],
  ['clients that are refused for want of descriptors, which have an alert', refused('descriptors'), null],
  [
    'clients that are refused at the limit',
    refused('connections_max'),
    'gateway:refused:connections_max opened critical',
  ],
  ['clients that are refused for want of memory', refused('memory'), 'gateway:refused:memory opened critical'],
  ['clients that cannot be counted', refused('not_counted'), 'gateway:refused:not_counted opened critical'],
  [
    'clients that are accepted again',
    refused('memory', { to: 'accepting', count: 0 }),
    'gateway:refused:memory resolved info',
  ],
  ['a stranger with too many connections', refused('connections_per_address_max', { address: '203.0.113.7' }), null],
  [
    'what may be a load balancer with too many connections',
    refused('connections_per_address_max', { address: '10.0.0.7' }),
    'gateway:refused:connections_per_address_max opened warning',
  ],
  [
    'a release that does not become ready while the earlier one serves',
    event('application_not_ready', { ...release, serving: ['shop/1'] }, 'failing'),
    'release:shop opened warning',
  ],
  [
    'a release that does not become ready while nothing serves',
    event('application_not_ready', release, 'failing'),
    'release:shop opened critical',
  ],
  ['a release that was taken back', event('rollout', rollout, 'aborted'), 'rollout:shop opened warning'],
  ['a release that was refused', event('rollout', rollout, 'refused'), 'rollout:shop opened warning'],
  ['a release that is in force', event('rollout', rollout, 'promoted'), 'rollout:shop resolved info'],
  ['a release that is ready', event('application_not_ready', release, 'ready'), 'release:shop resolved info'],
  ['a release that is replaced', event('application_not_ready', release, 'replaced'), 'release:shop resolved info'],
  [
    'an instance that ends again and again while another one serves',
    event('application_crash_loop', { ...loop, serving: ['shop/1'] }, 'failing'),
    'application:shop opened warning',
  ],
  [
    'an instance that ends again and again while nothing else serves',
    event('application_crash_loop', loop, 'failing'),
    'application:shop opened critical',
  ],
  [
    'an instance that runs on',
    event('application_crash_loop', { ...loop, ends: 0, fix: null }, 'stable'),
    'application:shop resolved info',
  ],
  ['a job whose run has failed', event('job_failing', job, 'failing'), 'job:shop.report opened warning'],
  [
    'a job that could not be started',
    event('job_failing', { ...job, run: null, code: null }, 'failing'),
    'job:shop.report opened warning',
  ],
  ['a job that succeeds again', event('job_failing', over, 'succeeded'), 'job:shop.report resolved info'],
  ['a job that was removed', event('job_failing', over, 'removed'), 'job:shop.report resolved info'],
  ['a reload', event('configuration_applied', { contentHash: '', source: '', changed: [] }), null],
  [
    'an alert that was sent',
    event('alert_sent', { target: 'a', type: 'smtp', alert: 'x', attempts: 1, tookMs: 1 }),
    null,
  ],
];

test('the title of what is over says so', () => {
  const ends = rows.map(([, happened]) => alertOfEvent(eventOf(happened), { deployment: 'shop' }));
  const resolved = ends.filter((alert) => alert?.change === 'resolved');
  assert.ok(resolved.length >= 4);
  for (const alert of resolved) assert.match(alert?.title ?? '', /^resolved: /);
});

test('the title says that records are lost only where some were', () => {
  const titleOf = (happened: NewEvent): string | undefined =>
    alertOfEvent(eventOf(happened), { deployment: 'shop' })?.title;
  const logWith = (count: number): NewEvent => event('log_dropped', { what: '/l', count, errno: 'ENOSPC' }, 'failing');
  assert.equal(titleOf(logWith(0)), 'the log cannot be written');
  assert.equal(titleOf(logWith(1)), 'the log loses records');
  const full = { path: '/s', fault: 'full', limit: null, needed: null } as const;
  assert.equal(titleOf(event('store_failing', full, 'failing')), 'the store cannot be written');
});

test('an incident of several upstreams names them, and what fails besides', () => {
  const facts = { ...incident, upstream: '', upstreams: ['api', 'web'], additions: ['Since 12:04:05 UTC …'] };
  const alert = alertOfEvent(eventOf(event('incident_grown', facts)), { deployment: 'shop' });
  assert.deepEqual(
    [alert?.title, alert?.upstream, alert?.upstreams, alert?.evidence.at(-1), alert?.steps],
    [
      'incident 3 at 2 upstreams: 41 of 60 requests failed',
      null,
      ['api', 'web'],
      'Since 12:04:05 UTC …',
      ['addition 1'],
    ],
  );
});

test('what refuses clients says what to do', () => {
  const stepOf = (happened: NewEvent) => alertOfEvent(eventOf(happened), { deployment: 'shop' })?.nextStep ?? '';
  assert.match(stepOf(event('descriptors_exhausted', descriptors, 'refusing')), /LimitNOFILE=11024 /);
  const noFile = { path: '/s', fault: 'descriptors_exhausted', limit: 200, needed: 11_024 } as const;
  assert.match(stepOf(event('store_failing', noFile, 'failing')), /^Set LimitNOFILE=11024 .*max`\.$/);
  assert.match(stepOf(refused('connections_max')), /client\.connections_max/);
  assert.match(stepOf(refused('connections_per_address_max', { address: '10.0.0.7' })), /10\.0\.0\.7 .*trusted_peers/);
  assert.match(stepOf(event('workers_failing', workers, 'failing')), /worker_lost.*workers\.memory_max/);
  assert.match(stepOf(event('application_not_ready', release, 'failing')), /candor reload/);
});

/** Whether people are told of it: a kind that is new needs a decision here, and those with an alert need a row above. */
const isTold: Readonly<Record<EventKind, boolean>> = {
  ...{ process_started: false, process_stopping: false, drain_phase: false },
  ...{ upgrade_started: false, upgrade_failed: false, upgrade_done: false, upgrade_taken_over: false },
  ...{ configuration_applied: false, configuration_rejected: false, overlay_changed: false, state_unusable: false },
  ...{ listener_opened: false, listener_closed: false },
  rollout: true,
  secret_changed: false,
  workers_failing: true,
  // Replaced at once; requests that fail for it are an incident.
  ...{
    worker_started: false,
    worker_lost: false,
    worker_silent: false,
    worker_restarting: false,
    worker_retired: false,
  },
  ...{ logger_lost: false, store_lost: false, otlp_lost: false, otlp_failing: false },
  ...{ store_failing: true, log_dropped: true, disk_space: true, clock_changed: false },
  ...{
    log_rotated: false,
    log_not_rotated: false,
    log_reopened: false,
    log_truncated: false,
    log_file_followed: false,
  },
  // What they do to requests is an incident.
  ...{
    health_disagreement: false,
    endpoint_state: false,
    circuit_breaker: false,
    name_state: false,
    name_addresses: false,
  },
  ...{
    incident_opened: true,
    incident_grown: true,
    incident_corrected: true,
    incident_resolved: true,
    incident_examined: false,
    incident_muted: false,
  },
  ...{ instance_started: false, instance_adopted: false, instance_detached: false, instance_not_started: false },
  ...{
    instance_ready: false,
    instance_not_ready: false,
    instance_wrong_listen_address: false,
    instance_exposed: false,
    child_out_of_memory: false,
  },
  ...{ instance_exited: false, instance_restarting: false, application_not_ready: true, application_crash_loop: true },
  upstream_unavailable: true,
  // Each run has an event; what people must know is how the last one ended.
  ...{ job_started: false, job_ended: false, job_skipped: false, job_missed: false, job_failing: true },
  dependency_state: true,
  ...{ connections_refused: true, descriptors_few: false, descriptors_exhausted: true },
  ...{ tls_handshakes_failed: false, tls_handshakes_delayed: false, http2_limit_reached: false },
  // It is what operators have asked for; where an application suffers as well, there is an incident.
  limit_refusals: false,
  ...{ certificate_expiring: true, certificate_not_yet_valid: true, certificate_issued: true },
  certificate_renewal_failed: true,
  slo_burning: true,
  ...{ alert_sent: false, alert_failed: false, admin_action: false, admin_refused: false },
};

test('of each kind of event it is decided whether people are told of it', () => {
  const told = new Set(rows.flatMap(([, { kind }, alert]) => (alert === null ? [] : [kind])));
  const wanted = Object.entries(isTold).flatMap(([kind, is]) => (is ? [kind] : []));
  assert.deepEqual([...told].toSorted(), wanted.toSorted());
});

test('the document has each kind of alert', () => {
  const document = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');
  for (const kind of alertKinds) assert.match(document, new RegExp(`^\\| \`${kind}\` \\|`, 'm'), kind);
  const kinds = /^\| `kind` \| (.*) \|$/m.exec(document)?.[1] ?? '';
  assert.deepEqual(
    new Set([...kinds.matchAll(/`(\w+)`/g)].map(([, kind]) => kind)),
    new Set<string | undefined>([...alertKinds, 'test']),
  );
});

test('each step of what becomes worse by itself comprises the milder ones, so that recovery is none', () => {
  const steps = (happened: NewEvent): readonly string[] =>
    alertOfEvent(eventOf(happened), { deployment: 'shop' })?.steps ?? [];
  const expiry = (daysLeft: number, to = 'expiring') =>
    steps(event('certificate_expiring', { ...certificate, daysLeft }, to)).length;
  assert.deepEqual([expiry(19), expiry(6), expiry(1), expiry(0, 'expired')], [1, 2, 3, 4]);
  const burning = (tier: 'slow' | 'medium' | 'fast') => steps(event('slo_burning', { ...objective, tier }));
  assert.deepEqual(burning('slow'), ['slow']);
  assert.deepEqual(burning('fast'), ['slow', 'medium', 'fast']);
  const failed = (validUntil: string | null) =>
    steps(event('certificate_renewal_failed', { ...renewal, validUntil })).length;
  assert.deepEqual([failed(certificate.notAfter), failed(null)], [1, 2]);
});

describe('people are told of', () => {
  for (const [promise, happened, alert] of rows) test(promise, () => assert.equal(about(happened), alert));
});

test('requests of one client alone that the gateway refuses wake nobody', () => {
  const refusedFor = (name: string): string | null =>
    about(event('incident_opened', { ...incident, family: 'gateway', suspects: [{ name, sentence: 'It is so.' }] }));
  assert.equal(refusedFor('one_client'), 'incident:run-1-3 opened warning');
  assert.equal(refusedFor('gateway_limit'), 'incident:run-1-3 opened critical');
});

test('an alert has the verdict, the evidence and the next step', () => {
  const alert = alertOfEvent(eventOf(event('incident_opened', incident)), { deployment: 'shop' });
  assert.deepEqual(
    [alert?.title, alert?.text, alert?.evidence, alert?.nextStep, alert?.incident, alert?.routes],
    [
      'incident 3 at api: 41 of 60 requests failed',
      'what happened',
      ['api/1 ended by itself.'],
      'Look at its last output.',
      3,
      ['/api'],
    ],
  );
});

test('an objective that is missed leads to a search that finds its requests: slow ones of latency, failed ones of availability', () => {
  const step = (underMs: number | null): string =>
    alertOfEvent(eventOf(event('slo_burning', { ...objective, underMs, tier: 'fast' })), { deployment: 'shop' })
      ?.nextStep ?? '';
  assert.match(step(500), /`candor logs 'route:\/api duration:>500ms'`/);
  assert.match(step(null), /`candor logs 'route:\/api -shape:none,client_abort'`/);
});

test('the title of an incident without failures says that requests took longer, or were answered otherwise', () => {
  const titleOf = (family: IncidentFacts['family']): string | undefined =>
    alertOfEvent(eventOf(event('incident_opened', { ...incident, family })), { deployment: 'shop' })?.title;
  // Some of them may not be answered at all.
  assert.equal(titleOf('slower'), 'incident 3 at api: 41 of 60 requests took longer than usual');
  assert.equal(titleOf('changed'), 'incident 3 at api: 41 of 60 requests were answered otherwise than before');
});
