import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import type { ConnectTarget, ConnectWaiter } from '../core/connector.ts';
import { Deadlines } from '../core/deadline.ts';
import { drainMs } from '../core/drain.ts';
import type { UpstreamId } from '../core/endpoint.ts';
import type { LookupWaiter } from '../core/name-resolver.ts';
import { createTransportPair } from '../testing/memory-transport.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { createHealthChecker } from '../upstream/health-check.ts';
import { ConfiguredEndpoints } from './configured-endpoints.ts';
import { Resolver } from './resolver.ts';

const app = 'app' as UpstreamId;

const configuration = {
  upstreams: [
    {
      id: app,
      application: null,
      family: 'ipv4',
      tls: null,
      check: { kind: 'tcp', intervalMs: 5000, timeoutMs: 1000, passes: 1, fails: 1 },
      endpoints: [{ address: { kind: 'tcp', host: 'app.test', port: 80 } }],
    },
  ],
  dns: { servers: [], allow: [], deny: [] },
  routes: [],
  listeners: [],
} as unknown as Configuration;

/** One upstream by name. Its addresses pass their checks where they are `up`; `leadsTo` is where the name leads. */
function world() {
  const clock = new SimulatedClock();
  const random = new SeededRandom(1);
  const up = new Set<string>();
  let leadsTo = '10.0.0.1';
  const checked: string[] = [];
  let changes = 0;
  const connect = (target: ConnectTarget, waiter: ConnectWaiter): { cancel(): void } => {
    const host = target.kind === 'tcp' ? target.address : '';
    checked.push(host);
    if (up.has(host)) {
      waiter.onTransportConnected();
      waiter.onConnected(createTransportPair({ clock })[0]);
    } else waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
    return { cancel: () => undefined };
  };
  const lookUp = (_question: unknown, waiter: LookupWaiter): { cancel(): void } => {
    const ipv4 = { found: true, addresses: [leadsTo], ttlS: 10 } as const;
    const ipv6 = { found: false, fault: { stage: 'dns', code: 'ENODATA', alertId: null } } as const;
    const tell = (): void => waiter.onLookedUp({ source: 'dns', ipv4, ipv6 });
    const timer = clock.schedule(clock.now(), tell, undefined);
    return { cancel: () => timer.cancel() };
  };
  const names = new Resolver({
    clock,
    random,
    names: { lookUp },
    events: { emit: () => undefined },
    onChange: () => endpoints.namesChanged(),
    onUnclassified: () => assert.fail(),
  });
  const connector = { resolve: () => assert.fail(), connect };
  const ports = { clock, deadlines: new Deadlines(clock), connector, onUnclassified: () => assert.fail() };
  const endpoints: ConfiguredEndpoints = new ConfiguredEndpoints({
    clock,
    watch: { clock, random, checker: createHealthChecker(ports) },
    names,
    listeners: () => [],
    onChange: () => changes++,
    onChecked: () => undefined,
  });
  const spec = configuration.upstreams[0] ?? assert.fail();
  endpoints.use(configuration);
  return {
    clock,
    up,
    checked,
    endpoints,
    changes: () => changes,
    moveTo: (address: string) => void (leadsTo = address),
    seen: () => endpoints.endpointsOf(spec).map(({ id, state }) => `${id.slice(id.lastIndexOf('/') + 1)} ${state}`),
  };
}

test('an address that its name has left is used until another is ready, then checked no more, and gone after its drain', () => {
  const { clock, up, checked, endpoints, changes, moveTo, seen } = world();
  up.add('10.0.0.1');
  clock.advanceSync(100);
  assert.deepEqual(seen(), ['10.0.0.1:80 healthy']);

  moveTo('10.0.0.2');
  clock.advanceSync(20_000);
  assert.deepEqual(seen().sort(), ['10.0.0.1:80 healthy', '10.0.0.2:80 unhealthy']);

  up.add('10.0.0.2');
  while (!seen().includes('10.0.0.2:80 healthy')) clock.advanceSync(100);
  assert.ok(seen().includes('10.0.0.1:80 draining'), 'it is let go by the check that made the other ready');
  checked.length = 0;
  clock.advanceSync(drainMs - 200);
  assert.deepEqual([...new Set(checked)], ['10.0.0.2'], 'nobody asks any more how the old one is');

  const before = changes();
  clock.advanceSync(400);
  assert.deepEqual(seen(), ['10.0.0.2:80 healthy']);
  assert.ok(changes() > before, 'and it is told that it is gone');
  endpoints.stop();
});
