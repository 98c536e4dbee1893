import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { orderToleranceMs } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import { SemaphoreLayout } from './semaphore-layout.ts';
import { SemaphoreTable } from './semaphore-table.ts';
import { SharedWords } from './shared-words.ts';

const index = 0;
const generation = 0;

/** One slot as three workers see it. The first holds all `held` places of it. */
class Three {
  readonly workers: readonly [SemaphoreTable, SemaphoreTable, SemaphoreTable];

  constructor(held: number) {
    const layout = new SemaphoreLayout({ workersMax: 3, semaphoresMax: 1 });
    const words = new SharedWords(new SharedArrayBuffer(layout.words * Int32Array.BYTES_PER_ELEMENT));
    words.store(layout.workerIndexEnd, 3);
    const table = (workerIndex: number): SemaphoreTable => new SemaphoreTable(words, layout, workerIndex);
    this.workers = [table(0), table(1), table(2)];
    for (let count = 0; count < held; count++) assert.ok(this.acquire(0, count, held, 1));
  }

  acquire(workerIndex: 0 | 1 | 2, held: number, max: number, since: number): boolean {
    return this.workers[workerIndex].tryAcquire(index, generation, held, max, since as Instant);
  }

  release(workerIndex: 0 | 1 | 2, max: number, since: number | null = null): string {
    return this.workers[workerIndex].release(index, max, since as Instant | null);
  }

  wait(workerIndex: 0 | 1 | 2, since: number, max: number): void {
    assert.equal(this.workers[workerIndex].setOldestWaiter(index, generation, since as Instant, max), 'waiting');
  }

  get holds(): readonly number[] {
    return this.workers.map((workerIndex) => workerIndex.holds(index));
  }

  get total(): number {
    return this.workers[0].total(index);
  }
}

describe('a released permit', () => {
  for (const [oldest, newest] of [
    [1, 2],
    [2, 1],
  ] as const)
    it(`goes to the oldest waiter of the other workers (worker index ${oldest})`, () => {
      const three = new Three(1);
      three.wait(oldest, 100, 1);
      three.wait(newest, 101, 1);
      three.release(0, 1);
      assert.equal(three.holds[oldest], 1);
      assert.equal(three.holds[newest], 0);
    });

  it('goes to a worker once, then to the next one until the first publishes its next waiter', () => {
    const three = new Three(3);
    three.wait(1, 100, 3);
    three.wait(2, 300, 3);
    three.release(0, 3);
    assert.deepEqual(three.holds, [2, 1, 0]);
    three.release(0, 3);
    assert.deepEqual(three.holds, [1, 1, 1], 'the first hangs: it has its one');
    three.release(0, 3);
    assert.deepEqual(three.holds, [0, 1, 1], 'both have been told');
    assert.equal(three.total, 2);
  });

  it('goes to no worker while more permits are held than a lowered maximum allows', () => {
    const three = new Three(4);
    three.wait(1, 100, 4);
    assert.equal(three.release(0, 2), 'released');
    assert.deepEqual([three.holds, three.total], [[3, 0, 0], 3]);
    assert.equal(three.release(0, 2, 90), 'released', 'nor is it kept for one who waits here');
    assert.deepEqual([three.holds, three.total], [[2, 0, 0], 2]);
    three.release(0, 2);
    assert.deepEqual([three.holds, three.total], [[1, 1, 0], 2], 'from here on it is handed over again');
  });
});

describe('a worker that finds a free permit', () => {
  const waits = 100;
  const late = waits + orderToleranceMs + 1;

  it('leaves the permit to a waiter of another worker that came notably earlier', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    // There is one more place, of which nobody has told those who wait: a reload has raised the limit.
    assert.equal(three.acquire(2, 0, 2, late), false);
    assert.deepEqual(three.holds, [1, 1, 0]);
  });

  it('leaves it to that waiter also when it publishes its own waiter', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    three.wait(2, late, 2);
    assert.deepEqual(three.holds, [1, 1, 0]);
  });

  it('acquires the next permit once that waiter has one', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    assert.equal(three.acquire(2, 0, 3, late), true);
    assert.deepEqual(three.holds, [1, 1, 1]);
  });

  it('acquires it if the other waiter came hardly earlier', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    assert.equal(three.acquire(2, 0, 2, waits + orderToleranceMs), true);
    assert.deepEqual(three.holds, [1, 0, 1]);
  });
});
