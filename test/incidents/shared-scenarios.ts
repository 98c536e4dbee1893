import type { SharedScenario } from './judge-shared.ts';
import type { ScenarioStep, ScenarioUpstream } from './play-scenario.ts';

// What several upstreams have in common fails, or something else begins to fail while an incident goes on.

const web: ScenarioUpstream = { endpoints: 2, rate: 30, medianMs: 20, p99Ms: 90 };
const named = (dnsName: string): ScenarioUpstream => ({ ...web, dnsName });
const three = { api: web, shop: { ...web, rate: 15 }, mail: { ...web, rate: 8 } };
const supervised = (application: string): ScenarioUpstream => ({ ...web, endpoints: 1, application });

const nameFails = (at: number, name: string): ScenarioStep => ({
  at,
  event: {
    kind: 'name_state',
    subject: `name:${name}`,
    from: 'resolved',
    to: 'failed',
    reason: 'No name server answers.',
  },
});

const killed = (at: number, application: string, outOfMemory = true): ScenarioStep => ({
  at,
  event: {
    kind: 'instance_exited',
    subject: `instance:${application}/1`,
    from: 'ready',
    to: 'backing_off',
    reason: outOfMemory ? `${application}/1 was killed` : `${application}/1 exited with code 1`,
    evidence: { pid: 7, code: null, signal: 'SIGKILL', outOfMemory, afterMs: 90_000, output: [] },
  },
});

const gone = (upstream: string, from: number, to: number): readonly ScenarioStep[] => [
  { upstream, from, to: from + 0.5, fail: 'reset_before_response', share: 1 },
  { upstream, from: from + 0.5, to: from + 1.5, fail: 'connect_refused', share: 1 },
  { upstream, from: from + 1.5, to, fail: 'no_endpoint_ready', share: 1 },
];

const scarce: ScenarioStep = {
  at: 79,
  event: {
    kind: 'descriptors_exhausted',
    subject: 'gateway',
    to: 'scarce',
    reason: 'hardly any descriptor was left of 256 (ulimit -n)',
    evidence: { limit: 256, needed: 2000, wanted: 2000, open: 250, closed: 3, refused: 0 },
  },
};

const changed = (at: number, ...parts: readonly string[]): ScenarioStep => ({
  at,
  event: {
    kind: 'configuration_applied',
    subject: 'gateway',
    reason: 'The configuration was applied.',
    evidence: { contentHash: 'b1', source: 'candor.yaml', changed: parts },
  },
});

/** One incident, with all its upstreams. */
const sharedFaults: readonly SharedScenario[] = [
  {
    name: 'the gateway has no descriptor left for any of three upstreams',
    expect: 'descriptors',
    opened: 1,
    concerns: ['api', 'mail', 'shop'],
    seconds: 160,
    upstreams: three,
    steps: [
      scarce,
      { from: 80, to: 110, fail: 'descriptors_exhausted', share: 0.4 },
      { upstream: 'shop', from: 81, to: 110, fail: 'descriptors_exhausted', share: 0.3 },
      { upstream: 'mail', from: 90, to: 110, fail: 'descriptors_exhausted', share: 0.5 },
    ],
  },
  {
    name: 'the gateway has no descriptor left, not even for checks',
    expect: 'descriptors',
    opened: 1,
    concerns: ['api', 'shop'],
    seconds: 160,
    upstreams: { api: web, shop: web },
    steps: [
      scarce,
      { from: 80, to: 110, fail: 'descriptors_exhausted', share: 0.4 },
      {
        ...{ upstream: 'shop', from: 82, to: 110, state: 'unhealthy', reason: 'no descriptor' },
        checkCause: 'descriptors_exhausted',
      },
      { upstream: 'shop', from: 82, to: 110, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'the machine has no local port left',
    expect: 'descriptors',
    opened: 1,
    concerns: ['api', 'shop'],
    seconds: 160,
    upstreams: { api: web, shop: web },
    steps: [
      { from: 80, to: 110, fail: 'local_ports_exhausted', share: 0.5 },
      { upstream: 'shop', from: 84, to: 110, fail: 'local_ports_exhausted', share: 0.5 },
    ],
  },
  {
    name: 'the name server dies, and names are forgotten one after the other',
    expect: 'dns',
    opened: 1,
    concerns: ['api', 'mail', 'shop'],
    seconds: 220,
    upstreams: { api: named('api.internal'), shop: named('shop.internal'), mail: named('mail.internal') },
    steps: [
      nameFails(79, 'api.internal'),
      { from: 80, to: 170, fail: 'dns_timeout', share: 1 },
      nameFails(109, 'shop.internal'),
      { upstream: 'shop', from: 110, to: 170, fail: 'dns_timeout', share: 1 },
      nameFails(139, 'mail.internal'),
      { upstream: 'mail', from: 140, to: 170, fail: 'dns_failed', share: 1 },
    ],
  },
  {
    name: 'the way out of the machine is gone, and packets to it are refused',
    expect: 'network',
    opened: 1,
    concerns: ['api', 'mail', 'shop'],
    seconds: 160,
    upstreams: three,
    steps: [
      { from: 80, to: 110, fail: 'connect_unroutable', share: 1 },
      { upstream: 'shop', from: 80, to: 110, fail: 'connect_unroutable', share: 1 },
      { upstream: 'mail', from: 82, to: 110, fail: 'connect_unroutable', share: 1 },
    ],
  },
  {
    name: 'packets to all hosts are dropped: what is in flight hangs, and then no connection comes about',
    expect: 'network',
    opened: 1,
    concerns: ['api', 'shop'],
    seconds: 200,
    upstreams: { api: web, shop: { ...web, rate: 15 } },
    steps: [
      { from: 80, to: 82, fail: 'response_head_timeout', share: 0.5, tookMs: 5000 },
      { from: 82, to: 120, fail: 'connect_timeout', share: 1, tookMs: 5000 },
      { upstream: 'shop', from: 81, to: 83, fail: 'response_head_timeout', share: 0.6, tookMs: 5000 },
      { upstream: 'shop', from: 83, to: 120, fail: 'connect_timeout', share: 1, tookMs: 5000 },
    ],
  },
  {
    name: 'the machine has no memory left, and the kernel kills two applications',
    expect: 'out_of_memory',
    opened: 1,
    concerns: ['api', 'shop'],
    seconds: 160,
    upstreams: { api: supervised('api'), shop: supervised('shop') },
    steps: [killed(80, 'api'), ...gone('api', 80, 86), killed(83, 'shop'), ...gone('shop', 83, 90)],
  },
  {
    name: 'a worker has no processor time, and requests of two upstreams come too late',
    expect: 'gateway_worker',
    opened: 1,
    concerns: ['api', 'shop'],
    seconds: 160,
    upstreams: { api: web, shop: web },
    steps: [
      {
        at: 82,
        event: {
          kind: 'worker_silent',
          subject: 'worker:1',
          reason: 'worker 1 has not answered for 3 s',
          evidence: { silentMs: 3000, standIn: 2 },
        },
      },
      { from: 80, to: 95, fail: 'response_head_timeout', share: 0.6, tookMs: 3000 },
      { upstream: 'shop', from: 81, to: 95, fail: 'response_head_timeout', share: 0.6, tookMs: 3000 },
    ],
  },
];

/** Two incidents. */
const ownReasons: readonly SharedScenario[] = [
  {
    name: 'one application is stopped, and another one answers with 500, at the same time',
    expect: 'nothing_listens',
    opened: 2,
    seconds: 160,
    upstreams: { api: web, shop: web },
    steps: [
      { from: 80, to: 110, fail: 'connect_refused', share: 1 },
      { upstream: 'shop', from: 80, to: 110, fail: 'app_error', share: 0.6 },
    ],
  },
  {
    name: 'two applications are stopped at the same time',
    expect: 'nothing_listens',
    opened: 2,
    seconds: 160,
    upstreams: { api: web, shop: web },
    steps: [
      { from: 80, to: 110, fail: 'connect_refused', share: 1 },
      { upstream: 'shop', from: 81, to: 110, fail: 'connect_refused', share: 1 },
    ],
  },
  {
    name: 'one host is lost, and another one a minute later',
    expect: 'network',
    opened: 2,
    seconds: 220,
    upstreams: { api: web, shop: web },
    steps: [
      { from: 80, to: 190, fail: 'connect_timeout', share: 1, tookMs: 5000 },
      { upstream: 'shop', from: 140, to: 190, fail: 'connect_timeout', share: 1, tookMs: 5000 },
    ],
  },
  {
    name: 'two names are misspelt by the same change',
    expect: 'configuration_change',
    opened: 2,
    seconds: 160,
    upstreams: { api: named('api.internal'), shop: named('shop.internal') },
    steps: [
      changed(79, 'upstreams: api, shop'),
      { from: 80, to: 110, fail: 'dns_not_found', share: 1 },
      { upstream: 'shop', from: 80, to: 110, fail: 'dns_not_found', share: 1 },
    ],
  },
  {
    name: 'one application is killed for its memory, and another one ends by an exception',
    expect: 'out_of_memory',
    opened: 2,
    seconds: 160,
    upstreams: { api: supervised('api'), shop: supervised('shop') },
    steps: [killed(80, 'api'), ...gone('api', 80, 86), killed(82, 'shop', false), ...gone('shop', 82, 88)],
  },
  {
    name: 'while an application answers with 500, its process ends',
    expect: 'application_errors',
    opened: 2,
    seconds: 200,
    upstreams: { api: supervised('api') },
    steps: [{ from: 80, to: 150, fail: 'app_error', share: 0.3 }, killed(120, 'api', false), ...gone('api', 120, 126)],
  },
];

/** One incident, which tells of what has begun besides. */
const additions: readonly SharedScenario[] = [
  {
    name: 'one route answers with 500, and a minute later another one too, by a change',
    expect: 'application_errors',
    opened: 1,
    also: { parts: ['/b'], suspect: 'configuration_change' },
    seconds: 240,
    upstreams: { api: { ...web, routes: ['/a', '/b', '/c'] } },
    steps: [
      { from: 80, to: 200, fail: 'app_error', share: 0.8, routes: ['/a'] },
      changed(139, 'routes: /b'),
      { from: 140, to: 200, fail: 'app_error', share: 0.8, routes: ['/b'] },
    ],
  },
  {
    name: 'one endpoint refuses connections, and a minute later another one',
    expect: 'nothing_listens',
    opened: 1,
    also: { parts: ['api/2'], suspect: null },
    seconds: 240,
    upstreams: { api: { ...web, endpoints: 3 } },
    steps: [
      { from: 80, to: 200, fail: 'connect_refused', share: 1, endpoints: [1] },
      { from: 170, to: 200, fail: 'connect_refused', share: 1, endpoints: [2] },
    ],
  },
  {
    name: 'a process crashes again and again, and later is killed for its memory again and again',
    expect: 'crash',
    opened: 1,
    also: { parts: [], suspect: 'out_of_memory' },
    seconds: 300,
    upstreams: { api: supervised('api') },
    steps: [
      ...[80, 92, 110, 130].flatMap((at) => [killed(at, 'api', false), ...gone('api', at, at + 8)]),
      ...[150, 165, 180, 200].flatMap((at) => [killed(at, 'api'), ...gone('api', at, at + 8)]),
    ],
  },
  {
    name: 'a process crashes again and again, and then hangs: its checks meet that, so that no request is sent there',
    expect: 'crash',
    opened: 1,
    also: { parts: [], suspect: 'slow_application' },
    seconds: 300,
    upstreams: { api: supervised('api') },
    steps: [
      ...[80, 92, 110].flatMap((at) => [killed(at, 'api', false), ...gone('api', at, at + 8)]),
      { from: 130, to: 200, state: 'unhealthy', reason: 'no answer within 1 s', checkCause: 'response_head_timeout' },
      { from: 130, to: 200, fail: 'no_endpoint_ready', share: 1 },
    ],
  },
  {
    name: 'a process crashes again and again in the same way',
    expect: 'crash',
    opened: 1,
    also: null,
    seconds: 300,
    upstreams: { api: supervised('api') },
    steps: [80, 92, 110, 130, 160].flatMap((at) => [killed(at, 'api', false), ...gone('api', at, at + 8)]),
  },
  {
    name: 'one request in ten fails everywhere, and later all of them',
    expect: 'application_errors',
    opened: 1,
    also: null,
    seconds: 240,
    upstreams: { api: { ...web, routes: ['/a', '/b', '/c'] } },
    steps: [
      { from: 80, to: 140, fail: 'app_error', share: 0.1 },
      { from: 140, to: 200, fail: 'app_error', share: 0.9 },
    ],
  },
  {
    name: 'a route that fails, works and fails again',
    expect: 'application_errors',
    opened: 1,
    also: null,
    seconds: 240,
    upstreams: { api: { ...web, routes: ['/a', '/b', '/c'] } },
    steps: [
      { from: 80, to: 200, fail: 'app_error', share: 0.8, routes: ['/a'] },
      { from: 80, to: 90, fail: 'app_error', share: 0.8, routes: ['/b'] },
      { from: 130, to: 150, fail: 'app_error', share: 0.8, routes: ['/b'] },
    ],
  },
];

export const sharedScenarios: readonly SharedScenario[] = [...sharedFaults, ...ownReasons, ...additions];
