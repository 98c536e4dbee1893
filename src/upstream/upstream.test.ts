import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines } from '../core/deadline.ts';
import type { EndpointId, EndpointState } from '../core/endpoint.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { UpstreamPorts } from './ports.ts';
import { LiveUpstream } from './upstream.ts';

function endpoint(name: string, state: EndpointState): EndpointSnapshot {
  return {
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

function upstreamOf(...names: string[]): LiveUpstream {
  const clock = new SimulatedClock();
  const ports = { clock, deadlines: new Deadlines(clock), random: new SeededRandom(1) } as unknown as UpstreamPorts;
  const endpoints = names.map((name) => endpoint(name, 'healthy'));
  return new LiveUpstream({ id: 'app', tls: null, connectionsMax: 8, endpoints } as unknown as UpstreamSnapshot, ports);
}

function chosen(upstream: LiveUpstream): readonly string[] {
  const ids = Array.from({ length: 50 }, () => upstream.choose([])?.id ?? 'none');
  return [...new Set(ids)].toSorted();
}

test('what has changed of one endpoint leaves the others as they were', () => {
  const upstream = upstreamOf('a', 'b', 'c');
  assert.deepEqual(chosen(upstream), ['app/a', 'app/b', 'app/c']);
  upstream.changeEndpoints([endpoint('b', 'unhealthy')]);
  assert.deepEqual(chosen(upstream), ['app/a', 'app/c']);
  upstream.changeEndpoints([endpoint('a', 'unhealthy'), endpoint('c', 'unhealthy')]);
  assert.deepEqual(chosen(upstream), ['none']);
  const { why } = upstream.unavailable().evidence as { why: string };
  assert.equal(why, 'a:80: it is unhealthy; b:80: it is unhealthy; c:80: it is unhealthy');
  upstream.changeEndpoints([endpoint('b', 'healthy')]);
  assert.deepEqual(chosen(upstream), ['app/b']);
});

test('a change of an endpoint that there is not makes none', () => {
  const upstream = upstreamOf('a');
  upstream.changeEndpoints([endpoint('gone', 'healthy')]);
  assert.deepEqual(chosen(upstream), ['app/a']);
});

test('one that drains, or has gone before, is told when nothing is under way there, also after a change of another', () => {
  const upstream = upstreamOf('a', 'b', 'c');
  upstream.updateEndpoints([endpoint('a', 'healthy'), endpoint('b', 'healthy')]);
  upstream.changeEndpoints([endpoint('b', 'draining')]);
  assert.deepEqual(upstream.takeDrained(), ['app/c', 'app/b']);
  assert.deepEqual(upstream.takeDrained(), []);
});
