import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { NewEvent } from '../core/event.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ApplicationSource } from './application-source.ts';
import { configurationOf, createFakeChecker } from './discovery.test-support.ts';
import { EndpointRegistry } from './endpoint-registry.ts';

const shop = 'shop' as ApplicationId;
const upstream = 'web' as UpstreamId;

function world() {
  const clock = new SimulatedClock();
  const events: NewEvent[] = [];
  const traffic: unknown[] = [];
  const callbacks: (() => void)[] = [];
  let list: readonly LiveInstance[] = [];
  const instances = {
    instances: () => list,
    noteTraffic: (...report: unknown[]) => void traffic.push(report),
    onChange: (callback: () => void) => {
      callbacks.push(callback);
      return () => undefined;
    },
  };
  const registry = new EndpointRegistry({
    checkContext: { clock, random: new SeededRandom(1), checker: createFakeChecker(clock, new Set()) },
    sources: [(context) => new ApplicationSource(instances, context)],
    listeners: () => [],
    events: { emit: (event) => void events.push(event as unknown as NewEvent) },
    onChange: () => undefined,
    onChecked: () => undefined,
  });
  const set = (id: string, state: EndpointState, changes: Partial<LiveInstance> = {}): void => {
    const address = { kind: 'tcp', host: '127.0.0.1', port: 3000 } as const;
    const instance = { id, address, state, reason: 'ready', finding: null, sinceInstant: 7, release: null, exit: null };
    list = [{ ...instance, ...changes }];
    for (const callback of callbacks) callback();
  };
  return { registry, events, traffic, set };
}

const configuration = configurationOf({ id: upstream, application: shop });

test('the supervisor reports the state of each instance, and each change of it is one event', () => {
  const { registry, events, set } = world();
  registry.activate(configuration);
  set('shop/1', 'starting');
  set('shop/1', 'healthy');
  set('shop/1', 'healthy');
  set('shop/2', 'healthy');
  assert.deepEqual(
    events.map(({ subject, from, to }) => [subject, from, to]),
    [
      ['endpoint:web/shop/1/127.0.0.1:3000', 'starting', 'healthy'],
      ['endpoint:web/shop/2/127.0.0.1:3000', null, 'healthy'],
    ],
  );
  assert.deepEqual(
    [...(registry.endpoints(upstream)?.values() ?? [])].map(({ instance, sinceInstant, checks }) => [
      instance,
      sinceInstant,
      checks,
    ]),
    [['shop/2', 7, null]],
  );
});

test('what an application printed is published without its credentials', () => {
  const { registry, set } = world();
  registry.activate(configuration);
  const secret = 'postgres://shop:hunter2@db/shop';
  set('shop/1', 'starting', {
    reason: `it wrote ${secret}`,
    finding: { reason: `it wrote ${secret}`, fix: null, lasting: false },
    exit: { atInstant: 1, code: 1, signal: null, outOfMemory: false, lastLine: `cannot connect to ${secret}` },
  });
  const published = JSON.stringify([...(registry.endpoints(upstream)?.values() ?? [])]);
  assert.match(published, /cannot connect to/);
  assert.doesNotMatch(published, /hunter2/);
});

test('requests at an endpoint are reported to the supervisor of its instance; of an endpoint that is gone nothing is', () => {
  const { registry, traffic, set } = world();
  registry.activate(configuration);
  set('shop/1', 'healthy');
  const [id] = registry.endpoints(upstream)?.keys() ?? [];
  assert.ok(id !== undefined);
  const report = { served: false, failed: true };
  registry.noteTraffic(upstream, id, report);
  set('shop/2', 'healthy');
  registry.noteTraffic(upstream, id, report);
  assert.deepEqual(traffic, [[shop, 'shop/1', report]]);
});
