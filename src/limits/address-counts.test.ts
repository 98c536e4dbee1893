import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AddressCounts, AddressLayout, bucketEntries } from './address-counts.ts';
import { Killed, SteppedWords } from './stress.test-support.ts';
import { SharedCounts } from './shared-counts.ts';
import { WorkerSemaphores } from './worker-semaphores.ts';
import { SharedWords } from './shared-words.ts';

const addresses = ['192.0.2.1', '192.0.2.2', '2001:db8::/64', '2001:db8:0:1::/64'];

interface Deed {
  readonly worker: number;
  readonly address: string;
  readonly does: 'take' | 'give';
  readonly interrupted: { readonly at: number; readonly by: Deed | 'kill' } | null;
}

const deed: fc.Arbitrary<Deed> = fc.letrec<{ deed: Deed }>((tie) => ({
  deed: fc.record({
    worker: fc.nat(2),
    address: fc.constantFrom(...addresses),
    does: fc.constantFrom('take', 'take', 'give'),
    interrupted: fc.option(
      fc.record({ at: fc.nat(60), by: fc.oneof({ depthSize: 'small' }, fc.constant('kill' as const), tie('deed')) }),
      { freq: 2 },
    ),
  }),
})).deed;

class AddressWorker {
  readonly workerIndex: number;
  readonly counts: AddressCounts;
  readonly inside = new Map<string, number>();
  isAlive = true;

  constructor(shared: SharedCounts, step: () => void) {
    this.workerIndex = shared.claimWorkerIndex() ?? assert.fail('a seat');
    const { addresses: memory, addressesMax, workersMax } = shared.memory;
    const layout = new AddressLayout(workersMax, addressesMax);
    this.counts = new AddressCounts(new SteppedWords(memory, step), layout, this.workerIndex);
  }

  acquire(address: string, max: number): void {
    if (this.counts.tryAcquire(address, max) === 'acquired')
      this.inside.set(address, (this.inside.get(address) ?? 0) + 1);
  }

  release(address: string): void {
    const count = this.inside.get(address) ?? 0;
    if (count === 0) return;
    this.inside.set(address, count - 1);
    this.counts.release(address);
  }
}

class AddressStress {
  readonly max: number;
  readonly shared: SharedCounts;
  readonly workers: AddressWorker[] = [];
  readonly #clock = new SimulatedClock();
  readonly #running = new Set<AddressWorker>();
  readonly #interruptions: (() => void)[] = [];
  #countdown = Infinity;

  constructor(max: number) {
    this.max = max;
    // One bucket: every address meets every other one.
    const sizes = { workersMax: 4, endpointsMax: 1, addressesMax: bucketEntries };
    this.shared = new SharedCounts(sizes, this.#clock, new SeededRandom(1));
    for (let index = 0; index < 3; index++) this.workers.push(this.#born());
  }

  #born(): AddressWorker {
    return new AddressWorker(this.shared, () => this.#step());
  }

  #step(): void {
    for (const address of addresses) assert.ok(this.#inside(address) <= this.max, `too many of ${address}`);
    if (this.#countdown-- === 0) this.#interruptions.pop()?.();
  }

  #inside(address: string): number {
    const living = this.workers.filter(({ isAlive }) => isAlive);
    return living.reduce((sum, { inside }) => sum + (inside.get(address) ?? 0), 0);
  }

  play({ worker, address, does, interrupted }: Deed): void {
    const addressWorker = this.workers[worker];
    if (addressWorker === undefined || !addressWorker.isAlive || this.#running.has(addressWorker)) return;
    this.#running.add(addressWorker);
    const before = this.#countdown;
    this.#countdown = interrupted?.at ?? Infinity;
    if (interrupted !== null) this.#interruptions.push(() => this.#interrupt(interrupted.by));
    try {
      if (does === 'take') addressWorker.acquire(address, this.max);
      else addressWorker.release(address);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      addressWorker.isAlive = false;
    }
    this.#running.delete(addressWorker);
    this.#countdown = before;
  }

  #interrupt(by: Deed | 'kill'): void {
    if (by === 'kill') throw new Killed();
    this.play(by);
  }

  settle(): void {
    this.#countdown = Infinity;
    for (const { isAlive, workerIndex } of this.workers) if (!isAlive) this.shared.forget(workerIndex);
    this.#clock.advanceSync(20);
    // What could not be given back goes with the next connection that comes.
    for (const addressWorker of this.workers) if (addressWorker.isAlive) addressWorker.counts.tryAcquire('nobody', 0);
  }

  checkTruth(): void {
    const [anybody] = this.workers.filter(({ isAlive }) => isAlive);
    if (anybody === undefined) return;
    for (const address of addresses) assert.equal(anybody.counts.count(address), this.#inside(address), address);
  }

  replaceTheDead(): void {
    this.workers.forEach(({ isAlive }, index) => {
      if (!isAlive) this.workers[index] = this.#born();
    });
  }
}

describe('client connections by address', () => {
  it('never exceed the limit, and are right again after any thread is killed at any step', () => {
    const lives = fc.array(fc.array(deed, { maxLength: 30 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), lives, (max, rounds) => {
        const stress = new AddressStress(max);
        for (const round of rounds) {
          for (const one of round) stress.play(one);
          stress.settle();
          stress.checkTruth();
          stress.replaceTheDead();
        }
      }),
      { numRuns: Number(process.env['CANDOR_RUNS'] ?? 1000) },
    );
  });

  function workerSemaphores(addressesMax: number): WorkerSemaphores {
    const clock = new SimulatedClock();
    const shared = new SharedCounts({ workersMax: 2, endpointsMax: 1, addressesMax }, clock, new SeededRandom(1));
    return new WorkerSemaphores(shared.memory, shared.claimWorkerIndex() ?? 0, clock);
  }

  it('have an entry for each address, and answer table_full when no entry is left', () => {
    const { clientAddresses } = workerSemaphores(bucketEntries);
    for (let host = 0; host < bucketEntries; host++) {
      assert.equal(clientAddresses.tryAcquire(`192.0.2.${host}`, 2), 'acquired');
    }
    assert.equal(clientAddresses.tryAcquire('198.51.100.1', 2), 'table_full');
    assert.equal(clientAddresses.tryAcquire('192.0.2.7', 2), 'acquired', 'those that are there may have more');
    assert.equal(clientAddresses.tryAcquire('192.0.2.7', 2), 'over_limit');
    clientAddresses.release('192.0.2.3');
    assert.equal(clientAddresses.tryAcquire('198.51.100.1', 2), 'acquired');
  });

  it('hold a quarter of the addresses that the table has entries for, whatever their hashes', () => {
    const { clientAddresses } = workerSemaphores(32_768);
    for (let number = 0; number < 8192; number++) {
      assert.equal(clientAddresses.tryAcquire(`10.0.${number >> 8}.${number & 255}`, 1), 'acquired');
    }
  });

  it('distinguish the longest key from one with the same beginning', () => {
    const { clientAddresses } = workerSemaphores(bucketEntries);
    const long = 'x'.repeat(48);
    assert.equal(clientAddresses.tryAcquire(long, 1), 'acquired');
    assert.equal(clientAddresses.tryAcquire(long.slice(4), 1), 'acquired');
    assert.equal(clientAddresses.tryAcquire(long.slice(8), 1), 'acquired');
    assert.equal(clientAddresses.tryAcquire(long, 1), 'over_limit');
  });
});

describe('while another worker is stuck in a bucket', () => {
  /** Says how often it was slept. */
  class CountingWords extends SharedWords {
    naps = 0;
    override nap(): void {
      this.naps++;
    }
  }

  function prepare() {
    // One bucket, in a table of its own.
    const layout = new AddressLayout(2, bucketEntries);
    const words = new CountingWords(new SharedArrayBuffer(layout.words * 4));
    return { layout, words, counts: new AddressCounts(words, layout, 0) };
  }

  it('a release while the bucket is locked blocks the worker once, and is done when the lock is free', () => {
    const { layout, words, counts } = prepare();
    const addresses = ['a', 'b', 'c', 'd'];
    for (const address of addresses) assert.equal(counts.tryAcquire(address, 1), 'acquired');
    words.store(layout.lock(0), 2);
    counts.release('a');
    const once = words.naps;
    for (const address of addresses.slice(1)) counts.release(address);
    assert.ok(words.naps - once <= 3, `${words.naps - once} naps`);
    words.naps = 0;
    assert.equal(counts.tryAcquire('e', 1, 20), 'busy');
    assert.ok(words.naps <= 21, `${words.naps} naps`);
    words.store(layout.lock(0), 0);
    assert.equal(counts.tryAcquire('e', 1), 'acquired');
    assert.deepEqual(
      [...addresses, 'e'].map((address) => counts.count(address)),
      [0, 0, 0, 0, 1],
    );
  });

  it('releasing an address that was not acquired leaves no lock behind, and is not tried again', () => {
    const { layout, words, counts } = prepare();
    assert.throws(() => counts.release('a'), /only an acquired address/);
    assert.equal(words.load(layout.lock(0)), 0);
    assert.equal(counts.tryAcquire('b', 1), 'acquired');
    counts.release('b');
    assert.equal(counts.count('b'), 0);
  });
});
