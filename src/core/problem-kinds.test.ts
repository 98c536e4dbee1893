import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { problemKindNames } from './problem-kinds.ts';

test('docs/cli.md says of each problem of a status when it is told', () => {
  const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('\n### Problems\n');
  const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, kind = '']) => kind);
  assert.deepEqual(rows.toSorted(), problemKindNames.toSorted());
});
