import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from './repository.ts';
import { groupTestFiles, sharingOf, type Sharing, type TestGroup } from './test-groups.ts';

export interface TestOrder {
  /** Files that need no peer program and run one after another, while the peers are fetched. */
  readonly early: readonly string[];
  /** All other files, in the order in which they are started; those of a group run in one process. */
  readonly others: readonly TestGroup[];
}

/** Both build or read `dist/` and the whole tree, so that they must not run at the same time. */
const earlyFiles: readonly string[] = ['test/packaging/tarball.test.ts', 'test/checks.test.ts'];

const durationsFile = join(cacheFolder, 'test-durations.json');

/** Milliseconds that each file took when it last ran on this machine. */
type TestDurations = Readonly<Record<string, number>>;

/**
 * Starts the longest groups first, so that no run ends with one long file beside an idle processor. On the first run of a
 * machine, files that start processes (`test/`) come before unit tests, which take less than a second each.
 */
export function orderTestFiles(
  files: readonly string[],
  durations: TestDurations,
  sharing: (path: string) => Sharing = sharingOf,
): TestOrder {
  const msOf = (file: string): number => durations[file] ?? (file.startsWith('test/') ? 1 : 0);
  const others = files.filter((file) => !earlyFiles.includes(file));
  const groups = groupTestFiles(others, (file) => durations[file] ?? 0, sharing);
  const groupMs = (group: TestGroup): number => group.reduce((sum, file) => sum + msOf(file), 0);
  return {
    early: earlyFiles.filter((file) => files.includes(file)),
    others: groups.toSorted((a, b) => groupMs(b) - groupMs(a)),
  };
}

/** Empty before the first run, and where the file is damaged: the order is a matter of time, not of correctness. */
export function readTestDurations(): TestDurations {
  try {
    return JSON.parse(readFileSync(durationsFile, 'utf8')) as TestDurations;
  } catch {
    return {};
  }
}

/** Keeps the durations of files that did not run this time. */
export function writeTestDurations(durations: TestDurations): void {
  mkdirSync(dirname(durationsFile), { recursive: true });
  writeFileSync(durationsFile, `${JSON.stringify({ ...readTestDurations(), ...durations }, null, 1)}\n`);
}
