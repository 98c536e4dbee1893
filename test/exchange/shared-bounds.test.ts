import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestPriority } from '../../src/core/route-spec.ts';
import type { ConcurrencySpec } from '../../src/core/upstream-spec.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import type { Failure } from '#failures/failure.ts';
import type { SemaphoreHandle } from '../../src/core/semaphores.ts';
import { RequestBound, WaitingTurn } from '../../src/features/concurrency/worker-bound.ts';
import { SharedCounts } from '../../src/limits/shared-counts.ts';
import { WorkerSemaphores } from '../../src/limits/worker-semaphores.ts';
import * as fc from '../properties.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';

const workersCount = 3;
const spec: ConcurrencySpec = { requestsMax: 3, adaptive: false, queueMax: 4, queueMs: 500 };

/** A request in one of the workers. */
class Request {
  state: 'waiting' | 'in flight' | 'over' = 'waiting';
  turns = 0;
  readonly worker: number;
  readonly priority: RequestPriority;
  readonly cameAt: number;
  turn: WaitingTurn | null = null;
  failure: Failure | null = null;
  begunAt = 0;

  constructor(worker: number, priority: RequestPriority, cameAt: number) {
    this.worker = worker;
    this.priority = priority;
    this.cameAt = cameAt;
  }

  onTurn(): void {
    this.turns++;
    assert.equal(this.state, 'waiting');
    this.state = 'in flight';
  }

  onNoTurn(failure: Failure): void {
    assert.equal(this.state, 'waiting');
    this.failure = failure;
    this.state = 'over';
  }
}

/** Workers with one bound, which hear of each other when the test says so. */
class Workers {
  readonly clock = new SimulatedClock();
  readonly shared = new SharedCounts(
    { workersMax: workersCount, endpointsMax: 1, boundsMax: 1, addressesMax: 16 },
    this.clock,
    new SeededRandom(1),
  );
  readonly handle: SemaphoreHandle = this.shared.allocateBound('upstream app') ?? assert.fail('a new table has room');
  readonly seats: readonly WorkerSemaphores[];
  readonly bounds: readonly RequestBound[];
  readonly requests: Request[] = [];

  constructor(bound = spec) {
    const deadlines = new Deadlines(this.clock);
    this.seats = Array.from({ length: workersCount }, () => {
      const index = this.shared.claimWorkerIndex() ?? assert.fail('an index is free');
      return new WorkerSemaphores(this.shared.memory, index, this.clock);
    });
    const ports = { clock: this.clock, deadlines, random: new SeededRandom(2) };
    this.bounds = this.seats.map(
      (seat) => new RequestBound('upstream app', bound, (onAvailable) => seat.bound(this.handle, onAvailable), ports),
    );
  }

  ask(worker: number, priority: RequestPriority = 'normal'): Request {
    const request = new Request(worker, priority, this.clock.now());
    this.requests.push(request);
    const result = this.boundOf(worker).enter(request, priority, Infinity);
    if (result === 'admitted') request.onTurn();
    else if (result instanceof WaitingTurn) request.turn = result;
    else request.onNoTurn(result);
    return request;
  }

  boundOf(worker: number): RequestBound {
    return this.bounds[worker] ?? assert.fail('there is such a worker');
  }

  in(state: Request['state']): Request[] {
    return this.requests.filter((request) => request.state === state);
  }

  finish(request: Request): void {
    request.state = 'over';
    this.boundOf(request.worker).leave();
  }

  cancel(request: Request): void {
    request.state = 'over';
    request.turn?.cancel();
  }

  hear(worker: number): void {
    this.seats[worker]?.handleWakeups();
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advanceSync(1);
      for (let worker = 0; worker < workersCount; worker++) this.hear(worker);
    }
  }

  verify(): void {
    const counts = this.shared.countsOfBound(this.handle);
    assert.ok(this.in('in flight').length <= spec.requestsMax!, 'no more are in flight than may be');
    assert.ok(counts.requests <= spec.requestsMax!, 'no more permits are held than there are');
    assert.ok(counts.requests >= this.in('in flight').length, 'each request in flight holds a permit');
    assert.ok(this.in('waiting').length <= spec.queueMax, 'no more wait than may');
    assert.ok(this.requests.every(({ turns }) => turns <= 1));
  }
}

type Step =
  | { readonly kind: 'ask'; readonly worker: number; readonly priority: RequestPriority }
  | { readonly kind: 'finish' | 'cancel'; readonly which: number }
  | { readonly kind: 'hear'; readonly worker: number }
  | { readonly kind: 'wait'; readonly ms: number };

const worker = fc.nat({ max: workersCount - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      worker,
      priority: fc.constantFrom<RequestPriority>('high', 'normal', 'low'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('hear' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 300 }) }) },
);

function play(workers: Workers, one: Step): void {
  if (one.kind === 'ask') workers.ask(one.worker, one.priority);
  else if (one.kind === 'hear') workers.hear(one.worker);
  else if (one.kind === 'wait') workers.clock.advanceSync(one.ms);
  else {
    const all = workers.in(one.kind === 'finish' ? 'in flight' : 'waiting');
    const chosen = all[one.which % Math.max(1, all.length)];
    if (chosen !== undefined) workers[one.kind](chosen);
  }
}

describe('a bound that several workers share', () => {
  it('is never exceeded, nor is its queue, and no permit is lost, in whatever order things happen', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const workers = new Workers();
        for (const one of steps) {
          play(workers, one);
          workers.verify();
        }
        // Whoever waits gets a turn once the others have finished.
        for (let rounds = 0; rounds < 20; rounds++) {
          workers.pass(2);
          workers.verify();
          for (const request of workers.in('in flight')) workers.finish(request);
        }
        workers.pass(2);
        assert.deepEqual([workers.in('in flight').length, workers.in('waiting').length], [0, 0]);
        assert.deepEqual(workers.shared.countsOfBound(workers.handle), { requests: 0, waiting: 0, limit: 0 });
      }),
      { numRuns: 400 },
    );
  });

  it('uses every permit while requests wait in any worker', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const workers = new Workers();
        for (const one of steps) {
          play(workers, one);
          workers.pass(1);
          const waiting = workers.in('waiting').length;
          if (waiting > 0) assert.equal(workers.in('in flight').length, spec.requestsMax);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('tells refused requests in every worker a time between one and two times the wait in the queue of all', () => {
    const workers = new Workers({ ...spec, requestsMax: 4, queueMax: 60, queueMs: 60_000 });
    const random = new SeededRandom('who comes');
    // 100 requests a second come, most to the first worker, and 20 get their turn: the last of 60 waits for 3 s.
    for (let ms = 0; ms < 12_000; ms += 10) {
      workers.ask(random.next() < 0.9 ? 0 : random.next() < 0.5 ? 1 : 2);
      for (const request of workers.in('in flight')) {
        if (request.begunAt === 0) request.begunAt = workers.clock.now();
        else if (workers.clock.now() - request.begunAt >= 200) workers.finish(request);
      }
      workers.pass(10);
    }
    for (let index = 0; index < workersCount; index++) {
      const told = workers.requests.flatMap(({ failure, cameAt, worker: of }) =>
        failure?.cause === 'concurrency_limit' && of === index && cameAt > 4000 ? [failure.evidence.retryAfterS] : [],
      );
      assert.ok(told.length > 20, `${told.length} refusals in worker ${index}`);
      const truthful = told.filter((seconds) => seconds >= 3 && seconds <= 6);
      assert.ok(truthful.length >= 0.95 * told.length, `worker ${index}: ${[...new Set(told)].join(', ')}`);
    }
  });

  it('serves a higher priority first, in whichever worker it waits, and else who came first', () => {
    const workers = new Workers({ ...spec, requestsMax: 1, queueMax: 9, queueMs: 60_000 });
    const asked: Request[] = [];
    for (const [number, priority] of [
      [0, 'normal'],
      [1, 'low'],
      [2, 'normal'],
      [0, 'high'],
      [1, 'normal'],
      [2, 'high'],
      [0, 'low'],
    ] as const) {
      asked.push(workers.ask(number, priority));
      workers.pass(30);
    }
    const served: number[] = [];
    for (let count = 0; count < asked.length; count++) {
      const [now = assert.fail('one is in flight')] = workers.in('in flight');
      served.push(asked.indexOf(now));
      workers.finish(now);
      workers.pass(2);
    }
    assert.deepEqual(served, [0, 3, 5, 2, 4, 1, 6]);
  });

  it('gets back what a worker held that has ended', () => {
    const workers = new Workers();
    for (let count = 0; count < 3; count++) workers.ask(0);
    const waiting = workers.ask(1);
    workers.shared.forget(0);
    workers.pass(2);
    assert.equal(waiting.state, 'in flight');
  });
});
