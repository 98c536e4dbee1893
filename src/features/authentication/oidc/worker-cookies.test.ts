import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PairHeaders } from '../../../core/pair-headers.ts';
import type { FilterContext } from '../../../core/filter.ts';
import { cookieLines, cookiesOf, partsMax, removingLines, valueIn } from './worker-cookies.ts';

const requestWith = (...lines: string[]): Pick<FilterContext, 'request'> =>
  ({ request: { headers: new PairHeaders(lines.map((line) => ['cookie', line])) } }) as unknown as Pick<
    FilterContext,
    'request'
  >;

/** What a browser keeps of lines of Set-Cookie. */
const kept = (lines: readonly string[]): ReadonlyMap<string, string> =>
  new Map(lines.map((line) => (line.split(';')[0] ?? '').split(/=(.*)/s).slice(0, 2) as [string, string]));

describe('cookies of a login', () => {
  it('are read from all lines, as HTTP/2 sends them, and the first of a name counts', () => {
    const cookies = cookiesOf(requestWith('a=1; b=x=y', 'c=; a=2;d'));
    assert.deepEqual(
      [...cookies],
      [
        ['a', '1'],
        ['b', 'x=y'],
        ['c', ''],
      ],
    );
  });

  for (const length of [0, 1, 3800, 3801, 3800 * partsMax])
    it(`carry a value of ${length} characters`, () => {
      const value = 'x'.repeat(length);
      const lines = cookieLines('s', value, 60) ?? [];
      for (const line of lines) assert.ok((line.split(';')[0] ?? '').length <= 4096);
      assert.equal(valueIn(kept(lines), 's'), length === 0 ? null : value);
    });

  it('carry no longer one', () => {
    assert.equal(cookieLines('s', 'x'.repeat(3800 * partsMax + 1), 60), null);
  });

  it('are as none where a part is missing, or the first says something else', () => {
    const whole = kept(cookieLines('s', 'x'.repeat(5000), 60) ?? []);
    assert.equal(valueIn(new Map([...whole].slice(0, 1)), 's'), null);
    assert.equal(valueIn(new Map([...whole].slice(1)), 's'), null);
    for (const first of ['', 'x', '0.x', '9.x', '2.x', '2', '-1.x'])
      assert.equal(valueIn(new Map([['s', first]]), 's'), null, first);
  });

  it('are removed by their names alone', () => {
    const cookies = new Map([
      ['s', '1'],
      ['s.1', '2'],
      ['other', '3'],
    ]);
    const isOurs = (name: string): boolean => name.startsWith('s');
    assert.deepEqual(
      [...kept(removingLines(cookies, isOurs))],
      [
        ['s', ''],
        ['s.1', ''],
      ],
    );
  });
});
