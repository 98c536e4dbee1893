import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffLines } from './diff-lines.ts';

test('a unified diff is shown without the names of its files', () => {
  assert.deepEqual(diffLines('--- a\n+++ b\n@@ -1,2 +1,2 @@\n routes:\n-  - x\n+  - y\n'), [
    { kind: 'position', text: '@@ -1,2 +1,2 @@' },
    { kind: 'same', text: 'routes:' },
    { kind: 'removed', text: '  - x' },
    { kind: 'added', text: '  - y' },
  ]);
});
