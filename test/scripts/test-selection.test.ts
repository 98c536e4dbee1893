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

const timeLimits: readonly (readonly [args: readonly string[], times: number | undefined])[] = [
  [[], 1],
  [['--time-limits', '4'], 4],
  [['--time-limits', '0'], undefined],
  [['--time-limits', 'long'], undefined],
];
for (const [args, times] of timeLimits)
  it(`npm test ${args.join(' ')} ${times === undefined ? 'is refused' : `gives files ${times} times as long`}`, () => {
    assert.equal(readTestOptions(args)?.timeLimits, times);
  });
