import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PassedChecks } from './passed-checks.ts';
import { cacheFolder, repositoryRoot, toolPath } from './repository.ts';

/** Checks of the source, before it is run. */
export interface Check {
  readonly promise: string;
  readonly packageName: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where it judges each file by itself: only files that it has not passed as they are now are judged. */
  readonly byFile?: ByFile;
  /** How `npm test` runs it: without the tests, which are more than half of the text. All of it is read by `npm run check`. */
  readonly withoutTests?: Pick<Check, 'args' | 'byFile'>;
}

interface ByFile {
  /** Without the files, whose paths come after them. */
  readonly args: readonly string[];
  readonly judges: (path: string) => boolean;
}

interface CheckResult {
  readonly passed: boolean;
  readonly output: string;
  /** False: it passed earlier with the same files. */
  readonly ran: boolean;
}

const lint = ['--type-aware', '--deny-warnings'];
const ignored = ['**/*.test.ts', '**/*.test-support.ts'].flatMap((pattern) => ['--ignore-pattern', pattern]);

/**
 * By default there are four checkers, and each computes the types of shared files again. What the compiler knows of each file, by a hash of its text, stays in
 * `.cache/types/`: it looks again only at files that have changed, and at those that depend on them, which takes a tenth of the processor time.
 */
function compile(project: string, name: string): readonly string[] {
  const known = join(cacheFolder, 'types', `${name}.tsbuildinfo`);
  return ['-p', project, '--checkers', '1', '--incremental', '--tsBuildInfoFile', known];
}

export const checks: readonly Check[] = [
  {
    promise: 'everything compiles',
    packageName: 'typescript',
    command: 'tsc',
    args: compile('tsconfig.json', 'everything'),
    withoutTests: {
      args: [...compile('tsconfig.build.json', 'sources'), '--noEmit', '--emitDeclarationOnly', 'false'],
    },
  },
  {
    promise: 'the pure rooms compile without timers, processes and sockets',
    packageName: 'typescript',
    command: 'tsc',
    args: compile('tsconfig.pure.json', 'pure'),
  },
  {
    promise: 'the dashboard compiles for browsers',
    packageName: 'typescript',
    command: 'tsc',
    args: compile('src/dashboard/page', 'dashboard'),
  },
  {
    promise: 'the page that explains logs compiles for browsers',
    packageName: 'typescript',
    command: 'tsc',
    args: compile('docs/paste', 'paste'),
  },
  {
    promise: 'no promise floats, every union is handled, nothing is suspicious',
    packageName: 'oxlint',
    command: 'oxlint',
    args: lint,
    withoutTests: {
      args: [...lint, 'src', 'packages', 'bin', ...ignored],
      // A changed type can make a promise of another file float, which `npm run check` finds; a change of this file is what mostly does.
      byFile: {
        args: lint,
        judges: (path) =>
          /^(?:src|packages|bin)\/.*\.(?:[cm]?js|tsx?)$/.test(path) && !/\.test(?:-support)?\.ts$/.test(path),
      },
    },
  },
  {
    promise: 'everything is formatted (`npm run format`)',
    packageName: '@biomejs/biome',
    command: 'biome',
    args: ['format', '.'],
    byFile: {
      args: ['format', '--no-errors-on-unmatched'],
      judges: (path) => /\.(?:[cm]?[jt]sx?|jsonc?|css)$/.test(path),
    },
  },
];

/** Of more, the tool finds them by itself. */
const filesByNameMax = 200;

/** Runs a check, unless it has passed with these files and these tools before. */
export function runCheck(check: Check, passedChecks: PassedChecks): CheckResult {
  if (passedChecks.has(check)) return { passed: true, output: '', ran: false };
  const files = passedChecks.unjudged(check);
  if (files?.length === 0) return { passed: true, output: '', ran: false };
  const isByName = check.byFile !== undefined && files !== null && files.length <= filesByNameMax;
  const words = isByName ? [...check.byFile.args, ...files] : check.args;
  const ran = spawnSync(process.execPath, [toolPath(check.packageName, check.command), ...words], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    // The compilers and the linter's types are written in Go and end soon: below the limit they need not collect garbage.
    env: { GOGC: 'off', GOMEMLIMIT: '3GiB', ...process.env },
  });
  const passed = ran.status === 0;
  if (passed) passedChecks.add(check);
  return { passed, output: ran.stdout + ran.stderr, ran: true };
}
