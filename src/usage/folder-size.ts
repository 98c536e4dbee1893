import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

export interface FolderSize {
  /** What the disk has allocated for it; a file with several names counts once. */
  readonly bytes: number;
  /** More is in it than was looked at. */
  readonly isPart: boolean;
}

/** A node_modules has some 50,000; looking at so many takes a second of a thread. */
const entriesMax = 200_000;

/** Follows no link, and leaves other file systems alone. Never rejects: what cannot be read is not counted. */
export async function folderSize(folder: string, isStopped: () => boolean = () => false): Promise<FolderSize> {
  let [bytes, entries] = [0, 0];
  const seen = new Set<string>();
  const folders = [folder];
  const device = await lstat(folder, { bigint: true }).then(
    ({ dev }) => dev,
    () => null,
  );
  if (device === null) return { bytes: 0, isPart: false };
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const listed = await opendir(next).catch(() => null);
    if (listed === null) continue;
    try {
      for await (const entry of listed) {
        if (entries++ >= entriesMax || isStopped()) return { bytes, isPart: true };
        const path = join(next, entry.name);
        const found = await lstat(path, { bigint: true }).catch(() => null);
        if (found === null || found.dev !== device) continue;
        if (found.isDirectory()) folders.push(path);
        if (found.nlink > 1n && !found.isDirectory()) {
          if (seen.has(String(found.ino))) continue;
          seen.add(String(found.ino));
        }
        bytes += Number(found.blocks) * 512;
      }
    } catch {
      // It was removed meanwhile.
    }
  }
  return { bytes, isPart: false };
}
