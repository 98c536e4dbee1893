import { spawnSync } from 'node:child_process';
import { repositoryRoot, toolPath } from './repository.ts';

/** Checks of the source, before it is run. */
export interface Check {
  readonly promise: string;
  readonly packageName: string;
  readonly command: string;
  readonly args: readonly string[];
}

export const checks: readonly Check[] = [
  {
    promise: 'everything compiles',
    packageName: 'typescript',
    command: 'tsc',
    // By default there are four checkers, and each computes the types of shared files again.
    args: ['-p', 'tsconfig.json', '--checkers', '1'],
  },
  {
    promise: 'the pure rooms compile without timers, processes and sockets',
    packageName: 'typescript',
    command: 'tsc',
    args: ['-p', 'tsconfig.pure.json'],
  },
  {
    promise: 'no promise floats, every union is handled, nothing is suspicious',
    packageName: 'oxlint',
    command: 'oxlint',
    args: ['--type-aware', '--deny-warnings'],
  },
  {
    promise: 'everything is formatted (`npm run format`)',
    packageName: '@biomejs/biome',
    command: 'biome',
    args: ['format', '.'],
  },
];

export function runCheck(check: Check): { readonly passed: boolean; readonly output: string } {
  const ran = spawnSync(process.execPath, [toolPath(check.packageName, check.command), ...check.args], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  return { passed: ran.status === 0, output: ran.stdout + ran.stderr };
}
