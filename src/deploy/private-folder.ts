import { lstatSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from './make-folders.ts';
import { nearestThere } from './nearest-there.ts';
import { findUntrusted, type UntrustedFolder } from './trusted-folder.ts';

/** A user who could write there could have us end processes of ours, and open files. */
const othersMayWrite = 0o022;

/**
 * Creates a folder for us alone where there is none and where no other user could replace it; git ignores it. Returns the problem with a folder, as the
 * end of a sentence that begins with its name. An existing folder is not changed, since others may use it. Throws where it cannot
 * be created.
 */
export function makePrivateFolder(path: string): string | null {
  const own = process.geteuid?.() ?? 0;
  // First the existing part: nothing is created in a folder of another user, where a link might lead anywhere.
  const there = nearestThere(path);
  const found = lstatSync(there);
  if (!found.isDirectory() && !found.isSymbolicLink())
    throw Object.assign(new Error(`${there} is not a folder`), { code: 'ENOTDIR' });
  const above = findUntrusted(there, own);
  if (above !== null) return untrustedText(above, path);
  const [outermost] = makeFolders(path);
  if (outermost !== undefined) hideFromGit(outermost);
  const untrusted = findUntrusted(path, own);
  if (untrusted !== null) return untrustedText(untrusted, path);
  const { uid, mode } = statSync(path);
  if (uid !== own) return foreign;
  return (mode & othersMayWrite) === 0 ? null : openToOthers;
}

/**
 * What lies there are keys, state, or what clients have asked: `git add .` passes it by. Only for a folder that we have made, which has
 * nothing of others.
 */
export function hideFromGit(folder: string): void {
  try {
    writeFileSync(join(folder, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 });
  } catch {
    // A full disk: what matters more says so.
  }
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
