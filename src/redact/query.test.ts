import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../../test/properties.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { redactQuery, writeRedactedQuery } from './query.ts';

const allowed = new Set(['page', 'größe', 'ids[]']);

describe('a query keeps its names and the values that are allowed', () => {
  const cases: readonly (readonly [query: string, redacted: string, why: string])[] = [
    ['', '', 'an empty query'],
    ['page=2', 'page=2', 'an allowed value'],
    ['token=abc', 'token=…', 'any other value'],
    ['a=1&page=2&b=3', 'a=…&page=2&b=…', 'the order stays'],
    ['a=1&a=2', 'a=…&a=…', 'repeated names'],
    ['page=1&page=2', 'page=1&page=2', 'repeated allowed names'],
    ['PAGE=2', 'PAGE=2', 'names compare without case and stay as sent'],
    ['%70age=2', '%70age=2', 'names compare after percent-decoding'],
    ['gr%C3%B6%C3%9Fe=42', 'gr%C3%B6%C3%9Fe=42', 'names beyond ASCII'],
    ['ids%5B%5D=7&ids[]=8', 'ids%5B%5D=7&ids[]=8', 'lists'],
    ['eyJhbGciOiJIUzI1NiJ9', '…', 'a piece without "=" may be a token'],
    ['page', 'page', 'an allowed name without a value'],
    ['c2VjcmV0dG9rZW4=', '…', 'a token in Base64 may end with "="'],
    ['c2VjcmV0dG9rZQ==', '…', 'or with two'],
    ['page=2&c2VjcmV0dG9rZQ==&a=1', 'page=2&…&a=…', 'between others'],
    ['page=', 'page=', 'an allowed name with an empty value'],
    ['==', '=…', 'no name'],
    ['c2VjcmV0dG9rZW4=;page=2', '…', 'some servers read a token here'],
    ['=abc', '=…', 'a value without a name'],
    ['=', '=', 'neither'],
    ['&&a=1&', '&&a=…&', 'empty pieces'],
    ['a=b=c', 'a=…', 'a value with "="'],
    ['page=2;token=abc', 'page=…', 'some servers part at ";"'],
    ['token=abc;page=2', 'token=…', 'so that either reading is safe'],
    ['abc;page=2', '…=…', 'also where the first part has no name'],
    ['page=2#token=abc', 'page=…', 'a fragment that was sent'],
    ['to%3Dken=1', '…=…', 'a name that decodes to name and value'],
    ['%zz=1', '…=…', 'what does not decode is no name'],
    ['page%zz=1', '…=…', 'nor a part of one'],
    [`${'n'.repeat(65)}=1`, '…=…', 'a name too long to be one'],
    ['a+b=1', 'a+b=…', 'a space in a name'],
    ['a\u0000b=1', '…=…', 'control characters'],
    ['user@example.org=1', 'user@example.org=…', 'names are left as they are'],
  ];
  for (const [query, redacted, why] of cases) {
    test(`${why}: ${JSON.stringify(query.slice(0, 40))}`, () => assert.equal(redactQuery(query, allowed), redacted));
  }

  test('no value that is not allowed survives, in any surrounding text', () => {
    const name = fc.stringMatching(/^[a-z]{1,6}$/);
    const odd = fc.constantFrom('', '=', ';', '&', '%', '%3D', '%26', '+', 'page=', 'page;', '?', '#');
    const property = fc.property(fc.array(fc.tuple(odd, name, odd)), (pieces) => {
      const query = pieces
        .map(([before, word, behind]) => `${before}${word}=${behind === 'page=' ? '' : behind}CANARY`)
        .join('&');
      assert.ok(!redactQuery(query, new Set()).includes('CANARY'), query);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('no part without a value survives, with or without padding, whichever way it is written', () => {
    const part = fc.tuple(
      fc.constantFrom('', 'a=1&', '&', '=&'),
      fc.constantFrom('', '=', '==', '==='),
      fc.constantFrom('', '&', '&b=2', '=;b=2', '=#b'),
    );
    const bytes = new Uint8Array(1024);
    const property = fc.property(part, ([before, padding, behind]) => {
      const query = `${before}CANARY${padding}${behind}`;
      const redacted = redactQuery(query, new Set());
      assert.ok(!redacted.includes('CANARY'), redacted);
      const end = writeRedactedQuery(`/?${query}`, 2, bytes, 0);
      assert.equal(Buffer.from(bytes.subarray(0, end)).toString().replaceAll('\\u2026', '…'), redacted);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test('the result is never longer than the query', () => {
    fc.assert(
      fc.property(unicodeText({ maxLength: 200 }), (query) => {
        assert.ok(redactQuery(query, allowed).length <= query.length);
      }),
      { numRuns: 300 },
    );
  });
});
