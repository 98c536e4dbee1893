import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { eachHeaderLine } from './header-lines.ts';

function linesOf(bytes: Uint8Array, start = 0, end = bytes.length): [string, string][] {
  const lines: [string, string][] = [];
  eachHeaderLine(bytes, start, end, (name, value) => void lines.push([name, value]));
  return lines;
}

test('header lines are read in order, between the given bytes alone', () => {
  const text = 'A: 1\r\nb:2\r\nLong: x y \r\n: no name\r\nno colon\r\nC: a:b\r\nE:\r\n';
  const bytes = Buffer.from(`X: 0\r\n${text}Y: 9\r\n`, 'latin1');
  const expected = [
    ['A', '1'],
    ['b', '2'],
    ['Long', 'x y'],
    ['C', 'a:b'],
    ['E', ''],
  ];
  assert.deepEqual(linesOf(bytes, 6, 6 + text.length), expected);
  assert.deepEqual(linesOf(Buffer.from('Cut: of')), [['Cut', 'of']]);
});

test('bytes become characters of the same number, however long a value is', () => {
  const name = fc.stringMatching(/^[!-9;-~]{1,8}$/);
  const value = fc.uint8Array({ maxLength: 9000 }).map((bytes) => bytes.map((byte) => (byte < 0x21 ? 0x21 : byte)));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 4 }), (pairs) => {
      const lines = pairs.map(([key, bytes]) => [key, Buffer.from(bytes).toString('latin1')] as const);
      const text = lines.map(([key, body]) => `${key}: ${body}\r\n`).join('');
      assert.deepEqual(
        linesOf(Buffer.from(text, 'latin1')),
        lines.map(([key, body]) => [key, body.trim()]),
      );
    }),
  );
});
