import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { rowsWithKey, SpanKeys, spanRowsMax } from './span-table.ts';

test('each row is found by its key, and no other row', () => {
  const key = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0xffffffff, 0x80000000), fc.nat(2 ** 31 - 1));
  const keys = new SpanKeys();
  fc.assert(
    fc.property(fc.array(fc.option(key), { maxLength: 50 }), key, (all, asked) => {
      for (const one of all) keys.add(one);
      const packed = keys.take();
      const present = all.filter((one) => one !== null);
      assert.equal(packed.byteLength, 6 * present.length);
      for (const wanted of [asked, ...present]) {
        const expected = all.flatMap((one, row) => (one === wanted ? [row] : []));
        assert.deepEqual(rowsWithKey(packed, wanted), expected);
      }
    }),
  );
});

test('a full span finds its last row', () => {
  const keys = new SpanKeys();
  for (let row = 0; row < spanRowsMax; row += 1) keys.add(2 ** 32 - 1 - row);
  assert.deepEqual(rowsWithKey(keys.take(), 2 ** 32 - spanRowsMax), [spanRowsMax - 1]);
});
