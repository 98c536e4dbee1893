import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestPriority } from '../core/route-spec.ts';
import type { Instant } from '../core/time.ts';
import { comparedSince, type Turn, TurnQueue } from './turn-queue.ts';

function turn(priority: RequestPriority, since: number): Turn {
  return { priority, since: since as Instant };
}

const low = turn('low', 1);
const first = turn('normal', 2);
const second = turn('normal', 3);
const high = turn('high', 4);

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

  const cases: readonly [RequestPriority, number, Turn | null][] = [
    ['high', 1, low],
    ['normal', 3, low],
    ['low', 4, null],
  ];
  for (const [priority, before, displaced] of cases) {
    it(`are ${before} before one of the priority ${priority}, which takes the place of ${displaced?.priority ?? 'none'}`, () => {
      const queue = queueOf(low, first, second, high);
      assert.equal(queue.countBefore(priority), before);
      assert.equal(queue.lastBelow(priority), displaced);
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
});
