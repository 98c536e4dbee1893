import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerOf, parseRawResponse } from './raw-response.ts';

type Expected = readonly [framing: string, complete: boolean, body: string, rest: string] | null;

const cases: readonly [bytes: string, method: string, ended: 'no' | 'fin' | 'reset', expected: Expected][] = [
  ['', 'GET', 'no', null],
  ['HTTP/1.1 200 OK\r\nA: b\r\n', 'GET', 'fin', null],
  ['SSH-2.0-x\r\n\r\n', 'GET', 'fin', null],
  ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'GET', 'no', ['length', true, 'ok', '']],
  ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHT', 'GET', 'no', ['length', true, 'ok', 'HT']],
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok', 'GET', 'fin', ['length', false, 'ok', '']],
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD', 'no', ['none', true, '', '']],
  ['HTTP/1.1 204 \r\n\r\n', 'GET', 'no', ['none', true, '', '']],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', 'GET', 'no', ['none', true, '', '']],
  ['HTTP/1.1 200 OK\r\n\r\nok', 'GET', 'no', ['until-close', false, 'ok', '']],
  ['HTTP/1.1 200 OK\r\n\r\nok', 'GET', 'fin', ['until-close', true, 'ok', '']],
  ['HTTP/1.1 200 OK\r\n\r\nok', 'GET', 'reset', ['until-close', false, 'ok', '']],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nX',
    'GET',
    'no',
    ['chunked', true, 'ok', 'X'],
  ],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: x\r\n\r\n',
    'GET',
    'no',
    ['chunked', true, 'ok', ''],
  ],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n', 'GET', 'fin', ['chunked', false, 'ok', '']],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok', 'GET', 'fin', ['chunked', false, 'ok', '']],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n', 'GET', 'fin', ['chunked', false, 'ok', '']],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 'GET', 'fin', ['chunked', false, '', '']],
];

for (const [bytes, method, ended, expected] of cases) {
  test(`${method} ${JSON.stringify(bytes)} and then ${ended}`, () => {
    const response = parseRawResponse(Buffer.from(bytes, 'latin1'), method, ended);
    if (expected === null) return assert.equal(response, null);
    assert.ok(response !== null);
    const { framing, complete, body, rest } = response;
    assert.deepEqual([framing, complete, body.toString(), rest.toString()], expected);
  });
}

test('interim responses are listed, and the final response is returned', () => {
  const bytes =
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 Fine by me\r\nContent-Length: 0\r\n\r\n';
  const response = parseRawResponse(Buffer.from(bytes), 'GET', 'no')!;
  assert.deepEqual(response.interim, [100, 103]);
  assert.deepEqual([response.version, response.status, response.reason], ['HTTP/1.1', 200, 'Fine by me']);
});

test('headers are found in any case, and several lines of one name are joined', () => {
  const response = parseRawResponse(Buffer.from('HTTP/1.1 204 x\r\nVia: a\r\nVIA: b\r\n\r\n'), 'GET', 'no')!;
  assert.equal(headerOf(response, 'via'), 'a, b');
  assert.equal(headerOf(response, 'server'), null);
});
