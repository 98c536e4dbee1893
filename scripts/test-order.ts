import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from './repository.ts';

export interface TestOrder {
  /** Files that need no peer program and run one after another, while the peers are fetched. */
  readonly early: readonly string[];
  /** All other files, in the order in which they are started. */
  readonly others: readonly string[];
}

/** Both build or read `dist/` and the whole tree, so that they must not run at the same time. */
const earlyFiles: readonly string[] = ['test/packaging/tarball.test.ts', 'test/checks.test.ts'];

const durationsFile = join(cacheFolder, 'test-durations.json');

/** Milliseconds that each file took when it last ran on this machine. */
export type TestDurations = Readonly<Record<string, number>>;

/**
 * Starts the longest files first, so that no run ends with one long file beside an idle processor. On the first run of a
 * machine, files that start processes (`test/`) come before unit tests, which take less than a second each.
 */
export function orderTestFiles(files: readonly string[], durations: TestDurations): TestOrder {
  const msOf = (file: string): number => durations[file] ?? (file.startsWith('test/') ? 1 : 0);
  return {
    early: earlyFiles.filter((file) => files.includes(file)),
    others: files.filter((file) => !earlyFiles.includes(file)).toSorted((a, b) => msOf(b) - msOf(a)),
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
