import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nearest } from '../src/core/nearest.ts';
import { repositoryRoot } from './repository.ts';

export interface TestOptions {
  /** Parts of paths. None: all files. */
  readonly only: readonly string[];
  readonly complete: boolean;
  /** How many times as long as usual each file, and the run, may take. */
  readonly timeLimits: number;
  /** Seconds of processor time above which the run fails; null: it only says so where the suite takes more than it should. */
  readonly cpuSecondsMax: number | null;
}

/** Null for a wrong command line. */
export function readTestOptions(args: readonly string[]): TestOptions | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        complete: { type: 'boolean', default: false },
        'time-limits': { type: 'string', default: '1' },
        'cpu-seconds-max': { type: 'string' },
      },
    });
    const { 'time-limits': times, 'cpu-seconds-max': cpu, ...others } = values;
    const [timeLimits, cpuSecondsMax] = [Number(times), cpu === undefined ? null : Number(cpu)];
    const isGood = timeLimits > 0 && (cpuSecondsMax === null || cpuSecondsMax > 0);
    return isGood ? { ...others, timeLimits, cpuSecondsMax } : null;
  } catch {
    return null;
  }
}

/** At the beginning of a line of the file's text; after it stands why, and what `npm test` runs in its place. */
const onlyInCompleteRuns = /^\/\/ Only `npm run test:complete` runs this file: \S/m;

/** Whether the suite leaves this file out: it takes much processor time, and guards what seldom changes or what cheaper tests guard too. */
export function isForCompleteRuns(path: string, root: string = repositoryRoot): boolean {
  return onlyInCompleteRuns.test(readFileSync(join(root, path), 'utf8'));
}

interface SelectedFiles {
  readonly files: readonly string[];
  /** Parts that no path contains, with parts of paths that are spelt nearly so. */
  readonly unmatched: readonly { readonly part: string; readonly near: readonly string[] }[];
  /** How many files a complete run has besides. */
  readonly leftOut: number;
}

/** The files whose path contains any of the parts, in order; without parts, those that the suite does not leave out. */
export function selectTestFiles(
  all: readonly string[],
  only: readonly string[],
  isLeftOut: (path: string) => boolean,
): SelectedFiles {
  const files =
    only.length === 0
      ? all.filter((file) => !isLeftOut(file))
      : all.filter((file) => only.some((part) => file.includes(part)));
  const unmatched = only
    .filter((part) => !all.some((file) => file.includes(part)))
    .map((part) => ({ part, near: nearParts(part, all) }));
  return { files: files.toSorted(), unmatched, leftOut: only.length === 0 ? all.length - files.length : 0 };
}

/** Names of files and folders, alone if the part is one. */
function nearParts(part: string, all: readonly string[]): string[] {
  const depth = part.split('/').length;
  const parts = all.flatMap((file) => {
    const names = file.replace(/\.test\.ts$/, '').split('/');
    return names.slice(depth - 1).map((_, at) => names.slice(at, at + depth).join('/'));
  });
  return nearest(part.replace(/(?:\.test)?\.ts$/, ''), new Set(parts));
}
