import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as passTime } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { orderToleranceMs } from '../core/places.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { systemClock } from '../testing/system.ts';
import type { Ask, CrowdBirth, Told } from './crowd-thread.test-support.ts';
import { SharedCounts } from './shared-counts.ts';

const threadFile = new URL('./crowd-thread.test-support.ts', import.meta.url);

/** A thread that counts with the others, and what it has told. */
class Thread {
  readonly seat: number;
  readonly told: Told[] = [];
  readonly #thread: Worker;
  #wake = Promise.withResolvers<void>();

  constructor(birth: CrowdBirth) {
    this.seat = birth.seat;
    this.#thread = new Worker(threadFile, { workerData: birth });
    this.#thread.on('message', (told: Told) => {
      this.told.push(told);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
  }

  async until(kind: Told['kind'], count = 1): Promise<Told> {
    for (;;) {
      const found = this.told.filter((told) => told.kind === kind);
      const last = found[count - 1];
      if (last !== undefined) return last;
      await this.#wake.promise;
    }
  }

  async ask(ask: Ask): Promise<void> {
    const before = this.told.filter(({ kind }) => kind === 'done').length;
    this.#thread.postMessage(ask);
    await this.until('done', before + 1);
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}

class Threads {
  readonly shared = new SharedCounts(
    { seatsMax: 4, endpointsMax: 1, addressesMax: 16 },
    systemClock,
    new SeededRandom(1),
  );
  readonly slot = this.shared.allot('an endpoint') ?? assert.fail('a slot');
  readonly claims: Int32Array;
  readonly max: number;

  constructor(max: number) {
    this.max = max;
    this.claims = new Int32Array(new SharedArrayBuffer(4 * max));
  }

  async begin(kind: CrowdBirth['kind']): Promise<Thread> {
    const { max, slot } = this;
    const seat = this.shared.takeSeat() ?? assert.fail('a seat');
    const claims = this.claims.buffer as SharedArrayBuffer;
    const thread = new Thread({
      memory: this.shared.memory,
      seat,
      slot,
      max,
      claims,
      kind,
    });
    await thread.until('ready');
    return thread;
  }

  /** Ends a thread wherever it is, and clears up after it. */
  async kill(thread: Thread): Promise<void> {
    await thread.end();
    for (let place = 0; place < this.max; place++) Atomics.compareExchange(this.claims, place, thread.seat + 1, 0);
    this.shared.forget(thread.seat);
  }
}

describe('threads that count together', { timeout: 60_000 }, () => {
  it('never have more than the limit, and leave nothing behind, while one after the other is killed', async () => {
    const threads = new Threads(3);
    const all = [await threads.begin('crowd'), await threads.begin('crowd'), await threads.begin('crowd')];
    for (let kill = 0; kill < 4; kill++) {
      await passTime(20 + 7 * kill);
      const [first] = all.splice(0, 1);
      if (first !== undefined) await threads.kill(first);
      assert.ok(
        all.every(({ told }) => told.every(({ kind }) => kind !== 'broken')),
        'a place was taken twice',
      );
      all.push(await threads.begin('crowd'));
    }
    for (const thread of all) await threads.kill(thread);
    // What was locked by another one that had ended is looked at again a moment later.
    const end = performance.now() + 10_000;
    while (threads.shared.countsAt(threads.slot).connections > 0 && performance.now() < end) await passTime(1);
    assert.equal(threads.shared.countsAt(threads.slot).connections, 0);
    assert.ok(all.every(({ told }) => told.every(({ kind }) => kind !== 'broken')));
  });

  it('hand a place to whoever has waited longest, also in another thread, which sleeps', async () => {
    const threads = new Threads(1);
    const [here, there] = [await threads.begin('asked'), await threads.begin('asked')];
    try {
      await here.ask('come');
      await there.ask('come');
      await passTime(orderToleranceMs * 3);
      await here.ask('come');
      await here.ask('end');
      const served = await there.until('served');
      assert.equal(here.told.filter(({ kind }) => kind === 'served').length, 1, 'the younger one waits on');
      assert.ok(served.at > 0);
      await there.ask('end');
      await here.until('served', 2);
    } finally {
      await here.end();
      await there.end();
    }
  });

  it('serve who waits when the one that held the place is killed', async () => {
    const threads = new Threads(1);
    const [here, there] = [await threads.begin('asked'), await threads.begin('asked')];
    try {
      await here.ask('come');
      await there.ask('come');
      await threads.kill(here);
      await there.until('served');
    } finally {
      await there.end();
    }
  });
});
