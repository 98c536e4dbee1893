import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { after, type Instant, never } from '../core/time.ts';
import { SimulatedClock } from './simulated-clock.ts';

test('time stands still until advance()', () => {
  const clock = new SimulatedClock(1000);
  assert.equal(clock.now(), 0);
  assert.equal(clock.wallTime(), 1000);
  clock.advanceSync(250);
  assert.equal(clock.now(), 250);
  assert.equal(clock.wallTime(), 1250);
});

test('a timer fires once, at its instant, with its argument', () => {
  const clock = new SimulatedClock();
  const fired: [string, number][] = [];
  clock.schedule(after(clock.now(), 10), (name: string) => fired.push([name, clock.now()]), 'a');
  clock.advanceSync(9);
  assert.deepEqual(fired, []);
  clock.advanceSync(100);
  clock.advanceSync(100);
  assert.deepEqual(fired, [['a', 10]]);
  assert.equal(clock.timersLive, 0);
});

test('timers due at the same instant fire in the order they were set', () => {
  const clock = new SimulatedClock();
  const fired: number[] = [];
  for (let i = 0; i < 50; i++) clock.schedule(5 as Instant, (n: number) => fired.push(n), i);
  clock.advanceSync(5);
  assert.deepEqual(
    fired,
    Array.from({ length: 50 }, (_, i) => i),
  );
});

test('a timer that is set during an advance fires in the same advance', () => {
  const clock = new SimulatedClock();
  const at: number[] = [];
  const again = (left: number): void => {
    at.push(clock.now());
    if (left > 0) clock.schedule(after(clock.now(), 10), again, left - 1);
  };
  clock.schedule(after(clock.now(), 10), again, 2);
  clock.advanceSync(100);
  assert.deepEqual(at, [10, 20, 30]);
});

test('a timer in the past fires at the present instant, and time never goes back', () => {
  const clock = new SimulatedClock();
  clock.advanceSync(50);
  let at = -1;
  clock.schedule(10 as Instant, () => (at = clock.now()), null);
  clock.advanceSync(0);
  assert.equal(at, 50);
});

test('a cancelled timer never fires, and cancelling it again has no effect', () => {
  const clock = new SimulatedClock();
  const fired: string[] = [];
  const a = clock.schedule(1 as Instant, (s: string) => fired.push(s), 'a');
  const b = clock.schedule(1 as Instant, (s: string) => fired.push(s), 'b');
  a.cancel();
  a.cancel();
  assert.equal(clock.timersLive, 1);
  clock.advanceSync(1);
  b.cancel();
  assert.deepEqual(fired, ['b']);
  assert.equal(clock.timersLive, 0);
});

test('a timer may cancel another that is due at the same instant', () => {
  const clock = new SimulatedClock();
  let fired = false;
  clock.schedule(1 as Instant, () => second.cancel(), null);
  const second = clock.schedule(1 as Instant, () => (fired = true), null);
  clock.advanceSync(1);
  assert.equal(fired, false);
});

test('a deadline that is not set is never due', () => {
  const clock = new SimulatedClock();
  const timer = clock.schedule(never, () => assert.fail('fired'), null);
  clock.advanceSync(1e12);
  assert.equal(clock.timersLive, 1);
  timer.cancel();
  assert.equal(clock.timersLive, 0);
});

test('advance lets promises settle between timers', async () => {
  const clock = new SimulatedClock();
  const steps: string[] = [];
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => clock.schedule(after(clock.now(), ms), resolve, undefined));
  const journey = (async () => {
    await wait(10);
    steps.push(`a ${clock.now()}`);
    await wait(10);
    steps.push(`b ${clock.now()}`);
  })();
  await clock.advance(15);
  assert.deepEqual(steps, ['a 10']);
  await clock.advance(15);
  await journey;
  assert.deepEqual(steps, ['a 10', 'b 20']);
});

test('an error thrown by a timer rejects advance(), and the clock stays usable', () => {
  const clock = new SimulatedClock();
  let fired = false;
  clock.schedule(
    1 as Instant,
    () => {
      throw new Error('told so');
    },
    null,
  );
  clock.schedule(2 as Instant, () => (fired = true), null);
  assert.throws(() => clock.advanceSync(5), /told so/);
  assert.equal(clock.now(), 1);
  clock.advanceSync(4);
  assert.equal(fired, true);
});

test('advancing inside a timer is refused', () => {
  const clock = new SimulatedClock();
  clock.schedule(1 as Instant, () => clock.advanceSync(1), null);
  assert.throws(() => clock.advanceSync(5), { name: 'BrokenInvariant' });
});

test('a timer that is set again a hundred thousand times leaves few cancelled entries in the heap', () => {
  const clock = new SimulatedClock();
  let fired = 0;
  let timer = clock.schedule(1000 as Instant, () => fired++, null);
  for (let i = 0; i < 100_000; i++) {
    timer.cancel();
    timer = clock.schedule((1000 + i) as Instant, () => fired++, null);
  }
  assert.equal(clock.timersLive, 1);
  assert.ok(clock.timersHeld <= 64, `${clock.timersHeld} are held`);
  clock.advanceSync(1_000_000);
  assert.equal(fired, 1);
});

test('any timers, set and cancelled in any order, fire as a sorted list would', () => {
  const step = fc.record({ at: fc.integer({ min: 0, max: 30 }), cancel: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const clock = new SimulatedClock();
      const fired: number[] = [];
      const timers = steps.map(({ at }, i) => clock.schedule(at as Instant, (n: number) => fired.push(n), i));
      steps.forEach(({ cancel }, i) => cancel && timers[i]!.cancel());
      const expected = steps
        .map(({ at, cancel }, i) => ({ at, cancel, i }))
        .filter(({ cancel }) => !cancel)
        .sort((a, b) => a.at - b.at || a.i - b.i)
        .map(({ i }) => i);
      assert.equal(clock.timersLive, expected.length);
      clock.advanceSync(30);
      assert.deepEqual(fired, expected);
      assert.equal(clock.timersLive, 0);
    }),
    { numRuns: 200 },
  );
});
