import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CrowdWorker, Killed } from './crowd.test-support.ts';
import { SharedCounts } from './shared-counts.ts';

const deeds = ['come', 'come', 'end', 'end', 'closeIdle', 'giveUp', 'answer'] as const;

/** One thing that a worker does; and where in the middle of it another one acts, or the worker is killed. */
interface Deed {
  readonly worker: number;
  readonly does: (typeof deeds)[number];
  readonly laterMs: number;
  readonly interrupted: { readonly at: number; readonly by: Deed | 'kill' } | null;
}

const deed: fc.Arbitrary<Deed> = fc.letrec<{ deed: Deed }>((tie) => ({
  deed: fc.record({
    worker: fc.nat(3),
    does: fc.constantFrom(...deeds),
    laterMs: fc.constantFrom(0, 0, 1, 7, 30),
    interrupted: fc.option(
      fc.record({ at: fc.nat(40), by: fc.oneof({ depthSize: 'small' }, fc.constant('kill' as const), tie('deed')) }),
      { freq: 2 },
    ),
  }),
})).deed;

class Crowd {
  readonly clock = new SimulatedClock();
  readonly shared = new SharedCounts(
    { seatsMax: 6, endpointsMax: 2, addressesMax: 32 },
    this.clock,
    new SeededRandom(1),
  );
  readonly slot = this.shared.allot('an endpoint');
  readonly workers: CrowdWorker[] = [];
  readonly max: number;
  readonly #running = new Set<CrowdWorker>();
  readonly #interruptions: (() => void)[] = [];
  #countdown = Infinity;

  constructor(count: number, max: number) {
    this.max = max;
    for (let worker = 0; worker < count; worker++) this.workers.push(this.#born());
  }

  #born(): CrowdWorker {
    const seat = this.shared.takeSeat();
    assert.ok(seat !== null && this.slot !== null);
    return new CrowdWorker(this.shared.memory, seat, this.slot, this.max, this.clock, () => this.#step());
  }

  /** Before each access to shared memory: the bound holds, and it may be here that something comes in between. */
  #step(): void {
    const held = this.workers.reduce((sum, worker) => sum + (worker.isAlive ? worker.held : 0), 0);
    assert.ok(held <= this.max, `${held} places are used, of ${this.max}`);
    if (this.#countdown-- === 0) this.#interruptions.pop()?.();
  }

  play({ worker: number, does, laterMs, interrupted }: Deed): void {
    const worker = this.workers[number % this.workers.length];
    // A thread that is stopped somewhere does nothing else meanwhile.
    if (worker === undefined || !worker.isAlive || this.#running.has(worker)) return;
    this.#running.add(worker);
    const before = this.#countdown;
    this.#countdown = Infinity;
    if (interrupted !== null) {
      this.#countdown = interrupted.at;
      this.#interruptions.push(() => this.#interrupt(interrupted.by));
    }
    try {
      worker[does]();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      worker.isAlive = false;
    }
    this.#running.delete(worker);
    this.#countdown = before;
    if (before === Infinity) this.clock.advanceSync(laterMs);
  }

  #interrupt(by: Deed | 'kill'): void {
    if (by === 'kill') throw new Killed();
    this.play(by);
  }

  /** Main has heard of every end; then whatever was on its way arrives. */
  settle(): void {
    this.#countdown = Infinity;
    for (const worker of this.workers) if (!worker.isAlive) this.shared.forget(worker.seat);
    for (let round = 0; round < 20; round++) {
      this.clock.advanceSync(10);
      for (const worker of this.workers) if (worker.isAlive) worker.answer();
    }
  }

  replaceTheDead(): void {
    this.workers.forEach((worker, number) => {
      if (!worker.isAlive) this.workers[number] = this.#born();
    });
  }

  checkTruth(): void {
    assert.ok(this.slot !== null);
    const living = this.workers.filter(({ isAlive }) => isAlive);
    const held = living.reduce((sum, worker) => sum + worker.held, 0);
    assert.equal(this.shared.countsAt(this.slot).connections, held, 'the total is what the living hold');
    const waits = living.some(({ queue }) => queue.length > 0);
    const idle = living.some((worker) => worker.idle > 0);
    if (waits) assert.equal(held, this.max, 'nobody waits while a place is free');
    if (waits) assert.ok(!idle, 'nobody waits while a connection is idle');
  }
}

test('whoever is killed wherever, what all hold together never exceeds the limit and returns to the truth', () => {
  const lives = fc.array(fc.array(deed, { maxLength: 30 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 4 }), lives, (count, max, rounds) => {
      const crowd = new Crowd(count, max);
      for (const round of rounds) {
        for (const one of round) crowd.play(one);
        crowd.settle();
        crowd.checkTruth();
        crowd.replaceTheDead();
      }
    }),
    { numRuns: Number(process.env['CANDOR_RUNS'] ?? 3000) },
  );
});
