import { parseArgs } from 'node:util';

export interface TestOptions {
  /** Parts of paths. None: all files. */
  readonly only: readonly string[];
  readonly complete: boolean;
  /** How many times as long as usual each file, and the run, may take. */
  readonly timeLimits: number;
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
      },
    });
    const { 'time-limits': times, ...others } = values;
    return Number(times) > 0 ? { ...others, timeLimits: Number(times) } : null;
  } catch {
    return null;
  }
}

/** The files whose path contains any of the parts, in order, and the parts that no path contains. */
export function selectTestFiles(
  all: readonly string[],
  only: readonly string[],
): { readonly files: readonly string[]; readonly unmatched: readonly string[] } {
  const files = all.filter((file) => only.length === 0 || only.some((part) => file.includes(part)));
  return { files: files.toSorted(), unmatched: only.filter((part) => !all.some((file) => file.includes(part))) };
}
