import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines } from '../core/deadline.ts';
import type { EndpointId, EndpointState } from '../core/endpoint.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { sampleAttempt, sampleExchange } from '../record/sample-exchange.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { UpstreamPorts } from '../upstream/ports.ts';
import { LiveUpstream } from '../upstream/upstream.ts';
import { GatewayStates } from './gateway-states.ts';
import { workerFeatures } from '../features/worker.ts';
import { FeatureParts } from './feature-parts.ts';

const clock = new SimulatedClock();
const random = new SeededRandom(1);
const ports = { clock, deadlines: new Deadlines(clock), random } as unknown as UpstreamPorts;

function endpoint(number: number, state: EndpointState): EndpointSnapshot {
  return {
    id: `shop/10.0.0.${number}:80` as EndpointId,
    address: { kind: 'tcp', host: `10.0.0.${number}`, port: 80 },
    ...{ state, reason: `it is ${state}`, sinceInstant: clock.now() - 1500 },
    ...{ checks: null, release: null, exit: null },
  };
}

function statesOf(...states: EndpointState[]): GatewayStates {
  const endpoints = states.map((state, index) => endpoint(index + 1, state));
  const spec = { id: 'shop', tls: null, connectionsMax: 8, requestsMax: 3, endpoints } as unknown as UpstreamSnapshot;
  const features = new FeatureParts(workerFeatures, ports);
  const parts = features.prepare();
  parts.of({ kind: 'route', id: 'shop', upstream: 'shop' }, { circuit_breaker: {} });
  features.activate(parts);
  features.onStates('circuit_breaker', {
    'route shop': { state: 'open', reason: '5 requests failed', until: clock.now() + 1000 },
  });
  const gateway = new GatewayStates({ upstreams: new Map([['shop', new LiveUpstream(spec, ports)]]), features });
  gateway.use(3, 'd41d8cd98f00b204');
  return gateway;
}

const tried = (...numbers: number[]) =>
  sampleExchange({ attempts: numbers.map((number) => sampleAttempt({ endpoint: `shop/10.0.0.${number}:80` })) });

test('of an exchange that was tried the endpoints of its attempts are told, each once, and how many are ready', () => {
  const { endpoints, ...state } = statesOf('healthy', 'unhealthy', 'ejected', 'unchecked').of(tried(2, 3, 2));
  assert.deepEqual(state, {
    configuration: 'd41d8cd98f00b204',
    ...{ endpoints_ready: 2, endpoints_total: 4 },
    breaker: { state: 'open', reason: '5 requests failed' },
  });
  const pool = { open: 0, idle: 0, waiting: 0, open_max: 8, in_flight: 0, in_flight_max: 3 };
  assert.deepEqual(endpoints, [
    { endpoint: 'shop/10.0.0.2:80', state: 'unhealthy', since_ms: 1500, reason: 'it is unhealthy', ...pool },
    { endpoint: 'shop/10.0.0.3:80', state: 'ejected', since_ms: 1500, reason: 'it is ejected', ...pool },
  ]);
});

test('of an upstream with many endpoints four are told, whatever was tried', () => {
  const gateway = statesOf(...Array.from({ length: 300 }, () => 'unhealthy' as const));
  const shown = (...numbers: number[]): number => gateway.of(tried(...numbers)).endpoints?.length ?? 0;
  assert.deepEqual([shown(), shown(1, 2), shown(1, 2, 3, 4, 5, 6)], [4, 2, 4]);
  assert.equal(gateway.of(tried()).endpoints_total, 300);
});

test('of an exchange whose endpoints have gone, such as instances that were started again, the first ones are told', () => {
  const gateway = statesOf('starting', 'unhealthy');
  const names = (...numbers: number[]) => gateway.of(tried(...numbers)).endpoints?.map(({ endpoint: name }) => name);
  assert.deepEqual(names(8, 9), ['shop/10.0.0.1:80', 'shop/10.0.0.2:80']);
  assert.deepEqual(names(2, 9), ['shop/10.0.0.2:80']);
});

test('without an upstream, or with one that is gone, the configuration alone is told', () => {
  const gateway = statesOf('healthy');
  assert.deepEqual(gateway.of(sampleExchange({ upstream: '' })), { configuration: 'd41d8cd98f00b204' });
  assert.deepEqual(gateway.of(sampleExchange({ upstream: 'gone' })), { configuration: 'd41d8cd98f00b204' });
});

test('the configuration is that by which the exchange was served, and not known for those of long ago', () => {
  const gateway = statesOf('healthy');
  for (let revision = 4; revision <= 67; revision += 1) gateway.use(revision, `hash ${revision}`);
  const hashOf = (revision: number) => gateway.of(sampleExchange({ upstream: '', revision })).configuration;
  assert.deepEqual([hashOf(67), hashOf(4), hashOf(3)], ['hash 67', 'hash 4', null]);
});
