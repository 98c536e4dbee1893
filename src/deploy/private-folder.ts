import { mkdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';

/** Whoever could write there could name processes of ours for us to end, and files for us to open. */
const othersMayWrite = 0o022;

/**
 * Makes a folder for us alone, where there is none. Returns what speaks against one that was there, as the end of a
 * sentence that begins with its name; it stays as it is, since it may be everybody's. Throws where it cannot be had.
 */
export function makePrivateFolder(path: string): string | null {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(path);
  if (uid !== userInfo().uid) return 'belongs to another user';
  return (mode & othersMayWrite) === 0 ? null : 'may be written by others (`chmod go-w` takes that away)';
}
