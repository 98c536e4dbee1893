import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FieldFilter, fieldFilter } from '../core/field-names.ts';
import type { Fields } from '../core/message.ts';
import { HeadStorage } from './head-storage.ts';
import { RequestHeadParser } from './request-head.ts';
import { requestLimits } from './request-limits.test-support.ts';

const nothing = fieldFilter([]);

function fieldsOf(...lines: readonly string[]): Fields {
  const bytes = Buffer.from(['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n'), 'latin1');
  const parser = new RequestHeadParser(requestLimits, new HeadStorage());
  parser.push(bytes, 0, bytes.length);
  assert.equal(parser.refusal, null);
  return parser.head?.fields as Fields;
}

/** The runs of lines that are copied. */
function runsOf(fields: Fields, drop: FieldFilter): string[] {
  const runs: string[] = [];
  fields.writeTo(
    {
      field: () => assert.fail('HTTP/1 fields are copied'),
      fieldLines: (bytes, start, end) => void runs.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
    },
    drop,
  );
  return runs;
}

describe('get', () => {
  it('joins the values of several lines, in order', () => {
    const fields = fieldsOf('Accept: a', 'X-A: 1', 'accept:b', 'x-a:  2 ');
    assert.equal(fields.get('accept'), 'a, b');
    assert.equal(fields.get('x-a'), '1, 2');
  });

  it('says null for what is not there, and an empty text for an empty value', () => {
    const fields = fieldsOf('X-A:');
    assert.equal(fields.get('x-a'), '');
    assert.equal(fields.get('x-b'), null);
    assert.equal(fields.get('cookie'), null);
    assert.equal(fields.has('x-a'), true);
    assert.equal(fields.has('x-b'), false);
    assert.equal(fields.has('cookie'), false);
  });

  it('sees what is for this connection only, and what Connection nominates', () => {
    const fields = fieldsOf('Connection: x-a', 'X-A: 1', 'TE: trailers');
    assert.equal(fields.get('host'), 'a');
    assert.equal(fields.get('connection'), 'x-a');
    assert.equal(fields.get('x-a'), '1');
    assert.equal(fields.has('te'), true);
  });

  it('does not take a name for another that is as long', () => {
    assert.equal(fieldsOf('X-Ab: 1').get('x-ac'), null);
  });

  it('keeps bytes above 127 as they are', () => {
    assert.equal(fieldsOf('X-A: \xe9\xff').get('x-a'), '\xe9\xff');
  });
});

describe('writeTo', () => {
  it('copies lines that follow each other as one run', () => {
    assert.deepEqual(runsOf(fieldsOf('A: 1', 'B:2', 'Accept:  x '), nothing), ['A: 1\r\nB:2\r\nAccept:  x \r\n']);
  });

  it('leaves out what is dropped, by number and by name, in any case', () => {
    const fields = fieldsOf('A: 1', 'COOKIE: x', 'B: 2', 'X-Gone: 3', 'C: 4');
    assert.deepEqual(runsOf(fields, fieldFilter(['cookie', 'x-gone'])), ['A: 1\r\n', 'B: 2\r\n', 'C: 4\r\n']);
  });

  it('leaves out names of all lengths that it was given, and those alone', () => {
    for (let length = 3; length <= 70; length++) {
      const name = `x-${'a'.repeat(length - 2)}`;
      const other = `x-${'b'.repeat(length - 2)}`;
      const fields = fieldsOf(`${name}: 1`, `${other}: 2`);
      assert.deepEqual(runsOf(fields, fieldFilter([name])), [`${other}: 2\r\n`], `${length} bytes`);
    }
  });

  it('writes nothing when nothing is left', () => {
    assert.deepEqual(runsOf(fieldsOf('Connection: close'), nothing), []);
  });
});

it('a head of many fields and bytes is kept whole', () => {
  const lines = Array.from({ length: 120 }, (_, index) => `X-${index}: ${'v'.repeat(200)}`);
  const fields = fieldsOf(...lines);
  assert.equal(runsOf(fields, nothing).join(''), lines.map((line) => `${line}\r\n`).join(''));
  assert.equal(fields.get('x-119'), 'v'.repeat(200));
});
