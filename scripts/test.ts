import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { BundleFailure } from './bundle.ts';
import { repositoryRoot } from './repository.ts';
import { runTestFiles, type TestLimits } from './run-test-files.ts';
import { idleShareFromNow } from './processor-idle.ts';
import { isForCompleteRuns, readTestOptions, selectTestFiles, type TestOptions } from './test-selection.ts';
import { orderTestFiles, readTestDurations, writeTestDurations } from './test-order.ts';
import { TestBundle } from './test-bundle.ts';
import { TestReport } from './test-report.ts';

/** Of the whole suite on the machine on which it is measured: five minutes of two cores. Other machines take more or less. */
const suiteCpuSecondsMax = 540;

const usage = `usage: npm test [-- --only <part of a path>… --time-limits <n> --cpu-seconds-max <n>]
       npm run test:complete

  --only      runs the test files whose path contains this text; of several, those that contain any
  --time-limits <n>
              gives each file, and the run, n times as long
  --cpu-seconds-max <n>
              fails if the tests take more processor time; npm test as a whole says so above ${suiteCpuSecondsMax} s
  --complete  runs every file and all cases of every sweep, and fails where a test is skipped or a peer program is missing
`;

const limits: TestLimits = {
  // Two cores run two files at a time.
  filesMax: 2,
  // Some files mostly wait for timeouts; other files use the processor time that they leave.
  spareFilesMax: 3,
  // The slowest file, the tarball's, builds and installs a package.
  fileMsMax: 4 * 60_000,
  // The files of a group take a minute. Those that are left after this time get four minutes each.
  groupMsMax: 300_000,
  // A process ends at once unless a test has left something behind, which is no reason to wait for the limit of the group.
  lateMsMax: 20_000,
  // Twice what the suite takes on two cores without its caches: a slow machine still finishes it, a hanging run ends.
  runMsMax: 45 * 60_000,
  // A process ends at once on SIGTERM unless the program under test handles the signal.
  graceMs: 5000,
};

const bundle = new TestBundle();

/** Fewer files take less processor time than what V8 has compiled of the bundle takes to make. */
const compiledFilesMin = 40;

// Without this cache each test file, and each gateway and worker that it starts, compiles the same modules again, which
// takes two fifths of the processor time of most files. Node finds an entry by a module's content and its own version.
// (nodejs.org/api/module.html, "Module compile cache")
process.env['NODE_COMPILE_CACHE'] ??= join(repositoryRoot, 'node_modules', '.cache', 'compiled-for-tests');

const options = readTestOptions(process.argv.slice(2));
if (options === null) {
  console.error(usage);
  process.exitCode = 2;
} else {
  process.exitCode = await runTests(options);
}

/** Null where the source cannot be bundled: then tests start it as it is, and those that need the wrong part fail. */
async function currentBundle(isCompiled: boolean): Promise<string | null> {
  try {
    return await (isCompiled ? bundle.compiled() : bundle.current());
  } catch (error) {
    if (!(error instanceof BundleFailure)) throw error;
    console.error(`no bundle of the source could be made, so that gateways start from the source: ${error.message}`);
    return null;
  }
}

/** Returns the exit code: 0 where every test passed and, in a complete run, none was skipped. */
async function runTests({ only, complete, timeLimits, cpuSecondsMax }: TestOptions): Promise<number> {
  if (complete) process.env['SWEEP'] ??= 'all';
  const all = globSync(['packages/*/src/**/*.test.ts', 'src/**/*.test.ts', 'test/**/*.test.ts'], {
    cwd: repositoryRoot,
  });
  const { files, unmatched, leftOut } = selectTestFiles(all, only, complete ? () => false : isForCompleteRuns);
  for (const { part, near } of unmatched)
    console.error(
      `no test file has "${part}" in its path${near.length === 0 ? '' : `; near it are ${near.join(', ')}`}`,
    );
  if (unmatched.length > 0) {
    console.error('no test has run');
    return 2;
  }
  const isSuite = only.length === 0 && !complete;
  const usualSeconds = isSuite ? suiteCpuSecondsMax : Number.POSITIVE_INFINITY;
  const cpuBudget = { msMax: 1000 * (cpuSecondsMax ?? usualSeconds), fails: cpuSecondsMax !== null };
  const report = new TestReport(console.log, { withDiagnostics: only.length > 0, complete, cpuBudget, leftOut });
  const isCompiled = files.length >= compiledFilesMin;
  // Nearly all groups need it.
  if (isCompiled) void bundle.compiled().catch(() => null);
  const peersPrepared = preparePeers(complete);
  const idleShare = idleShareFromNow();
  const order = orderTestFiles(files, readTestDurations());
  await runTestFiles(order, longer(limits, timeLimits), report, peersPrepared, () => currentBundle(isCompiled));
  // Those of a slower machine say nothing about this one.
  if (timeLimits === 1) writeTestDurations(report.durations());
  return report.finish(idleShare()) && (await peersPrepared) ? 0 : 1;
}

function longer(usual: TestLimits, times: number): TestLimits {
  const { fileMsMax, groupMsMax, runMsMax } = usual;
  return { ...usual, fileMsMax: fileMsMax * times, groupMsMax: groupMsMax * times, runMsMax: runMsMax * times };
}

/** Fetches the peer programs. Tests skip those that cannot be fetched; a complete run fails then. */
async function preparePeers(complete: boolean): Promise<boolean> {
  const program = join(repositoryRoot, 'scripts', 'prepare-peers.ts');
  const words = complete ? ['--complete'] : [];
  const [code] = (await once(spawn(process.execPath, [program, ...words], { stdio: 'inherit' }), 'exit')) as [
    number | null,
  ];
  if (code !== 0) console.error('scripts/prepare-peers.ts failed: tests that need a peer program may be skipped');
  return code === 0;
}
