import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamId } from '../core/endpoint.ts';
import type { LookupWaiter } from '../core/name-resolver.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { configurationOf, createFakeChecker } from './discovery.test-support.ts';
import { DnsSource } from './dns-source.ts';
import { EndpointRegistry } from './endpoint-registry.ts';
import { StaticSource } from './endpoints.ts';

const app = 'app' as UpstreamId;

test('an address, and each address of a name, has the weight and the priority of its entry', () => {
  const clock = new SimulatedClock();
  const random = new SeededRandom(1);
  const lookUp = (_: unknown, waiter: LookupWaiter): { cancel(): void } => {
    const ipv4 = { found: true, addresses: ['10.0.0.1', '10.0.0.2'], ttlS: 10 } as const;
    const ipv6 = { found: false, fault: { stage: 'dns', code: 'ENODATA', alertId: null } } as const;
    return clock.schedule(clock.now(), () => waiter.onLookedUp({ source: 'dns', ipv4, ipv6 }), undefined);
  };
  const parts = { random, names: { lookUp }, events: { emit: () => undefined }, onUnclassified: () => assert.fail() };
  const registry = new EndpointRegistry({
    checkContext: { clock, random, checker: createFakeChecker(clock, new Set()) },
    sources: [(context) => new StaticSource(context), (context) => new DnsSource(parts, context)],
    listeners: () => [],
    events: { emit: () => undefined },
    onChange: () => undefined,
    onChecked: () => undefined,
  });
  registry.activate(
    configurationOf({
      id: app,
      endpoints: [
        { address: { kind: 'tcp', host: 'app.test', port: 80 }, weight: 3, priority: 1 },
        { address: { kind: 'tcp', host: '10.0.0.9', port: 80 }, weight: 2 },
        { address: { kind: 'unix', path: '/run/app.sock' } },
      ],
    }),
  );
  clock.advanceSync(100);
  const found = [...(registry.endpoints(app)?.values() ?? [])];
  assert.deepEqual(
    found.map(({ id, weight, priority }) => [id, weight, priority]),
    [
      ['app/app.test/10.0.0.1:80', 3, 1],
      ['app/app.test/10.0.0.2:80', 3, 1],
      ['app/10.0.0.9:80', 2, undefined],
      ['app/unix:/run/app.sock', undefined, undefined],
    ],
  );
  registry.stop();
});
