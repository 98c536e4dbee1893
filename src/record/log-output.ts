import { constants, createReadStream, write } from 'node:fs';
import { type FileHandle, open, readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { descriptorsAdvice } from '../core/descriptor-need.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import type { Result } from '#failures/result.ts';
import { lineFeed } from './line-feed.ts';

/** The destination of a log, one write at a time. */
export interface LogOutput {
  /** Writes some or all bytes from `from` on; resolves with how many, or with the errno. Never rejects. */
  write(bytes: Uint8Array, from: number): Promise<Result<number, string>>;
  close(): Promise<void>;
  /** The state of the file and of its path. Null if it is not a regular file, or not known. */
  readonly look?: () => Promise<LogFileState | null>;
  /** Whether the last line is incomplete: another line behind it would be unreadable. Null if not known. */
  readonly endsMidLine?: () => Promise<boolean | null>;
  /** The bytes of the file from `from` on, even if it has no name any more. */
  readonly bytesFrom?: (from: number) => AsyncIterable<Uint8Array>;
}

/** 'deleted': the file has no name, and is gone once it is closed. 'moved': it has another name. */
export interface LogFileState {
  readonly location: 'there' | 'moved' | 'deleted';
  readonly bytes: number;
}

/** Why an output cannot be opened: for people, and for programs. */
export interface LogProblem {
  readonly errno: string;
  /** One sentence. */
  readonly reason: string;
}

/** The owner writes, the group (an operator, a log shipper) reads: other users must not see client addresses. */
const mode = 0o640;

/** Without blocking: opening a pipe without a reader fails at once, and so does a write to a full pipe. */
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** '-' is standard output. A path is opened for appending, and created if necessary; its directory is not. */
export async function openLogOutput(path: string): Promise<Result<LogOutput, LogProblem>> {
  if (path === '-') return { ok: true, value: standardOutput };
  try {
    return { ok: true, value: new FileOutput(path, await open(path, flags, mode), await isDescriptor(path)) };
  } catch (error) {
    return { ok: false, failure: openProblem(path, errnoOf(error)) };
  }
}

/** Whether a name leads, over any links, to a descriptor of a process, as /dev/stdout does. */
async function isDescriptor(path: string): Promise<boolean> {
  let at = resolve(path);
  for (let hops = 0; hops < linksMax; hops++) {
    if (/^\/(?:proc\/|dev\/(?:fd\/|std))/.test(at)) return true;
    const target = await readlink(at).catch(() => null);
    if (target === null) return false;
    at = resolve(dirname(at), target);
  }
  return false;
}

/** As Linux (path_resolution(7)). */
const linksMax = 40;

class FileOutput implements LogOutput {
  readonly #path: string;
  readonly #file: FileHandle;
  /** True if the path leads to an inherited descriptor, whose file has another name or none. */
  readonly #isLent: boolean;

  constructor(path: string, file: FileHandle, isLent: boolean) {
    this.#path = path;
    this.#file = file;
    this.#isLent = isLent;
  }

  async write(bytes: Uint8Array, from: number): Promise<Result<number, string>> {
    try {
      const { bytesWritten } = await this.#file.write(bytes, from, bytes.length - from, null);
      return someOf(bytesWritten);
    } catch (error) {
      return { ok: false, failure: errnoOf(error) };
    }
  }

  readonly look = async (): Promise<LogFileState | null> => {
    try {
      const own = await this.#file.stat({ bigint: true });
      if (!own.isFile() || this.#isLent) return null;
      const bytes = Number(own.size);
      if (own.nlink === 0n) return { location: 'deleted', bytes };
      const named = await stat(this.#path, { bigint: true }).catch((error: unknown) => errnoOf(error));
      const isMoved = typeof named === 'string' ? named === 'ENOENT' : named.ino !== own.ino || named.dev !== own.dev;
      return { location: isMoved ? 'moved' : 'there', bytes };
    } catch {
      return null;
    }
  };

  readonly endsMidLine = async (): Promise<boolean | null> => {
    try {
      const own = await this.#file.stat();
      if (!own.isFile()) return null;
      if (own.size === 0) return false;
      // By way of the descriptor, which was opened for writing only.
      const reading = await open(`/proc/self/fd/${this.#file.fd}`, constants.O_RDONLY);
      try {
        const { buffer, bytesRead } = await reading.read(Buffer.alloc(1), 0, 1, own.size - 1);
        return bytesRead === 0 ? null : buffer[0] !== lineFeed;
      } finally {
        await reading.close();
      }
    } catch {
      return null;
    }
  };

  /** By way of the descriptor: the file may have no name, and was opened for writing only. */
  readonly bytesFrom = (from: number): AsyncIterable<Uint8Array> =>
    createReadStream(`/proc/self/fd/${this.#file.fd}`, { start: from });

  async close(): Promise<void> {
    try {
      await this.#file.close();
    } catch {
      // All writes are over; there is no caller to report an error to.
    }
  }
}

/**
 * Descriptor 1, written on a thread of Node's pool: a pipe whose reader hangs holds up that thread, never the
 * event loop, which `process.stdout` would (it writes to pipes synchronously).
 */
const standardOutput: LogOutput = {
  write: (bytes, from) =>
    new Promise((resolve) => {
      write(1, bytes, from, bytes.length - from, null, (error, written) => {
        resolve(error === null ? someOf(written) : { ok: false, failure: errnoOf(error) });
      });
    }),
  close: () => Promise.resolve(),
};

/** A write of 0 bytes counts as an error, because retrying at once would spin. */
function someOf(bytes: number): Result<number, string> {
  return bytes > 0 ? { ok: true, value: bytes } : { ok: false, failure: 'EIO' };
}

const sentences: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `the directory ${dirname(path)} does not exist; make it, writable for this user`,
  ENOTDIR: (path) => `a part of ${dirname(path)} is a file, not a directory`,
  EACCES: (path) => `this user may not write to ${path}`,
  EPERM: (path) => `this user may not write to ${path}`,
  EISDIR: (path) => `${path} is a directory; the log is a file`,
  EROFS: (path) => `${path} is on a file system that is mounted read-only`,
  ENOSPC: (path) => `there is no space left for ${path}`,
  EDQUOT: (path) => `the disk quota of this user is used up (${path})`,
  ELOOP: (path) => `${path} is a symbolic link that leads back to itself`,
  ENAMETOOLONG: (path) => `the name ${path} is too long`,
  EMFILE: () => `this process has too many open files; ${lowerFirst(descriptorsAdvice(null))}`,
  ENXIO: (path) => `no program reads from the pipe ${path}; start its reader first`,
  ENFILE: () => 'the system has too many open files',
};

function openProblem(path: string, errno: string): LogProblem {
  const sentence = sentences[errno];
  return {
    errno,
    reason: sentence === undefined ? `${path} cannot be opened (${errno})` : `${sentence(path)} (${errno})`,
  };
}

/** The errno of an error; EIO for an error without one. */
export function errnoOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : 'EIO';
}
