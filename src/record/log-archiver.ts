import { constants, fstatSync, readSync, writeSync } from 'node:fs';
import { type FileHandle, lstat, lutimes, open, rename, rm, realpath } from 'node:fs/promises';
import type { LogSpec } from '../core/configuration.ts';
import type { Result } from '#failures/result.ts';
import type { CoreShare } from './core-share.ts';
import { errnoOf } from './log-output.ts';
import { type LogArchive, writableArchive, compressSlice, endOfSlice, sliceBytes } from './log-slice.ts';
import {
  numberAfter,
  realLogPath,
  removeUnfinished,
  rotatedFilesOf,
  rotatedName,
  unfinishedName,
} from './rotated-files.ts';

/** How the compression of a file ended. */
type CompressionEnd =
  | { readonly kind: 'complete'; readonly bytes: number }
  /** The share allows no further step: the log is being closed. */
  | { readonly kind: 'stopped' }
  /** It was written to or truncated since compression began. */
  | { readonly kind: 'changed' }
  /** The file has been removed meanwhile, since others were rotated before it was compressed. */
  | { readonly kind: 'deleted' };

/**
 * Compresses `from` into `to`, slice by slice, and rests after each slice as the share demands. Slices end at line ends.
 * Throws errors of the file system.
 *
 * Reads and writes on this thread: each step through Node's thread pool and back cost as much CPU as compressing its slice
 * (`npm run bench:compress`). For a slice that is a copy within memory, unless the disk is slow; then the log waits for it too.
 */
async function compressLog(
  from: FileHandle,
  to: FileHandle,
  archive: LogArchive,
  share: CoreShare,
): Promise<CompressionEnd> {
  share.begin();
  const { size } = await from.stat();
  const slices = new SliceReader(from);
  for (;;) {
    const slice = slices.next();
    if (slice === null) return slices.bytesRead === size ? { kind: 'complete', bytes: size } : { kind: 'changed' };
    writeAll(to, compressSlice(slice, archive));
    const now = fstatSync(from.fd);
    if (now.nlink === 0) return { kind: 'deleted' };
    if (now.size !== size) return { kind: 'changed' };
    if (!(await share.rest())) return { kind: 'stopped' };
  }
}

function writeAll({ fd }: FileHandle, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

class SliceReader {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafeSlow(sliceBytes);
  #bytesRead = 0;
  /** Bytes [start, end) of the buffer are read, and not yet part of a slice. */
  #start = 0;
  #end = 0;
  #isFirst = true;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The next bytes, valid until the next call; null at the end. An empty file has one empty slice: no bytes are no archive. */
  next(): Uint8Array | null {
    this.#buffer.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const isAtEnd = this.#fill();
    if (this.#end === 0 && !this.#isFirst) return null;
    this.#isFirst = false;
    const slice = this.#buffer.subarray(0, this.#end);
    this.#start = isAtEnd ? this.#end : endOfSlice(slice);
    return slice.subarray(0, this.#start);
  }

  #fill(): boolean {
    while (this.#end < sliceBytes) {
      const bytesRead = readSync(this.#file.fd, this.#buffer, this.#end, sliceBytes - this.#end, this.#bytesRead);
      if (bytesRead === 0) return true;
      this.#bytesRead += bytesRead;
      this.#end += bytesRead;
    }
    return false;
  }
}

/** Same as the log: other users must not see client addresses. */
const mode = 0o640;

interface Uncompressed {
  readonly name: string;
  readonly number: number;
  /** Identifies the file while rotation renames it. */
  readonly inode: string;
}

/**
 * Rotates a log, and compresses its rotated files in the background. Rotation never waits for compression: a file may
 * get another number, or be removed, while it is compressed.
 */
export class LogArchiver {
  readonly #path: string;
  readonly #share: CoreShare;
  #isCompressing = false;
  #isStopped = false;
  #hasNewFiles = false;
  /** Ends when names may be changed again: renaming takes several steps. */
  #renaming: Promise<unknown> = Promise.resolve();

  constructor(path: string, share: CoreShare) {
    this.#path = path;
    this.#share = share;
  }

  /** See `rotateFile`. Returns an errno if it fails. */
  rotate(keepMax: number): Promise<Result<null, string>> {
    return this.#whileNamesStay(() => rotateFile(this.#path, keepMax));
  }

  /**
   * Compresses rotated files except the newest, to which a process may still write; recent ones first, since they are
   * kept longest. Each keeps the time at which it was last written, by which a search orders them. If one
   * cannot be compressed, it stays as it is, and the others still are. While a call compresses, another one returns at once, and
   * the first one compresses its files too. Returns an errno if a file could not be compressed.
   */
  async compress(compression: LogSpec['compression']): Promise<Result<null, string>> {
    if (compression === 'none') return done;
    this.#hasNewFiles = true;
    if (this.#isCompressing || this.#isStopped) return done;
    this.#isCompressing = true;
    try {
      return await this.#compressAll(await realLogPath(this.#path), writableArchive(compression));
    } catch (error) {
      return { ok: false, failure: errnoOf(error) };
    } finally {
      this.#isCompressing = false;
    }
  }

  /** Leaves the file that is being compressed uncompressed, and compresses no other. */
  stop(): void {
    this.#isStopped = true;
    this.#share.stop();
  }

  async #compressAll(path: string, archive: LogArchive): Promise<Result<null, string>> {
    await removeUnfinished(path);
    const tried = new Set<string>();
    let result: Result<null, string> = done;
    while (this.#hasNewFiles && !this.#isStopped) {
      this.#hasNewFiles = false;
      const next = (await uncompressedOf(path)).find(({ inode }) => !tried.has(inode));
      if (next === undefined) continue;
      this.#hasNewFiles = true;
      tried.add(next.inode);
      const errno = await this.#compressFile(path, next, { archive, tried });
      if (errno !== null) result = { ok: false, failure: errno };
    }
    return result;
  }

  /** Returns null or an errno. */
  async #compressFile(
    path: string,
    { name, number, inode }: Uncompressed,
    { archive, tried }: { readonly archive: LogArchive; readonly tried: Set<string> },
  ): Promise<string | null> {
    const unfinished = unfinishedName(rotatedName(path, { number, archive }));
    let [from, to]: (FileHandle | null)[] = [null, null];
    try {
      // Follows no link and waits for no pipe that has replaced the file meanwhile.
      from = await open(name, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(ifThere);
      // It has just been renamed or removed; the next round finds it.
      if (from === null || (await inodeOf(from)) !== inode) {
        tried.delete(inode);
        return null;
      }
      to = await open(unfinished, 'wx', mode);
      const end = await compressLog(from, to, archive, this.#share);
      // After a power failure one of the two files must be whole.
      if (end.kind === 'complete') await to.datasync();
      const isNamed =
        end.kind === 'complete' && (await this.#replace(path, { from, to, unfinished, archive, bytes: end.bytes }));
      if (!isNamed) await rm(unfinished, { force: true });
      return null;
    } catch (error) {
      if (to !== null) await rm(unfinished, { force: true }).catch(() => {});
      return errnoOf(error);
    } finally {
      await from?.close();
      await to?.close();
    }
  }

  /** Names the compressed file and removes the other one. False if that has been removed or written to meanwhile. */
  #replace(path: string, files: CompressedFile): Promise<boolean> {
    return this.#whileNamesStay(async () => {
      const { from, to, unfinished, archive, bytes } = files;
      const inode = await inodeOf(from);
      const now = (await uncompressedOf(path)).find((file) => file.inode === inode);
      const { size, atime, mtime } = await from.stat();
      if (now === undefined || size !== bytes) return false;
      // Another process with the same log may have removed our file, and begun one of its own.
      if (inodeText(await lstat(unfinished, { bigint: true })) !== (await inodeOf(to))) return false;
      await lutimes(unfinished, atime, mtime);
      await rename(unfinished, rotatedName(path, { number: now.number, archive }));
      await rm(now.name);
      return true;
    });
  }

  #whileNamesStay<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#renaming.then(change);
    this.#renaming = result.catch(() => undefined);
    return result;
  }
}

interface CompressedFile {
  readonly from: FileHandle;
  readonly to: FileHandle;
  readonly unfinished: string;
  readonly archive: LogArchive;
  /** How many bytes of the log are in it. */
  readonly bytes: number;
}

const done: Result<null, string> = { ok: true, value: null };

/** Rotated files that are to be compressed, the newest first. */
async function uncompressedOf(path: string): Promise<Uncompressed[]> {
  const { files, strange } = await rotatedFilesOf(path);
  const newest = numberAfter(0, strange);
  const found: Uncompressed[] = [];
  for (const file of files.toSorted((a, b) => a.number - b.number)) {
    if (file.number === newest || file.archive !== null || strange.has(file.number)) continue;
    const name = rotatedName(path, file);
    const state = await lstat(name, { bigint: true }).catch(() => null);
    if (state?.isFile() === true) found.push({ name, number: file.number, inode: inodeText(state) });
  }
  return found;
}

async function inodeOf(file: FileHandle): Promise<string> {
  return inodeText(await file.stat({ bigint: true }));
}

/** Exact: a number of JavaScript does not hold every inode. */
function inodeText({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`;
}

function ifThere(error: unknown): null {
  if (errnoOf(error) === 'ENOENT') return null;
  throw error;
}

/**
 * Rotates the file: it becomes `path.1`, earlier rotated files become `path.2`, `path.3.zst` and so on, and files beyond
 * `keepMax` are removed. A process that has the file open continues to write to it. No new file is created. A number is
 * skipped if its name belongs to something other than a regular file.
 */
export async function rotateFile(name: string, keepMax: number): Promise<Result<null, string>> {
  try {
    const path = await realpath(name);
    const { files, strange } = await rotatedFilesOf(path);
    // From the oldest: each moves to a number that has just become free.
    for (const file of files.toSorted((a, b) => b.number - a.number)) {
      const from = rotatedName(path, file);
      const before = file.number - [...strange].filter((one) => one <= file.number).length;
      if (before >= keepMax) await rm(from);
      else await rename(from, rotatedName(path, { ...file, number: numberAfter(file.number, strange) }));
    }
    await rename(path, rotatedName(path, { number: numberAfter(0, strange), archive: null }));
    return { ok: true, value: null };
  } catch (error) {
    return { ok: false, failure: errnoOf(error) };
  }
}
