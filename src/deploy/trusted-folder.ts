import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** A name on the way to a folder that somebody else may give another meaning. */
export interface Untrusted {
  readonly path: string;
  readonly why: 'foreign' | 'open_to_all';
}

/** As many links as the kernel follows. */
const linksMax = 40;
/** Who owns, in a namespace of users, what belongs to somebody outside it; nobody else owns files by this number. */
const unmappedUid = 65_534;

/**
 * The first name on the way to `folder` that lets somebody else put another folder in its place: a folder or link of
 * another user's, or a folder in which everybody may rename what is others'. Null where there is none.
 *
 * Whoever can replace the folder of a socket can answer in the gateway's place, and watch the socket being made; whoever
 * can replace the one of our files can have us write over any other, by a link of that name.
 */
export function findUntrusted(folder: string, uid: number): Untrusted | null {
  return look(resolve(folder), uid, linksMax);
}

function look(path: string, uid: number, linksLeft: number): Untrusted | null {
  const parent = dirname(path);
  const above = parent === path ? null : look(parent, uid, linksLeft);
  if (above !== null) return above;
  const found = lstatSync(path);
  if (!mayOwn(found.uid, uid)) return { path, why: 'foreign' };
  if (!found.isSymbolicLink()) return isOpenToAll(found) ? { path, why: 'open_to_all' } : null;
  return linksLeft === 0 ? { path, why: 'foreign' } : look(resolve(parent, readlinkSync(path)), uid, linksLeft - 1);
}

function mayOwn(owner: number, uid: number): boolean {
  return owner === 0 || owner === uid || owner === unmappedUid;
}

/** In a folder with the sticky bit, as /tmp has it, nobody renames what is another's. */
function isOpenToAll({ mode }: Stats): boolean {
  return (mode & 0o002) !== 0 && (mode & 0o1000) === 0;
}
