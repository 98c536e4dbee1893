import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';

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
