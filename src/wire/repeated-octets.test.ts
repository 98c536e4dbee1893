import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Habit, isRepeated, markOf, RepeatedOctets, repeatedOctetsMin } from './repeated-octets.ts';

const octets = fc.uint8Array({ minLength: repeatedOctetsMin, maxLength: 200 });

describe('octets that have come before', () => {
  it('are recognised wherever they stand, and no others are', () => {
    const property = fc.property(octets, octets, fc.nat({ max: 20 }), fc.nat(), (known, other, start, place) => {
      const kept = new RepeatedOctets<string>();
      const mark = markOf(known, 0, known.length);
      const repeated = kept.keep(mark, Buffer.from(known), 'read');
      const moved = Buffer.concat([Buffer.alloc(start), known, other]);
      const end = start + known.length;
      assert.equal(markOf(moved, start, end), mark);
      assert.equal(kept.find(mark, moved, start, end), repeated);
      const changed = place % known.length;
      moved[start + changed] = (known[changed] as number) ^ 1;
      assert.equal(isRepeated(repeated, moved, start), false);
      assert.notEqual(markOf(moved, start, end), mark);
      assert.equal(kept.find(mark, moved, start, end), null);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

describe('a connection whose heads are', () => {
  /** How many of so many heads are looked at. */
  const looksOf = (heads: number, markOfHead: (head: number) => number): number => {
    const habit = new Habit();
    let looks = 0;
    for (let head = 0; head < heads; head++) {
      if (!habit.looksAtNext()) continue;
      looks += 1;
      habit.comesAgain(markOfHead(head));
    }
    return looks;
  };

  it('new each time has one in sixteen looked at', () => {
    assert.equal(
      looksOf(6400, (head) => head),
      400,
    );
  });

  it('each the same twice has all of them looked at', () => {
    assert.equal(
      looksOf(6400, (head) => head >> 1),
      6400,
    );
  });

  it('the same again after a thousand that were new is noticed within 66 of them', () => {
    const habit = new Habit();
    for (let head = 0; head < 1000; head++) if (habit.looksAtNext()) habit.comesAgain(head);
    let heads = 1;
    while (!(habit.looksAtNext() && habit.comesAgain(-2))) heads += 1;
    assert.ok(heads <= 66, String(heads));
  });
});
