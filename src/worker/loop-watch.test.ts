import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '#failures/failure.ts';
import { after, type Clock } from '../core/time.ts';
import type { RequestGate } from '../exchange/request-gate.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { LoopWatch } from './loop-watch.ts';

/** A loop whose timers fire `lateMs` late, and whose turns end when `endTurn` is called. */
function watched(delayMaxMs: number) {
  const clock = new SimulatedClock();
  const loop = { lateMs: 0, turns: 0 };
  const lateClock: Clock = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    schedule: (at, fire, subject) => clock.schedule(after(at, loop.lateMs), fire, subject),
  };
  const heard: boolean[] = [];
  const onChange = (isShedding: boolean): void => void heard.push(isShedding);
  const calls: (() => void)[] = [];
  const random = new SeededRandom('loop');
  const watch = new LoopWatch({
    clock: lateClock,
    random,
    atEndOfTurn: (call) => void calls.push(call),
    turns: loop,
    onChange,
  });
  watch.use(delayMaxMs);
  const endTurn = (): void => {
    for (const call of calls.splice(0)) call();
    loop.turns++;
  };
  /** Requests each millisecond, in turns of `lateMs`, or of 1 ms. Returns why some were refused. */
  const requests = (lastsMs: number): Failure[] => {
    const refused: Failure[] = [];
    const waiter = { onTurn: () => {}, onNoTurn: (failure: Failure) => void refused.push(failure) };
    for (let passedMs = 0; passedMs < lastsMs; passedMs++) {
      watch.gate()?.enter(waiter, 'normal', Infinity);
      clock.advanceSync(1);
      if (passedMs % Math.max(1, loop.lateMs) === 0) endTurn();
    }
    return refused;
  };
  return { clock, loop, heard, requests, gate: (): RequestGate | null => watch.gate(), endTurn };
}

test('a worker whose loop is late for more than a second refuses requests, until it is in time', () => {
  const { loop, heard, requests } = watched(100);
  assert.deepEqual(requests(5000), []);
  loop.lateMs = 300;
  assert.deepEqual(requests(900), []);
  const refused = requests(10_000);
  assert.ok(refused.length > 100, `${refused.length} refused`);
  for (const { cause, evidence } of refused) {
    assert.equal(cause, 'shed');
    const { retryAfterS } = evidence;
    assert.ok(retryAfterS >= 1 && retryAfterS <= 60, `Retry-After: ${retryAfterS}`);
  }
  assert.deepEqual(heard, [true]);
  loop.lateMs = 0;
  requests(10_000);
  assert.deepEqual(heard, [true, false]);
  assert.deepEqual(requests(5000), []);
});

test('a worker without requests does not wake up', () => {
  const { clock, loop, requests, endTurn } = watched(100);
  loop.lateMs = 300;
  requests(10_000);
  loop.lateMs = 0;
  for (let turns = 0; turns < 100; turns++) endTurn();
  clock.advanceSync(20_000);
  assert.equal(clock.timersLive, 0);
});

test('without a limit nothing is refused', () => {
  const { loop, requests } = watched(Infinity);
  loop.lateMs = 5000;
  assert.deepEqual(requests(10_000), []);
});

test('requests wait after a long turn, until the delay is short', () => {
  const { loop, requests, gate } = watched(100);
  loop.lateMs = 19;
  requests(500);
  assert.equal(gate(), null);
  loop.lateMs = 20;
  requests(500);
  assert.notEqual(gate(), null);
  loop.lateMs = 0;
  requests(500);
  assert.equal(gate(), null);
});

test('requests wait that come late in a long turn, for its end', () => {
  const { clock, gate, endTurn } = watched(100);
  assert.equal(gate(), null);
  clock.advanceSync(19);
  assert.equal(gate(), null);
  clock.advanceSync(1);
  const begun: string[] = [];
  gate()?.enter({ onTurn: () => void begun.push('late'), onNoTurn: () => assert.fail() }, 'normal', Infinity);
  assert.deepEqual(begun, []);
  endTurn();
  assert.deepEqual(begun, ['late']);
  assert.equal(gate(), null, 'the next turn has just begun');
});

test('requests wait from a shorter limit of the delay on: only those that wait can be refused', () => {
  const { loop, requests, gate } = watched(5);
  loop.lateMs = 4;
  requests(500);
  assert.equal(gate(), null);
  loop.lateMs = 5;
  requests(500);
  assert.notEqual(gate(), null);
});
