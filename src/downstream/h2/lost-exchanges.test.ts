import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WorkingClock } from '../../testing/working-clock.test-support.ts';
import { LostExchanges } from './lost-exchanges.ts';

// How many exchanges end in each turn of the event loop, by how long one takes.
for (const [tookMs, count, turns] of [
  [0, 40, [16, 16, 8]],
  [0.125, 3, [2, 1]],
  [0.0625, 10, [3, 3, 3, 1]],
  [0.25, 5, [1, 1, 1, 1, 1]],
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

// What they take of the worker's time, by how many wait: a tenth, and half of it above 512.
for (const [count, ends, shareMin, shareMax] of [
  [512, 512, 0.09, 0.11],
  [1512, 1000, 0.48, 0.54],
] as const)
  it(`while ${ends} of ${count} lost exchanges end, they take ${shareMin} to ${shareMax} of the time`, () => {
    const clock = new WorkingClock();
    const lost = new LostExchanges();
    const tookMs = 0.125;
    let ended = 0;
    const endLost = (): void => {
      ended++;
      clock.advanceSync(tookMs);
    };
    for (let index = 0; index < count; index++) lost.add({ endLost }, clock);
    const beganAt = clock.now();
    while (ended < ends) assert.ok(clock.fireNext());
    const share = (ended * tookMs) / (clock.now() - beganAt);
    assert.ok(share >= shareMin && share <= shareMax, `${share}`);
  });
