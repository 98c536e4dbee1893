import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readTestOptions, selectTestFiles } from '../../scripts/test-selection.ts';

const all = ['test/b.test.ts', 'src/wire/a.test.ts', 'src/core/c.test.ts'];

const cases: readonly (readonly [args: readonly string[], files: readonly string[], unmatched: readonly string[]])[] = [
  [[], ['src/core/c.test.ts', 'src/wire/a.test.ts', 'test/b.test.ts'], []],
  [['--only', 'wire'], ['src/wire/a.test.ts'], []],
  [['--only', 'wire', '--only', 'test/b'], ['src/wire/a.test.ts', 'test/b.test.ts'], []],
  [['--only', 'src/', '--only', 'wire'], ['src/core/c.test.ts', 'src/wire/a.test.ts'], []],
  [['--only', 'wire', '--only', 'nothing'], ['src/wire/a.test.ts'], ['nothing']],
];

for (const [args, files, unmatched] of cases)
  it(`npm test ${args.join(' ')} runs ${files.length} of ${all.length} files`, () => {
    assert.deepEqual(selectTestFiles(all, readTestOptions(args)?.only ?? []), { files, unmatched });
  });

it('an unknown option of npm test is refused', () => assert.equal(readTestOptions(['--onyl', 'wire']), null));
