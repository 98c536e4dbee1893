import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Clock } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { LoopWatch } from './loop-watch.ts';

/** A loop whose timers fire `lateMs` late. */
function watched(delayMaxMs: number) {
  const clock = new SimulatedClock();
  const loop = { lateMs: 0 };
  const lateClock: Clock = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    schedule: (at, fire, subject) => clock.schedule(after(at, loop.lateMs), fire, subject),
  };
  const heard: boolean[] = [];
  const onChange = (isShedding: boolean): void => void heard.push(isShedding);
  const turns: (() => void)[] = [];
  const random = new SeededRandom('loop');
  const watch = new LoopWatch({ clock: lateClock, random, atEndOfTurn: (call) => void turns.push(call), onChange });
  watch.use(delayMaxMs);
  /** Requests each 10 ms; how many of them were refused, with which Retry-After. */
  const requests = (lastsMs: number): (number | undefined)[] => {
    const refused: (number | undefined)[] = [];
    for (let passedMs = 0; passedMs < lastsMs; passedMs += 10) {
      const failure = watch.refusal('normal');
      if (failure?.cause === 'shed') refused.push(failure.evidence.retryAfterS);
      clock.advanceSync(10);
    }
    return refused;
  };
  return { clock, loop, heard, requests, watch, turns };
}

test('a worker whose loop is late for more than a second refuses requests, until it is in time', () => {
  const { loop, heard, requests } = watched(100);
  assert.deepEqual(requests(5000), []);
  loop.lateMs = 300;
  assert.deepEqual(requests(900), []);
  const refused = requests(10_000);
  assert.ok(refused.length > 300, `${refused.length} refused`);
  assert.ok(
    refused.every((seconds) => seconds !== undefined && seconds >= 1 && seconds <= 15),
    'each is told when to come back',
  );
  assert.deepEqual(heard, [true]);
  loop.lateMs = 0;
  requests(10_000);
  assert.deepEqual(heard, [true, false]);
  assert.deepEqual(requests(5000), []);
});

test('a worker without requests does not wake up', () => {
  const { clock, loop, requests } = watched(100);
  loop.lateMs = 300;
  requests(10_000);
  loop.lateMs = 0;
  clock.advanceSync(20_000);
  assert.equal(clock.timersLive, 0);
});

test('without a limit nothing is refused', () => {
  const { loop, requests } = watched(Infinity);
  loop.lateMs = 5000;
  assert.deepEqual(requests(10_000), []);
});

test('what waits in the queue of the loop is late too', () => {
  const { loop, requests, watch } = watched(100);
  loop.lateMs = 30;
  requests(500);
  assert.ok(watch.queue !== null);
  watch.queue.enter({ onTurn: () => {}, onNoTurn: () => {} }, 'normal');
  loop.lateMs = 0;
  assert.ok(requests(10_000).length > 300, 'a request has waited for seconds, though each turn is short');
});
