import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { orderToleranceMs } from '../core/places.ts';
import type { Instant } from '../core/time.ts';
import { PlaceLayout } from './layout.ts';
import { PlaceTable } from './place-table.ts';
import { SharedWords } from './shared-words.ts';

const slot = 0;
const generation = 0;

/** One slot as three workers see it. The first holds all `held` places of it. */
class Three {
  readonly seats: readonly [PlaceTable, PlaceTable, PlaceTable];

  constructor(held: number) {
    const layout = new PlaceLayout({ seatsMax: 3, slotsMax: 1 });
    const words = new SharedWords(new SharedArrayBuffer(layout.words * Int32Array.BYTES_PER_ELEMENT));
    words.store(layout.seatsEnd, 3);
    const table = (seat: number): PlaceTable => new PlaceTable(words, layout, seat);
    this.seats = [table(0), table(1), table(2)];
    for (let place = 0; place < held; place++) assert.ok(this.take(0, place, held, 1));
  }

  take(seat: 0 | 1 | 2, held: number, max: number, since: number): boolean {
    return this.seats[seat].take(slot, generation, held, max, since as Instant);
  }

  give(seat: 0 | 1 | 2, max: number, since: number | null = null): string {
    return this.seats[seat].give(slot, max, since as Instant | null);
  }

  wait(seat: 0 | 1 | 2, since: number, max: number): void {
    assert.equal(this.seats[seat].setWaiting(slot, generation, since as Instant, max), 'waits');
  }

  get holds(): readonly number[] {
    return this.seats.map((seat) => seat.holds(slot));
  }

  get total(): number {
    return this.seats[0].total(slot);
  }
}

describe('a place that is given back', () => {
  for (const [oldest, newest] of [
    [1, 2],
    [2, 1],
  ] as const)
    it(`goes to the oldest of those who wait elsewhere (at seat ${oldest})`, () => {
      const three = new Three(1);
      three.wait(oldest, 100, 1);
      three.wait(newest, 101, 1);
      three.give(0, 1);
      assert.equal(three.holds[oldest], 1);
      assert.equal(three.holds[newest], 0);
    });

  it('comes to a worker once, and to the next one until the first says anew that it waits', () => {
    const three = new Three(3);
    three.wait(1, 100, 3);
    three.wait(2, 300, 3);
    three.give(0, 3);
    assert.deepEqual(three.holds, [2, 1, 0]);
    three.give(0, 3);
    assert.deepEqual(three.holds, [1, 1, 1], 'the first hangs: it has its one');
    three.give(0, 3);
    assert.deepEqual(three.holds, [0, 1, 1], 'both have been told');
    assert.equal(three.total, 2);
  });

  it('is nobody’s while more are taken than a lowered limit allows', () => {
    const three = new Three(4);
    three.wait(1, 100, 4);
    assert.equal(three.give(0, 2), 'given');
    assert.deepEqual([three.holds, three.total], [[3, 0, 0], 3]);
    assert.equal(three.give(0, 2, 90), 'given', 'nor is it kept for one who waits here');
    assert.deepEqual([three.holds, three.total], [[2, 0, 0], 2]);
    three.give(0, 2);
    assert.deepEqual([three.holds, three.total], [[1, 1, 0], 2], 'from here on it is handed over again');
  });
});

describe('a newcomer that finds a free place', () => {
  const waits = 100;
  const late = waits + orderToleranceMs + 1;

  it('leaves it to who has waited notably longer elsewhere', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    // There is one more place, of which nobody has told those who wait: a reload has raised the limit.
    assert.equal(three.take(2, 0, 2, late), false);
    assert.deepEqual(three.holds, [1, 1, 0]);
  });

  it('leaves it to them also where it says that it will wait', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    three.wait(2, late, 2);
    assert.deepEqual(three.holds, [1, 1, 0]);
  });

  it('takes the next one, when they have theirs', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    assert.equal(three.take(2, 0, 3, late), true);
    assert.deepEqual(three.holds, [1, 1, 1]);
  });

  it('takes it where they came hardly earlier', () => {
    const three = new Three(1);
    three.wait(1, waits, 1);
    assert.equal(three.take(2, 0, 2, waits + orderToleranceMs), true);
    assert.deepEqual(three.holds, [1, 0, 1]);
  });
});
