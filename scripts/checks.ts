import { spawnSync } from 'node:child_process';
import { PassedChecks } from './passed-checks.ts';
import { repositoryRoot, toolPath } from './repository.ts';

/** Checks of the source, before it is run. */
export interface Check {
  readonly promise: string;
  readonly packageName: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The arguments with which `npm test` runs it: without the tests, which are more than half of the text. All of it is read by `npm run check`. */
  readonly withoutTests?: readonly string[];
}

interface CheckResult {
  readonly passed: boolean;
  readonly output: string;
  /** False: it passed earlier with the same files. */
  readonly ran: boolean;
}

const ignored = ['**/*.test.ts', '**/*.test-support.ts'].flatMap((pattern) => ['--ignore-pattern', pattern]);

export const checks: readonly Check[] = [
  {
    promise: 'everything compiles',
    packageName: 'typescript',
    command: 'tsc',
    // By default there are four checkers, and each computes the types of shared files again.
    args: ['-p', 'tsconfig.json', '--checkers', '1'],
    withoutTests: ['-p', 'tsconfig.build.json', '--noEmit', '--emitDeclarationOnly', 'false', '--checkers', '1'],
  },
  {
    promise: 'the pure rooms compile without timers, processes and sockets',
    packageName: 'typescript',
    command: 'tsc',
    args: ['-p', 'tsconfig.pure.json', '--checkers', '1'],
  },
  {
    promise: 'the dashboard compiles for browsers',
    packageName: 'typescript',
    command: 'tsc',
    args: ['-p', 'src/dashboard/page', '--checkers', '1'],
  },
  {
    promise: 'the page that explains logs compiles for browsers',
    packageName: 'typescript',
    command: 'tsc',
    args: ['-p', 'docs/paste', '--checkers', '1'],
  },
  {
    promise: 'no promise floats, every union is handled, nothing is suspicious',
    packageName: 'oxlint',
    command: 'oxlint',
    args: ['--type-aware', '--deny-warnings'],
    withoutTests: [...['--type-aware', '--deny-warnings', 'src', 'packages', 'bin'], ...ignored],
  },
  {
    promise: 'everything is formatted (`npm run format`)',
    packageName: '@biomejs/biome',
    command: 'biome',
    args: ['format', '.'],
  },
];

/** Runs a check, unless it has passed with these files and these tools before. */
export function runCheck(check: Check, passedChecks: PassedChecks): CheckResult {
  if (passedChecks.has(check)) return { passed: true, output: '', ran: false };
  const ran = spawnSync(process.execPath, [toolPath(check.packageName, check.command), ...check.args], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    // The compilers and the linter's types are written in Go and end soon: below the limit they need not collect garbage.
    env: { GOGC: 'off', GOMEMLIMIT: '3GiB', ...process.env },
  });
  const passed = ran.status === 0;
  if (passed) passedChecks.add(check);
  return { passed, output: ran.stdout + ran.stderr, ran: true };
}
