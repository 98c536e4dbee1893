import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestPriority } from '../core/route-spec.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { LoopQueue } from './loop-queue.ts';

function queued() {
  const clock = new SimulatedClock();
  const calls: (() => void)[] = [];
  const queue = new LoopQueue({ clock, atEndOfTurn: (call) => void calls.push(call) });
  const begun: string[] = [];
  return {
    clock,
    queue,
    begun,
    enter: (name: string, priority: RequestPriority = 'normal') =>
      queue.enter({ onTurn: () => void begun.push(name), onNoTurn: () => assert.fail(name) }, priority),
    /** The turn of the loop ends. Returns how many requests have begun in it. */
    turn: (): number => {
      const before = begun.length;
      for (const call of calls.splice(0)) call();
      return begun.length - before;
    },
  };
}

test('requests pass the queue from a long turn on, until the delay is short', () => {
  const { clock, queue, enter, turn } = queued();
  assert.deepEqual([queue.note(clock.now(), 19), queue.isOpen], [19, false]);
  assert.deepEqual([queue.note(clock.now(), 25), queue.isOpen], [25, true]);
  for (let count = 0; count < 33; count++) enter('one');
  assert.equal(turn(), 32);
  clock.advanceSync(30);
  queue.note(clock.now(), 1);
  assert.equal(queue.isOpen, true, 'one has waited for 30 ms');
  assert.equal(turn(), 1);
  queue.note(clock.now(), 1);
  assert.equal(queue.isOpen, false);
});

test('what waits when the queue closes has its turn', () => {
  const { clock, queue, enter, turn } = queued();
  queue.note(clock.now(), 25);
  for (let count = 0; count < 40; count++) enter('one');
  queue.note(clock.now(), 1);
  assert.equal(queue.isOpen, false);
  assert.deepEqual([turn(), turn()], [32, 8]);
});

test('those of a higher priority have their turn first, and who has left has none', () => {
  const { begun, enter, turn } = queued();
  enter('low', 'low');
  enter('first');
  const left = enter('gone');
  enter('second');
  enter('high', 'high');
  left.cancel();
  assert.equal(left.isWaiting, false);
  turn();
  assert.deepEqual(begun, ['high', 'first', 'second', 'low']);
});

test('a request waits for the turn and for those before it', () => {
  const { clock, queue, enter, turn } = queued();
  for (let count = 0; count < 40; count++) enter('one');
  turn();
  clock.advanceSync(30);
  assert.equal(queue.note(clock.now(), 7), 37);
  turn();
  assert.equal(queue.note(clock.now(), 7), 7);
});

test('a request that comes while others begin has its turn in the next one', () => {
  const { queue, begun, turn } = queued();
  const again = (): void => {
    begun.push('again');
    if (begun.length < 100) queue.enter({ onTurn: again, onNoTurn: () => {} }, 'normal');
  };
  queue.enter({ onTurn: again, onNoTurn: () => {} }, 'normal');
  assert.ok(turn() <= 32);
});
