import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { findDuplicateTypes, findNeedlessExemptions, findRetiredNames, wordsOf } from './names.ts';
import { namesToSettle } from './retired-words.ts';
import { readSource } from './source.ts';

const cwd = repositoryRoot;
const sources = globSync('{packages/*/src,src}/**/*.ts', { cwd }).map((path) =>
  readSource(path, readFileSync(join(cwd, path), 'utf8')),
);
/** The storms of the bench are retry storms, and what else resilience calls so; logs have failure bursts. */
const storms = /^(?:bench|test\/bench)\/storms\b/;
const paths = globSync('{packages/*/src,src,test,bench,scripts}/**/*.{ts,md,json}', { cwd }).filter(
  (path) => !storms.test(path),
);

test('no two files export a type of the same name', () => {
  assert.deepEqual(findDuplicateTypes(sources), []);
});

test('no name has a retired word', () => {
  const found = findRetiredNames(sources, paths).filter(({ name }) => !namesToSettle.has(name));
  const lines = found.map(({ at, name, word, instead }) => `${at} ${name}: not "${word}", but ${instead}`);
  assert.deepEqual(lines, []);
});

test('every exemption is needed', () => {
  assert.deepEqual(findNeedlessExemptions(sources), [], 'delete these in retired-words.ts');
});

test('a type that two files export is seen', () => {
  const twice = [
    readSource('src/core/a.ts', 'export interface Place {}'),
    readSource('src/wire/b.ts', 'export type Place = 1;\nexport type Other = 2;'),
    readSource('src/wire/c.ts', "export type { Other } from './b.ts';"),
  ];
  assert.deepEqual(findDuplicateTypes(twice), ['Place: src/core/a.ts, src/wire/b.ts']);
});

const retired: readonly (readonly [text: string, word: string])[] = [
  ['const oldPlace = 1;', 'place'],
  ['class X { #places = []; }', 'place'],
  ['type T = { readonly made_anew: 1 };', 'anew'],
  ['export function SeatOf() {}', 'seat'],
];

for (const [text, word] of retired) {
  test(`a retired word in a name is seen: ${text}`, () => {
    const found = findRetiredNames([readSource('src/core/a.ts', text)], []);
    assert.deepEqual(
      found.map((one) => one.word),
      [word],
    );
  });
}

test('a retired word in the name of a file or a folder is seen', () => {
  assert.equal(findRetiredNames([], ['src/places/a.ts', 'test/wire/first-seat.test.ts']).length, 2);
});

test('comments, strings, tests and longer words are no names', () => {
  const innocent = [
    readSource('src/core/a.ts', "// a place\nconst replaced = 'place'; postMessage(replaced);"),
    readSource('src/core/a.test.ts', 'const place = 1;'),
  ];
  assert.deepEqual(findRetiredNames(innocent, ['src/control/replacements.ts']), []);
});

test('a name is split into its words', () => {
  assert.deepEqual(wordsOf('readHTTPHead_ofPart-2'), ['read', 'http', 'head', 'of', 'part']);
});
