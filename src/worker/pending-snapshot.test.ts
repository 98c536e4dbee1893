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
import { workerFeatures } from '../features/worker.ts';
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

test('slow start goes on over a reload that keeps it, begins with one that adds it, and ends with one that removes it', () => {
  const upstreams = new Map<string, LiveUpstream>();
  const features = new FeatureParts(workerFeatures, ports);
  const use = (...written: readonly object[]): void => {
    const next = new PendingSnapshot(nothingElse, upstreams, ports, () => true, features);
    void next.addPart({ upstreams: [Object.assign(upstreamOf(old, starting), ...written)], routes: [] });
    next.activate(upstreams);
  };
  const shareOfStarting = (): number => {
    const picks = Array.from({ length: 300 }, () => upstreams.get('app')?.choose([], anyRequest)?.id);
    return picks.filter((id) => id === starting.id).length / picks.length;
  };
  const old = { ...endpoint('old', 'healthy'), sinceInstant: 0 };
  let starting = endpoint('new', 'unhealthy');
  const slowly = { features: { slow_start: { rampMs: 20_000 } } };
  use(slowly);
  clock.advanceSync(60_000);
  starting = endpoint('new', 'healthy');
  use(slowly);
  assert.ok(shareOfStarting() < 0.2, 'kept');
  use();
  assert.ok(shareOfStarting() > 0.35, 'removed');
  use(slowly);
  assert.ok(shareOfStarting() < 0.2, 'added');
});
