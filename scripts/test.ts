import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { planTestFiles } from './plan-test-files.ts';
import { repositoryRoot } from './repository.ts';
import { runTestFiles, type TestLimits } from './run-test-files.ts';
import { TestReport } from './test-report.ts';

const limits: TestLimits = {
  // Two cores run two files; a third would only make each slower and its timings worse.
  filesMax: 2,
  // One that waits takes little from these, and would leave a processor idle in the place of one of them.
  waitingFilesMax: 1,
  // The slowest, the tarball's, builds and installs a package.
  fileMsMax: 4 * 60_000,
  // A suite that takes longer is not run before each commit.
  runMsMax: 15 * 60_000,
  // Ending takes no time; it is only that a program may keep SIGTERM to itself.
  graceMs: 5000,
};

// Each file, and each gateway and worker that it starts, would compile the same modules anew: two fifths of the processor
// time of most. What is kept is found by a module's content and the version of Node.
// (nodejs.org/api/module.html, "Module compile cache")
process.env['NODE_COMPILE_CACHE'] ??= join(repositoryRoot, 'node_modules', '.cache', 'compiled-for-tests');

const only = readOnly(process.argv.slice(2));
if (only === undefined) {
  console.error('usage: npm test -- [--only <part of a path>]');
  process.exitCode = 2;
} else {
  await runTests(only);
}

async function runTests(pattern: string): Promise<void> {
  const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: repositoryRoot })
    .filter((file) => file.includes(pattern))
    .toSorted();
  if (files.length === 0) {
    console.error(`no test file has "${pattern}" in its path`);
    process.exitCode = 2;
    return;
  }
  const report = new TestReport(console.log, pattern !== '');
  const prepared = preparePeers();
  await runTestFiles(planTestFiles(files), limits, report, prepared);
  const complete = report.finish();
  process.exitCode = complete && (await prepared) ? 0 : 1;
}

/** What cannot be fetched is said, and left out by the tests that need it. False where the fetching itself is broken. */
async function preparePeers(): Promise<boolean> {
  const program = join(repositoryRoot, 'scripts', 'prepare-peers.ts');
  const [code] = (await once(spawn(process.execPath, [program], { stdio: 'inherit' }), 'exit')) as [number | null];
  if (code !== 0)
    console.error('scripts/prepare-peers.ts failed: what needs a program of others may have been left out');
  return code === 0;
}

/** The pattern of `--only`, '' without it, undefined for anything else. */
function readOnly(args: readonly string[]): string | undefined {
  if (args.length === 0) return '';
  if (args.length === 2 && args[0] === '--only') return args[1];
  return args.length === 1 && args[0]?.startsWith('--only=') === true ? args[0].slice('--only='.length) : undefined;
}
