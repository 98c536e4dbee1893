import assert from 'node:assert/strict';
import { anyRequest } from '../upstream/any-request.test-support.ts';
import { test } from 'node:test';
import { Deadlines } from '../core/deadline.ts';
import type { EndpointState } from '../core/endpoint.ts';
import type { ListenerSpec } from '../core/listener-spec.ts';
import type { EndpointSnapshot, Snapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { UpstreamPorts } from '../upstream/ports.ts';
import { ConnectionOwners } from '../upstream/private-connections.ts';
import { LiveUpstream } from '../upstream/upstream.ts';
import { FeatureParts } from './feature-parts.ts';
import { PendingSnapshot } from './pending-snapshot.ts';

const clock = new SimulatedClock();
const parts = { clock, deadlines: new Deadlines(clock), random: new SeededRandom(1), owners: new ConnectionOwners() };
const ports = parts as unknown as UpstreamPorts;

function endpoint(name: string, state: EndpointState): EndpointSnapshot {
  return { id: `app/${name}`, address: { kind: 'tcp', host: name, port: 80 }, state } as unknown as EndpointSnapshot;
}

function upstreamOf(...endpoints: EndpointSnapshot[]): UpstreamSnapshot {
  return { id: 'app', tls: null, connectionsMax: 8, endpoints } as unknown as UpstreamSnapshot;
}

const nothingElse = { clientAddressHeader: null, listeners: [] as ListenerSpec[] } as unknown as Snapshot;

function chosen(upstream: LiveUpstream | undefined): readonly string[] {
  const ids = Array.from({ length: 50 }, () => upstream?.choose([], anyRequest)?.id ?? 'none');
  return [...new Set(ids)].toSorted();
}

test('an upstream whose endpoints come in parts has all of them', () => {
  const upstreams = new Map<string, LiveUpstream>();
  const next = new PendingSnapshot(nothingElse, upstreams, ports, () => true, new FeatureParts([], ports));
  void next.addPart({ upstreams: [upstreamOf(endpoint('a', 'healthy'), endpoint('b', 'healthy'))], routes: [] });
  void next.addPart({ upstreams: [upstreamOf(endpoint('c', 'healthy'))], routes: [] });
  next.activate(upstreams);
  assert.deepEqual(chosen(upstreams.get('app')), ['app/a', 'app/b', 'app/c']);
});

test('an active upstream is unchanged until the snapshot is activated, and stays so if it never is', () => {
  const served = new LiveUpstream(upstreamOf(endpoint('old', 'healthy')), ports);
  const upstreams = new Map([['app', served]]);
  const given = { upstreams: [upstreamOf(endpoint('new', 'healthy'))], routes: [] };
  const discarded = new PendingSnapshot(nothingElse, upstreams, ports, () => true, new FeatureParts([], ports));
  void discarded.addPart(given);
  discarded.discard();
  assert.deepEqual(chosen(served), ['app/old']);
  const next = new PendingSnapshot(nothingElse, upstreams, ports, () => true, new FeatureParts([], ports));
  void next.addPart(given);
  assert.deepEqual(chosen(served), ['app/old']);
  next.activate(upstreams);
  assert.deepEqual(chosen(served), ['app/new']);
});
