import assert from 'node:assert/strict';
import { anyRequest } from './any-request.test-support.ts';
import { test } from 'node:test';
import { explain, specOf } from '#failures/failure-texts.ts';
import { type Evidence, fail } from '#failures/failure.ts';
import { Deadlines } from '../core/deadline.ts';
import type { EndpointId, EndpointState } from '../core/endpoint.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { UpstreamPorts } from './ports.ts';
import { ConnectionOwners } from './private-connections.ts';
import { LiveUpstream } from './upstream.ts';

function endpoint(name: string, state: EndpointState, changes: Partial<EndpointSnapshot> = {}): EndpointSnapshot {
  return {
    ...changes,
    id: `app/${name}` as EndpointId,
    address: { kind: 'tcp', host: name, port: 80 },
    state,
    reason: `it is ${state}`,
    sinceInstant: 0,
    checks: null,
    release: null,
    exit: null,
  };
}

function upstreamOf(names: readonly string[], application: string | null = null): LiveUpstream {
  const clock = new SimulatedClock();
  const parts = { clock, deadlines: new Deadlines(clock), random: new SeededRandom(1), owners: new ConnectionOwners() };
  const ports = parts as unknown as UpstreamPorts;
  const endpoints = names.map((name) => endpoint(name, 'healthy'));
  const snapshot = { id: 'app', tls: null, connectionsMax: 8, endpoints, application };
  return new LiveUpstream(snapshot as unknown as UpstreamSnapshot, ports);
}

function chosen(upstream: LiveUpstream): readonly string[] {
  const ids = Array.from({ length: 50 }, () => upstream.choose([], anyRequest)?.id ?? 'none');
  return [...new Set(ids)].toSorted();
}

test('a change of one endpoint leaves the others as they were', () => {
  const upstream = upstreamOf(['a', 'b', 'c']);
  assert.deepEqual(chosen(upstream), ['app/a', 'app/b', 'app/c']);
  upstream.changeEndpoints([endpoint('b', 'unhealthy')]);
  assert.deepEqual(chosen(upstream), ['app/a', 'app/c']);
  upstream.changeEndpoints([endpoint('a', 'unhealthy'), endpoint('c', 'unhealthy')]);
  assert.deepEqual(chosen(upstream), ['none']);
  const { reason } = upstream.unavailable().evidence as { reason: string };
  assert.equal(reason, 'a:80: it is unhealthy; b:80: it is unhealthy; c:80: it is unhealthy');
  upstream.changeEndpoints([endpoint('b', 'healthy')]);
  assert.deepEqual(chosen(upstream), ['app/b']);
});

test('where an operator has drained all endpoints, a request is told so, and what restores the first one', () => {
  const upstream = upstreamOf(['a', 'b']);
  const drained = { takenOutBy: 'admin:socket' };
  upstream.changeEndpoints([endpoint('a', 'draining', drained), endpoint('b', 'unhealthy', drained)]);
  const application = specOf(upstream.unavailable());
  assert.deepEqual([application.whose, 'drained' in upstream.unavailable().evidence], ['application', false]);
  upstream.changeEndpoints([endpoint('b', 'draining', { ...drained, checkCause: 'connect_refused' })]);
  const { whose, nextStep, forClient } = specOf(upstream.unavailable());
  assert.equal(whose, 'operator');
  assert.match(nextStep, /`candor restore drain:app\/a`/);
  assert.doesNotMatch(forClient, /checked/);
  const record = { ...upstream.unavailable().evidence, drained: 'drain:a; rm -r x' } as Evidence['no_endpoint_ready'];
  assert.match(specOf(fail('no_endpoint_ready', 'route', record)).nextStep, /`candor restore drain:ENDPOINT`/);
});

test('where an operator has stopped the application, a request is told so, and what starts it', () => {
  const application = upstreamOf([], 'shop').unavailable();
  assert.equal(explain(application), 'Upstream "app" has no endpoint: no instance of the application shop runs.');
  const { whose, nextStep, forClient } = specOf(application);
  assert.equal(whose, 'operator');
  assert.match(nextStep, /`candor app start shop`/);
  assert.doesNotMatch(forClient, /checked/);
  const record = { ...application.evidence, stopped: 'shop; rm -r x' } as Evidence['no_endpoint_ready'];
  assert.match(specOf(fail('no_endpoint_ready', 'route', record)).nextStep, /`candor app start NAME`/);
  const others = upstreamOf([]).unavailable();
  assert.equal(explain(others), 'Upstream "app" has no endpoint.');
  assert.equal(specOf(others).whose, 'application');
});

test('a change of an endpoint that the upstream does not have adds none', () => {
  const upstream = upstreamOf(['a']);
  upstream.changeEndpoints([endpoint('gone', 'healthy')]);
  assert.deepEqual(chosen(upstream), ['app/a']);
});

test('an endpoint that drains or was removed is reported once when it has no request in flight, also after a change of another', () => {
  const upstream = upstreamOf(['a', 'b', 'c']);
  upstream.updateEndpoints([endpoint('a', 'healthy'), endpoint('b', 'healthy')]);
  upstream.changeEndpoints([endpoint('b', 'draining')]);
  assert.deepEqual(upstream.takeDrained(), ['app/c', 'app/b']);
  assert.deepEqual(upstream.takeDrained(), []);
});

test('an endpoint with the weight 0 gets no requests while others can, and all of them when no other may', () => {
  const upstream = upstreamOf(['a', 'b']);
  upstream.changeEndpoints([endpoint('a', 'healthy', { weight: 0 })]);
  assert.deepEqual(chosen(upstream), ['app/b']);
  const b = upstream.choose([], anyRequest);
  assert.ok(b !== null);
  assert.equal(upstream.hasOther([b]), false, 'nor is it there for retries');
  upstream.changeEndpoints([endpoint('b', 'unhealthy')]);
  assert.deepEqual(chosen(upstream), ['app/a']);
  upstream.changeEndpoints([endpoint('a', 'healthy', { weight: 1 }), endpoint('b', 'healthy')]);
  assert.deepEqual(chosen(upstream), ['app/a', 'app/b']);
});

test('weights share out the requests', () => {
  const upstream = upstreamOf(['a', 'b']);
  upstream.changeEndpoints([endpoint('a', 'healthy', { weight: 100 }), endpoint('b', 'healthy', { weight: 900 })]);
  const ids = Array.from({ length: 20_000 }, () => upstream.choose([], anyRequest)?.id);
  const share = ids.filter((id) => id === 'app/a').length / ids.length;
  assert.ok(share > 0.09 && share < 0.11, String(share));
});

test('an endpoint on probation gets requests of the routes on which it failed', () => {
  const upstream = upstreamOf(['a', 'b']);
  upstream.changeEndpoints([endpoint('b', 'probation', { probationRoutes: ['shop'] })]);
  assert.equal(upstream.choose([], { ...anyRequest, route: 'cart' })?.id, 'app/a');
  assert.equal(upstream.choose([], { ...anyRequest, route: 'shop' })?.id, 'app/b');
});

test('endpoints of a higher priority number get requests, retries and probation only after the others', () => {
  const upstream = upstreamOf(['a', 'b']);
  upstream.changeEndpoints([endpoint('b', 'probation', { priority: 1 })]);
  assert.deepEqual(chosen(upstream), ['app/a']);
  upstream.changeEndpoints([endpoint('b', 'healthy', { priority: 1 })]);
  assert.deepEqual(chosen(upstream), ['app/a']);
  const a = upstream.choose([], anyRequest);
  assert.ok(a !== null);
  assert.equal(upstream.choose([a], anyRequest)?.id, 'app/b');
  upstream.changeEndpoints([endpoint('a', 'unhealthy')]);
  assert.deepEqual(chosen(upstream), ['app/b']);
});
