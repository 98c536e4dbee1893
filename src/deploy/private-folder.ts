import { lstatSync, statSync, writeFileSync, readFileSync, readlinkSync, type Stats, mkdirSync } from 'node:fs';
import { join, dirname, resolve } from 'node:path';

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

/** A part of a path that another user could replace. */
export interface UntrustedFolder {
  readonly path: string;
  readonly why: 'foreign' | 'open_to_all';
}

/** As many links as the kernel follows. */
const linksMax = 40;
/** The number that the kernel shows for owners outside a namespace of users. Where it is a user's own, that user is another. */
const unmappedUid = 65_534;

/**
 * The first part of the path to `folder` that lets another user replace the folder: a folder or link of another user, or a
 * folder in which every user may rename files of others. Null where there is none.
 *
 * A user who can replace the folder of a socket can answer in the gateway's place. A user who can replace the folder of our
 * files can have us overwrite any other file, by a link of that name.
 */
export function findUntrusted(folder: string, uid: number): UntrustedFolder | null {
  return inspect(resolve(folder), uid, linksMax);
}

function inspect(path: string, uid: number, linksLeft: number): UntrustedFolder | null {
  const parent = dirname(path);
  const above = parent === path ? null : inspect(parent, uid, linksLeft);
  if (above !== null) return above;
  const found = lstatSync(path);
  if (!mayOwn(found.uid, uid)) return { path, why: 'foreign' };
  if (!found.isSymbolicLink()) return isOpenToAll(found) ? { path, why: 'open_to_all' } : null;
  return linksLeft === 0 ? { path, why: 'foreign' } : inspect(resolve(parent, readlinkSync(path)), uid, linksLeft - 1);
}

function mayOwn(owner: number, uid: number): boolean {
  return owner === 0 || owner === uid || (owner === unmappedUid && ownsWhatIsUnmapped(owner, uidMap()));
}

/**
 * Whether a number stands for owners outside this process's namespace of users only: the map of its users, as
 * user_namespaces(7) describes it, has no user of that number. Null: there are no namespaces.
 */
export function ownsWhatIsUnmapped(uid: number, map: string | null): boolean {
  if (map === null) return false;
  const ranges = map.split('\n').filter((line) => line.trim() !== '');
  return ranges.every((range) => {
    const [first = 0, , count = 0] = range.trim().split(/\s+/).map(Number);
    return uid < first || uid >= first + count;
  });
}

function uidMap(): string | null {
  try {
    return readFileSync('/proc/self/uid_map', 'latin1');
  } catch {
    return null; // not Linux, or a container without /proc: then a user is a user
  }
}

/** In a folder with the sticky bit, such as /tmp, users cannot rename files of others. */
function isOpenToAll({ mode }: Stats): boolean {
  return (mode & 0o002) !== 0 && (mode & 0o1000) === 0;
}

/**
 * Creates a folder and the missing ones above it, for us alone. Returns those that it has made, the outermost first. Throws like `mkdirSync`. The option `recursive` of that does not return
 * where the kernel answers ENOENT within a folder that is there, as it does in /proc.
 */
export function makeFolders(path: string): readonly string[] {
  const missing: string[] = [];
  const there = nearestThere(path);
  for (let at = path; at !== there; at = dirname(at)) missing.push(at);
  const made = missing.toReversed().filter((folder) => makeFolder(folder));
  if (!statSync(path).isDirectory()) throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' });
  return made;
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!isThere(path)) throw error;
    return false;
  }
}

/** The path itself, or the nearest name above it that is there. */
export function nearestThere(path: string): string {
  let at = path;
  while (dirname(at) !== at && !isThere(at)) at = dirname(at);
  return at;
}

/** Whether this user can see that a name is there, whatever it leads to. Nothing can be below a name that is a file. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
