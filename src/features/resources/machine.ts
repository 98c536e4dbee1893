/** What this machine can do for limits, users and isolation. Commands read it as well as the main thread: it changes nothing. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { getPriority, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { type GroupBases, type GroupReader, groupBases } from './groups.ts';
import type { DeviceReader } from './devices.ts';
import type { UserReader } from './users.ts';

const tools = ['setpriv', 'prlimit', 'nice', 'bwrap', 'env'] as const;
export type Tool = (typeof tools)[number];

/** Where each tool comes from in Debian. */
export const packageOf: Readonly<Record<Tool, string>> = {
  setpriv: 'util-linux',
  prlimit: 'util-linux',
  nice: 'coreutils',
  env: 'coreutils',
  bwrap: 'bubblewrap',
};

export interface ResourceMachine extends UserReader, GroupReader, DeviceReader {
  readonly isRoot: boolean;
  /** Of this process. */
  readonly uid: number;
  readonly ownName: string | null;
  readonly niceness: number;
  /** The hard limit of descriptors of this process; null: not known, or none. */
  readonly descriptorsMax: number | null;
  /** Null: it is in no directory of PATH. */
  tool(name: Tool): string | null;
  groups(): GroupBases;
  /** Why programs cannot be isolated here, one clause; null: they can. */
  sandboxProblem(): string | null;
}

/** Signals that the process in front of an isolated program ignores, so that the program alone decides what it does on them. */
export const passedSignals = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM'];

export const resetSignals = passedSignals.map((name) => `--default-signal=${name}`);

/** An isolated program sees the system, read-only, and no process but its own. */
export const sandboxBase = [
  ...['--unshare-pid', '--unshare-ipc'],
  ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
];

export class SystemMachine implements ResourceMachine {
  readonly uid = process.geteuid?.() ?? -1;
  readonly #path: string;
  /** Whether it can: a reason why not may go away. */
  #canIsolate = false;

  constructor(path = process.env['PATH'] ?? '') {
    this.#path = path;
  }

  get isRoot(): boolean {
    return this.uid === 0;
  }

  get ownName(): string | null {
    try {
      return userInfo().username;
    } catch {
      return null; // a number without a name
    }
  }

  get niceness(): number {
    return getPriority();
  }

  get descriptorsMax(): number | null {
    const found = /^Max open files\s+\S+\s+(\d+)/m.exec(this.readText('/proc/self/limits') ?? '')?.[1];
    return found === undefined ? null : Number(found);
  }

  tool(name: Tool): string | null {
    return fileIn(`${this.#path}${delimiter}/usr/bin${delimiter}/bin`, name);
  }

  groups(): GroupBases {
    return groupBases(this, { pid: process.pid, isRoot: this.isRoot });
  }

  sandboxProblem(): string | null {
    if (this.#canIsolate) return null;
    const problem = this.#trySandbox();
    this.#canIsolate = problem === null;
    return problem;
  }

  readText(path: string): string | null {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null; // not Linux, or not ours to read
    }
  }

  mayWrite(path: string): boolean {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      return false; // missing, another user's, or on a file system that is read-only
    }
  }

  stat(path: string): ReturnType<UserReader['stat']> {
    try {
      const { uid, gid, mode } = statSync(path);
      return { uid, gid, mode, isFolder: (mode & 0o170000) === 0o040000 };
    } catch {
      return null;
    }
  }

  deviceNumber(path: string): ReturnType<DeviceReader['deviceNumber']> {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined) return null;
    // As the C library has it (makedev(3)).
    const { dev } = found;
    return {
      major: Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)),
      minor: Number((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)),
    };
  }

  lookUp(database: 'passwd' | 'group', name: string): string | null {
    const { status, stdout } = spawnSync('getent', [database, name], { encoding: 'utf8', timeout: lookUpMs });
    return status === 0 ? stdout : null;
  }

  /** The kernel, a container or a security module may forbid what bwrap needs: nothing but trying tells. */
  #trySandbox(): string | null {
    const bwrap = this.tool('bwrap');
    const env = this.tool('env');
    if (bwrap === null || env === null) return `${bwrap === null ? 'bwrap' : 'env'} is in no directory of PATH`;
    const { status, stderr, error } = spawnSync(bwrap, [...sandboxBase, '--', env, ...resetSignals, 'true'], {
      encoding: 'utf8',
      timeout: sandboxMs,
    });
    if (status === 0) return null;
    const said = stderr?.trim().split('\n').at(-1) ?? '';
    return said === '' ? `bwrap could not be started (${error?.message ?? `code ${status}`})` : said;
  }
}

const lookUpMs = 3000;
/** It takes some 10 ms. */
const sandboxMs = 5000;

/** The first executable file of the name in the directories. */
export function fileIn(path: string, name: string): string | null {
  for (const folder of path.split(delimiter)) {
    const file = join(folder === '' ? '.' : folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not in this one.
    }
  }
  return null;
}
