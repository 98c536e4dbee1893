import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LaunchFailure, LaunchOwner } from '../../core/launch.ts';
import type { Random } from '../../core/random.ts';
import { readOwnFile } from '../../deploy/own-file.ts';
import { makePrivateFolder } from '../../deploy/private-folder.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { groupIsAlive, identityOf, isRunning, type ProcessIdentity } from '../../deploy/process-identity.ts';

/** Files of one start of a program. */
export interface WrittenFiles {
  /** By variable. */
  readonly paths: Readonly<Record<string, string>>;
  readonly started: (pid: number) => void;
  readonly remove: () => void;
}

interface SecretFilesParts {
  readonly stateFolder: string;
  readonly random: Random;
  readonly wallTime: () => number;
  /** A folder in memory. */
  readonly memoryFolder?: string;
}

const tmpfs = 0x0102_1994;
const ofProcess = '.process';
/** Of another process of ours that is about to start its program. */
const startMs = 10_000;
const recordBytesMax = 4096;
const attemptsMax = 3;

/**
 * Secrets that programs read from files. Each start has a folder of its own, in memory where the machine has such a folder, and beside it the identity of
 * its process: by that another process of the gateway finds what it has to remove.
 */
export class SecretFiles {
  readonly #parts: SecretFilesParts;
  readonly #own = new Set<string>();

  constructor(parts: SecretFilesParts) {
    this.#parts = parts;
  }

  /** `owner`: who reads them; null: the user who runs the gateway. */
  write(values: ReadonlyMap<string, string>, owner: LaunchOwner | null): Result<WrittenFiles, LaunchFailure> {
    try {
      return succeed(this.#write(values, owner));
    } catch (error) {
      const errno = (error as NodeJS.ErrnoException).code ?? 'EACCES';
      const why = error instanceof FolderRefused ? error.message : errno;
      return failWith({ errno, reason: `its secrets could not be written into files: ${why}` });
    }
  }

  #write(values: ReadonlyMap<string, string>, owner: LaunchOwner | null): WrittenFiles {
    this.sweep();
    const name = this.#newName();
    const { root, folder } = this.#makeFolder(name);
    this.#own.add(name);
    const remove = this.#remover(root, name);
    try {
      const process = join(root, `${name}${ofProcess}`);
      const paths = Object.fromEntries(
        [...values].map(([variable, value]) => {
          const path = join(folder, variable);
          writeFileSync(path, value, { flag: 'wx', mode: 0o400 });
          if (owner !== null) chownSync(path, owner.uid, owner.gid);
          return [variable, path];
        }),
      );
      if (owner !== null) chownSync(folder, owner.uid, owner.gid);
      return { paths, started: (pid) => noteProcess(process, pid), remove };
    } catch (error) {
      remove();
      throw error;
    }
  }

  #makeFolder(name: string): { readonly root: string; readonly folder: string } {
    for (let attempt = 1; ; attempt += 1) {
      const root = this.#makeRoot();
      const folder = join(root, name);
      try {
        // First: whenever this process is killed, the next one finds who has made the folder.
        writeFileSync(join(root, `${name}${ofProcess}`), noProcessYet(), { flag: 'wx', mode: 0o600 });
        mkdirSync(folder, { mode: 0o700 });
        return { root, folder };
      } catch (error) {
        // Another process of the gateway has removed the empty root meanwhile.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === attemptsMax) throw error;
      }
    }
  }

  /** Of a program that an earlier process of the gateway has started; null: it has none. */
  filesOf(pid: number): Pick<WrittenFiles, 'remove'> | null {
    const root = this.#root;
    const name = runsIn(root).find((one) => {
      const process = readProcessOf(root, one);
      return process?.pid === pid && process.isGateway !== true && isRunning(process);
    });
    return name === undefined ? null : { remove: this.#remover(root, name) };
  }

  /** Removes what programs have left of which no process runs: the gateway was killed before they ended. */
  sweep(): void {
    const root = this.#root;
    for (const name of runsIn(root)) if (!this.#own.has(name) && this.#isLeft(root, name)) this.#remove(root, name);
  }

  #isLeft(root: string, name: string): boolean {
    const process = readProcessOf(root, name);
    if (process !== null) return !isRunning(process) && (process.isGateway === true || !groupIsAlive(process.pid));
    const found = lstatSync(join(root, name), { throwIfNoEntry: false });
    return found !== undefined && this.#parts.wallTime() - found.mtimeMs > startMs;
  }

  /** Programs of a gateway that was killed may have ended after the last start here. */
  #remover(root: string, name: string): () => void {
    return () => {
      this.#remove(root, name);
      this.sweep();
    };
  }

  /** Never throws: what cannot be removed now is tried again with each sweep. */
  #remove(root: string, name: string): void {
    this.#own.delete(name);
    for (const path of [join(root, name), join(root, `${name}${ofProcess}`)]) removeWhole(path);
    try {
      rmdirSync(root);
    } catch {
      // Other programs have files there.
    }
  }

  get #root(): string {
    const { stateFolder, memoryFolder = '/dev/shm' } = this.#parts;
    if (!isInMemory(memoryFolder)) return join(stateFolder, 'secret-files');
    const real = existsSync(stateFolder) ? realpathSync(stateFolder) : stateFolder;
    const mark = createHash('sha256').update(real).digest('hex').slice(0, 12);
    return join(memoryFolder, `candor-${process.geteuid?.() ?? 0}-${mark}`);
  }

  #makeRoot(): string {
    const root = this.#root;
    if (root.startsWith(`${this.#parts.stateFolder}/`)) {
      const problem = makePrivateFolder(root);
      if (problem !== null) throw new FolderRefused(`${root} ${problem}`);
      return root;
    }
    try {
      mkdirSync(root, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    // Every user may make a name there: one that was there before may be a trap.
    if (!isOwnFolder(root)) throw new FolderRefused(`${root} is another user's: remove it`);
    // Users of applications go through it to their own folder, and cannot list it.
    chmodSync(root, 0o711);
    return root;
  }

  #newName(): string {
    const bytes = new Uint8Array(12);
    this.#parts.random.fill(bytes);
    return Buffer.from(bytes).toString('hex');
  }
}

/** The message says which folder, and what of it. */
class FolderRefused extends Error {}

/** The program, which is mostly the same user, may have taken the right to write away. */
function removeWhole(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    try {
      chmodSync(path, 0o700);
      rmSync(path, { recursive: true, force: true });
    } catch {
      // It is deeper, or another program's.
    }
  }
}

function isOwnFolder(path: string): boolean {
  const found = lstatSync(path);
  return found.isDirectory() && found.uid === (process.geteuid?.() ?? 0);
}

function isInMemory(folder: string): boolean {
  try {
    return statfsSync(folder).type === tmpfs;
  } catch {
    return false;
  }
}

/** None where the folder is another user's, who could lead us to any folder by a link of its name. */
function runsIn(root: string): readonly string[] {
  try {
    if (!isOwnFolder(root)) return [];
    const names = readdirSync(root).flatMap((name) => /^[\da-f]{24}(?=$|\.process$)/.exec(name) ?? []);
    return [...new Set(names)];
  } catch {
    return []; // no program has had any
  }
}

/** Who reads the files, and until that is known the process of the gateway that writes them. */
interface ReaderIdentity extends ProcessIdentity {
  readonly isGateway?: boolean;
}

const recordBytes = 256;

/** Takes the room of the program's identity, so that a folder that is full refuses the start, and not what runs already. */
function noProcessYet(): string {
  const own = identityOf(process.pid);
  return (own === null ? '' : JSON.stringify({ ...own, isGateway: true })).padEnd(recordBytes);
}

/** Never throws: the program runs. Without its identity the files are removed by the next process of the gateway. */
function noteProcess(path: string, pid: number): void {
  const identity = identityOf(pid);
  if (identity === null) return;
  try {
    writeFileSync(path, JSON.stringify(identity).padEnd(recordBytes), { flag: 'r+' });
  } catch {
    // Another program has removed it.
  }
}

function readProcessOf(root: string, name: string): ReaderIdentity | null {
  const read = readOwnFile(join(root, `${name}${ofProcess}`), recordBytesMax);
  if (read.kind !== 'text') return null;
  try {
    const identity = JSON.parse(read.text) as ReaderIdentity | null;
    return Number.isSafeInteger(identity?.pid) ? identity : null;
  } catch {
    return null; // it has not started yet, or the file is damaged
  }
}
