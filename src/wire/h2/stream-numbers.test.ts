import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StreamNumbers } from './stream-numbers.ts';

describe('the stream numbers of a server', () => {
  function opened(...ids: readonly number[]): StreamNumbers {
    const numbers = new StreamNumbers(true);
    for (const id of ids) numbers.notePeer(id);
    return numbers;
  }

  // After the client has opened the streams 1, 3 and 9.
  for (const [id, isIdle, wasSkipped] of [
    [1, false, false],
    [2, true, false],
    [3, false, false],
    [5, false, true],
    [7, false, true],
    [9, false, false],
    [11, true, false],
  ] as const)
    it(`know whether stream ${id} is idle, and whether the client has passed it by`, () => {
      const numbers = opened(1, 3, 9);
      assert.deepEqual([numbers.isIdle(id), numbers.wasSkipped(id)], [isIdle, wasSkipped]);
    });

  it('know that a client which begins with a higher number has passed by the lower ones', () => {
    const numbers = opened(7);
    assert.deepEqual(
      [1, 3, 5, 7].map((id) => numbers.wasSkipped(id)),
      [true, true, true, false],
    );
  });

  it('remember 16 gaps, and forget the oldest', () => {
    const numbers = opened(...Array.from({ length: 18 }, (_, index) => 4 * index + 3));
    assert.deepEqual([numbers.wasSkipped(1), numbers.wasSkipped(5), numbers.wasSkipped(9)], [false, false, true]);
  });

  it('pass over frames of the last 256 streams that were reset', () => {
    const numbers = opened(2 * 300 + 1);
    for (let index = 0; index < 257; index++) numbers.noteReset(2 * index + 1);
    assert.deepEqual(
      [numbers.isPassedOver(1), numbers.isPassedOver(3), numbers.isPassedOver(513)],
      [false, true, true],
    );
  });

  it('stop taking streams behind the last one, which stays the last one', () => {
    const numbers = opened(5);
    assert.deepEqual([numbers.takesMore, numbers.isBehindLastTaken(7)], [true, false]);
    assert.equal(numbers.stopTaking(), 5);
    numbers.notePeer(7);
    assert.deepEqual([numbers.takesMore, numbers.stopTaking()], [false, 5]);
    assert.deepEqual([numbers.isPassedOver(5), numbers.isPassedOver(7)], [false, true]);
  });
});

describe('the stream numbers of a client', () => {
  it('are odd and rise, and only those taken are not idle', () => {
    const numbers = new StreamNumbers(false);
    assert.deepEqual([numbers.isIdle(1), numbers.takeOwn(), numbers.takeOwn()], [true, 1, 3]);
    assert.deepEqual(
      [1, 3, 5, 2].map((id) => numbers.isIdle(id)),
      [false, false, true, true],
    );
  });
});
