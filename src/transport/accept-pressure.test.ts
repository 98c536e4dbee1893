import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { AcceptPressure } from './accept-pressure.ts';

/** Plays turns of the event loop of `turnMs` with so many accepts each. Returns how often connections were found to wait. */
function pressuresIn(accepts: readonly number[], turnMs: number): number {
  const clock = new SimulatedClock();
  let pressures = 0;
  let due: (() => void)[] = [];
  const pressure = new AcceptPressure(
    clock,
    (call) => void due.push(call),
    (isPressed) => void (pressures += isPressed ? 1 : 0),
  );
  for (const count of accepts) {
    for (let accept = 0; accept < count; accept++) pressure.note();
    clock.advanceSync(turnMs);
    const calls = due;
    due = [];
    for (const call of calls) call();
  }
  return pressures;
}

const turns = (count: number, accepts: number): number[] => new Array<number>(count).fill(accepts);

for (const [what, accepts, expected] of [
  ['a connection in each of 16 turns behind 63 others', [...turns(63, 1), ...turns(16, 1)], 1],
  ['a turn less', [...turns(63, 1), ...turns(15, 1)], 0],
  ['a turn without one in between', [...turns(63, 1), ...turns(8, 1), 0, ...turns(8, 1)], 0],
  ['a burst in one turn', [100, ...turns(50, 0)], 0],
  ['connections in every other turn', turns(500, 1).flatMap((one) => [one, 0]), 0],
  ['a connection in each of many turns', turns(160, 1), 2],
  ['several in each turn', turns(63, 4), 3],
] as const)
  it(`${what}: connections wait ${expected} times`, () => {
    assert.equal(pressuresIn(accepts, 2), expected);
  });

it('connections do not wait where turns are short: the next one is accepted soon', () => {
  assert.equal(pressuresIn(turns(1000, 1), 0.5), 0);
  assert.ok(pressuresIn(turns(1000, 1), 1) > 0);
});
