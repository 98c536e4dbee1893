import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { TextReplacing, TextSearch } from './worker-search.ts';

type Pairs = readonly (readonly [text: string, replacement: string])[];

/** Replaces in a body that comes in parts of so many bytes. */
function replaced(pairs: Pairs, body: string, partBytes: number): string {
  const replacing = new TextReplacing(new TextSearch(pairs));
  const bytes = Buffer.from(body);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += partBytes)
    parts.push(Buffer.from(replacing.push(bytes.subarray(at, at + partBytes))));
  parts.push(replacing.end());
  return Buffer.concat(parts).toString();
}

/** The same, without an automaton. */
function expected(pairs: Pairs, body: string): string {
  let text = '';
  for (let at = 0; at < body.length; ) {
    const [best] = pairs.filter(([one]) => body.startsWith(one, at)).sort(([a], [b]) => b.length - a.length);
    text += best === undefined ? body[at] : best[1];
    at += best?.[0].length ?? 1;
  }
  return text;
}

describe('texts are replaced', () => {
  for (const [what, pairs, body, result] of [
    ['wherever they are', [['a', 'b']], 'banana', 'bbnbnb'],
    [
      'by longer and shorter ones',
      [
        ['http://old', 'https://new.example'],
        ['xx', ''],
      ],
      'xxhttp://old/xx',
      'https://new.example/',
    ],
    ['and not again in what has been put in', [['a', 'aa']], 'aa', 'aaaa'],
    [
      'the longest that begins at a place',
      [
        ['old', '1'],
        ['old.example', '2'],
      ],
      'old.example old.exam',
      '2 1.exam',
    ],
    [
      'the one that begins first',
      [
        ['cd', '1'],
        ['abcde', '2'],
      ],
      'abcde abcdf',
      '2 ab1f',
    ],
    [
      'one within another that does not follow',
      [
        ['abcx', '1'],
        ['bc', '2'],
      ],
      'abcabcx',
      'a21',
    ],
    ['also beyond ASCII', [['ü', 'ue']], 'über ü', 'ueber ue'],
    ['with patterns of other languages taken literally', [['$1.*', '$&']], 'a$1.*b', 'a$&b'],
    [
      'at the end of the body',
      [
        ['ab', 'x'],
        ['abc', 'y'],
      ],
      'zab',
      'zx',
    ],
    ['but no beginning of one', [['abc', 'x']], 'ab', 'ab'],
  ] as const)
    for (const partBytes of [1, 2, 1000])
      it(`${what} (${partBytes} bytes at a time)`, () => assert.equal(replaced(pairs, body, partBytes), result));

  it('as a search for each text finds them, however the body is divided', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 });
    const body = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 60 });
    const pairs = fc.uniqueArray(fc.tuple(text, fc.constantFrom('', 'X', 'YYY')), {
      maxLength: 5,
      selector: ([one]) => one,
      minLength: 1,
    });
    fc.assert(
      fc.property(pairs, body, fc.integer({ min: 1, max: 7 }), (some, whole, partBytes) =>
        assert.equal(replaced(some, whole, partBytes), expected(some, whole)),
      ),
      { numRuns: 2000 },
    );
  });

  it('and what cannot be the beginning of one goes on at once', () => {
    const replacing = new TextReplacing(new TextSearch([['http://old', 'x']]));
    assert.equal(replacing.push(Buffer.from('<p>one</p>htt')).toString(), '<p>one</p>');
    assert.equal(replacing.push(Buffer.from('http://o')).toString(), 'htt');
    assert.equal(replacing.push(Buffer.from('ld!')).toString(), 'x!');
  });

  it('in linear time', () => {
    const bytes = 2_000_000;
    const from = performance.now();
    replaced([[`${'a'.repeat(1000)}b`, 'x']], 'a'.repeat(bytes), 65_536);
    assert.ok(performance.now() - from < 2000, 'a search from each place takes a minute');
  });
});
