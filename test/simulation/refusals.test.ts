import assert from 'node:assert/strict';
import { anyClient, anyRequest } from '../../src/upstream/any-request.test-support.ts';
import { describe, test } from 'node:test';
import fc from '../properties.ts';
import type { Configuration } from '../../src/core/configuration.ts';
import type { CheckSpec } from '../../src/core/upstream-spec.ts';
import type { ConnectTarget, ConnectWaiter } from '../../src/core/connector.ts';
import { noCounts } from '../../src/core/counters.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import type { EndpointId } from '../../src/core/endpoint.ts';
import type { Failure } from '#failures/failure.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import type { UpstreamDelta, UpstreamSnapshot } from '../../src/core/snapshot.ts';
import type { UpstreamStream } from '../../src/core/stream.ts';
import { after } from '../../src/core/time.ts';
import { Endpoints } from '../../src/discovery/endpoints.ts';
import { SharedCounts } from '../../src/limits/shared-counts.ts';
import { WorkerSemaphores } from '../../src/limits/worker-semaphores.ts';
import { createTransportPair } from '../../src/testing/memory-transport.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { createHealthChecker } from '../../src/upstream/health-check.ts';
import type { UpstreamPorts } from '../../src/upstream/ports.ts';
import { wasTried } from '../../src/upstream/refusal.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { ConnectionOwners } from '../../src/upstream/private-connections.ts';
import { LiveUpstream } from '../../src/upstream/upstream.ts';

// The checks of the main thread and the requests of two workers, at one endpoint that goes down and comes back. Only
// the application and the clock are simulated.

const defaultCheck: CheckSpec = {
  kind: 'tcp',
  intervalMs: 5000,
  timeoutMs: 2000,
  passes: 2,
  passesAfterRefusal: 1,
  fails: 3,
  failsAfterRefusal: 2,
};

/** The longest interval at which workers report the results of attempts. */
const batchMs = 100;
const limits = { dnsMs: 1000, connectMs: 1000, tlsMs: 1000 };

class World {
  readonly clock = new SimulatedClock();
  isUp: boolean;
  /** The instants of connection attempts while nothing listened. */
  readonly refused: number[] = [];
  readonly served: number[] = [];
  readonly failures: Failure[] = [];
  #workers: LiveUpstream[] = [];
  readonly #outcomes: EndpointOutcomes[] = [];
  readonly #refused = new Set<EndpointId>();
  /** Requests go on: they wait for the endpoint, or are tried elsewhere. */
  goOn = false;
  readonly #endpoints: Endpoints;

  constructor(seed: number, check: CheckSpec, isUp: boolean) {
    this.isUp = isUp;
    const { clock } = this;
    const random = new SeededRandom(seed);
    const configuration = configurationWith(check);
    const shared = new SharedCounts({ workersMax: 2, endpointsMax: 4, addressesMax: 16 }, clock, random);
    const connector = {
      resolve: () => assert.fail('an address is not looked up'),
      connect: (target: ConnectTarget, waiter: ConnectWaiter) => this.#connect(target, waiter),
    };
    const deadlines = new Deadlines(clock);
    const checker = createHealthChecker({ clock, deadlines, connector, onUnclassified: () => assert.fail() });
    this.#endpoints = new Endpoints({
      checkContext: { clock, random, checker },
      onUnclassified: () => assert.fail(),
      names: { lookUp: () => assert.fail('an address is not looked up') },
      events: { emit: () => undefined },
      shared,
      instances: { instances: () => [], noteTraffic: () => undefined, onChange: () => () => undefined },
      configuration: () => configuration,
      revision: () => 1,
      listeners: () => [],
      // A message to a worker takes a moment.
      send: (delta) => void clock.schedule(after(clock.now(), 1), (told) => this.#told(told), delta),
      onChange: () => undefined,
      adjust: (endpoints) => endpoints,
    });
    this.#endpoints.use(configuration);
    clock.advanceSync(10);
    const [snapshot] = this.#endpoints.upstreams();
    for (const worker of [0, 1]) {
      const semaphores = new WorkerSemaphores(
        shared.memory,
        shared.claimWorkerIndex() ?? assert.fail('a worker index is free'),
        clock,
      );
      const parts = {
        clock,
        random,
        connector,
        semaphores,
        counts: noCounts(worker),
        owners: new ConnectionOwners(),
        onUnclassified: () => assert.fail(),
      };
      const ports = {
        ...parts,
        deadlines: new Deadlines(clock),
        writer: new ByteWriter(),
        storage: new HeadStorage(),
        onRefused: (endpoint: EndpointId) => void this.#refused.add(endpoint),
      } as unknown as UpstreamPorts;
      this.#workers.push(new LiveUpstream(snapshot as UpstreamSnapshot, ports));
    }
    this.#report();
  }

  #connect(_target: ConnectTarget, waiter: ConnectWaiter): { cancel(): void } {
    const { isUp } = this;
    if (!isUp) this.refused.push(this.clock.now());
    const tried = (): void => {
      if (!isUp) return waiter.onConnectFailed({ stage: 'connect', code: 'ECONNREFUSED', alertId: null });
      waiter.onTransportConnected();
      waiter.onConnected(createTransportPair({ clock: this.clock })[0]);
    };
    const timer = this.clock.schedule(after(this.clock.now(), 0.2), tried, undefined);
    return { cancel: () => timer.cancel() };
  }

  #told({ endpoints }: UpstreamDelta): void {
    for (const worker of this.#workers) worker.changeEndpoints(endpoints);
  }

  #report(): void {
    this.#endpoints.onRefused([...this.#refused]);
    this.#refused.clear();
    this.#endpoints.onOutcomes(this.#outcomes.splice(0));
    this.clock.schedule(after(this.clock.now(), batchMs), () => this.#report(), undefined);
  }

  /** What the main thread thinks of the endpoint. */
  get state(): string | undefined {
    return this.#endpoints.upstreams()[0]?.endpoints[0]?.state;
  }

  /** One request at a worker, on a connection of its own. */
  ask(worker: number): void {
    const endpoint = this.#workers[worker % 2]?.choose([], anyRequest) ?? null;
    if (endpoint === null) return;
    const { state, id } = endpoint;
    const outcome = {
      upstream: 'app',
      endpoint: id,
      state,
      successes: 0,
      serverErrors: 0,
      rateLimited: 0,
      restMs: 0,
      failures: 1,
      consecutiveFailures: 1,
      consecutiveUnreachable: 1,
      latencyMs: 0,
    };
    endpoint.acquire(
      {
        client: anyClient,
        needsHttp1: false,
        needsPrivate: false,
        onStageDone: () => undefined,
        onStream: (stream: UpstreamStream) => {
          this.served.push(this.clock.now());
          stream.cancel();
        },
        onNoStream: (failure) => {
          this.failures.push(failure);
          if (wasTried(failure) && !this.goOn)
            this.#outcomes.push({ ...outcome, causes: [{ cause: failure.cause, count: 1 }] });
        },
      },
      limits,
      'fresh',
    );
  }

  /** Requests at both workers, one every `everyMs`. */
  askFor(durationMs: number, everyMs: number): void {
    const end = this.clock.now() + durationMs;
    for (let number = 0; this.clock.now() < end; number++) {
      this.ask(number);
      this.clock.advanceSync(everyMs);
    }
  }
}

function configurationWith(check: CheckSpec): Configuration {
  const app = { id: 'app', application: null, family: 'any', tls: null, check };
  const connections = { connectionsMax: 256, queueMax: 64, queueMs: 1000, idleConnectionsMax: 0, idleConnectionMs: 0 };
  const endpoints = [{ address: { kind: 'tcp', host: '10.0.0.1', port: 80 } }];
  return {
    upstreams: [{ ...app, ...connections, attemptsMax: 1, responseHeadBytesMax: 65_536, endpoints }],
    dns: { servers: [], allow: [], deny: [] },
    routes: [],
    listeners: [],
  } as unknown as Configuration;
}

/** The largest number of these instants within a second. */
function mostWithinASecond(instants: readonly number[]): number {
  return Math.max(0, ...instants.map((start) => instants.filter((at) => at >= start && at < start + 1000).length));
}

const cases = fc.record({
  seed: fc.nat(),
  downMs: fc.integer({ min: 0, max: 25_000 }),
  everyMs: fc.constantFrom(0.5, 3, 40, 700),
  isChecked: fc.boolean(),
  isUpAtFirst: fc.boolean(),
});

describe('an endpoint that refuses connections', () => {
  test('gets at most five attempts a second from all workers and checks together, after the first refusal', () => {
    fc.assert(
      fc.property(cases, ({ seed, downMs, everyMs, isChecked, isUpAtFirst }) => {
        const world = new World(seed, isChecked ? defaultCheck : { kind: 'none' }, isUpAtFirst);
        if (isUpAtFirst) world.askFor(1000, everyMs);
        world.isUp = false;
        const since = world.clock.now();
        world.askFor(downMs, everyMs);
        // Attempts that begin before the first refusal has come back cannot know of it.
        const known = world.refused.filter((at) => at > since + 0.2 + 2 * everyMs);
        assert.ok(mostWithinASecond(known) <= 5, `${mostWithinASecond(known)} within a second`);
      }),
      { numRuns: 60 },
    );
  });

  test('serves within a second of being back, after any downtime', () => {
    fc.assert(
      fc.property(cases, ({ seed, downMs, isChecked, isUpAtFirst }) => {
        const everyMs = 10;
        const world = new World(seed, isChecked ? defaultCheck : { kind: 'none' }, isUpAtFirst);
        world.isUp = false;
        world.askFor(downMs, everyMs);
        world.isUp = true;
        const backAt = world.clock.now();
        world.askFor(1100, everyMs);
        const servedAt = world.served.find((at) => at >= backAt) ?? Number.POSITIVE_INFINITY;
        assert.ok(servedAt - backAt <= 1000, `${servedAt - backAt} ms after it was back`);
      }),
      { numRuns: 60 },
    );
  });

  test('is unhealthy within 250 ms of the first request that it refuses, also while that request goes on', () => {
    const some = fc.record({ seed: fc.nat(), upMs: fc.integer({ min: 0, max: 12_000 }), goOn: fc.boolean() });
    fc.assert(
      fc.property(some, ({ seed, upMs, goOn }) => {
        const world = new World(seed, defaultCheck, true);
        world.askFor(upMs, 40);
        assert.equal(world.state, 'healthy');
        world.isUp = false;
        world.goOn = goOn;
        world.askFor(250, 10);
        assert.equal(world.state, 'unhealthy');
      }),
      { numRuns: 40 },
    );
  });

  test('is unhealthy within its interval and a quick check where no request comes', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 6000 }), (seed, upMs) => {
        const world = new World(seed, defaultCheck, true);
        world.clock.advanceSync(upMs);
        world.isUp = false;
        world.clock.advanceSync(5500 + 300 + 10);
        assert.equal(world.state, 'unhealthy');
      }),
      { numRuns: 40 },
    );
  });

  test('gets no attempts from requests while its refusal is known, and those requests fail with that reason', () => {
    const world = new World(1, defaultCheck, true);
    world.isUp = false;
    world.askFor(200, 10);
    const known = world.failures.filter((failure) => !wasTried(failure));
    assert.ok(known.length >= 15, `${known.length} of ${world.failures.length}`);
    assert.deepEqual([...new Set(world.failures.map(({ cause }) => cause))], ['connect_refused']);
  });
});
