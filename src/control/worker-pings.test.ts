import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { WorkerPings } from './worker-pings.ts';

function pingsOf(clock: SimulatedClock, log: string[], served: () => number = () => 0): WorkerPings {
  return new WorkerPings({
    clock,
    served,
    send: () => log.push('ping'),
    onSilent: () => log.push('silent'),
    onLost: (why) => log.push(why),
  });
}

describe('a worker that is pinged', () => {
  test('is not silent before its first answer, because its modules are loading', () => {
    const clock = new SimulatedClock();
    const log: string[] = [];
    const pings = pingsOf(clock, log);
    clock.advanceSync(20_000);
    assert.equal(pings.isSilent, false);
    assert.deepEqual(new Set(log), new Set(['ping']));
    pings.stop();
  });

  test('gets no ping while it serves, and is pinged and silent as soon as it stops', () => {
    const clock = new SimulatedClock();
    const log: string[] = [];
    let count = 0;
    let isServing = true;
    const pings = pingsOf(clock, log, () => (isServing ? ++count : count));
    pings.onMessage();
    clock.advanceSync(10_000);
    assert.deepEqual([log, pings.isSilent], [[], false]);
    isServing = false;
    clock.advanceSync(125);
    assert.deepEqual([log, pings.isSilent], [['ping'], false]);
    clock.advanceSync(125);
    assert.equal(pings.isSilent, true);
    pings.stop();
  });

  test('is silent after 250 ms without an answer, and lost after 3 s, once', () => {
    const clock = new SimulatedClock();
    const log: string[] = [];
    const pings = pingsOf(clock, log);
    pings.onMessage();
    clock.advanceSync(250);
    assert.equal(pings.isSilent, true);
    assert.ok(!log.includes('silent'), 'another worker stands in from the next ping on');
    clock.advanceSync(125);
    assert.ok(log.includes('silent'));
    clock.advanceSync(60_000);
    assert.deepEqual(
      log.filter((line) => line.startsWith('it ')),
      ['it has not answered for 3 s'],
    );
    assert.equal(log.at(-1), 'it has not answered for 3 s', 'no ping follows');
  });

  test('is steady again ten seconds after it was silent', () => {
    const clock = new SimulatedClock();
    const pings = pingsOf(clock, []);
    pings.onMessage();
    assert.equal(pings.isSteady, true);
    clock.advanceSync(500);
    pings.onMessage();
    assert.equal(pings.isSilent, false);
    assert.equal(pings.isSteady, false);
    for (let step = 0; step < 100; step++) {
      clock.advanceSync(100);
      pings.onMessage();
    }
    assert.equal(pings.isSteady, true);
    pings.stop();
  });

  test('is not pinged after stop', () => {
    const clock = new SimulatedClock();
    const log: string[] = [];
    const pings = pingsOf(clock, log);
    pings.stop();
    clock.advanceSync(10_000);
    assert.deepEqual(log, []);
  });
});
