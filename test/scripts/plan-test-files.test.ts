import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { longest, mostlyWaiting, planTestFiles, withoutPeers } from '../../scripts/plan-test-files.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

describe('the plan of a run of test files', () => {
  test('names files that there are, each once', () => {
    const named = [...withoutPeers, ...longest, ...mostlyWaiting];
    assert.deepEqual(
      named.filter((file) => !existsSync(join(repositoryRoot, file))),
      [],
    );
    assert.equal(new Set(named).size, named.length);
  });

  test('leaves no file out, adds none, and keeps the order of those it does not know', () => {
    const [soon = '', slow = '', wait = ''] = [withoutPeers[1], longest[1], mostlyWaiting[1]];
    assert.deepEqual(planTestFiles(['b.test.ts', wait, 'a.test.ts', slow, soon]), {
      early: [soon],
      working: [slow, 'b.test.ts', 'a.test.ts'],
      waiting: [wait],
    });
    assert.deepEqual(planTestFiles([]), { early: [], working: [], waiting: [] });
  });
});
