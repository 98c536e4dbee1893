import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { findUntrusted, type UntrustedFolder } from './trusted-folder.ts';

/** Whoever could write there could name processes of ours for us to end, and files for us to open. */
const othersMayWrite = 0o022;

/**
 * Makes a folder for us alone, where there is none, and nobody else could put another in its place. Returns what speaks
 * against one, as the end of a sentence that begins with its name; one that was there stays as it is, since it may be
 * everybody's. Throws where it cannot be had.
 */
export function makePrivateFolder(path: string): string | null {
  const own = process.geteuid?.() ?? 0;
  // First what is there: in a folder of somebody else's nothing is made, which a link might lead anywhere.
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
  return parent === path || lstatSync(path, { throwIfNoEntry: false }) !== undefined ? path : nearestThere(parent);
}
