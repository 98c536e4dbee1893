import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { orderToleranceMs } from '../core/semaphores.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { StressWorker, Killed, SteppedWords } from './stress.test-support.ts';
import { layoutOf, SharedCounts } from './shared-counts.ts';

const deeds = ['come', 'come', 'end', 'end', 'closeIdle', 'giveUp', 'answer', 'forget'] as const;

/**
 * One thing that a worker does, by the limit that it knows of; or that main does, which clears up after those that have
 * ended. And where in the middle of it another one acts, or the worker is killed.
 */
interface Deed {
  readonly worker: number;
  readonly does: (typeof deeds)[number];
  readonly max: number;
  readonly laterMs: number;
  readonly interrupted: { readonly at: number; readonly by: Deed | 'kill' } | null;
}

const anyMax = fc.integer({ min: 1, max: 4 });

const deed: fc.Arbitrary<Deed> = fc.letrec<{ deed: Deed }>((tie) => ({
  deed: fc.record({
    worker: fc.nat(3),
    does: fc.constantFrom(...deeds),
    max: anyMax,
    laterMs: fc.constantFrom(0, 0, 1, 7, 30),
    interrupted: fc.option(
      fc.record({ at: fc.nat(40), by: fc.oneof({ depthSize: 'small' }, fc.constant('kill' as const), tie('deed')) }),
      { freq: 2 },
    ),
  }),
})).deed;

const sizes = { workersMax: 6, endpointsMax: 2, addressesMax: 32 };
const layout = layoutOf(sizes);

/** Main holds no places, and hands none on. */
type Actor = StressWorker | 'main';

/** What is known of a seat's cells since the last access to shared memory. */
interface WorkerBefore {
  held: number;
  since: number;
  /** Places that it was handed since it last said by itself that somebody waits there. */
  handed: number;
}

class Stress {
  readonly clock = new SimulatedClock();
  readonly shared: SharedCounts;
  readonly handle;
  readonly workers: StressWorker[] = [];
  readonly #words: Int32Array;
  readonly #before: WorkerBefore[] = [];
  #totalBefore = 0;
  /** Whose the last access was. */
  #last: Actor = 'main';
  readonly #running = new Set<Actor>();
  readonly #interruptions: (() => void)[] = [];
  #countdown = Infinity;

  constructor(count: number) {
    const words = (memory: SharedArrayBuffer): SteppedWords => new SteppedWords(memory, () => this.#step('main'));
    this.shared = new SharedCounts(sizes, this.clock, new SeededRandom(1), words);
    this.#words = new Int32Array(this.shared.memory.semaphores);
    this.handle = this.shared.allocate('an endpoint') ?? assert.fail('a slot');
    for (let worker = 0; worker < count; worker++) this.workers.push(this.#born());
  }

  #born(): StressWorker {
    const workerIndex = this.shared.claimWorkerIndex() ?? assert.fail('a seat');
    this.#before[workerIndex] = { held: 0, since: 0, handed: 0 };
    const worker: StressWorker = new StressWorker(this.shared.memory, workerIndex, this.handle, 1, this.clock, () =>
      this.#step(worker),
    );
    return worker;
  }

  /** Before each access to shared memory: the last one is judged, and it may be here that something comes in between. */
  #step(actor: Actor): void {
    this.#check();
    if (this.#countdown-- === 0) this.#interruptions.pop()?.();
    this.#last = actor;
  }

  #check(): void {
    const { handle, workers } = this;
    // While main sets up its table there is nothing to judge.
    if (handle === undefined) return;
    const actor = this.#last;
    const total = this.#words[layout.total(handle.index)] ?? 0;
    const used = workers.reduce((sum, worker) => sum + (worker.isAlive ? worker.held : 0), 0);
    assert.ok(used <= total, `${used} places are used, and ${total} are counted`);
    if (total > this.#totalBefore) {
      assert.ok(actor !== 'main' && total <= actor.max, 'nobody takes more than the limit that it knows of');
    }
    this.#totalBefore = total;
    for (const { workerIndex } of workers) this.#checkWorker(workerIndex, total);
  }

  #checkWorker(workerIndex: number, total: number): void {
    const before = this.#before[workerIndex] ?? assert.fail();
    const held = this.#words[layout.held(workerIndex, this.handle.index)] ?? 0;
    const since = this.#since(workerIndex);
    const isOwn = this.#last !== 'main' && this.#last.workerIndex === workerIndex;
    if (isOwn && since !== before.since) before.handed = 0;
    if (held > before.held) {
      assert.ok(this.#last !== 'main');
      this.#checkOrder(workerIndex, this.#last);
      if (!isOwn) {
        if (this.#last.isReleasing)
          assert.ok(total <= this.#last.max, 'a lowered limit is reached before any is handed on');
        before.handed += 1;
        assert.equal(before.handed, 1, 'one that hangs gets one place');
      }
    }
    before.held = held;
    before.since = since;
  }

  /** `seat` has a place more: nobody is overtaken who has waited notably longer. */
  #checkOrder(workerIndex: number, actor: StressWorker): void {
    const isOwn = actor.workerIndex === workerIndex;
    const since = isOwn ? Math.floor(actor.queue[0] ?? 0) : this.#since(workerIndex);
    for (const other of this.workers) {
      const theirs = this.#since(other.workerIndex);
      if (theirs === 0 || other === actor || other.workerIndex === workerIndex) continue;
      assert.ok(since - theirs <= (isOwn ? orderToleranceMs : 0), `who waits since ${theirs} is overtaken by ${since}`);
    }
  }

  #since(workerIndex: number): number {
    return this.#words[layout.since(workerIndex, this.handle.index)] ?? 0;
  }

  play({ worker: number, does, max, laterMs, interrupted }: Deed): void {
    const worker = this.workers[number % this.workers.length];
    const actor = does === 'forget' ? 'main' : worker;
    // A thread that is stopped somewhere does nothing else meanwhile.
    if (actor === undefined || this.#running.has(actor) || (actor !== 'main' && !actor.isAlive)) return;
    this.#running.add(actor);
    const before = this.#countdown;
    this.#countdown = Infinity;
    // With main all would end.
    if (interrupted !== null && !(actor === 'main' && interrupted.by === 'kill')) {
      this.#countdown = interrupted.at;
      this.#interruptions.push(() => this.#interrupt(interrupted.by));
    }
    try {
      if (actor === 'main' || does === 'forget') this.#forgetTheDead();
      else {
        actor.max = max;
        actor[does]();
      }
    } catch (error) {
      if (!(error instanceof Killed) || actor === 'main') throw error;
      this.#died(actor);
    }
    this.#check();
    this.#running.delete(actor);
    this.#countdown = before;
    if (before === Infinity) this.clock.advanceSync(laterMs);
  }

  #died(worker: StressWorker): void {
    worker.isAlive = false;
    // It may have handed a place over, and not have come to note that.
    for (const before of this.#before) before.handed = 0;
  }

  #interrupt(by: Deed | 'kill'): void {
    if (by === 'kill') throw new Killed();
    this.play(by);
  }

  #forgetTheDead(): void {
    for (const worker of this.workers) if (!worker.isAlive) this.shared.forget(worker.workerIndex);
  }

  /** All know of one limit, main has heard of every end, and whatever was on its way arrives. */
  settle(max: number): void {
    this.#countdown = Infinity;
    this.#interruptions.length = 0;
    this.#forgetTheDead();
    const living = this.workers.filter(({ isAlive }) => isAlive);
    for (const worker of living) {
      worker.max = max;
      worker.serve();
    }
    for (let round = 0; round < 20; round++) {
      this.clock.advanceSync(10);
      for (const worker of living) worker.answer();
    }
    this.#check();
  }

  replaceTheDead(): void {
    this.workers.forEach((worker, number) => {
      if (!worker.isAlive) this.workers[number] = this.#born();
    });
  }

  checkTruth(max: number): void {
    const living = this.workers.filter(({ isAlive }) => isAlive);
    const held = living.reduce((sum, worker) => sum + worker.held, 0);
    assert.equal(this.shared.countsAt(this.handle).connections, held, 'the total is what the living hold');
    const waits = living.some(({ queue }) => queue.length > 0);
    const idle = living.some((worker) => worker.idle > 0);
    if (waits) assert.ok(held >= max, 'nobody waits while a place is free');
    if (waits) assert.ok(!idle, 'nobody waits while a connection is idle');
  }
}

test('after any thread is killed at any step: no limit is exceeded, no waiter is overtaken or gets a permit that nobody acquired, and the total returns to the truth', () => {
  const round = fc.tuple(fc.array(deed, { maxLength: 30 }), anyMax);
  const lives = fc.array(round, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), lives, (count, rounds) => {
      const stress = new Stress(count);
      for (const [played, max] of rounds) {
        for (const one of played) stress.play(one);
        stress.settle(max);
        stress.checkTruth(max);
        stress.replaceTheDead();
      }
    }),
    { numRuns: Number(process.env['CANDOR_RUNS'] ?? 1500) },
  );
});
