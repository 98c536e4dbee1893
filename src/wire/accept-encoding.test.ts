import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { acceptedCodings, codingName, preferredCoding } from './accept-encoding.ts';

const offered = ['zstd', 'br', 'gzip'] as const;

describe('the coding of a response (RFC 9110 §12.5.3)', () => {
  for (const [header, expected] of [
    [null, null],
    ['', null],
    ['gzip', 'gzip'],
    ['GZip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip, deflate, br', 'br'],
    ['deflate', null],
    ['compress, gzip', 'gzip'],
    ['compress;q=0.5, gzip;q=1.0', 'gzip'],
    ['gzip;q=1.0, identity; q=0.5, *;q=0', 'gzip'],
    ['br;q=0.5, gzip', 'gzip'],
    ['br;q=0.5,gzip;q=0.6,zstd;q=0.4', 'gzip'],
    ['gzip;q=0.5, br;q=0.5', 'br'],
    // A weight of 0 is a refusal.
    ['gzip;q=0', null],
    ['gzip;q=0.000, br;q=0.0', null],
    ['gzip;q=0, *', 'zstd'],
    ['*', 'zstd'],
    ['*;q=0.1', 'zstd'],
    ['*;q=0', null],
    ['*;q=0, gzip', 'gzip'],
    ['zstd;q=0, *;q=0.5', 'br'],
    // The body as it is.
    ['identity', null],
    ['identity, gzip', 'gzip'],
    ['identity;q=1, gzip;q=0.9', null],
    ['identity;q=0.5, gzip;q=0.9', 'gzip'],
    ['identity;q=0', null],
    ['identity;q=0, gzip', 'gzip'],
    ['identity;q=0, deflate', null],
    // White space, and what is not of the grammar.
    [' gzip ; q=0.8\t,  br ;\tQ=0.3', 'gzip'],
    ['gzip;q=2', null],
    ['gzip;q=', null],
    ['gzip;q=0.1234', null],
    ['gzip;q=-1, br', 'br'],
    ['gzip;level=9', null],
    ['gzip;q=1;x=y', null],
    [',,gzip,', 'gzip'],
    ['g zip', null],
    ['"gzip"', null],
    ['gzip;q=0, gzip', null],
    ['br;q=abc, gzip', 'gzip'],
    ['br;q=x', null],
    ['br, br;q=0', 'br'],
    ['x-gzip;q=0.5, gzip;q=0', 'gzip'],
    ['__proto__, constructor;q=1', null],
  ] as const)
    it(`for ${header === null ? 'no header' : JSON.stringify(header)} is ${expected ?? 'none'}`, () =>
      assert.equal(preferredCoding(header, offered), expected));

  for (const [header, expected] of [
    [null, []],
    ['', []],
    ['gzip, br', ['br', 'gzip']],
    ['gzip;q=0.9, br;q=0.8', ['gzip', 'br']],
    ['GZIP', ['gzip']],
    ['x-gzip', ['gzip']],
    ['*', ['zstd', 'br', 'gzip']],
    ['*;q=0.5, br;q=0', ['zstd', 'gzip']],
    ['br;q=0.5, identity', []],
    ['br;q=abc, gzip', ['gzip']],
    ['br, br;q=0', ['br']],
  ] as const)
    it(`is, where it may be another one, ${expected.join() || 'none'} for ${JSON.stringify(header)}`, () =>
      assert.deepEqual(acceptedCodings(header, offered), expected));

  it('is found in linear time', () => {
    const hostile = [`gzip${' '.repeat(100_000)}x`, `gzip;${'\t'.repeat(100_000)}q`, 'a,'.repeat(100_000)];
    const from = performance.now();
    for (const header of hostile) assert.equal(preferredCoding(header, offered), null);
    assert.ok(performance.now() - from < 200, 'quadratic time takes seconds');
  });

  it('is none where none is offered', () => assert.equal(preferredCoding('*', []), null));
});

it('names of codings are compared without regard to case', () => {
  assert.deepEqual(['X-GZIP', 'Br'].map(codingName), ['gzip', 'br']);
});
