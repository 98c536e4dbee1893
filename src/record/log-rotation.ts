import { realpath, rename, rm } from 'node:fs/promises';
import type { Result } from '#failures/result.ts';
import { errnoOf } from './log-output.ts';
import { numberAfter, rotatedFilesOf, rotatedName } from './rotated-files.ts';

/**
 * Rotates the file: it becomes `path.1`, earlier rotated files become `path.2`, `path.3.zst` and so on, and files beyond
 * `keepMax` are removed. A process that has the file open continues to write to it. No new file is created. A number is
 * skipped if its name belongs to something other than a regular file.
 */
export async function rotateFile(name: string, keepMax: number): Promise<Result<null, string>> {
  try {
    const path = await realpath(name);
    const { files, strange } = await rotatedFilesOf(path);
    // From the oldest: each moves to a number that has just become free.
    for (const file of files.toSorted((a, b) => b.number - a.number)) {
      const from = rotatedName(path, file);
      const before = file.number - [...strange].filter((one) => one <= file.number).length;
      if (before >= keepMax) await rm(from);
      else await rename(from, rotatedName(path, { ...file, number: numberAfter(file.number, strange) }));
    }
    await rename(path, rotatedName(path, { number: numberAfter(0, strange), archive: null }));
    return { ok: true, value: null };
  } catch (error) {
    return { ok: false, failure: errnoOf(error) };
  }
}
