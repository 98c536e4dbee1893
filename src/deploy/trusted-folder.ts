import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A name on the way to a folder that somebody else may give another meaning. */
export interface UntrustedFolder {
  readonly path: string;
  readonly why: 'foreign' | 'open_to_all';
}

/** As many links as the kernel follows. */
const linksMax = 40;
/** The number that the kernel shows for owners outside a namespace of users. Where it is a user's own, that user is another. */
const unmappedUid = 65_534;

/**
 * The first name on the way to `folder` that lets somebody else put another folder in its place: a folder or link of
 * another user's, or a folder in which everybody may rename what is others'. Null where there is none.
 *
 * Whoever can replace the folder of a socket can answer in the gateway's place, and watch the socket being made; whoever
 * can replace the one of our files can have us write over any other, by a link of that name.
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

/** In a folder with the sticky bit, as /tmp has it, nobody renames what is another's. */
function isOpenToAll({ mode }: Stats): boolean {
  return (mode & 0o002) !== 0 && (mode & 0o1000) === 0;
}
