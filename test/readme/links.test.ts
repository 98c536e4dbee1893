import assert from 'node:assert/strict';
import { existsSync, globSync, statSync } from 'node:fs';
import { basename, dirname, join, matchesGlob, normalize } from 'node:path';
import { test } from 'node:test';
import { packedFiles } from '../../scripts/pack.ts';
import { repositoryRoot } from '../../scripts/repository.ts';
import { anchorsOf, linksOf, readDocument } from './markdown.ts';

const documents = globSync(
  ['*.md', 'docs/**/*.md', 'bench/*.md', 'test/**/*.md', 'src/**/*.md', 'packages/*/README.md'],
  {
    cwd: repositoryRoot,
  },
).toSorted();

const sourceFiles = globSync('{src,packages,test,scripts,bench}/**/*.ts', { cwd: repositoryRoot });

for (const document of documents) {
  test(`every link of ${document} leads somewhere`, () => {
    const links = linksOf(readDocument(document)).filter(({ target }) => !/^[a-z]+:/.test(target));
    const broken = links.filter(({ target }) => !leadsSomewhere(document, target));
    assert.deepEqual(
      broken.map(({ target, line }) => `${document}:${line}: ${target}`),
      [],
    );
  });
}

for (const document of ['ARCHITECTURE.md', 'CONTRIBUTING.md']) {
  test(`every source file that ${document} names is there`, () => {
    const named = new Set([...readDocument(document).matchAll(/`([\w./*-]+\.ts)`/g)].map(([, path]) => path as string));
    assert.ok(named.size > 20);
    const missing = [...named].filter((path) => !sourceFiles.some((file) => matchesGlob(file, `**/${path}`)));
    assert.deepEqual(missing, []);
  });
}

test('every link of a packed document leads to a packed file', () => {
  const packed = packedFiles();
  const folders = new Set(packed.flatMap((path) => [path, dirname(path)]));
  const texts = packed.filter((path) => path.endsWith('.md'));
  assert.ok(texts.length > 20 && texts.includes('README.md'), texts.join(' '));
  const broken = texts.flatMap((document) =>
    linksOf(readDocument(document))
      .filter(({ target }) => !/^(?:[a-z]+:|#)/.test(target))
      .filter(({ target }) => !folders.has(normalize(join(dirname(document), target.replace(/\/?(?:#.*)?$/, '')))))
      .map(({ target, line }) => `${document}:${line}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

function leadsSomewhere(document: string, target: string): boolean {
  const [file = '', anchor] = target.split('#', 2);
  const path = file === '' ? document : normalize(join(dirname(document), file));
  // A link out of the repository is broken for everybody who has only the repository.
  if (path.startsWith('..') || !existsSync(join(repositoryRoot, path))) return false;
  if (anchor === undefined) return true;
  return statSync(join(repositoryRoot, path)).isFile() && anchorsOf(readDocument(path)).has(anchor);
}

test('the number of each decision in docs/adr is unique and stands in its title', () => {
  const decisions = globSync('docs/adr/*.md', { cwd: repositoryRoot }).toSorted();
  const numbers = decisions.map((path) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(basename(path))?.[1] ?? path);
  assert.equal(new Set(numbers).size, numbers.length, numbers.join(' '));
  for (const [index, path] of decisions.entries())
    assert.match(readDocument(path), new RegExp(`^# ${Number(numbers[index])}\\. `));
});
