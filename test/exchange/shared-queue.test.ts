import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connector } from '../../src/core/connector.ts';
import { orderToleranceMs, type Semaphore, type SemaphoreHandle } from '../../src/core/semaphores.ts';
import { SharedCounts } from '../../src/limits/shared-counts.ts';
import { WorkerSemaphores } from '../../src/limits/worker-semaphores.ts';
import * as fc from '../properties.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor, RequestText } from './world.ts';

const sizes = { workersMax: 3, endpointsMax: 2, addressesMax: 32 };

/** Two workers with one endpoint, whose connections they count together; it answers when the test says so. */
class TwoWorkers {
  readonly clock = new SimulatedClock();
  readonly shared = new SharedCounts(sizes, this.clock, new SeededRandom(1));
  readonly slot: SemaphoreHandle;
  readonly worlds: readonly [Http1World, Http1World];
  /** By worker. */
  readonly arrived: readonly [ArrivedRequest[], ArrivedRequest[]] = [[], []];
  readonly seats: WorkerSemaphores[] = [];
  /** Called when a worker begins to connect: what other workers do at that moment. */
  onConnect = (): void => {};

  constructor(connectionsMax: number, settings: Http1Settings = {}, endpoints = ['a']) {
    this.slot = this.shared.allocate('10.0.0.1') ?? assert.fail('a new table has room');
    this.worlds = [
      this.#world(0, connectionsMax, settings, endpoints),
      this.#world(1, connectionsMax, settings, endpoints),
    ];
  }

  #seat(): WorkerSemaphores {
    const index = this.shared.claimWorkerIndex() ?? assert.fail('a seat');
    const seat = new WorkerSemaphores(this.shared.memory, index, this.clock);
    this.seats.push(seat);
    return seat;
  }

  #world(number: 0 | 1, connectionsMax: number, settings: Http1Settings, endpoints: readonly string[]): Http1World {
    const semaphores = this.#seat();
    const slotOf = (id: string): SemaphoreHandle => this.shared.allocate(id) ?? assert.fail('a new table has room');
    const world = new Http1World(
      { connectionsMax, endpoints },
      {
        ...{ queueMax: 8, semaphores, semaphoresOf: slotOf, ...settings },
        gatewayConnector: (connector) => this.#noticed(connector),
      },
      this.clock,
    );
    for (const name of endpoints) {
      world.endpoint(name).onRequest = (request) => void this.arrived[number].push(request);
    }
    return world;
  }

  /** Permits of the same endpoint in a third worker, which has no connections. */
  thirdConnections(): Semaphore {
    return this.#seat().endpoint(this.slot, () => {}).connections;
  }

  #noticed(connector: Connector): Connector {
    const connect: Connector['connect'] = (target, waiter) => {
      this.onConnect();
      return connector.connect(target, waiter);
    };
    return { resolve: (name, waiter) => connector.resolve(name, waiter), connect };
  }

  /** Time passes, and calls arrive within a millisecond. */
  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advanceSync(1);
      for (const seat of this.seats) seat.handleWakeups();
    }
  }

  ask(worker: 0 | 1, target: string, method = 'GET'): ClientActor {
    const client = this.worlds[worker].request({ target, method });
    this.pass(5);
    return client;
  }

  answer(worker: 0 | 1, index: number): void {
    this.arrived[worker][index]?.answer(200, 'ok');
    this.pass(5);
  }

  get connections(): number {
    return this.shared.countsAt(this.slot).connections;
  }

  /** Everything that arrives is answered, for longer than a request may wait in the queue. */
  endAll(): void {
    for (let passed = 0; passed < 2500; passed += 5) {
      for (const worker of [0, 1] as const)
        for (const request of this.arrived[worker].splice(0)) request.answer(200, 'ok');
      this.pass(5);
    }
    for (const { lines } of this.worlds) for (const line of lines.values()) line.transport.close('close');
  }

  verifyAtRest(): void {
    this.pass(5000);
    this.clock.advanceSync(100_000);
    for (const { counts } of this.worlds) assert.equal(counts.upstreamConnections, counts.upstreamConnectionsIdle);
    assert.equal(this.connections, 0, 'no permit is held when every connection is closed');
  }
}

describe('two workers that count connections together', () => {
  it('have no more of them than the limit, and wait for each other', () => {
    const two = new TwoWorkers(1);
    const first = two.ask(0, '/1');
    const second = two.ask(1, '/2');
    assert.deepEqual([two.arrived[0].length, two.arrived[1].length, two.connections], [1, 0, 1]);
    two.answer(0, 0);
    assert.equal(first.status, 200);
    assert.equal(two.arrived[1].length, 1, 'the permit went to the other worker, without an idle connection left here');
    assert.equal(two.connections, 1);
    two.answer(1, 0);
    assert.equal(second.status, 200);
    two.verifyAtRest();
  });

  it('give up an idle connection for a request that waits elsewhere', () => {
    const two = new TwoWorkers(1);
    two.ask(0, '/1');
    two.answer(0, 0);
    assert.equal(two.worlds[0].counts.upstreamConnectionsIdle, 1);
    two.ask(1, '/2');
    assert.equal(two.worlds[0].counts.upstreamConnectionsIdle, 0);
    two.answer(1, 0);
    assert.equal(two.worlds[1].records.length, 1);
    two.verifyAtRest();
  });

  it('serve in the order in which requests came', () => {
    const two = new TwoWorkers(1);
    two.ask(0, '/1');
    two.pass(30);
    two.ask(1, '/2');
    two.pass(30);
    two.ask(0, '/3');
    two.pass(30);
    two.ask(1, '/4');
    two.answer(0, 0);
    assert.deepEqual(
      two.arrived.map((requests) => requests.map(({ target }) => target)),
      [['/1'], ['/2']],
    );
    two.answer(1, 0);
    assert.deepEqual(
      two.arrived.map((requests) => requests.map(({ target }) => target)),
      [['/1', '/3'], ['/2']],
    );
    two.answer(0, 1);
    assert.deepEqual(
      two.arrived.map((requests) => requests.map(({ target }) => target)),
      [
        ['/1', '/3'],
        ['/2', '/4'],
      ],
    );
    two.answer(1, 1);
    two.verifyAtRest();
  });

  it('serve a request once, also when another worker releases a permit while an idle connection is closed for it', () => {
    const two = new TwoWorkers(2);
    const elsewhere = two.thirdConnections();
    assert.ok(elsewhere.tryAcquire(2, two.clock.now()));
    const login = { target: '/login', headers: { Authorization: 'NTLM bG9naW4=' } };
    two.worlds[0].request(login, { connection: 'ada' });
    two.pass(5);
    const client = two.ask(0, '/1', 'POST');
    two.onConnect = () => {
      two.onConnect = () => {};
      elsewhere.release(2);
    };
    two.answer(0, 0); // The connection becomes idle, and is of use to its client alone.
    assert.deepEqual(
      two.arrived[0].map(({ target }) => target),
      ['/login', '/1'],
    );
    two.answer(0, 1);
    assert.equal(client.status, 200);
    two.verifyAtRest();
  });

  it(`may serve their own first, of those that came within ${orderToleranceMs} ms of each other`, () => {
    const two = new TwoWorkers(1);
    two.ask(0, '/1');
    two.ask(1, '/2');
    two.ask(0, '/3');
    two.answer(0, 0);
    assert.deepEqual(
      two.arrived.map((requests) => requests.map(({ target }) => target)),
      [['/1', '/3'], []],
    );
    two.answer(0, 1);
    two.answer(1, 0);
    assert.equal(two.worlds[1].records.length, 1);
    two.verifyAtRest();
  });

  it('serve a request that has waited notably longer before a new one', () => {
    const two = new TwoWorkers(1);
    two.ask(0, '/1');
    two.ask(1, '/2');
    two.pass(100);
    // The permit is released while no worker handles wake-ups: the next request finds it, and passes it on.
    two.arrived[0][0]?.breakOff('reset');
    two.clock.advanceSync(5);
    two.worlds[0].request({ target: '/3', method: 'POST' });
    two.pass(10);
    assert.equal(two.arrived[1][0]?.target, '/2');
    assert.equal(two.connections, 1);
    two.answer(1, 0);
    const last = two.arrived[0].at(-1);
    last?.answer(200, 'ok');
    two.pass(10);
    two.arrived[0].at(-1)?.answer(200, 'ok');
    two.pass(10);
    two.verifyAtRest();
  });

  it('wait in one queue, of which the limit holds for both', () => {
    const two = new TwoWorkers(1, { queueMax: 2 });
    two.ask(0, '/1');
    two.ask(0, '/2');
    two.ask(1, '/3');
    const [refusedHere, refusedThere] = [two.ask(0, '/4'), two.ask(1, '/5')];
    assert.deepEqual([refusedHere.status, refusedThere.status], [503, 503]);
    for (const [worker, index] of [
      [0, 0],
      [0, 1],
      [1, 0],
    ] as const)
      two.answer(worker, index);
    assert.equal(two.worlds[0].records.length + two.worlds[1].records.length, 5);
    two.verifyAtRest();
  });

  it('ask an endpoint with a free connection rather than wait at one that the other worker has filled', () => {
    const two = new TwoWorkers(1, { queueMax: 8 }, ['a', 'b']);
    two.ask(0, '/1');
    const [full, free] = two.worlds[0].endpoint('a').arrived.length === 1 ? ['a', 'b'] : ['b', 'a'];
    two.ask(1, '/2');
    assert.equal(two.worlds[1].endpoint(full).arrived.length, 0);
    assert.equal(two.worlds[1].endpoint(free).arrived.length, 1);
    for (const worker of [0, 1] as const) two.answer(worker, 0);
    two.verifyAtRest();
  });

  it('send an endpoint on probation one request at a time', () => {
    const two = new TwoWorkers(10, { queueMax: 8 }, ['a', 'b']);
    for (const world of two.worlds) world.endpoint('a').setState('probation');
    const first = two.ask(0, '/1');
    for (const worker of [0, 1, 1] as const) two.ask(worker, '/more');
    assert.deepEqual(
      two.worlds.map((world) => world.endpoint('a').arrived.length),
      [1, 0],
      'the others went to b',
    );
    two.answer(0, 0);
    assert.equal(first.status, 200);
    two.ask(1, '/2');
    assert.deepEqual(
      two.worlds.map((world) => world.endpoint('a').arrived.length),
      [1, 1],
    );
    for (const requests of two.arrived) for (const request of requests) if (!request.gone) request.answer(200, 'ok');
    two.verifyAtRest();
  });

  it('send an endpoint on probation three requests, until the verdict', () => {
    const two = new TwoWorkers(10, { queueMax: 8 }, ['a', 'b']);
    const [world] = two.worlds;
    world.endpoint('a').setState('probation');
    const arrived = (): number => world.endpoint('a').arrived.length;
    const askAll = (count: number): void => {
      for (let one = 0; one < count; one++) {
        two.ask(0, `/${one}`);
        for (const request of two.arrived[0]) if (!request.gone) request.answer(200, 'ok');
      }
    };
    askAll(8);
    assert.equal(arrived(), 3);
    two.clock.advanceSync(1000);
    askAll(8);
    assert.equal(arrived(), 4, 'the verdict was lost with a worker, say: one more');
    world.endpoint('a').setState('ejected');
    world.endpoint('a').setState('probation');
    askAll(8);
    assert.equal(arrived(), 7, 'the next probation');
    two.verifyAtRest();
  });

  it('send an endpoint on probation a request although an earlier one goes on for long', () => {
    const two = new TwoWorkers(10, { queueMax: 8 }, ['a', 'b']);
    const [world] = two.worlds;
    world.endpoint('b').setState('ejected');
    two.ask(0, '/download');
    world.endpoint('b').setState('healthy');
    world.endpoint('a').setState('probation');
    const arrived = (): number => world.endpoint('a').arrived.length;
    two.ask(0, '/1');
    assert.equal(arrived(), 1, 'the earlier one may end soon');
    two.clock.advanceSync(5000);
    two.ask(0, '/2');
    assert.equal(arrived(), 2);
    for (const request of two.arrived[0]) if (!request.gone) request.answer(200, 'ok');
    two.verifyAtRest();
  });

  it('send an endpoint whose circuit breaker is half-open one request at a time, and answer the others at once', () => {
    const two = new TwoWorkers(10, { queueMax: 8 }, ['a']);
    for (const world of two.worlds) world.endpoint('a').setState('half_open');
    const first = two.ask(0, '/1');
    const others = ([0, 1, 1] as const).map((worker) => two.ask(worker, '/more'));
    assert.deepEqual(
      others.map(({ status }) => status),
      [503, 503, 503],
    );
    assert.deepEqual(
      two.worlds.map((world) => world.endpoint('a').arrived.length),
      [1, 0],
    );
    two.answer(0, 0);
    assert.equal(first.status, 200);
    two.ask(1, '/2');
    two.answer(1, 0);
    two.verifyAtRest();
  });

  it('get the permits of a lost worker, and serve the requests that waited for them', () => {
    const two = new TwoWorkers(1);
    two.ask(0, '/1');
    const second = two.ask(1, '/2');
    two.seats.shift();
    two.shared.forget(0);
    two.pass(5);
    assert.equal(two.arrived[1].length, 1);
    two.answer(1, 0);
    assert.equal(second.status, 200);
    assert.equal(two.connections, 1);
  });
});

describe('two workers and a third that takes and releases permits while they work', () => {
  const what = fc.constantFrom('ask', 'ask', 'post', 'login', 'login', 'answer', 'answer', 'answer', 'leave', 'reload');
  const event = fc.record({
    what,
    worker: fc.constantFrom(0 as const, 1 as const),
    client: fc.constantFrom('ada', 'bob', 'cyd', 'eve'),
    waitMs: fc.constantFrom(0, 1, 5, 30, 1200),
    /** What the third does when the next connection begins to be made: while a worker is serving its queue, say. */
    meanwhile: fc.constantFrom('nothing', 'takes', 'releases', 'releases'),
  });
  const setting = fc.record({
    max: fc.constantFrom(1, 2, 3, 5, 9),
    requestsMax: fc.constantFrom(undefined, undefined, 1, 3),
  });
  const requestOf = (what: 'ask' | 'post' | 'login', target: string): RequestText => ({
    target,
    method: what === 'post' ? 'POST' : 'GET',
    ...(what === 'login' ? { headers: { Authorization: 'NTLM x' } } : {}),
  });

  it('end every request, send each once, and leave no permit behind, in any order of events', () => {
    fc.assert(
      fc.property(setting, fc.array(event, { minLength: 10, maxLength: 60 }), ({ max, requestsMax }, events) => {
        const two = new TwoWorkers(max, { queueMax: 100, ...(requestsMax === undefined ? {} : { requestsMax }) });
        const third = two.thirdConnections();
        let taken = 0;
        const release = (): void => void (taken > 0 && (taken--, third.release(max)));
        const take = (): void => void (taken += third.tryAcquire(max, two.clock.now()) ? 1 : 0);
        const asked: ClientActor[] = [];
        for (const { what, worker, client, waitMs, meanwhile } of events) {
          two.onConnect = () => {
            two.onConnect = () => {};
            if (meanwhile === 'releases') release();
            else if (meanwhile === 'takes') take();
          };
          const world = two.worlds[worker];
          if (what === 'answer') two.arrived[worker].shift()?.answer(200, 'ok');
          else if (what === 'leave') world.lines.get(client)?.transport.close('reset');
          else if (what === 'reload') {
            world.changedTls({ serverName: 'app.test', verify: true, ca: null } as never);
            world.changedTls(null); // Connections made before take no further request.
          } else {
            const connection = world.lines.get(client)?.closed === true ? `${client} ${asked.length}` : client;
            const address = `198.51.100.${client < 'cyd' ? 1 : 2}`;
            asked.push(world.request(requestOf(what, `/${asked.length}`), { connection, address }));
          }
          if (meanwhile === 'takes') take();
          two.pass(waitMs);
        }
        two.onConnect = () => {};
        while (taken > 0) release();
        two.endAll();
        const counts = new Map<string, number>();
        for (const world of two.worlds)
          for (const { target } of world.endpoint('a').arrived) counts.set(target, (counts.get(target) ?? 0) + 1);
        assert.deepEqual(
          [...counts].filter(([, count]) => count > 1),
          [],
        );
        for (const world of two.worlds) assert.equal(world.records.length, world.created.length, 'every request ends');
        two.verifyAtRest();
      }),
      { numRuns: 60 },
    );
  });
});
