import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ComparedConfiguration, differenceOf } from './configuration-difference.ts';

const text = 'environment: { PIN: *** }\n';
const one: ComparedConfiguration = { text, content_hash: 'a', unshown: [{ key: 'PIN', version: 1 }] };
const unknown = { ...one, unshown: null };
const files = /^What was read differs: a file/;
const valueOrFiles = /^What was read differs: a value that the texts do not show or a file/;
const notCompared = /^Values that the texts do not show were not compared/;

const cases: readonly (readonly [
  what: string,
  after: ComparedConfiguration,
  expected: { readonly isEqual: boolean; readonly unshown?: readonly string[]; readonly note?: RegExp },
  before?: ComparedConfiguration,
])[] = [
  ['the same', one, { isEqual: true }],
  [
    'another hidden value',
    { ...one, content_hash: 'b', unshown: [{ key: 'PIN', version: 2 }] },
    { isEqual: false, unshown: ['PIN'] },
  ],
  [
    'another hidden value of one that was refused',
    { ...one, content_hash: null, unshown: [{ key: 'PIN', version: 2 }] },
    { isEqual: false, unshown: ['PIN'] },
  ],
  [
    'another hidden value and another text',
    { ...one, text: `${text}#\n`, unshown: [{ key: 'PIN', version: 2 }] },
    { isEqual: false, unshown: ['PIN'] },
  ],
  ['another file', { ...one, content_hash: 'b' }, { isEqual: false, note: files }],
  ['a key that only one has', { ...one, text: 'x: 1\n', content_hash: 'b', unshown: [] }, { isEqual: false }],
  ['one that was refused', { ...one, content_hash: null }, { isEqual: true }],
  ['hidden values that are not known', { ...unknown, content_hash: 'b' }, { isEqual: false, note: valueOrFiles }],
  [
    'another text and hidden values that are not known',
    { ...unknown, content_hash: 'b', text: `${text}#\n` },
    { isEqual: false, note: notCompared },
  ],
  ['the same hash, with hidden values that are not known', unknown, { isEqual: true }, unknown],
  ['no hidden values', { ...unknown, text: 'a: 2\n' }, { isEqual: false }, { ...unknown, text: 'a: 1\n' }],
];

describe('the difference of two configurations', () => {
  for (const [what, after, { isEqual, unshown = [], note }, before = one] of cases)
    test(what, () => {
      const difference = differenceOf(before, after);
      assert.deepEqual([difference.isEqual, difference.unshown], [isEqual, unshown]);
      if (note === undefined) assert.equal(difference.note, null);
      else assert.match(difference.note ?? '', note);
    });
});
