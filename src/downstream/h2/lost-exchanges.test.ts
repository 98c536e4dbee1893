import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WorkingClock } from '../../testing/working-clock.test-support.ts';
import { LostExchanges } from './lost-exchanges.ts';

// How many exchanges end in each turn of the event loop, by how long one takes.
for (const [tookMs, count, turns] of [
  [0, 40, [16, 16, 8]],
  [0.125, 3, [3]],
  [0.125, 10, [4, 4, 2]],
  [0.25, 5, [2, 2, 1]],
  [9, 3, [1, 1, 1]],
] as const)
  it(`${count} lost exchanges that take ${tookMs} ms each end in ${turns.length} turns`, () => {
    const clock = new WorkingClock();
    const lost = new LostExchanges();
    const ended: number[] = [];
    const endLost = (index: number): void => {
      ended.push(index);
      clock.advanceSync(tookMs);
    };
    for (let index = 0; index < count; index++) lost.add({ endLost: () => endLost(index) }, clock);
    const each: number[] = [];
    for (let before = 0; clock.fireNext(); before = ended.length) each.push(ended.length - before);
    assert.deepEqual(each, turns);
    assert.deepEqual(
      ended,
      Array.from({ length: count }, (_, index) => index),
    );
  });

it('exchanges that are lost while others end do so behind them', () => {
  const clock = new WorkingClock();
  const lost = new LostExchanges();
  const ended: string[] = [];
  const add = (name: string, then?: string): void => lost.add({ endLost: () => end(name, then) }, clock);
  const end = (name: string, then?: string): void => {
    ended.push(name);
    if (then !== undefined) add(then);
  };
  add('a', 'c');
  add('b');
  while (clock.fireNext());
  add('d');
  while (clock.fireNext());
  assert.deepEqual(ended, ['a', 'b', 'c', 'd']);
});
