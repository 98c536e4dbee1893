import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isForCompleteRuns, readTestOptions, selectTestFiles } from '../../scripts/test-selection.ts';

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
    const selected = selectTestFiles(all, readTestOptions(args)?.only ?? [], () => false);
    assert.deepEqual(selected, { files, unmatched: unmatched.map((part) => ({ part, near: [] })), leftOut: 0 });
  });

const misspelt: readonly (readonly [part: string, near: readonly string[]])[] = [
  ['wirr', ['wire']],
  ['src/wier', ['src/wire']],
  ['wire/ab', ['wire/a']],
  ['test/bb.test.ts', ['test/b']],
  ['quite-different', []],
];
for (const [part, near] of misspelt)
  it(`npm test --only ${part} names ${near.join(', ') || 'nothing'} as near`, () => {
    assert.deepEqual(selectTestFiles(all, [part], () => false).unmatched, [{ part, near }]);
  });

it('npm test leaves out files that say so, and runs them where they are named', () => {
  const isLeftOut = (path: string): boolean => path === 'test/b.test.ts';
  const suite = selectTestFiles(all, [], isLeftOut);
  assert.deepEqual(suite, { files: ['src/core/c.test.ts', 'src/wire/a.test.ts'], unmatched: [], leftOut: 1 });
  assert.deepEqual(selectTestFiles(all, ['test/b'], isLeftOut).files, ['test/b.test.ts']);
  assert.equal(isForCompleteRuns('test/packaging/tarball.test.ts'), true);
  assert.equal(isForCompleteRuns('test/packaging/systemd.test.ts'), false);
});

it('a limit of processor time is a number of seconds', () => {
  assert.equal(readTestOptions(['--cpu-seconds-max', '540'])?.cpuSecondsMax, 540);
  assert.equal(readTestOptions([])?.cpuSecondsMax, null);
  assert.equal(readTestOptions(['--cpu-seconds-max', 'few']), null);
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
