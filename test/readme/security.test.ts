import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { readDocument } from './markdown.ts';

test('SECURITY.md names a test for each defence that it claims', () => {
  const section =
    readDocument('SECURITY.md').split('## What is defended')[1]?.split('## What is not defended')[0] ?? '';
  // The rows of the tables with three columns.
  const rows = section
    .split('\n')
    .filter((line) => /^\| [a-z]/.test(line) && line.split('|').length > 4 && !line.startsWith('| danger |'));
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const tests = [...(row.split('|')[3] ?? '').matchAll(/`([^`]+\.test\.ts)`/g)].map(([, path]) => path ?? '');
    assert.ok(tests.length > 0, row);
    for (const path of tests) assert.ok(existsSync(join(repositoryRoot, path)), path);
  }
});
