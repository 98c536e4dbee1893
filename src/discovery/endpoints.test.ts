import assert from 'node:assert/strict';
import { describe, test, it } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import type { ConnectTarget, ConnectWaiter } from '../core/connector.ts';
import { Deadlines } from '../core/deadline.ts';
import type { UpstreamId, EndpointId } from '../core/endpoint.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { UpstreamDelta, EndpointSnapshot } from '../core/snapshot.ts';
import type { LiveInstance, SupervisedInstances } from '../core/live-instance.ts';
import { SharedCounts } from '../limits/shared-counts.ts';
import { healthyInMs } from '../policy/health.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { createTransportPair } from '../testing/memory-transport.ts';
import { createHealthChecker } from '../upstream/health-check.ts';
import { noInstances } from './discovery.test-support.ts';
import { Endpoints, EndpointSemaphoreAllocator } from './endpoints.ts';
import type { Instant } from '../core/time.ts';
import { WorkerSemaphores } from '../limits/worker-semaphores.ts';

const app = 'app' as UpstreamId;
const count = 200;
const everyMs = 5000;

const hostOf = (index: number): string => `10.0.0.${index}`;
const idOf = (index: number): string => `app/${hostOf(index)}:80`;

const ofAddresses = {
  upstreams: [
    {
      id: app,
      application: null,
      family: 'any',
      tls: null,
      check: { kind: 'tcp', intervalMs: everyMs, timeoutMs: 1000, passes: 2, fails: 2 },
      endpoints: Array.from({ length: count }, (_, index) => ({
        address: { kind: 'tcp', host: hostOf(index), port: 80 },
      })),
    },
  ],
  dns: { servers: [], allow: [], deny: [] },
  routes: [],
  listeners: [],
} as unknown as Configuration;

function world(configuration: Configuration = ofAddresses, instances: SupervisedInstances = noInstances) {
  const clock = new SimulatedClock();
  const random = new SeededRandom(1);
  const down = new Set<string>();
  const deltas: UpstreamDelta[] = [];
  const work = { checks: 0, looks: 0 };
  const connect = (target: ConnectTarget, waiter: ConnectWaiter): { cancel(): void } => {
    work.checks += 1;
    const host = target.kind === 'tcp' ? target.address : '';
    if (down.has(host)) waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
    else {
      waiter.onTransportConnected();
      waiter.onConnected(createTransportPair({ clock })[0]);
    }
    return { cancel: () => undefined };
  };
  const connector = { resolve: () => assert.fail(), connect };
  const ports = { clock, deadlines: new Deadlines(clock), connector, onUnclassified: () => assert.fail() };
  const checker = createHealthChecker(ports);
  const endpoints = new Endpoints({
    checkContext: { clock, random, checker },
    onUnclassified: () => assert.fail(),
    names: { lookUp: () => assert.fail() },
    events: { emit: () => undefined },
    shared: new SharedCounts({ workersMax: 1, endpointsMax: 256, addressesMax: 16 }, clock, random),
    instances,
    configuration: () => configuration,
    revision: () => 1,
    // Asked once for each endpoint that is put together.
    listeners: () => {
      work.looks += 1;
      return [];
    },
    send: (delta) => void deltas.push(delta),
    onChange: () => undefined,
    adjust: (endpoints) => endpoints,
  });
  endpoints.use(configuration);
  clock.advanceSync(10);
  endpoints.sendChangesSince([]);
  deltas.length = 0;
  Object.assign(work, { checks: 0, looks: 0 });
  return { clock, down, posts: deltas, work, endpoints };
}

function outcome(index: number, changes: Partial<EndpointOutcomes> = {}): EndpointOutcomes {
  const none = {
    successes: 0,
    serverErrors: 0,
    rateLimited: 0,
    restMs: 0,
    failures: 0,
    consecutiveFailures: 0,
    consecutiveUnreachable: 0,
    latencyMs: 0,
    causes: [],
  };
  return { upstream: app, endpoint: idOf(index), state: 'healthy', ...none, ...changes };
}

const all = Array.from({ length: count }, (_, index) => index);

describe('two hundred endpoints', () => {
  test('of which nothing changes cost their checks and nothing else', () => {
    const { clock, posts, work } = world();
    clock.advanceSync(600_000);
    assert.ok(work.checks > count * 100, `${work.checks} checks`);
    assert.deepEqual([posts.length, work.looks], [0, 0]);
  });

  test('that stay unhealthy cost no more than healthy ones', () => {
    const { clock, posts, work, down } = world();
    for (const index of all) down.add(hostOf(index));
    clock.advanceSync(4 * everyMs);
    assert.equal(posts.length, count);
    Object.assign(work, { looks: 0 });
    posts.length = 0;
    clock.advanceSync(60_000);
    assert.deepEqual([posts.length, work.looks], [0, 0]);
  });

  test('of which one changes are put together once, and one message has that one alone', () => {
    const { clock, posts, work, down } = world();
    down.add(hostOf(7));
    clock.advanceSync(60_000);
    assert.deepEqual(
      posts.map(({ whole, endpoints }) => [whole, endpoints.map(({ id, state }) => [id, state])]),
      [[false, [[idOf(7), 'unhealthy']]]],
    );
    assert.equal(work.looks, count);
    down.delete(hostOf(7));
    clock.advanceSync(60_000);
    // The first check that passes is news as well: fewer are needed from then on.
    assert.deepEqual(
      posts.flatMap(({ endpoints }) => endpoints.map(({ state, checks }) => [state, checks?.passesNeeded])),
      [
        ['unhealthy', 2],
        ['unhealthy', 1],
        ['healthy', 0],
      ],
    );
    assert.equal(work.looks, 3 * count);
  });

  test('that answer requests are not put together for it', () => {
    const { posts, work, endpoints } = world();
    for (let batch = 0; batch < 10; batch++) endpoints.onOutcomes(all.map((index) => outcome(index, { successes: 9 })));
    assert.deepEqual([posts.length, work.looks], [0, 0]);
  });

  test('of which traffic ejects one are not put together either, and one message has that one', () => {
    const { posts, work, endpoints } = world();
    const failures = {
      failures: 5,
      consecutiveUnreachable: 5,
      causes: [{ cause: 'connect_refused', count: 5 }],
    } as const;
    endpoints.onOutcomes([outcome(3, { ...failures, causes: [...failures.causes] }), outcome(4, { successes: 1 })]);
    assert.deepEqual(
      posts.map(({ whole, endpoints: told }) => [whole, told.map(({ id, state }) => [id, state])]),
      [[false, [[idOf(3), 'ejected']]]],
    );
    assert.equal(work.looks, 0);
  });

  test('are sent after a snapshot as far as they have changed since it was made', () => {
    const { clock, posts, down, endpoints } = world();
    const made = endpoints.upstreams();
    for (const index of [3, 7]) down.add(hostOf(index));
    clock.advanceSync(60_000);
    const changed = posts.splice(0).flatMap(({ endpoints: some }) => some.map(({ id }) => id));
    assert.deepEqual(changed.toSorted(), [idOf(3), idOf(7)].toSorted());
    endpoints.sendChangesSince(made);
    const [delta] = posts;
    assert.deepEqual(
      [posts.length, delta?.whole, delta?.endpoints.map(({ id, state }) => [id, state])],
      [
        1,
        false,
        [
          [idOf(3), 'unhealthy'],
          [idOf(7), 'unhealthy'],
        ],
      ],
    );
  });

  test('are all sent if the snapshot did not have them', () => {
    const { posts, endpoints } = world();
    endpoints.sendChangesSince([]);
    assert.deepEqual([posts.length, posts[0]?.whole, posts[0]?.endpoints.length], [1, true, count]);
  });

  test('that recover do so within the time that was sent with their last change', () => {
    const { clock, posts, down } = world();
    for (const index of all) down.add(hostOf(index));
    clock.advanceSync(60_000);
    const told = posts.flatMap(({ endpoints }) => endpoints);
    assert.equal(told.length, count);
    for (const { checks } of told) {
      assert.ok(checks !== null);
      const inMs = healthyInMs(checks, clock.now());
      assert.ok(inMs > 0 && inMs <= 2 * everyMs, `${inMs} ms for two checks`);
    }
  });
});

test('the outcome of a request is reported for its instance, whatever the address of the instance looks like', () => {
  const instances: LiveInstance[] = [1, 2].map((number) => ({
    id: `shop/${number}`,
    address: { kind: 'unix', path: `/run/shop/${number}.sock` },
    state: 'healthy',
    reason: '',
    finding: null,
    sinceInstant: 0,
    release: null,
    exit: null,
  }));
  const noted: unknown[] = [];
  const ofApplication = {
    ...ofAddresses,
    upstreams: [{ ...ofAddresses.upstreams[0], application: 'shop', endpoints: [] }],
  } as unknown as Configuration;
  const { endpoints } = world(ofApplication, {
    instances: () => instances,
    noteTraffic: (...note) => void noted.push(note),
    onChange: () => () => undefined,
  });
  const [, second] = [...(endpoints.registry.endpoints(app)?.keys() ?? [])];
  assert.ok(second !== undefined);
  endpoints.onOutcomes([{ ...outcome(0), endpoint: second, failures: 1 }]);
  endpoints.onOutcomes([{ ...outcome(0), endpoint: 'app/shop/3/127.0.0.1:3000', failures: 1 }]);
  assert.deepEqual(noted, [['shop', 'shop/2', { served: false, failed: true }]], 'nothing of one that is gone');
});

function endpoint(name: string): EndpointSnapshot {
  return {
    id: `app/${name}` as EndpointId,
    address: { kind: 'tcp', host: name, port: 80 },
    state: 'healthy',
    reason: 'its check passes',
    sinceInstant: 0,
    checks: null,
    release: null,
    exit: null,
  };
}

function twoSlots(): {
  readonly shared: SharedCounts;
  readonly slots: EndpointSemaphoreAllocator;
  readonly seat: WorkerSemaphores;
} {
  const clock = new SimulatedClock();
  const shared = new SharedCounts({ workersMax: 1, endpointsMax: 2, addressesMax: 16 }, clock, new SeededRandom(1));
  return {
    shared,
    slots: new EndpointSemaphoreAllocator(shared),
    seat: new WorkerSemaphores(shared.memory, shared.claimWorkerIndex() ?? 0, clock),
  };
}

describe('the cells of endpoints', () => {
  it('stay with an endpoint while it exists', () => {
    const { slots } = twoSlots();
    const [a, b] = slots.of(app, [endpoint('a'), endpoint('b')]);
    assert.notDeepEqual(a?.semaphores, b?.semaphores);
    assert.deepEqual(slots.of(app, [endpoint('a')])[0]?.semaphores, a?.semaphores);
  });

  it('go to another endpoint once theirs is gone and all permits are released, with a new generation', () => {
    const { slots } = twoSlots();
    const [a] = slots.of(app, [endpoint('a'), endpoint('b')]);
    const [, c] = slots.of(app, [endpoint('b'), endpoint('c')]);
    assert.equal(c?.semaphores?.index, a?.semaphores?.index);
    assert.notEqual(c?.semaphores?.generation, a?.semaphores?.generation);
  });

  it('give no permit to a worker that still has the generation before', () => {
    const { slots, seat } = twoSlots();
    const [a] = slots.of(app, [endpoint('a'), endpoint('b')]);
    slots.of(app, [endpoint('b'), endpoint('c')]);
    const before = seat.endpoint(a?.semaphores ?? assert.fail(), () => {});
    assert.equal(before.connections.tryAcquire(10, 0 as Instant), false);
  });

  it('are missing where there are more endpoints than cells: those get no requests, with the reason', () => {
    const { slots, seat } = twoSlots();
    const [a] = slots.of(app, [endpoint('a'), endpoint('b')]);
    const places = seat.endpoint(a?.semaphores ?? assert.fail(), () => {});
    assert.ok(places.connections.tryAcquire(10, 0 as Instant));
    const [, c] = slots.of(app, [endpoint('b'), endpoint('c')]);
    assert.deepEqual([c?.semaphores, c?.state, c?.failure?.cause], [undefined, 'unhealthy', 'too_many_endpoints']);
    places.connections.release(10);
    const [, again] = slots.of(app, [endpoint('b'), endpoint('c')]);
    assert.equal(again?.semaphores?.index, a?.semaphores?.index);
    assert.equal(again?.failure, undefined);
  });

  it('are free when their upstream is gone', () => {
    const { slots } = twoSlots();
    slots.of(app, [endpoint('a'), endpoint('b')]);
    slots.keepOnly([]);
    const other = slots.of('other' as UpstreamId, [endpoint('c')]);
    assert.ok(other[0]?.semaphores !== undefined);
  });
});
