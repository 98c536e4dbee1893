import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { unicodeText } from '../../../test/unicode-text.ts';
import { headerListOf, headerValueOf } from './header-value.ts';

const cases: readonly (readonly [text: string, value: string])[] = [
  ['ada', 'ada'],
  ['Ada Lovelace', 'Ada Lovelace'],
  ['ada@example.org', 'ada@example.org'],
  ['ada\r\nX-Admin: 1', 'ada%0D%0AX-Admin: 1'],
  ['a\0b', 'a%00b'],
  ['100%', '100%25'],
  ['%0D', '%250D'],
  ['Ødegård', '%C3%98deg%C3%A5rd'],
  [' ada ', '%20ada%20'],
  ['', ''],
];
for (const [text, value] of cases)
  test(`${JSON.stringify(text)} is sent as ${JSON.stringify(value)}`, () => assert.equal(headerValueOf(text), value));

test('a list keeps its parts apart', () => assert.equal(headerListOf(['a,b', 'c']), 'a%2Cb,c'));

test('no two texts have the same value, and no value begins another line', () => {
  fc.assert(
    fc.property(unicodeText(), (text) => {
      const value = headerValueOf(text);
      assert.match(value, /^[\x20-\x7e]*$/);
      assert.equal(decodeURIComponent(value), text);
    }),
  );
});
