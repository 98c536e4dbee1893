import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain } from '#failures/failure-texts.ts';
import * as fc from '../properties.ts';
import { SharedCounts } from '../../src/limits/shared-counts.ts';
import { WorkerSemaphores } from '../../src/limits/worker-semaphores.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor, WorldOptions } from './world.ts';

type Protocol = 'http/1.1' | 'h2';

/** Workers that count the requests in flight at their endpoint together. It answers when the test says so. */
class Workers {
  readonly clock = new SimulatedClock();
  readonly shared = new SharedCounts(
    { workersMax: 4, endpointsMax: 2, addressesMax: 32 },
    this.clock,
    new SeededRandom(1),
  );
  readonly handle = this.shared.allocate('a') ?? assert.fail('a new table has room');
  readonly worlds: readonly Http1World[];
  readonly #semaphores: WorkerSemaphores[] = [];

  constructor(endpoints: Protocol, requestsMax: number | undefined, workers = 2, options: WorldOptions = {}) {
    this.worlds = Array.from({ length: workers }, () => {
      const index = this.shared.claimWorkerIndex() ?? assert.fail('an index');
      const semaphores = new WorkerSemaphores(this.shared.memory, index, this.clock);
      this.#semaphores.push(semaphores);
      const settings = { endpoints, queueMax: 50, semaphores, semaphoresOf: () => this.handle };
      const bound = requestsMax === undefined ? {} : { requestsMax };
      const world = new Http1World({ endpoints: ['a'], ...options }, { ...settings, ...bound }, this.clock);
      world.endpoint('a').onRequest = () => {};
      return world;
    });
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advanceSync(1);
      for (const one of this.#semaphores) one.handleWakeups();
    }
  }

  ask(worker: number, count = 1): ClientActor[] {
    const clients = Array.from({ length: count }, () => this.world(worker).request({}));
    this.pass(5);
    return clients;
  }

  world(worker: number): Http1World {
    return this.worlds[worker] ?? assert.fail(`no worker ${worker}`);
  }

  arrived(worker: number): readonly ArrivedRequest[] {
    return this.world(worker).endpoint('a').arrived;
  }

  answer(worker: number, index: number): void {
    this.arrived(worker)[index]?.answer(200, 'ok');
    this.pass(5);
  }

  get inFlight(): number {
    return this.shared.countsAt(this.handle).requests;
  }

  verifyAtRest(): void {
    this.pass(5000);
    this.clock.advanceSync(100_000);
    this.pass(5);
    const { connections, requests, waiting } = this.shared.countsAt(this.handle);
    assert.deepEqual([connections, requests, waiting], [0, 0, 0], 'no permit is held when nothing is in flight');
  }
}

for (const protocol of ['http/1.1', 'h2'] as const) {
  describe(`connections.requests_max bounds the requests in flight at an endpoint over ${protocol}`, () => {
    it('over all workers, and those beyond it wait until one has ended, in any of them', () => {
      const workers = new Workers(protocol, 3);
      const clients = [...workers.ask(0, 2), ...workers.ask(1, 2)];
      assert.deepEqual([workers.arrived(0).length, workers.arrived(1).length, workers.inFlight], [2, 1, 3]);
      workers.answer(0, 0);
      assert.deepEqual([workers.arrived(0).length, workers.arrived(1).length, workers.inFlight], [2, 2, 3]);
      workers.answer(0, 1);
      workers.answer(1, 0);
      workers.answer(1, 1);
      assert.deepEqual(
        clients.map(({ status }) => status),
        [200, 200, 200, 200],
      );
      workers.verifyAtRest();
    });

    it('and a request whose client leaves gives its turn to the next one', () => {
      const workers = new Workers(protocol, 1);
      const [first] = workers.ask(0);
      workers.ask(1);
      assert.equal(workers.arrived(1).length, 0);
      first?.leave();
      workers.pass(5);
      assert.equal(workers.arrived(1).length, 1);
      workers.answer(1, 0);
      workers.verifyAtRest();
    });

    it('and a POST whose client leaves before it was sent gives its turn back', () => {
      const workers = new Workers(protocol, 1);
      workers.ask(0);
      workers.answer(0, 0);
      workers.pass(2000);
      workers.world(0).request({ method: 'POST', body: 'x' }).leave();
      workers.ask(1);
      assert.equal(workers.arrived(1).length, 1);
      workers.answer(1, 0);
      workers.verifyAtRest();
    });

    it('and one that is refused by a full queue is told what is full', () => {
      const workers = new Workers(protocol, 1);
      workers.ask(0, 51);
      const [client] = workers.ask(0);
      assert.equal(client?.status, 503);
      const { failure = null } = workers.world(0).records.at(-1) ?? {};
      assert.match(
        failure === null ? '' : explain(failure),
        /^All 1 requests that an endpoint of upstream "app" may have are in flight, and 50 requests already wait\.$/,
      );
      workers.world(0).endpoint('a').onRequest = (request) => request.answer(200, 'ok');
      workers.answer(0, 0);
      workers.verifyAtRest();
    });

    it('and one that has waited too long says so', () => {
      const workers = new Workers(protocol, 1);
      workers.ask(0, 2);
      workers.pass(2100);
      const { failure = null } = workers.world(0).records.at(-1) ?? {};
      assert.match(failure === null ? '' : explain(failure), /^As many requests .*, 1, were in flight, and none/);
      workers.answer(0, 0);
      workers.verifyAtRest();
    });

    it('and a refused connection gives its turns back', () => {
      const workers = new Workers(protocol, 2);
      workers.world(0).endpoint('a').accepts = 'refuses';
      const clients = workers.ask(0, 5);
      workers.pass(50);
      assert.ok(clients.every(({ status }) => status === 502));
      assert.equal(workers.inFlight, 0);
      workers.verifyAtRest();
    });

    it('and there is no bound without it', () => {
      const workers = new Workers(protocol, undefined);
      workers.ask(0, 40);
      assert.deepEqual([workers.arrived(0).length, workers.inFlight], [40, 0]);
      for (const request of workers.arrived(0)) request.answer(200, 'ok');
      workers.verifyAtRest();
    });

    it('in any order of requests, answers, clients that leave and connections that break: never more, and none is forgotten', () => {
      const act = fc.tuple(fc.nat(2), fc.constantFrom('ask', 'ask', 'answer', 'answer', 'leave', 'break'), fc.nat(40));
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 4 }), fc.array(act, { maxLength: 60 }), (requestsMax, acts) => {
          const workers = new Workers(protocol, requestsMax, 3, { attemptsMax: 1, connectionsMax: 3 });
          const clients: ClientActor[][] = [[], [], []];
          const ended = new Set<ArrivedRequest>();
          for (const [worker, what, which] of acts) {
            const open = workers.arrived(worker).filter((request) => !request.gone && !ended.has(request));
            const one = open[which % open.length];
            if (what === 'ask') clients[worker]?.push(...workers.ask(worker));
            else if (what === 'leave') clients[worker]?.splice(which, 1)[0]?.leave();
            else if (one !== undefined) {
              ended.add(one);
              if (what === 'answer') one.answer(200, 'ok');
              else one.breakOff('reset');
            }
            workers.pass(3);
            const all = [0, 1, 2].flatMap((index) => workers.arrived(index));
            const inFlight = all.filter((request) => !request.gone && !ended.has(request)).length;
            assert.ok(inFlight <= workers.inFlight && workers.inFlight <= requestsMax, `${inFlight} of ${requestsMax}`);
          }
          for (let turn = 0; turn < 200; turn++) {
            for (const worker of [0, 1, 2]) for (const request of workers.arrived(worker)) request.answer(200, 'ok');
            workers.pass(5);
          }
          workers.verifyAtRest();
          for (const { status } of clients.flat()) assert.ok(status > 0, 'a request was forgotten');
        }),
        { numRuns: 60 },
      );
    });
  });
}
