import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { localSemaphoreSource } from './local-semaphore.ts';
import { PoolClasses, type PoolQueue } from './pool-classes.ts';

function classes(cores: number): PoolClasses {
  return new PoolClasses(
    (index, onAvailable) => localSemaphoreSource.pool(index, onAvailable),
    cores,
    new SimulatedClock(),
  );
}

function enteredOf(queue: PoolQueue, tries: number): number {
  let entered = 0;
  for (let index = 0; index < tries; index++) if (queue.tryEnter()) entered++;
  return entered;
}

describe('the threads of the pool', () => {
  const pool = classes(3);
  for (const [name, queue, max] of [
    ['files', pool.of('files'), 8],
    ['zlib', pool.of('zlib'), 3],
    ['hash', pool.of('hash'), 1],
    ['files of a device', pool.ofDevice(64768), 4],
    ['files of another device', pool.ofDevice(64769), 4],
  ] as const)
    it(`are ${max} for ${name}, whatever the others use`, () => {
      assert.equal(enteredOf(queue, 20), max);
      assert.equal(queue.hasRoom, false);
    });

  it('are given in the order in which work has come', () => {
    const queue = classes(1).of('zlib');
    const order: string[] = [];
    const waiters = ['first', 'second', 'third'].map((name) => ({ onPermit: () => void order.push(name) }));
    assert.ok(queue.tryEnter());
    for (const waiter of waiters) queue.wait(waiter);
    assert.equal(queue.tryEnter(), false, 'later work does not pass what waits');
    queue.cancel(waiters[1] as (typeof waiters)[number]);
    queue.leave();
    assert.deepEqual(order, ['first']);
    queue.leave();
    assert.deepEqual(order, ['first', 'third']);
    assert.equal(queue.waiting, 0);
    queue.leave();
    assert.ok(queue.tryEnter());
  });
});
