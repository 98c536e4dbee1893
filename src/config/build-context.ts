import { resolve } from 'node:path';
import type { Environment } from './expand.ts';
import type { PositionIndex } from './position-index.ts';
import type { FileReading } from './wanted-files.ts';

/** What making a configuration needs beside the file. */
export interface BuildContext {
  /** Absolute: what relative paths begin at. */
  readonly directory: string;
  readonly hostname: string;
  /** That this process may use; absent: one. */
  readonly cores?: number;
  readonly environment: Environment;
  /** What was read of the files that the draft names, by absolute path. */
  readonly readings: ReadonlyMap<string, FileReading>;
  readonly positions: Pick<PositionIndex, 'written' | 'fills'>;
}

/** What stands in a file that the draft names; '' if it could not be read, which is an error by itself. */
export function contentOf(path: string, { directory, readings }: BuildContext): string {
  const reading = readings.get(resolve(directory, path));
  return reading?.ok === true ? reading.text : '';
}
