import assert from 'node:assert/strict';
import { existsSync, globSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { anchorsOf, linksOf, readDocument } from './markdown.ts';

const documents = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', 'test/**/*.md', 'src/**/*.md'], {
  cwd: repositoryRoot,
}).toSorted();

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

function leadsSomewhere(document: string, target: string): boolean {
  const [file = '', anchor] = target.split('#', 2);
  const path = file === '' ? document : normalize(join(dirname(document), file));
  // A link out of the repository is broken for everybody who has only the repository.
  if (path.startsWith('..') || !existsSync(join(repositoryRoot, path))) return false;
  if (anchor === undefined) return true;
  return statSync(join(repositoryRoot, path)).isFile() && anchorsOf(readDocument(path)).has(anchor);
}

describe('decisions (docs/adr)', () => {
  const decisions = globSync('docs/adr/*.md', { cwd: repositoryRoot }).toSorted();
  const numbers = decisions.map((path) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(basename(path))?.[1]);

  test('are numbered from 1 on, each number once, which their titles say too', () => {
    const expected = decisions.map((_, index) => String(index + 1).padStart(4, '0'));
    assert.deepEqual(numbers, expected);
    for (const [index, path] of decisions.entries())
      assert.match(readDocument(path), new RegExp(`^# ${index + 1}\\. `));
  });

  test('are each led to by another document', () => {
    const links = documents.flatMap((from) =>
      linksOf(readDocument(from)).map((link) => ({ from, to: pathOf(from, link) })),
    );
    const lonely = decisions.filter((path) => !links.some(({ from, to }) => to === path && from !== path));
    assert.deepEqual(lonely, []);
  });
});

function pathOf(document: string, { target }: { readonly target: string }): string {
  return normalize(join(dirname(document), target.split('#', 1)[0] ?? ''));
}
