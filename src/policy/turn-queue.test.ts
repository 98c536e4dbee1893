import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { RequestPriority } from '../core/route-spec.ts';
import type { Instant } from '../core/time.ts';
import { comparedSince, type Turn, TurnQueue } from './turn-queue.ts';

function turn(priority: RequestPriority, since: number): Turn {
  return { priority, since: since as Instant, previous: null, next: null };
}

let low = turn('low', 1);
let first = turn('normal', 2);
let second = turn('normal', 3);
let high = turn('high', 4);
beforeEach(() => {
  [low, first, second, high] = [turn('low', 1), turn('normal', 2), turn('normal', 3), turn('high', 4)];
});

function queueOf(...turns: Turn[]): TurnQueue<Turn> {
  const queue = new TurnQueue<Turn>();
  for (const one of turns) queue.add(one);
  return queue;
}

describe('requests that wait for their turn', () => {
  it('have it by priority, and then in the order in which they came', () => {
    const queue = queueOf(low, first, second, high);
    const order: Turn[] = [];
    for (let next = queue.first; next !== null; next = queue.first) {
      order.push(next);
      queue.remove(next);
    }
    assert.deepEqual(order, [high, first, second, low]);
    assert.deepEqual(
      [low, first, second, high].toSorted((a, b) => comparedSince(a) - comparedSince(b)),
      order,
      'workers compare them in the same way',
    );
  });

  const cases: readonly [RequestPriority, number, RequestPriority | null][] = [
    ['high', 1, 'low'],
    ['normal', 3, 'low'],
    ['low', 4, null],
  ];
  for (const [priority, before, displaced] of cases) {
    it(`are ${before} before one of the priority ${priority}, which takes the place of ${displaced ?? 'none'}`, () => {
      const queue = queueOf(low, first, second, high);
      assert.equal(queue.countBefore(priority), before);
      assert.equal(queue.lastBelow(priority)?.priority ?? null, displaced);
    });
  }

  it('displace the last one of the lowest priority', () => {
    assert.equal(queueOf(first, second).lastBelow('high'), second);
    assert.equal(queueOf(first, second).lastBelow('normal'), null);
  });

  it('know since when the oldest waits', () => {
    assert.equal(queueOf().oldestSince, null);
    assert.equal(queueOf(high, second, low).oldestSince, 1);
    assert.equal(queueOf(low).remove(first), false);
  });

  it('know which came last of the highest priority, and which of the lowest has waited longest', () => {
    const queue = queueOf(low, first, second);
    assert.equal(queue.newest, second);
    assert.equal(queue.oldestBefore(2 as Instant), low);
    queue.remove(low);
    assert.equal(queue.oldestBefore(2 as Instant), null);
    assert.equal(queue.oldestBefore(4 as Instant), first);
  });
});
