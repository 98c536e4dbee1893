import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Check } from '../../scripts/checks.ts';
import { PassedChecks } from '../../scripts/passed-checks.ts';

const check: Check = { promise: 'it compiles', packageName: 'typescript', command: 'tsc', args: ['-p', 'x'] };

describe('a check that has passed', () => {
  let root: string;

  const write = (path: string, text: string): void => writeFileSync(join(root, path), text);
  const passed = (): PassedChecks => new PassedChecks(root, join(root, '.cache', 'checks'));

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'candor-passed-checks-'));
    for (const folder of ['src', 'dist', 'node_modules']) mkdirSync(join(root, folder));
    write('src/a.ts', 'a');
    write('tsconfig.json', '{}');
    write('node_modules/.package-lock.json', '{ "typescript": "7.0.2" }');
    passed().add(check);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const rows: readonly (readonly [runsAgain: boolean, when: string, change: () => void])[] = [
    [false, 'nothing has changed', () => {}],
    [false, 'a file was written again as it was', () => write('src/a.ts', 'a')],
    [false, 'the build has changed', () => write('dist/a.js', 'a')],
    [false, 'the same files are in a worktree, where .git is a file', () => write('.git', 'gitdir: /elsewhere')],
    [true, 'a file has changed', () => write('src/a.ts', 'b')],
    [true, 'there is a new file', () => write('src/b.ts', '')],
    [true, 'a file has another name', () => [rmSync(join(root, 'src/a.ts')), write('src/c.ts', 'a')]],
    [true, 'the settings have changed', () => write('tsconfig.json', '{ "compilerOptions": {} }')],
    [true, 'a tool has changed', () => write('node_modules/.package-lock.json', '{ "typescript": "7.0.3" }')],
  ];
  for (const [runsAgain, when, change] of rows) {
    test(`${runsAgain ? 'runs again' : 'does not run again'} when ${when}`, () => {
      change();
      assert.equal(passed().has(check), !runsAgain);
    });
  }

  test('runs again with other arguments', () => {
    assert.equal(passed().has({ ...check, args: ['-p', 'y'] }), false);
  });

  describe('and that judges each file by itself', () => {
    const byFile = { args: [], judges: (path: string) => path.endsWith('.ts') };
    const unjudged = () => passed().unjudged({ ...check, byFile });
    beforeEach(() => {
      write('src/b.ts', 'b');
      passed().add({ ...check, byFile });
    });

    const changes: readonly (readonly [judged: readonly string[], when: string, change: () => void])[] = [
      [[], 'nothing has changed', () => {}],
      [[], 'a file has changed that it does not judge', () => write('src/a.md', 'a')],
      [['src/b.ts'], 'one has changed', () => write('src/b.ts', 'c')],
      [['src/c.ts'], 'one is new', () => write('src/c.ts', 'b')],
      [['src/a.ts', 'src/b.ts'], 'the settings have changed', () => write('tsconfig.json', '{ "a": 1 }')],
    ];
    for (const [judged, when, change] of changes)
      test(`judges ${judged.join(' and ') || 'none'} when ${when}`, () => {
        change();
        assert.deepEqual(unjudged(), judged);
      });

    test('judges all files in another way where it has no such list', () =>
      assert.equal(passed().unjudged(check), null));
  });

  test('is not remembered if a file was changed while it ran', () => {
    write('src/a.ts', 'b');
    const before = passed();
    write('src/a.ts', 'c');
    before.add(check);
    write('src/a.ts', 'b');
    assert.equal(passed().has(check), false);
  });
});
