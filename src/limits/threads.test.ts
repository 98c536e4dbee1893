import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as passTime } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { orderToleranceMs } from '../core/semaphores.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { systemClock } from '../testing/system.ts';
import type { StressCommand, StressWorkerInit, StressReport } from './stress-thread.test-support.ts';
import { SharedCounts } from './shared-counts.ts';

const threadFile = new URL('./stress-thread.test-support.ts', import.meta.url);

/** A thread that counts with the others, and what it has told. */
class Thread {
  readonly workerIndex: number;
  readonly reports: StressReport[] = [];
  readonly #thread: Worker;
  #wake = Promise.withResolvers<void>();

  constructor(init: StressWorkerInit) {
    this.workerIndex = init.workerIndex;
    this.#thread = new Worker(threadFile, { workerData: init });
    this.#thread.on('message', (report: StressReport) => {
      this.reports.push(report);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    });
  }

  async until(kind: StressReport['kind'], count = 1): Promise<StressReport> {
    for (;;) {
      const found = this.reports.filter((report) => report.kind === kind);
      const last = found[count - 1];
      if (last !== undefined) return last;
      await this.#wake.promise;
    }
  }

  async send(command: StressCommand): Promise<void> {
    const before = this.reports.filter(({ kind }) => kind === 'done').length;
    this.#thread.postMessage(command);
    await this.until('done', before + 1);
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}

class Threads {
  readonly shared = new SharedCounts(
    { workersMax: 4, endpointsMax: 1, addressesMax: 16 },
    systemClock,
    new SeededRandom(1),
  );
  readonly handle = this.shared.allocate('an endpoint') ?? assert.fail('a slot');
  readonly claims: Int32Array;
  readonly max: number;

  constructor(max: number) {
    this.max = max;
    this.claims = new Int32Array(new SharedArrayBuffer(4 * max));
  }

  async begin(kind: StressWorkerInit['kind']): Promise<Thread> {
    const { max, handle } = this;
    const workerIndex = this.shared.claimWorkerIndex() ?? assert.fail('a seat');
    const claims = this.claims.buffer as SharedArrayBuffer;
    const thread = new Thread({
      memory: this.shared.memory,
      workerIndex,
      semaphores: handle,
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
    for (let index = 0; index < this.max; index++)
      Atomics.compareExchange(this.claims, index, thread.workerIndex + 1, 0);
    this.shared.forget(thread.workerIndex);
  }
}

describe('threads that share semaphores', { timeout: 60_000 }, () => {
  it('never hold more permits than the limit, and leave none behind, while one thread after the other is killed', async () => {
    const threads = new Threads(3);
    const all = [await threads.begin('stress'), await threads.begin('stress'), await threads.begin('stress')];
    for (let kill = 0; kill < 4; kill++) {
      await passTime(20 + 7 * kill);
      const [first] = all.splice(0, 1);
      if (first !== undefined) await threads.kill(first);
      assert.ok(
        all.every(({ reports: report }) => report.every(({ kind }) => kind !== 'broken')),
        'a place was taken twice',
      );
      all.push(await threads.begin('stress'));
    }
    for (const thread of all) await threads.kill(thread);
    // What was locked by another one that had ended is looked at again a moment later.
    const end = performance.now() + 10_000;
    while (threads.shared.countsAt(threads.handle).connections > 0 && performance.now() < end) await passTime(1);
    assert.equal(threads.shared.countsAt(threads.handle).connections, 0);
    assert.ok(all.every(({ reports: report }) => report.every(({ kind }) => kind !== 'broken')));
  });

  it('give a permit to the oldest waiter, also in another thread that sleeps', async () => {
    const threads = new Threads(1);
    const [here, there] = [await threads.begin('commanded'), await threads.begin('commanded')];
    try {
      await here.send('come');
      await there.send('come');
      await passTime(orderToleranceMs * 3);
      await here.send('come');
      await here.send('end');
      const served = await there.until('served');
      assert.equal(here.reports.filter(({ kind }) => kind === 'served').length, 1, 'the younger one waits on');
      assert.ok(served.at > 0);
      await there.send('end');
      await here.until('served', 2);
    } finally {
      await here.end();
      await there.end();
    }
  });

  it('serve a waiter when the thread that held the permit is killed', async () => {
    const threads = new Threads(1);
    const [here, there] = [await threads.begin('commanded'), await threads.begin('commanded')];
    try {
      await here.send('come');
      await there.send('come');
      await threads.kill(here);
      await there.until('served');
    } finally {
      await there.end();
    }
  });
});
