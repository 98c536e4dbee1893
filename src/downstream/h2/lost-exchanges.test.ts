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
    for (let index = 0; index < count; index++) lost.add({ endLost: () => endLost(index) }, false, clock);
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
  const add = (name: string, then?: string): void => lost.add({ endLost: () => end(name, then) }, false, clock);
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

// What they take of the worker's time while some of those that wait end, by how many wait.
for (const [ofFloods, ofOthers, ends, shareMin, shareMax] of [
  [0, 512, 512, 0.09, 0.11],
  [0, 1512, 1000, 0.48, 0.54],
  [512, 0, 20, 0.09, 0.11],
  [256, 0, 20, 0.045, 0.055],
  [128, 0, 20, 0.02, 0.03],
  [40, 0, 38, 0.009, 0.011],
  [1512, 0, 1000, 0.48, 0.54],
  // Those of a flood before that of another client do not keep it waiting.
  [100, 1, 100, 0.09, 0.11],
] as const)
  it(`of ${ofFloods} lost exchanges of floods and ${ofOthers} others ${ends} take ${shareMin} to ${shareMax} of the time`, () => {
    const { clock, end } = waiting(ofFloods, ofOthers);
    const beganAt = clock.now();
    end(ends);
    const share = (ends * tookMs) / (clock.now() - beganAt);
    assert.ok(share >= shareMin && share <= shareMax, `${share}`);
  });

it('lost exchanges of floods have half of the time once the worker ends, until none waits', () => {
  const { clock, lost, add, end } = waiting(100, 0);
  end(10);
  lost.hurry();
  end(1); // After the pause that has begun.
  const beganAt = clock.now();
  while (clock.fireNext());
  assert.ok(clock.now() - beganAt < 90 * tookMs * 2.2, `${clock.now() - beganAt}`);
  add(40);
  const laterAt = clock.now();
  end(30);
  assert.ok(clock.now() - laterAt > 30 * tookMs * 50, `${clock.now() - laterAt}`);
});

const tookMs = 0.125;

/** Exchanges that wait for their end. `end` lets so many of them end. */
function waiting(ofFloods: number, ofOthers: number) {
  const clock = new WorkingClock();
  const lost = new LostExchanges();
  let ended = 0;
  const endLost = (): void => {
    ended++;
    clock.advanceSync(tookMs);
  };
  const add = (count: number, isOfFlood = true): void => {
    for (let index = 0; index < count; index++) lost.add({ endLost }, isOfFlood, clock);
  };
  add(ofFloods);
  add(ofOthers, false);
  const end = (count: number): void => {
    for (const until = ended + count; ended < until; ) assert.ok(clock.fireNext());
  };
  return { clock, lost, add, end };
}
