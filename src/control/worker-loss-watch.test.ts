import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { WorkerLossWatch } from './worker-loss-watch.ts';

const minute = 60_000;

let clock: SimulatedClock;
let events: NewEvent[];
let watch: WorkerLossWatch;

beforeEach(() => {
  clock = new SimulatedClock();
  events = [];
  watch = new WorkerLossWatch(clock, { emit: (event) => void events.push(event) });
});

const lose = (times: number, everyMs: number): void => {
  for (let time = 0; time < times; time++) {
    clock.advanceSync(everyMs);
    watch.lost('it ended with 3', { serving: 1, wanted: 2 });
  }
};
const told = () => events.map(({ from, to, evidence }) => `${from} ${to} ${(evidence as { lost: number }).lost}`);

test('three replacements within ten minutes are reported, with the reason of the last one and how many serve', () => {
  lose(2, 1000);
  assert.deepEqual(told(), []);
  lose(1, 1000);
  assert.deepEqual(told(), ['stable failing 3']);
  assert.equal(
    events[0]?.reason,
    '3 workers had to be replaced within 1 min; 1 of 2 served then; the last one: it ended with 3',
  );
});

test('three within more time are not', () => {
  lose(10, 5 * minute + 1);
  assert.deepEqual(told(), []);
});

test('a loop is reported again when it has become twice as long, and once when it is over', () => {
  lose(50, 30_000);
  assert.deepEqual(told(), [
    'stable failing 3',
    'failing failing 6',
    'failing failing 12',
    'failing failing 24',
    'failing failing 48',
  ]);
  clock.advanceSync(5 * minute - 1);
  assert.equal(events.length, 5);
  clock.advanceSync(1);
  assert.equal(told().at(-1), 'failing stable 50');
  clock.advanceSync(60 * minute);
  assert.equal(events.length, 6);
  lose(3, 1000);
  assert.equal(told().at(-1), 'stable failing 3');
});

test('a gateway that ends reports nothing later', () => {
  lose(3, 1000);
  watch.stop();
  clock.advanceSync(60 * minute);
  assert.equal(events.length, 1);
});
