import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { findUntrusted, type UntrustedFolder } from './trusted-folder.ts';

/** A user who could write there could have us end processes of ours, and open files. */
const othersMayWrite = 0o022;

/**
 * Creates a folder for us alone where there is none and where no other user could replace it. Returns the problem with a folder, as the
 * end of a sentence that begins with its name. An existing folder is not changed, since others may use it. Throws where it cannot
 * be created.
 */
export function makePrivateFolder(path: string): string | null {
  const own = process.geteuid?.() ?? 0;
  // First the existing part: nothing is created in a folder of another user, where a link might lead anywhere.
  const above = findUntrusted(nearestThere(path), own);
  if (above !== null) return untrustedText(above, path);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const untrusted = findUntrusted(path, own);
  if (untrusted !== null) return untrustedText(untrusted, path);
  const { uid, mode } = statSync(path);
  if (uid !== own) return foreign;
  return (mode & othersMayWrite) === 0 ? null : openToOthers;
}

/** Which folder bears a name, so that another one of that name is seen to be another. Throws where there is no folder. */
export function identityOfFolder(path: string): string {
  const { dev, ino } = statSync(`${path}/.`, { bigint: true });
  return `${dev}:${ino}`;
}

const foreign = 'belongs to another user';
const openToOthers = 'may be written by others (`chmod go-w` takes that away)';

function untrustedText({ path, why }: UntrustedFolder, folder: string): string {
  if (path === folder) return why === 'foreign' ? foreign : openToOthers;
  return why === 'foreign'
    ? `may be replaced by another user, to whom ${path} belongs`
    : `may be replaced by others, who may write in ${path} (\`chmod o-w\` takes that away)`;
}

/** The path itself, or the nearest name above it that is there. */
export function nearestThere(path: string): string {
  const parent = dirname(path);
  return parent === path || isThere(path) ? path : nearestThere(parent);
}

/** Whether this user can see that a name is there, whatever it leads to. Nothing can be below a name that is a file. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
