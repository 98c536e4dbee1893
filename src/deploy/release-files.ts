import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, throwIfAborted } from './release-refusal.ts';

/** What releases use of the file system. Tests let each of these calls fail. */
export type ReleaseFiles = Pick<
  typeof promises,
  | 'chmod'
  | 'copyFile'
  | 'lstat'
  | 'mkdir'
  | 'mkdtemp'
  | 'open'
  | 'readdir'
  | 'readFile'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'statfs'
  | 'symlink'
  | 'truncate'
>;

export const releaseFiles: ReleaseFiles = promises;

/** Twice the threads that Node has for files: none of them waits for the event loop. */
const lanes = 8;

/**
 * Calls `work` with each item, a few at a time. Rejects with the first error, after all calls that had begun have ended:
 * what they write can then be removed.
 */
export async function inParallel<T>(
  items: readonly T[],
  signal: AbortSignal | undefined,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const runLane = async (): Promise<void> => {
    try {
      for (let at = next++; at < items.length; at = next++) {
        throwIfAborted(signal);
        await work(items[at] as T, at);
      }
    } catch (error) {
      next = items.length;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: lanes }, runLane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Returns when the disk has a file, or the names in a folder. */
export async function syncPath(path: string, files: ReleaseFiles): Promise<void> {
  const handle = await files.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Null: there is nothing. */
export async function lstatOrNull(path: string, files: ReleaseFiles) {
  try {
    return await files.lstat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Removes a tree whose folders are read-only. Follows no link. Resolves where there is nothing. */
export async function removeTree(path: string, files: ReleaseFiles = releaseFiles): Promise<void> {
  const found = await lstatOrNull(path, files);
  if (found === null) return;
  if (found.isDirectory()) await makeWritable(path, files);
  // A process that was killed may end within its last write.
  await files.rm(path, { recursive: true, force: true, maxRetries: 4, retryDelay: 50 });
}

async function makeWritable(folder: string, files: ReleaseFiles): Promise<void> {
  await files.chmod(folder, 0o700);
  const entries = await files.readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(join(folder, entry.name), files);
}
