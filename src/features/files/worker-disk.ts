import * as fs from 'node:fs';
import { restBelow } from '../../core/rest-below.ts';
import type { PoolClasses, PoolQueue, PoolWaiter } from '../../core/pool-classes.ts';
import type { FileTimes } from './worker-headers.ts';
import { WarmParts } from './worker-warm-parts.ts';

/** What is known of an open file. */
export interface FileFacts extends FileTimes {
  readonly kind: 'file' | 'folder' | 'other';
  readonly device: number;
  readonly inode: bigint;
  /** The file has a name still. */
  readonly isLinked: boolean;
}

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly size: number;
  readonly modifiedMs: number;
}

/** The calls of the system, each in a thread of Node's pool. Tests have others that hang. Each rejects with an error that has a `code`. */
export interface FileCalls {
  open(path: string): Promise<number>;
  facts(fd: number): Promise<FileFacts>;
  /** At most `length` bytes; 0 at the end of the file. */
  read(fd: number, into: Uint8Array, from: number, length: number, position: number): Promise<number>;
  close(fd: number): Promise<void>;
  realPath(path: string): Promise<string>;
  /** Whether facts of open files below this real path never wait for a disk or a network. */
  isLocal(path: string): Promise<boolean>;
  /** Without links for whose target `isServed` is false. */
  entries(
    fd: number,
    max: number,
    isServed: (location: string) => boolean,
  ): Promise<{ readonly entries: readonly FolderEntry[]; readonly left: number }>;
}

/** Opening waits for no writer of a pipe, and makes no terminal that of the process. */
const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;

export const systemCalls: FileCalls = {
  open: (path) => called((done) => fs.open(path, flags, done)),
  facts: (fd) => called<fs.BigIntStats>((done) => fs.fstat(fd, { bigint: true }, done)).then(factsOf),
  read: (fd, into, from, length, position) =>
    called((done) => fs.read(fd, into, from, length, position, (error, count) => done(error, count))),
  close: (fd) => called((done) => fs.close(fd, (error) => done(error ?? null, undefined))),
  realPath: (path) => called((done) => fs.realpath.native(path, done)),
  isLocal: isLocalTree,
  entries: readEntries,
};

export function called<T>(call: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}

/** ext2 to ext4, XFS, Btrfs, tmpfs, overlayfs, ZFS, F2FS: the inode of an open file is in memory. */
const localSystems: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010,
]);

/** A disk of a network may be mounted within a folder of a local one. */
async function isLocalTree(path: string): Promise<boolean> {
  const { type } = await called<fs.StatsFs>((done) => fs.statfs(path, done));
  if (!localSystems.has(type)) return false;
  const mounts = await called<string>((done) => fs.readFile('/proc/self/mountinfo', 'utf8', done)).catch(() => null);
  return mounts !== null && !hasMountBelow(mounts, path);
}

/** `mounts` is of the form of /proc/self/mountinfo (proc(5)). */
export function hasMountBelow(mounts: string, path: string): boolean {
  return mounts.split('\n').some((line) => {
    const point = line.split(' ', 5)[4] ?? '';
    const read = point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    return (restBelow(path, read) ?? '') !== '';
  });
}

function factsNow(fd: number): FileFacts {
  return factsOf(fs.fstatSync(fd, { bigint: true }));
}

function factsOf(stats: fs.BigIntStats): FileFacts {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other',
    ...{ size: Number(stats.size), mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs },
    ...{ device: Number(stats.dev), inode: stats.ino, isLinked: stats.nlink > 0n },
  };
}

/** Where an open file lies, as the kernel says; procfs waits for no disk. Null: there is no procfs. */
export function locationOf(fd: number): string | null {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

/** By the descriptor, so that no link can be put in the place of the folder meanwhile. */
async function readEntries(
  fd: number,
  max: number,
  isServed: (location: string) => boolean,
): ReturnType<FileCalls['entries']> {
  const folder = `/proc/self/fd/${fd}`;
  const names = (await called<string[]>((done) => fs.readdir(folder, done))).filter((name) => !name.startsWith('.'));
  const sorted = names.toSorted((one, other) => (one < other ? -1 : 1));
  const entries: FolderEntry[] = [];
  for (const name of sorted.slice(0, max)) {
    const stats = await factsInListing(`${folder}/${name}`, isServed).catch(() => null);
    if (stats === null || (!stats.isFile() && !stats.isDirectory())) continue;
    entries.push({ name, isFolder: stats.isDirectory(), size: stats.size, modifiedMs: stats.mtimeMs });
  }
  return { entries, left: Math.max(0, sorted.length - max) };
}

/** Null: it is a link to what is not served, whose size and time are nobody's business either. */
async function factsInListing(path: string, isServed: (location: string) => boolean): Promise<fs.Stats | null> {
  const own = await called<fs.Stats>((done) => fs.lstat(path, done));
  if (!own.isSymbolicLink()) return own;
  const target = await systemCalls.realPath(path);
  return isServed(target) ? called((done) => fs.stat(target, done)) : null;
}

/** The work begins, and `leave` follows; null: it was cancelled. It may be called before the turn is returned. */
type OnTurn = (turn: DiskTurn | null) => void;

/** The turn of one request, or of one part of a file, in the threads for files. */
export class DiskTurn implements PoolWaiter {
  readonly #queues: readonly PoolQueue[];
  readonly #onTurn: OnTurn;
  #held = 0;
  #isOver = false;

  constructor(queues: readonly PoolQueue[], onTurn: OnTurn) {
    this.#queues = queues;
    this.#onTurn = onTurn;
    this.#advance();
  }

  #advance(): void {
    for (let queue = this.#queues[this.#held]; queue !== undefined; queue = this.#queues[this.#held]) {
      if (!queue.tryEnter()) return queue.wait(this);
      this.#held++;
    }
    this.#onTurn(this);
  }

  onPermit(): void {
    this.#held++;
    this.#advance();
  }

  /** The work has ended. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    while (this.#held > 0) this.#queues[--this.#held]?.leave();
  }

  /** The work is not wanted any more: nothing happens if it has begun. */
  cancel(): void {
    const waitsFor = this.#queues[this.#held];
    if (waitsFor === undefined || this.#isOver) return;
    waitsFor.cancel(this);
    this.leave();
    this.#onTurn(null);
  }
}

/** The disk of one route: its calls wait for a thread of their class, and for one of their device. */
export class Disk {
  readonly calls: FileCalls;
  readonly #pool: PoolClasses;
  /** Of a disk that nobody has reached yet: 0. */
  #device = 0;
  /** Facts of open files are asked at once, without a thread, and what is in memory is read so. */
  isLocal = false;
  readonly warm = new WarmParts();

  constructor(pool: PoolClasses, calls: FileCalls = systemCalls) {
    this.#pool = pool;
    this.calls = calls;
  }

  noteDevice(device: number): void {
    this.#device = device;
  }

  /** How many requests wait for a thread in this worker. */
  get waiting(): number {
    return this.#pool.ofDevice(this.#device).waiting + this.#pool.of('files').waiting;
  }

  enter(onTurn: OnTurn): DiskTurn {
    return new DiskTurn([this.#pool.ofDevice(this.#device), this.#pool.of('files')], onTurn);
  }

  /** Of a local disk alone, for what is in memory. */
  readNow(fd: number, into: Uint8Array, from: number, length: number, position: number): number {
    return fs.readSync(fd, into, from, length, position);
  }

  factsNow(fd: number): FileFacts {
    return factsNow(fd);
  }

  facts(fd: number): FileFacts | Promise<FileFacts> {
    return this.isLocal ? factsNow(fd) : this.calls.facts(fd);
  }

  /** Closes a file, in a turn of its own. `isLinked`: the system has nothing to delete with it. */
  close(fd: number, isLinked: boolean): void {
    if (this.isLocal && isLinked) {
      try {
        fs.closeSync(fd);
      } catch {
        // It was no descriptor of ours any more: nothing is left to do.
      }
      return;
    }
    this.enter((turn) => {
      const leave = (): void => turn?.leave();
      this.calls.close(fd).then(leave, leave);
    });
  }
}
