import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { unicodeText } from '../core/unicode-text.test-support.ts';
import { redactPath, redactQuery, TextRedactor } from './redact.ts';

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
    ['a=', 'a=', 'nothing needs no mark'],
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

  test('no value that is not allowed survives, whatever stands around it', () => {
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

  test('the result is never longer than the query', () => {
    fc.assert(
      fc.property(unicodeText({ maxLength: 200 }), (query) => {
        assert.ok(redactQuery(query, allowed).length <= query.length);
      }),
      { numRuns: 300 },
    );
  });
});

test('a path is left as it is, without a fragment', () => {
  assert.equal(redactPath('/users/anna@example.org/a%20b;v=1'), '/users/anna@example.org/a%20b;v=1');
  assert.equal(redactPath('/callback#access_token=abc'), '/callback#…');
});

describe('credentials are taken out of text from outside', () => {
  const redactor = new TextRedactor(['X-Internal-Key']);
  const cases: readonly (readonly [text: string, redacted: string])[] = [
    ['GET / HTTP/1.1\r\nAuthorization: Basic dXNlcjpwYXNz\r\nHost: a', 'GET / HTTP/1.1\r\nAuthorization: …\r\nHost: a'],
    ['Cookie: a=1; b=2; c=CANARY', 'Cookie: …'],
    ['Set-Cookie: sid=CANARY; Path=/\\r\\nServer: x', 'Set-Cookie: …\\r\\nServer: x'],
    ['{"authorization": "Bearer CANARY", "path": "/"}', '{"authorization": …'],
    ['proxy-authorization:CANARY', 'proxy-authorization:…'],
    ['x-internal-key: CANARY', 'x-internal-key: …'],
    ['curl -H "X-Api-Key: CANARY"', 'curl -H "X-Api-Key: …'],
    ['refused Bearer CANARY.abc_-', 'refused Bearer …'],
    ['postgres://app:CANARY@db:5432/shop is down', 'postgres://…@db:5432/shop is down'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.CANARY ok', 'jwt … ok'],
    ['DATABASE_PASSWORD=CANARY PORT=3000', 'DATABASE_PASSWORD=… PORT=3000'],
    ['{"apiKey":"CANARY with space","a":1}', '{"apiKey":…,"a":1}'],
    ["client_secret: 'CANARY'", 'client_secret: …'],
    ['GET /reset?code=CANARY&user=CANARY HTTP/1.1', 'GET /reset?code=…&user=… HTTP/1.1'],
    [
      'Error: listen EADDRINUSE: address already in use :::3000',
      'Error: listen EADDRINUSE: address already in use :::3000',
    ],
    ['SSH-2.0-OpenSSH_9.6', 'SSH-2.0-OpenSSH_9.6'],
    ['    at Object.<anonymous> (/app/token.js:3:9)', '    at Object.<anonymous> (/app/token.js:3:9)'],
  ];
  for (const [text, redacted] of cases) test(JSON.stringify(text), () => assert.equal(redactor.redact(text), redacted));

  test('octets that are written out in hexadecimal hide nothing', () => {
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    assert.equal(redactor.redact(hex('Cookie: sid=CANARY')), hex('Cookie: …'));
    assert.equal(redactor.redact(hex('SSH-2.0-OpenSSH_9.6')), hex('SSH-2.0-OpenSSH_9.6'));
    const binary = Buffer.from([0x16, 0x03, 0x9b, 0xff]).toString('hex');
    assert.equal(redactor.redact(`${binary}${hex(' password=CANARY')}`), `${binary}${hex(' password=…')}`);
    assert.equal(redactor.redact('00ff00ff00ff00ff'), '00ff00ff00ff00ff');
  });

  test('every text of a value is redacted and cut, however deep', () => {
    const value = { a: ['Cookie: CANARY', 7, null], b: { c: 'x'.repeat(50) } };
    assert.deepEqual(redactor.redactAll(value, 10), { a: ['Cookie: …', 7, null], b: { c: `${'x'.repeat(10)}…` } });
  });

  test('a hostile text costs no more than its length', () => {
    // Each of these makes a careless pattern try every pair of places.
    const hostile = [
      'token'.repeat(800),
      `token${' '.repeat(4000)}`,
      `eyJ${'a'.repeat(4000)}`,
      '-eyJ'.repeat(1000),
      'eyJaaaaaaaa-'.repeat(340),
      '://'.repeat(1300),
      '?a'.repeat(2000),
      'bearer '.repeat(600),
      'cookie\\'.repeat(580),
    ];
    for (const text of hostile) {
      const start = process.cpuUsage();
      for (let time = 0; time < 5; time++) redactor.redact(text);
      const { user } = process.cpuUsage(start);
      // Linear, all cost less than 3 ms; with the square of 4,000 it is 40.
      assert.ok(user < 20_000, `${text.slice(0, 20)}: ${user} µs`);
    }
  });
});
