import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HeaderFilter, headerFilter } from '../core/header-names.ts';
import type { MessageHeaders } from '../core/message.ts';
import { HeadStorage } from './head-storage.ts';
import { RequestHeadParser } from './request-head.ts';
import { requestLimits } from './request-limits.test-support.ts';

const nothing = headerFilter([]);

function headersOf(...lines: readonly string[]): MessageHeaders {
  const bytes = Buffer.from(['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n'), 'latin1');
  const parser = new RequestHeadParser(requestLimits, new HeadStorage());
  parser.push(bytes, 0, bytes.length);
  assert.equal(parser.refusal, null);
  return parser.head?.headers as MessageHeaders;
}

/** The runs of lines that are copied. */
function runsOf(headers: MessageHeaders, drop: HeaderFilter): string[] {
  const runs: string[] = [];
  headers.writeTo(
    {
      header: () => assert.fail('HTTP/1 fields are copied'),
      headerLines: (bytes, start, end) => void runs.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
    },
    drop,
  );
  return runs;
}

describe('get', () => {
  it('joins the values of several lines, in order', () => {
    const headers = headersOf('Accept: a', 'X-A: 1', 'accept:b', 'x-a:  2 ');
    assert.equal(headers.get('accept'), 'a, b');
    assert.equal(headers.get('x-a'), '1, 2');
  });

  it('says null for what is not there, and an empty text for an empty value', () => {
    const headers = headersOf('X-A:');
    assert.equal(headers.get('x-a'), '');
    assert.equal(headers.get('x-b'), null);
    assert.equal(headers.get('cookie'), null);
    assert.equal(headers.has('x-a'), true);
    assert.equal(headers.has('x-b'), false);
    assert.equal(headers.has('cookie'), false);
  });

  it('sees what is for this connection only, and what Connection nominates', () => {
    const headers = headersOf('Connection: x-a', 'X-A: 1', 'TE: trailers');
    assert.equal(headers.get('host'), 'a');
    assert.equal(headers.get('connection'), 'x-a');
    assert.equal(headers.get('x-a'), '1');
    assert.equal(headers.has('te'), true);
  });

  it('does not take a name for another that is as long', () => {
    assert.equal(headersOf('X-Ab: 1').get('x-ac'), null);
  });

  it('keeps bytes above 127 as they are', () => {
    assert.equal(headersOf('X-A: \xe9\xff').get('x-a'), '\xe9\xff');
  });
});

describe('writeTo', () => {
  it('copies lines that follow each other as one run', () => {
    assert.deepEqual(runsOf(headersOf('A: 1', 'B:2', 'Accept:  x '), nothing), ['A: 1\r\nB:2\r\nAccept:  x \r\n']);
  });

  it('leaves out what is dropped, by number and by name, in any case', () => {
    const headers = headersOf('A: 1', 'COOKIE: x', 'B: 2', 'X-Gone: 3', 'C: 4');
    assert.deepEqual(runsOf(headers, headerFilter(['cookie', 'x-gone'])), ['A: 1\r\n', 'B: 2\r\n', 'C: 4\r\n']);
  });

  it('leaves out names of all lengths that it was given, and those alone', () => {
    for (let length = 3; length <= 70; length++) {
      const name = `x-${'a'.repeat(length - 2)}`;
      const other = `x-${'b'.repeat(length - 2)}`;
      const headers = headersOf(`${name}: 1`, `${other}: 2`);
      assert.deepEqual(runsOf(headers, headerFilter([name])), [`${other}: 2\r\n`], `${length} bytes`);
    }
  });

  it('writes nothing when nothing is left', () => {
    assert.deepEqual(runsOf(headersOf('Connection: close'), nothing), []);
  });
});

it('a head of many headers and bytes is kept whole', () => {
  const lines = Array.from({ length: 120 }, (_, index) => `X-${index}: ${'v'.repeat(200)}`);
  const headers = headersOf(...lines);
  assert.equal(runsOf(headers, nothing).join(''), lines.map((line) => `${line}\r\n`).join(''));
  assert.equal(headers.get('x-119'), 'v'.repeat(200));
});
