import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drainMs } from '../core/drain.ts';
import type { UpstreamId } from '../core/endpoint.ts';
import type { LookupWaiter, NameQuestion } from '../core/name-resolver.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { configurationOf, createFakeChecker } from './discovery.test-support.ts';
import { DnsSource } from './dns-source.ts';
import { EndpointRegistry } from './endpoint-registry.ts';

const app = 'app' as UpstreamId;

const named = (host: string) =>
  configurationOf({
    id: app,
    check: { kind: 'tcp', intervalMs: 5000, timeoutMs: 1000, passes: 1, fails: 1 },
    endpoints: [{ address: { kind: 'tcp', host, port: 80 } }],
  });

/** One upstream by name. Its addresses pass their checks where they are `up`; `moveTo` changes what the name resolves to. */
function world() {
  const clock = new SimulatedClock();
  const random = new SeededRandom(1);
  const up = new Set<string>();
  const checked: string[] = [];
  const lookedUp: string[] = [];
  let current = '10.0.0.1';
  let changes = 0;
  const lookUp = ({ name }: NameQuestion, waiter: LookupWaiter): { cancel(): void } => {
    lookedUp.push(name);
    const ipv4 = { found: true, addresses: [current], ttlS: 10 } as const;
    const ipv6 = { found: false, fault: { stage: 'dns', code: 'ENODATA', alertId: null } } as const;
    return clock.schedule(clock.now(), () => waiter.onLookedUp({ source: 'dns', ipv4, ipv6 }), undefined);
  };
  const parts = { random, names: { lookUp }, events: { emit: () => undefined }, onUnclassified: () => assert.fail() };
  const registry = new EndpointRegistry({
    checkContext: { clock, random, checker: createFakeChecker(clock, up, checked) },
    sources: [(context) => new DnsSource(parts, context)],
    listeners: () => [],
    events: { emit: () => undefined },
    onChange: () => void changes++,
    onChecked: () => undefined,
  });
  const states = (): string[] => {
    const endpoints = [...(registry.endpoints(app)?.values() ?? [])];
    return endpoints.map(({ id, state }) => `${id.slice(id.lastIndexOf('/') + 1)} ${state}`);
  };
  return {
    clock,
    up,
    checked,
    lookedUp,
    registry,
    states,
    changes: () => changes,
    moveTo: (address: string) => void (current = address),
  };
}

describe('a name', () => {
  test('that resolves to another address keeps the old one until the new one is ready; then the old one drains', () => {
    const { clock, up, checked, registry, changes, moveTo, states } = world();
    up.add('10.0.0.1');
    registry.activate(named('app.test'));
    clock.advanceSync(100);
    assert.deepEqual(states(), ['10.0.0.1:80 healthy']);

    moveTo('10.0.0.2');
    clock.advanceSync(20_000);
    assert.deepEqual(states().sort(), ['10.0.0.1:80 healthy', '10.0.0.2:80 unhealthy']);

    up.add('10.0.0.2');
    while (!states().includes('10.0.0.2:80 healthy')) clock.advanceSync(100);
    assert.ok(states().includes('10.0.0.1:80 draining'), 'it drains after the check that made the other one ready');
    checked.length = 0;
    clock.advanceSync(drainMs - 200);
    assert.deepEqual([...new Set(checked)], ['10.0.0.2'], 'the draining one is not checked');

    const before = changes();
    clock.advanceSync(400);
    assert.deepEqual(states(), ['10.0.0.2:80 healthy']);
    assert.ok(changes() > before, 'its end is reported');
    registry.stop();
  });

  test('is one endpoint that nobody checks until its first lookup ends', () => {
    const { clock, registry, states, checked } = world();
    registry.activate(named('app.test'));
    assert.deepEqual([states(), checked, registry.isSettled], [['app.test:80 unknown'], [], false]);
    clock.advanceSync(10);
    assert.deepEqual([states(), registry.isSettled], [['10.0.0.1:80 unhealthy'], true]);
  });

  test('is not looked up any more after the registry has stopped', () => {
    const { clock, registry, lookedUp } = world();
    registry.activate(named('before.internal'));
    assert.deepEqual(lookedUp, ['before.internal']);
    registry.stop();
    registry.prepare(named('prepared.internal'));
    clock.advanceSync(60_000);
    assert.deepEqual(lookedUp, ['before.internal']);
  });
});
