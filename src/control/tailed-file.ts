import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath, stat } from 'node:fs/promises';
import { OutputLineReader } from '../deploy/output-lines.ts';

/** What a file that is followed is like; each but the first two has a reason. */
type TailState = 'following' | 'absent' | 'unreadable';

interface TailedFileParts {
  readonly path: string;
  readonly onLine: (line: string) => void;
}

/** Read at one look, in slices. With two looks a second it bounds the bytes that a file may cost. */
const sliceBytes = 64 * 1024;
const slicesMax = 4;

/** Of what was not read when the file was looked at: beyond it, what comes first is skipped, so that the newest lines are shown in time. */
const behindBytesMax = 4 * 1024 * 1024;

/**
 * Follows one file from its end on, over rotation: a renamed one is read to its end before the new one of the name, and one that was shortened
 * is read from its beginning. Nothing it meets is fatal.
 */
export class TailedFile {
  readonly path: string;
  state: TailState = 'absent';
  /** Why it is not followed, one clause; '' while it is. */
  reason = 'it does not exist yet';
  /** Bytes that were not read because the file grew too fast. */
  skippedBytes = 0;
  readonly #reader: OutputLineReader;
  readonly #bytes = Buffer.alloc(sliceBytes);
  #file: FileHandle | null = null;
  #position = 0;
  /** Only the first file is read from its end, unless it was absent: what is in later ones came while the gateway was there. */
  #isFirst = true;
  #closed = false;

  constructor({ path, onLine }: TailedFileParts) {
    this.path = path;
    this.#reader = new OutputLineReader(onLine);
  }

  /** Reads what has come. Never rejects; at most one look at a time. */
  async look(): Promise<void> {
    try {
      if (this.#file === null) await this.#open();
      if (this.#file === null) return;
      const isAtEnd = await this.#read(this.#file);
      if (isAtEnd && (await this.#isReplaced(this.#file))) await this.#reopen();
    } catch (error) {
      await this.#drop();
      this.#unreadable(reasonOf(error));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop();
  }

  async #open(): Promise<void> {
    const opened = await openRegular(this.path);
    if (this.#closed) return opened.file?.close();
    if (opened.file === null) return this.#unreadable(opened.reason);
    this.#file = opened.file;
    this.#position = this.#isFirst ? (await opened.file.stat()).size : 0;
    this.#isFirst = false;
    this.state = 'following';
    this.reason = '';
  }

  #unreadable(reason: string): void {
    this.state = reason === absentReason ? 'absent' : 'unreadable';
    if (this.state === 'absent') this.#isFirst = false;
    this.reason = reason;
  }

  /** Whether the end was reached. */
  async #read(file: FileHandle): Promise<boolean> {
    const { size } = await file.stat();
    // Another program has shortened it, such as logrotate with `copytruncate`.
    if (size < this.#position) this.#position = 0;
    if (size - this.#position > behindBytesMax) this.#skip(size - sliceBytes * slicesMax);
    for (let slice = 0; slice < slicesMax && !this.#closed; slice += 1) {
      const { bytesRead } = await file.read(this.#bytes, 0, sliceBytes, this.#position);
      this.#position += bytesRead;
      this.#reader.read(this.#bytes.subarray(0, bytesRead));
      if (bytesRead < sliceBytes) return true;
    }
    return this.#closed;
  }

  #skip(to: number): void {
    this.skippedBytes += to - this.#position;
    this.#position = to;
    this.#reader.end();
  }

  async #isReplaced(file: FileHandle): Promise<boolean> {
    const [own, now] = await Promise.all([file.stat(), stat(this.path).catch(() => null)]);
    return now !== null && (now.ino !== own.ino || now.dev !== own.dev);
  }

  /** A line that the old file has begun ends with it. */
  async #reopen(): Promise<void> {
    const old = this.#file;
    if (old === null) return;
    // What came between the last read and the rotation.
    while (!(await this.#read(old)));
    await this.#drop();
    this.#reader.end();
    await this.#open();
    if (this.#file !== null) await this.#read(this.#file);
  }

  async #drop(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#position = 0;
    await file?.close().catch(() => {});
  }
}

type Opened = { readonly file: FileHandle } | { readonly file: null; readonly reason: string };

/** A FIFO or a device would give its bytes to the gateway in place of their reader, or wait for ever. */
async function openRegular(path: string): Promise<Opened> {
  const before = await stat(path);
  if (before.isDirectory()) return { file: null, reason: 'it is a folder' };
  if (!before.isFile()) return { file: null, reason: 'it is not a regular file' };
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const opened = await file.stat();
  const reason = !opened.isFile() ? 'it is not a regular file' : await whyNotTrusted(path, opened.uid);
  if (reason === null) return { file };
  await file.close();
  return { file: null, reason };
}

/**
 * Whoever can write the folder of a log could put a symbolic link in its place, to a file that the gateway may read and they may not. A link counts
 * if it is of root, of the gateway's user, or of the owner of the file that it leads to.
 */
async function whyNotTrusted(path: string, owner: number): Promise<string | null> {
  const link = await lstat(path);
  const own = process.geteuid?.() ?? 0;
  if (!link.isSymbolicLink() || [0, own, owner].includes(link.uid)) return null;
  return `it is a symbolic link of another user, to ${await realpath(path)}`;
}

const absentReason = 'it does not exist yet';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: absentReason,
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its symbolic links lead nowhere',
  EMFILE: 'the process has no descriptor left',
  ENFILE: 'the system has no descriptor left',
};

function reasonOf(error: unknown): string {
  const { code = 'an error' } = error as NodeJS.ErrnoException;
  return reasons[code] ?? `it cannot be read (${code})`;
}
