import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { longestHeaderName } from './response-head.ts';

const table: readonly [what: string, head: string, name: string][] = [
  ['the longest of several', 'HTTP/1.1 200 OK\r\nA: 1\r\nSet-Cookie: 123456789\r\nB: 12\r\n', 'Set-Cookie'],
  ['one that has not ended', `HTTP/1.1 200 OK\r\nA: 1\r\nX-Huge: ${'x'.repeat(500)}`, 'X-Huge'],
  ['none while the status line goes on', `HTTP/1.1 200 ${'x'.repeat(500)}`, ''],
  ['none behind the status line', 'HTTP/1.1 200 OK\r\n', ''],
  ['none of a line that has no colon yet', `HTTP/1.1 200 OK\r\nA: 1\r\n${'x'.repeat(500)}`, 'A'],
  ['the first of two alike', 'HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n', 'A'],
];

for (const [what, head, name] of table) {
  test(`the longest field is ${what}`, () => assert.equal(longestHeaderName(Buffer.from(head, 'latin1')), name));
}

test('it is a name that stands in the head, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-c:\r\n ]*$/), (head) => {
      const name = longestHeaderName(Buffer.from(head, 'latin1'));
      assert.ok(name === '' || head.includes(`${name.replaceAll('\\x0d', '\r')}:`), JSON.stringify([head, name]));
    }),
  );
});
