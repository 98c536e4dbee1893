import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judge } from './worker-conditions.ts';

const etag = '"abc-a"';
const modified = 'Sun, 01 Jun 2025 12:00:00 GMT';
const modifiedS = Date.parse(modified) / 1000;
const earlier = 'Sun, 01 Jun 2025 11:59:59 GMT';
const later = 'Sun, 01 Jun 2025 12:00:01 GMT';

/** What is decided of a file of ten bytes: ranges as `0-3,5-9`. */
function decided(headers: Readonly<Record<string, string>>, method = 'GET', size = 10): string {
  const asked = { method, get: (name: string) => headers[name] ?? null };
  const verdict = judge(asked, { etag, modifiedS, size });
  return verdict.kind === 'ranges'
    ? verdict.ranges.map(({ start, end }) => `${start}-${end - 1}`).join(',')
    : verdict.kind;
}

describe('conditional requests (RFC 9110 §13)', () => {
  const table: [section: string, headers: Record<string, string>, expected: string][] = [
    ['13.1.1', { 'if-match': etag }, 'whole'],
    ['13.1.1', { 'if-match': '*' }, 'whole'],
    ['13.1.1', { 'if-match': `"x", ${etag}` }, 'whole'],
    ['13.1.1', { 'if-match': '"x"' }, 'failed'],
    ['13.1.1: strong comparison', { 'if-match': `W/${etag}` }, 'failed'],
    ['13.1.1: no tag', { 'if-match': 'abc-a' }, 'failed'],
    ['13.1.2', { 'if-none-match': etag }, 'not_modified'],
    ['13.1.2: weak comparison', { 'if-none-match': `W/${etag}` }, 'not_modified'],
    ['13.1.2', { 'if-none-match': '*' }, 'not_modified'],
    ['13.1.2', { 'if-none-match': `"x", "y", ${etag}` }, 'not_modified'],
    ['13.1.2: a comma in a tag', { 'if-none-match': `"x,y", ${etag}` }, 'not_modified'],
    ['13.1.2', { 'if-none-match': '"x"' }, 'whole'],
    ['13.1.3', { 'if-modified-since': modified }, 'not_modified'],
    ['13.1.3', { 'if-modified-since': later }, 'not_modified'],
    ['13.1.3', { 'if-modified-since': earlier }, 'whole'],
    ['13.1.3: no date', { 'if-modified-since': 'yesterday' }, 'whole'],
    ['13.1.3: a number is no date', { 'if-modified-since': '2030' }, 'whole'],
    [
      '13.1.3: after If-None-Match it counts for nothing',
      { 'if-none-match': '"x"', 'if-modified-since': later },
      'whole',
    ],
    ['13.1.4', { 'if-unmodified-since': modified }, 'whole'],
    ['13.1.4', { 'if-unmodified-since': earlier }, 'failed'],
    ['13.1.4: no date', { 'if-unmodified-since': 'x' }, 'whole'],
    ['13.1.4: after If-Match it counts for nothing', { 'if-match': etag, 'if-unmodified-since': earlier }, 'whole'],
    ['13.2.2: If-Match comes first', { 'if-match': '"x"', 'if-none-match': etag }, 'failed'],
    ['13.2.2: a range comes last', { 'if-none-match': etag, range: 'bytes=0-1' }, 'not_modified'],
    ['5.6.7: a date of RFC 850', { 'if-modified-since': 'Sunday, 01-Jun-25 12:00:00 GMT' }, 'not_modified'],
    ['5.6.7: a date of asctime', { 'if-modified-since': 'Sun Jun  1 12:00:00 2025' }, 'not_modified'],
  ];
  for (const [section, headers, expected] of table)
    it(`§${section}: ${JSON.stringify(headers)} is ${expected}`, () => {
      assert.equal(decided(headers), expected);
      if (expected !== 'whole' || headers['range'] === undefined) assert.equal(decided(headers, 'HEAD'), expected);
    });
});

describe('ranges (RFC 9110 §14)', () => {
  const table: [range: string, expected: string][] = [
    ['bytes=0-3', '0-3'],
    ['bytes=0-0', '0-0'],
    ['bytes=4-', '4-9'],
    ['bytes=-3', '7-9'],
    ['bytes=-30', '0-9'],
    ['bytes=0-99', '0-9'],
    ['bytes=0-999999999999999999', '0-9'],
    ['bytes=9-', '9-9'],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=10-20, 30-', 'unsatisfiable'],
    ['bytes=10-20, 0-1', '0-1'],
    ['bytes=0-1,4-5', '0-1,4-5'],
    ['bytes=0-1, 4-5 ,-1', '0-1,4-5,9-9'],
    ['bytes=4-5,0-1', '4-5,0-1'],
    ['bytes= 0-1', '0-1'],
    ['bytes=,0-1,,', '0-1'],
    ['BYTES=0-1', '0-1'],
    ['bytes=0-9,0-9', 'whole'],
    ['bytes=0-5,3-9', 'whole'],
    ['bytes=3-1', 'whole'],
    ['bytes=0-1,3-1', 'whole'],
    ['bytes=a-b', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=', 'whole'],
    ['bytes=,', 'whole'],
    ['bytes 0-1', 'whole'],
    ['bytes=0-1;4-5', 'whole'],
    ['bytes=0x1-2', 'whole'],
    ['bytes=--1', 'whole'],
    ['items=0-1', 'whole'],
    ['0-1', 'whole'],
    ['', 'whole'],
    [`bytes=${'0'.repeat(40)}-1`, 'whole'],
    [`bytes=${Array.from({ length: 33 }, () => '0-0').join(',')}`, 'whole'],
    [`bytes=${'0-0,'.repeat(100_000)}`, 'whole'],
  ];
  for (const [range, expected] of table)
    it(`${JSON.stringify(range.slice(0, 60))} is ${expected}`, () => {
      assert.equal(decided({ range }), expected);
      assert.equal(decided({ range }, 'HEAD'), 'whole', 'a range is for GET alone (§14.2)');
    });

  it('have nothing of an empty file', () => {
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1'])
      assert.equal(decided({ range }, 'GET', 0), 'unsatisfiable');
  });

  const conditions: [ifRange: string, expected: string][] = [
    [etag, '0-1'],
    ['"x"', 'whole'],
    [`W/${etag}`, 'whole'],
    [modified, '0-1'],
    [earlier, 'whole'],
    [later, 'whole'],
    ['x', 'whole'],
  ];
  for (const [ifRange, expected] of conditions)
    it(`§13.1.5: If-Range ${ifRange} is ${expected}`, () =>
      assert.equal(decided({ range: 'bytes=0-1', 'if-range': ifRange }), expected));
});
