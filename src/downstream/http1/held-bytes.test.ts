import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { HeldBytes } from './request-reader.ts';

const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('requests are counted by their empty lines, however they are split', () => {
  fc.assert(
    fc.property(fc.nat(8), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (count, pieces) => {
      const all = Buffer.from(request.repeat(count));
      const held = new HeldBytes();
      let at = 0;
      for (let piece = 0; at < all.length; piece++) {
        const end = Math.min(all.length, at + (pieces[piece % pieces.length] ?? 1));
        held.add(all, at, end);
        at = end;
      }
      assert.equal(held.headEnds, count);
    }),
  );
});

test('lines that end with LF alone count too, and lines with bytes do not', () => {
  const held = new HeldBytes();
  const text = Buffer.from('a\nb\n\nc\r\n\nd\n\r\n\r');
  held.add(text, 0, text.length);
  assert.equal(held.headEnds, 3);
});

test('bytes that were used are not held any more', () => {
  const held = new HeldBytes();
  const all = Buffer.from(request.repeat(5));
  held.add(all, 0, all.length);
  held.putBack(held.take(), 2 * request.length, 2);
  assert.equal(held.headEnds, 3);
  held.take();
  held.forget();
  assert.deepEqual([held.headEnds, held.isEmpty], [0, true]);
});
