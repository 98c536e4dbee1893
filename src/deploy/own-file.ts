import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  fsyncSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import * as promises from 'node:fs/promises';

/** `why`: a sentence whose subject, "it", is the file. */
type OwnFileReading =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly why: string };

/** Does not wait for the writer of a pipe, and follows no link. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/**
 * Reads a file that this program has written into a folder of its own. What lies at the name may be anything: only a regular
 * file of this user's or root's is read, and no more than `bytesMax` of it; also one of `owner`, where that is given. Never throws, and never waits.
 */
export function readOwnFile(path: string, bytesMax: number, owner: number | null = null): OwnFileReading {
  let descriptor: number;
  try {
    descriptor = openSync(path, flags);
  } catch (error) {
    return notOpened(path, error);
  }
  try {
    const why = refusalOf(fstatSync(descriptor), bytesMax, owner);
    return why === null ? readAtMost(descriptor, bytesMax) : { kind: 'refused', why };
  } catch (error) {
    return { kind: 'refused', why: `it cannot be read (${errnoOf(error)})` };
  } finally {
    closeSync(descriptor);
  }
}

/** A link and a socket are not opened; the name tells which of them it was. */
function notOpened(path: string, error: unknown): OwnFileReading {
  const errno = errnoOf(error);
  // ENOTDIR: a part of its path is a file.
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return { kind: 'none' };
  const type = typeAt(path);
  if (type !== null) return { kind: 'refused', why: notAFile(type) };
  return { kind: 'refused', why: errno === 'EACCES' ? 'this user may not read it' : `it cannot be read (${errno})` };
}

/** Null: a file, or nobody can tell, such as below a folder that is closed to this user. */
function typeAt(path: string): string | null {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found === undefined ? null : typeOf(found);
  } catch {
    return null;
  }
}

function refusalOf(found: Stats, bytesMax: number, owner: number | null): string | null {
  const type = typeOf(found);
  if (type !== null) return notAFile(type);
  const own = process.geteuid?.() ?? 0;
  if (found.uid !== own && found.uid !== 0 && found.uid !== owner) return 'it belongs to another user';
  return found.size <= bytesMax ? null : tooLarge(found.size, bytesMax);
}

/** It may have grown since its size was looked at. */
function readAtMost(descriptor: number, bytesMax: number): OwnFileReading {
  const content = Buffer.alloc(Math.min(bytesMax, fstatSync(descriptor).size) + 1);
  let filled = 0;
  while (filled < content.length) {
    const read = readSync(descriptor, content, filled, content.length - filled, null);
    if (read === 0) return { kind: 'text', text: content.toString('utf8', 0, filled) };
    filled += read;
  }
  return { kind: 'refused', why: 'it grows while it is read' };
}

function typeOf(found: Stats): string | null {
  if (found.isFile()) return null;
  if (found.isDirectory()) return 'folder';
  if (found.isSymbolicLink()) return 'link';
  if (found.isFIFO()) return 'named pipe';
  return found.isSocket() ? 'socket' : 'device';
}

function notAFile(type: string): string {
  return `it is a ${type}, not a file`;
}

function tooLarge(bytes: number, bytesMax: number): string {
  return `it has ${bytes} bytes, ${bytes - bytesMax} more than it may have`;
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO';
}

/** Only for us: what applications print may stand in it. */
const mode = 0o600;

/** A file that was not there before. What lies at the name is none that a writer of ours has open: it is a rest, or a trap. */
const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Replaces a file: readers find the old content or the new one, also after a crash. Throws like `node:fs`. */
export function writeWhole(path: string, content: string): void {
  const beside = `${path}.new`;
  writeSynced(beside, content);
  renameSync(beside, path);
}

/** The same without waiting for the disk: resolves when it has the file. */
export async function writeWholeLater(
  path: string,
  content: string,
  { open, rename, rm }: Pick<typeof promises, 'open' | 'rename' | 'rm'> = promises,
): Promise<void> {
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  const file = await open(beside, createNew, mode);
  try {
    await file.writeFile(content);
    await file.sync();
    await file.close();
    await rename(beside, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(beside, { force: true });
    throw error;
  }
}

/** Writes a file that is new, whatever lay there, and returns when the disk has it; of one that the disk has no room for nothing is left. No link is followed. */
export function writeSynced(path: string, content: string): void {
  rmSync(path, { force: true });
  const descriptor = openSync(path, createNew, mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
