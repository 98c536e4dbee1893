import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import type { Instant } from '../core/time.ts';
import { AddressRate } from './address-rate.ts';

const at = (ms: number): Instant => ms as Instant;

describe('the rate of each address', () => {
  it('is a second’s worth at once, and then the rate', () => {
    const rate = new AddressRate();
    const taken = (now: number): number =>
      Array.from({ length: 50 }, () => rate.tryTake('a', 10, at(now))).filter(Boolean).length;
    assert.deepEqual([taken(5000), taken(5050), taken(5100), taken(5400), taken(9000)], [10, 0, 1, 3, 10]);
  });

  it('is one address’s own', () => {
    const rate = new AddressRate();
    assert.deepEqual(
      ['a', 'a', 'b', 'a', 'b'].map((address) => rate.tryTake(address, 1, at(7))),
      [true, false, true, false, false],
    );
  });

  it('lets through at most a second’s worth more than the rate, in any span', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.array(fc.nat(300), { maxLength: 400 }), (perSecond, waits) => {
        const rate = new AddressRate();
        const taken: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait / 10;
          if (rate.tryTake('a', perSecond, at(now))) taken.push(now);
        }
        for (const [first, from] of taken.entries())
          for (const [last, to] of taken.entries())
            if (last >= first) assert.ok(last - first + 1 <= perSecond + ((to - from) * perSecond) / 1000 + 1.001);
      }),
      { numRuns: 30 },
    );
  });

  it('never refuses an address that waits as long as the rate says', () => {
    const rate = new AddressRate();
    for (let n = 0; n < 1000; n++) assert.ok(rate.tryTake('a', 3, at(Math.ceil((n * 1000) / 3))));
  });

  it('remembers a bounded number of addresses, and first forgets those that are back at their full', () => {
    const rate = new AddressRate();
    for (let n = 0; n < 32_768; n++) rate.tryTake(`old ${n}`, 1, at(0));
    rate.tryTake('new', 1, at(1000));
    assert.equal(rate.size, 1);
    for (let n = 0; n < 40_000; n++) assert.ok(rate.tryTake(`flood ${n}`, 1, at(1001)));
    assert.ok(rate.size <= 32_768);
  });
});
