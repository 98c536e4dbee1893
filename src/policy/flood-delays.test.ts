import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import fc from '../../test/properties.ts';
import { FloodDelays, floodingAddressesMax } from './flood-delays.ts';

const at = (ms: number): Instant => ms as Instant;

describe('the delay of an address after floods', () => {
  // Floods at these times; then the delay of a connection at `asked`.
  const rows: readonly (readonly [what: string, floods: readonly number[], asked: number, delayMs: number])[] = [
    ['without a flood is none', [], 0, 0],
    ['after one is 250 ms', [1000], 1000, 250],
    ['after two is twice as long', [1000, 1300], 1300, 500],
    ['after three is four times as long', [1000, 1300, 2000], 2000, 1000],
    ['after four is 2 s', [0, 1, 2, 3], 3, 2000],
    ['never is more than 2 s', [0, 1, 2, 3, 4, 5, 6, 7], 7, 2000],
    ['lasts a minute', [0], 59_999, 250],
    ['is forgotten after a minute', [0], 60_000, 0],
    ['begins again at 250 ms when it was forgotten', [0, 1, 2, 70_000], 70_000, 250],
    ['is known for a minute after the last flood', [0, 50_000], 100_000, 500],
  ];
  for (const [what, floods, asked, delayMs] of rows)
    it(what, () => {
      const delays = new FloodDelays();
      for (const time of floods) delays.note('a', at(time));
      assert.equal(delays.delayOf('a', at(asked)), delayMs);
    });

  it('is that of its own floods, and no other address waits', () => {
    const delays = new FloodDelays();
    assert.equal(delays.note('a', at(0)), 250);
    assert.equal(delays.note('a', at(0)), 500);
    assert.equal(delays.note('b', at(0)), 250);
    assert.deepEqual(
      [delays.delayOf('a', at(1)), delays.delayOf('b', at(1)), delays.delayOf('c', at(1))],
      [500, 250, 0],
    );
  });

  it('is kept for a bounded number of addresses, those with the latest floods', () => {
    const delays = new FloodDelays();
    for (let index = 0; index <= floodingAddressesMax; index++) delays.note(`${index}`, at(index / 1000));
    assert.equal(delays.size, floodingAddressesMax);
    assert.deepEqual([delays.delayOf('0', at(10)), delays.delayOf('1', at(10))], [0, 250]);
  });

  it('is 0, or between 250 ms and 2 s; grows with a flood; and is gone a minute after the last one', () => {
    const flood = fc.record({ address: fc.constantFrom('a', 'b', 'c'), afterMs: fc.integer({ min: 0, max: 80_000 }) });
    fc.assert(
      fc.property(fc.array(flood), (floods) => {
        const delays = new FloodDelays();
        let now = 0;
        for (const { address, afterMs } of floods) {
          now += afterMs;
          const before = delays.delayOf(address, at(now));
          const next = delays.note(address, at(now));
          assert.ok(next >= 250 && next <= 2000 && next >= before);
          assert.equal(delays.delayOf(address, at(now)), next);
        }
        for (const address of ['a', 'b', 'c']) assert.equal(delays.delayOf(address, at(now + 60_000)), 0);
        assert.ok(delays.size <= 3);
      }),
    );
  });
});
