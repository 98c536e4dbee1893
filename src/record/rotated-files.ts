import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { archiveSuffix, type LogArchive } from './log-slice.ts';

/** The highest number of a rotated file, and the most that may be kept. A higher number may be a date. */
const numberMax = 1000;

interface RotatedFile {
  /** 1 is the newest. */
  readonly number: number;
  /** Null: not compressed. */
  readonly archive: LogArchive | null;
}

/** The files at the names of rotated files. */
interface RotatedFiles {
  readonly files: readonly RotatedFile[];
  /** Numbers whose name belongs to a link, a folder or a pipe. Rotation does not touch them. */
  readonly strange: ReadonlySet<number>;
}

/** The real path of a log: rotated files are in the folder of the file, not of a link to it. */
export function realLogPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

export async function rotatedFilesOf(path: string): Promise<RotatedFiles> {
  const files: RotatedFile[] = [];
  const strange = new Set<number>();
  for (const entry of await readdir(dirname(path), { withFileTypes: true })) {
    const [, digits, suffix] = /^\.([1-9]\d{0,3})(\.gz|\.zst)?$/.exec(behind(path, entry.name)) ?? [];
    const number = Number(digits);
    if (digits === undefined || number > numberMax) continue;
    if (await isRegular(entry, path)) files.push({ number, archive: archiveOf(suffix) });
    else strange.add(number);
  }
  return { files, strange };
}

/** What follows the name of the log in the name of another file; empty if that begins otherwise. */
function behind(path: string, name: string): string {
  const log = basename(path);
  return name.startsWith(log) ? name.slice(log.length) : '';
}

function archiveOf(suffix: string | undefined): LogArchive | null {
  if (suffix === undefined) return null;
  return suffix === archiveSuffix.zstd ? 'zstd' : 'gzip';
}

/** Some file systems do not report the type of an entry when they list it. */
async function isRegular(entry: Dirent, path: string): Promise<boolean> {
  return entry.isFile() || (await lstat(join(dirname(path), entry.name)).catch(() => null))?.isFile() === true;
}

export function rotatedName(path: string, { number, archive }: RotatedFile): string {
  return join(dirname(path), `${basename(path)}.${number}${archive === null ? '' : archiveSuffix[archive]}`);
}

/** The next number whose name is a regular file's or free. */
export function numberAfter(number: number, strange: ReadonlySet<number>): number {
  const next = number + 1;
  return strange.has(next) ? numberAfter(next, strange) : next;
}

/** The name of a compressed file until it is complete. No reader takes it for a log. */
export function unfinishedName(name: string): string {
  return `${name}.part`;
}

/** Removes what a process left that was killed while it compressed. */
export async function removeUnfinished(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!/^\.\d{1,4}\.(?:gz|zst)\.part$/.test(behind(path, name))) continue;
    // A folder stays: compressing reports what is in the way.
    await rm(join(dirname(path), name), { force: true }).catch(() => {});
  }
}
