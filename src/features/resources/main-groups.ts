import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync, accessSync, constants } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { after, type Clock } from '../../core/time.ts';
import {
  type Controller,
  controllers,
  gatewayGroup,
  type GroupBase,
  type GroupReader,
  groupBases,
  type BaseOrReason,
} from './groups.ts';
import type { LimitsSpec } from './settings.ts';

/** What is done to control groups. Each may throw, as the kernel says. */
export interface GroupFiles extends GroupReader {
  write(path: string, text: string): void;
  makeFolder(path: string): void;
  removeFolder(path: string): void;
  foldersIn(path: string): readonly string[];
  kill(pid: number): void;
}

/** The groups of one process: one folder, or in version 1 one of each hierarchy. */
export interface ProcessGroup {
  /** Without the same one twice. */
  readonly folders: readonly string[];
  /** The folder that counts memory; null: none does. */
  readonly memory: { readonly folder: string; readonly version: 1 | 2 } | null;
}

interface GroupsParts {
  readonly files: GroupFiles;
  readonly clock: Clock;
  readonly self: { readonly pid: number; readonly isRoot: boolean };
  /** Of this gateway and of the process that comes after it, and of no other: its groups have it in their names. */
  readonly key: string;
}

const prefix = 'candor-';
/** Of programs of one application. */
const applicationPrefix = 'app-';
/** A gateway without a state folder has its number. */
export const keyOfProcess = (pid: number): string => `pid-${pid}`;

/** The kernel takes a moment to empty the group of a process that has ended. The pauses double. */
const removeFirstMs = 20;
const removeTriesMax = 10;

/** Makes the control groups of programs, and removes them. */
export class ProcessGroups {
  readonly #parts: GroupsParts;
  readonly #removing = new Map<ProcessGroup, { tries: number; readonly done: PromiseWithResolvers<void> }>();
  #problem: string | null = null;
  #ioProblem: string | null = null;

  constructor(parts: GroupsParts) {
    this.#parts = parts;
  }

  /** Why a limit could not be set although the machine seemed to allow it; null: none has failed. That of `limits.io` the kernel takes for some disks alone. */
  problemOf(controller: Controller): string | null {
    return controller === 'io' ? (this.#problem ?? this.#ioProblem) : this.#problem;
  }

  /** A group with the limits, for a process that is about to start. `extra`: processes of ours in front of the program. `disk`: that of `limits.io`; null: none can be named. Null: no limit is held by a group. Fails with one clause. */
  make(
    application: string,
    program: string,
    limits: LimitsSpec,
    extra: number,
    disk: string | null = null,
  ): Result<ProcessGroup | null, string> {
    const wanted = settingsOf(limits, extra, disk);
    const made = this.#tryMaking(application, program, wanted);
    // Another process of the gateway may have removed the empty group of the application meanwhile.
    return made.ok ? made : this.#tryMaking(application, program, wanted);
  }

  #tryMaking(
    application: string,
    program: string,
    wanted: readonly ControllerSettings[],
  ): Result<ProcessGroup | null, string> {
    const folders = new Map<string, GroupBase>();
    let memory: ProcessGroup['memory'] = null;
    try {
      for (const name of namesFor(program)) {
        const made = this.#makeNamed(application, name, wanted, folders);
        if (made === 'taken') continue;
        memory = made;
        break;
      }
      this.#problem = null;
    } catch (error) {
      this.#problem = `a control group could not be made (${(error as Error).message})`;
      for (const folder of folders.keys()) this.#tryRemove(folder);
      return failWith(this.#problem);
    }
    return succeed(folders.size === 0 ? null : { folders: [...folders.keys()], memory });
  }

  /** The groups of a program that runs, where they are ours; null: it has none. */
  groupOf(pid: number): ProcessGroup | null {
    const { files } = this.#parts;
    const folders = new Set<string>();
    let memory: ProcessGroup['memory'] = null;
    const bases = this.#bases();
    const lines = files.readText(`/proc/${pid}/cgroup`)?.trim().split('\n') ?? [];
    for (const line of lines) {
      const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      for (const controller of controllers) {
        const base = bases[controller];
        if ('why' in base) continue;
        if (base.version === 2 ? names !== '' : !names.split(',').includes(controller)) continue;
        const at = path.indexOf(`/${prefix}${this.#parts.key}/`);
        if (at < 0) continue;
        const folder = join(base.folder, path.slice(at));
        folders.add(folder);
        if (controller === 'memory') memory = { folder, version: base.version };
      }
    }
    return folders.size === 0 ? null : { folders: [...folders], memory };
  }

  /** Its program has ended: ends what is left in the group, and removes it. */
  remove(group: ProcessGroup): void {
    if (this.#removing.has(group)) return;
    this.#removing.set(group, { tries: 0, done: Promise.withResolvers() });
    this.#removeNow(group);
  }

  /**
   * Removes what a gateway of the same key, or one without a state folder that has ended, has left. Groups with a process stay: the process was
   * taken over, or is being ended.
   */
  sweep(): void {
    const { files, key } = this.#parts;
    const bases = this.#bases();
    const tops = new Set(controllers.flatMap((controller) => folderOf(bases[controller]) ?? []));
    for (const top of tops)
      for (const name of files.foldersIn(top)) {
        const pid = /^candor-pid-(\d+)$/.exec(name)?.[1];
        const isEnded = pid !== undefined && files.readText(`/proc/${pid}/stat`) === null;
        if (name === `${prefix}${key}` || isEnded) this.#sweepFolder(join(top, name));
      }
  }

  /** Resolves when the groups of ended programs are removed, or cannot be soon. What is left is removed by the next process. */
  async close(hasSuccessor: boolean): Promise<void> {
    await Promise.all([...this.#removing.values()].map(({ done }) => done.promise));
    // A successor may have made a group whose program is not in it yet.
    if (!hasSuccessor) this.#sweepOwn();
  }

  #sweepOwn(): void {
    const bases = this.#bases();
    const tops = new Set(controllers.flatMap((controller) => folderOf(bases[controller]) ?? []));
    for (const top of tops) this.#sweepFolder(join(top, `${prefix}${this.#parts.key}`));
  }

  #bases(): ReturnType<typeof groupBases> {
    return groupBases(this.#parts.files, this.#parts.self);
  }

  #makeNamed(
    application: string,
    name: string,
    wanted: readonly ControllerSettings[],
    made: Map<string, GroupBase>,
  ): ProcessGroup['memory'] | 'taken' {
    const { files, key } = this.#parts;
    let memory: ProcessGroup['memory'] = null;
    for (const { controller, settings } of wanted) {
      // Anew for each: where processes move, the group of this process is another one afterwards.
      const base = this.#bases()[controller];
      if ('why' in base) continue;
      const above = [`${prefix}${key}`, `${applicationPrefix}${application}`];
      const folder = join(base.folder, ...above, name);
      if (!made.has(folder)) {
        this.#prepare(base, above);
        if (!this.#makeFolder(folder)) return 'taken';
        made.set(folder, base);
      }
      if (base.version === 2) this.#enable(dirname(folder), controller);
      for (const [file, value] of settings[base.version]) {
        // A kernel without swap accounting has no such file.
        if (file.includes('swap') || file.includes('memsw')) tryTo(() => files.write(join(folder, file), value));
        else if (controller === 'io') this.#limitIo(folder, file, value);
        else files.write(join(folder, file), value);
      }
      if (controller === 'memory') memory = { folder, version: base.version };
    }
    return memory;
  }

  /** The others hold without it. */
  #limitIo(folder: string, file: string, value: string): void {
    // What is written later, out of the page cache, is counted by the memory controller's group.
    tryTo(() => this.#enable(dirname(folder), 'memory'));
    try {
      this.#parts.files.write(join(folder, file), value);
      this.#ioProblem = null;
    } catch (error) {
      this.#ioProblem = `the kernel takes no limit for its disk (${(error as Error).message})`;
    }
  }

  /** The groups above that of the process, with their controllers. */
  #prepare(base: GroupBase, above: readonly string[]): void {
    if (base.moves !== null && base.moves.length > 0) this.#move(base.folder);
    let folder = base.folder;
    for (const name of above) {
      if (base.version === 2) for (const controller of controllers) tryTo(() => this.#enable(folder, controller));
      folder = join(folder, name);
      this.#makeFolder(folder);
    }
  }

  /** Children of a group have a controller that the group hands on. */
  #enable(folder: string, controller: Controller): void {
    const { files } = this.#parts;
    const file = `${folder}/cgroup.subtree_control`;
    if (files.readText(file)?.split(/\s+/).includes(controller) === true) return;
    files.write(file, `+${controller}`);
  }

  /** A group that hands on controllers has no process of its own (version 2): ours go into one beside the applications. */
  #move(folder: string): void {
    const { files } = this.#parts;
    const target = join(folder, gatewayGroup);
    this.#makeFolder(target);
    // What starts while the others move is seen at the next look.
    for (let look = 0; look < 5; look += 1) {
      const pids = files.readText(`${folder}/cgroup.procs`)?.split('\n').filter(Boolean) ?? [];
      if (pids.length === 0) return;
      for (const pid of pids) tryTo(() => files.write(`${target}/cgroup.procs`, pid));
    }
  }

  /** False: it is there already. */
  #makeFolder(folder: string): boolean {
    const { files } = this.#parts;
    if (files.readText(`${folder}/cgroup.procs`) !== null) return false;
    files.makeFolder(folder);
    return true;
  }

  #removeNow(group: ProcessGroup): void {
    const state = this.#removing.get(group);
    if (state === undefined) return;
    for (const folder of group.folders) this.#killIn(folder);
    const left = group.folders.filter((folder) => !this.#tryRemove(folder));
    state.tries += 1;
    if (left.length === 0 || state.tries >= removeTriesMax) {
      this.#removing.delete(group);
      for (const folder of group.folders)
        if (this.#tryRemove(dirname(folder))) this.#tryRemove(dirname(dirname(folder)));
      return state.done.resolve();
    }
    const { clock } = this.#parts;
    const pauseMs = removeFirstMs * 2 ** (state.tries - 1);
    clock.schedule(after(clock.now(), pauseMs), () => this.#removeNow(group), null);
  }

  /** What has left the process group of the program, as daemons do, is still in its control group. */
  #killIn(folder: string): void {
    const { files } = this.#parts;
    const pids = files.readText(`${folder}/cgroup.procs`)?.split('\n').filter(Boolean) ?? [];
    if (pids.length === 0) return;
    if (files.readText(`${folder}/cgroup.kill`) !== null || files.mayWrite(`${folder}/cgroup.kill`))
      tryTo(() => files.write(`${folder}/cgroup.kill`, '1'));
    // 0 stands for a process outside of this name space; as a number to kill it would be our own group.
    else for (const pid of pids) if (pid !== '0') tryTo(() => files.kill(Number(pid)));
  }

  #sweepFolder(folder: string): void {
    for (const name of this.#parts.files.foldersIn(folder)) this.#sweepFolder(join(folder, name));
    this.#tryRemove(folder);
  }

  /** The kernel refuses to remove a group with a process or with groups. */
  #tryRemove(folder: string): boolean {
    const { files } = this.#parts;
    if (!basename(folder).startsWith(prefix) && !folder.includes(`/${prefix}`)) return false;
    return tryTo(() => files.removeFolder(folder)) || files.readText(`${folder}/cgroup.procs`) === null;
  }
}

const folderOf = (base: BaseOrReason): string | null => ('why' in base ? null : base.folder);

/** Of `shop/1`; a group of an earlier run may still be there. */
function* namesFor(program: string): Generator<string> {
  const name = program.replaceAll('/', '-');
  yield name;
  for (let n = 2; n < 1000; n += 1) yield `${name}.${n}`;
}

type FileSettings = readonly (readonly [file: string, value: string])[];

interface ControllerSettings {
  readonly controller: Controller;
  readonly settings: { readonly 1: FileSettings; readonly 2: FileSettings };
}

/** The kernel shares CPU time out in such periods. */
const cpuPeriodUs = 100_000;

function settingsOf(
  { memoryBytes, cpus, processes, ioBytesPerS }: LimitsSpec,
  extra: number,
  disk: string | null,
): readonly ControllerSettings[] {
  const found: ControllerSettings[] = [];
  if (memoryBytes !== undefined) {
    const bytes = String(memoryBytes);
    found.push({
      controller: 'memory',
      settings: {
        1: [
          ['memory.limit_in_bytes', bytes],
          ['memory.memsw.limit_in_bytes', bytes],
        ],
        2: [
          ['memory.max', bytes],
          ['memory.swap.max', '0'],
        ],
      },
    });
  }
  if (cpus !== undefined) {
    const quota = String(Math.round(cpus * cpuPeriodUs));
    found.push({
      controller: 'cpu',
      settings: {
        1: [
          ['cpu.cfs_period_us', String(cpuPeriodUs)],
          ['cpu.cfs_quota_us', quota],
        ],
        2: [['cpu.max', `${quota} ${cpuPeriodUs}`]],
      },
    });
  }
  if (processes !== undefined) {
    const max: FileSettings = [['pids.max', String(processes + extra)]];
    found.push({ controller: 'pids', settings: { 1: max, 2: max } });
  }
  if (ioBytesPerS !== undefined && disk !== null) {
    const max: FileSettings = [['io.max', `${disk} rbps=${ioBytesPerS} wbps=${ioBytesPerS}`]];
    // Groups of version 1 are not made for it.
    found.push({ controller: 'io', settings: { 1: [], 2: max } });
  }
  return found;
}

function tryTo(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false; // the caller does without it, or looks what is there
  }
}

export const systemGroupFiles: GroupFiles = {
  readText(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  },
  mayWrite(path) {
    try {
      accessSync(path, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  // No file is made: in a file system of control groups all of them are there.
  write: (path, text) => writeFileSync(path, text, { flag: 'r+' }),
  makeFolder: (path) => mkdirSync(path, { mode: 0o755 }),
  removeFolder: (path) => rmdirSync(path),
  foldersIn(path) {
    try {
      return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
    } catch {
      return [];
    }
  },
  kill: (pid) => process.kill(pid, 'SIGKILL'),
};
