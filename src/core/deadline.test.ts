import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { Deadline, Deadlines } from './deadline.ts';
import { type Instant, never } from './time.ts';

class Noted extends Deadline {
  firedAt: Instant | null = null;
  readonly #also: (self: Noted) => void;

  constructor(at: number, also: (self: Noted) => void = () => {}) {
    super();
    this.at = at as Instant;
    this.#also = also;
  }

  override onExpired(now: Instant): void {
    this.firedAt = now;
    this.#also(this);
  }
}

describe('Deadlines', () => {
  it('fire not before they are due, and at most one sweep later, once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { maxLength: 30 }), (instants) => {
        const clock = new SimulatedClock();
        const deadlines = new Deadlines(clock, 20);
        const noted = instants.map((at) => new Noted(at));
        for (const deadline of noted) deadlines.add(deadline);
        clock.advanceSync(1000);
        noted.forEach(({ firedAt, at }, n) => {
          const due = instants[n] as number;
          assert.ok(firedAt !== null && firedAt >= due && firedAt <= due + 20);
          assert.equal(at, never);
        });
      }),
    );
  });

  it('keep one timer for all of them, and none when there are none', () => {
    const clock = new SimulatedClock();
    const deadlines = new Deadlines(clock);
    const noted = Array.from({ length: 100 }, () => new Noted(5000));
    for (const deadline of noted) deadlines.add(deadline);
    assert.equal(clock.timersLive, 1);
    for (const deadline of noted) deadlines.remove(deadline);
    clock.advanceSync(40);
    assert.deepEqual([deadlines.size, clock.timersLive], [0, 0]);
    deadlines.add(new Noted(never));
    assert.equal(clock.timersLive, 1);
  });

  it('all fire although others are removed, added and set again while one fires', () => {
    const clock = new SimulatedClock();
    const deadlines = new Deadlines(clock, 20);
    const late = new Noted(10);
    const all: Noted[] = [];
    const leaving = new Noted(10, () => {
      for (const deadline of all.slice(0, 3)) deadlines.remove(deadline);
      deadlines.add(late);
    });
    const again = new Noted(10, (self) => {
      if (clock.now() < 100) self.at = (clock.now() + 30) as Instant;
    });
    all.push(...[1, 2, 3, 4, 5].map(() => new Noted(10)), leaving, again, new Noted(10));
    for (const deadline of all) deadlines.add(deadline);
    clock.advanceSync(300);
    for (const deadline of [...all.slice(3), late]) assert.notEqual(deadline.firedAt, null);
    assert.ok((again.firedAt ?? 0) >= 100);
    assert.equal(deadlines.size, all.length - 3 + 1);
    assert.equal(clock.timersLive, 1, 'a deadline that is added while one fires sets no second timer');
  });

  it('ignore the removal of an unknown deadline, and a second removal', () => {
    const deadlines = new Deadlines(new SimulatedClock());
    const member = new Noted(1);
    deadlines.add(member);
    deadlines.remove(new Noted(1));
    assert.equal(deadlines.size, 1);
    deadlines.remove(member);
    deadlines.remove(member);
    assert.deepEqual([deadlines.size, member.index], [0, -1]);
  });
});
