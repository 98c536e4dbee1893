import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { readDocument } from './markdown.ts';

const document = readDocument('SECURITY.md');

/** The rows of the tables of three columns, which say by which test a mechanism is held. */
const rows = document
  .split('## What is defended')[1]
  ?.split('## What is not defended')[0]
  ?.split('\n')
  .filter((line) => /^\| [a-z]/.test(line) && line.split('|').length > 4 && !line.startsWith('| danger |'));

describe('SECURITY.md', () => {
  test('names a test for everything that it says is defended', () => {
    assert.ok((rows ?? []).length > 20);
    for (const row of rows ?? []) {
      const held = row.split('|')[3] ?? '';
      assert.match(held, /\[[^\]]+\]\([^)]+\.test\.ts\)/, row);
    }
  });

  for (const path of new Set([...document.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path as string))) {
    test(`names ${path}, which is there`, () => {
      const at = join(repositoryRoot, path);
      assert.ok(existsSync(at));
      if (path.endsWith('.test.ts')) assert.match(readFileSync(at, 'utf8'), /from 'node:test'/);
    });
  }

  test('says how to report without naming a person or an address', () => {
    const reporting = document.split('## Supported versions')[0] ?? '';
    assert.match(reporting, /Report a vulnerability/);
    assert.doesNotMatch(document, /@[\w-]+\.\w|mailto:/);
  });
});
