import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ReadsText } from './process-usage.ts';

/** What the kernel has counted of one process. */
export interface ProcessTimes {
  /** With the number it names the process for good: in ticks since boot. */
  readonly startTicks: string;
  /** The number of its parent. */
  readonly parent: number;
  /** User and system time of the process itself. */
  readonly ownMs: number;
  /** That of children which have ended and for which it has waited, with theirs. */
  readonly waitedMs: number;
  /** 0 of one that has ended and for which nobody has waited yet. */
  readonly residentBytes: number;
}

/** A program: a process, and those that it has started. */
export interface ProgramTimes {
  readonly processes: ReadonlyMap<number, ProcessTimes>;
  /** Of its control group, where that is not the gateway's; null: it has none, or it cannot be read. */
  readonly group: GroupTimes | null;
}

interface GroupTimes {
  readonly path: string;
  readonly cpuMs: number;
}

interface ReadsProcessTimes {
  readonly readText: ReadsText;
  readonly listFolder: (path: string) => readonly string[];
}

/** More are not looked at: a sample of one takes some 50 µs. */
const processesMax = 256;

/** Threads that may have started a child; of a process with more the first one alone is asked. */
const threadsMax = 64;

/** USER_HZ, which Linux shows to programs on every machine that Node runs on. */
const msPerTick = 10;

/** `known`: processes that were its before, by number, with their start: one that has left its parent is still its. Null: it has ended. */
export function programTimes(
  pid: number,
  known: ReadonlyMap<number, { readonly startTicks: string }> = new Map(),
  reads: ReadsProcessTimes = system,
): ProgramTimes | null {
  const own = readTimes(pid, reads.readText);
  if (own === null) return null;
  const processes = new Map([[pid, own]]);
  const add = (child: number, startTicks?: string): void => {
    if (processes.size >= processesMax || processes.has(child)) return;
    const found = readTimes(child, reads.readText);
    if (found !== null && (startTicks === undefined || found.startTicks === startTicks)) processes.set(child, found);
  };
  // A map that grows is gone through to its new end.
  for (const [parent] of processes) for (const child of childrenOf(parent, reads)) add(child);
  for (const [left, { startTicks }] of known) {
    if (processes.has(left)) continue;
    add(left, startTicks);
    if (processes.has(left)) for (const child of childrenOf(left, reads)) add(child);
  }
  return { processes, group: groupTimes(pid, reads.readText) };
}

/** CPU time of children that this process has waited for, as the kernel counts it when they end. Null: there is no /proc. */
export function waitedChildrenMs(readText: ReadsText = system.readText): number | null {
  return readTimes('self', readText)?.waitedMs ?? null;
}

/** Whether a process has the number, also one that has ended and for which nobody has waited yet. */
export function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

function readTimes(pid: number | 'self', readText: ReadsText): ProcessTimes | null {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[19];
  if (startTicks === undefined) return null;
  const hasEnded = fields[0] === 'Z' || fields[0] === 'X';
  const resident = hasEnded ? null : /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? '');
  const ticks = (first: number, second: number): number => (Number(fields[first]) + Number(fields[second])) * msPerTick;
  return {
    startTicks,
    parent: Number(fields[1]),
    ownMs: ticks(11, 12),
    waitedMs: ticks(13, 14),
    residentBytes: Number(resident?.[1] ?? 0) * 1024,
  };
}

/** Each thread has those that it has started itself (proc_pid_task(5)). */
function childrenOf(pid: number, { readText, listFolder }: ReadsProcessTimes): readonly number[] {
  const threads = listFolder(`/proc/${pid}/task`);
  const asked = threads.length === 0 || threads.length > threadsMax ? [String(pid)] : threads;
  return asked.flatMap((thread) => (readText(`/proc/${pid}/task/${thread}/children`)?.match(/\d+/g) ?? []).map(Number));
}

/** A program in the gateway's own group has none by itself. */
function groupTimes(pid: number, readText: ReadsText): GroupTimes | null {
  const own = new Set(readText('/proc/self/cgroup')?.trim().split('\n') ?? []);
  for (const line of readText(`/proc/${pid}/cgroup`)?.trim().split('\n') ?? []) {
    if (own.has(line)) continue;
    const cpuMs = groupCpuMs(line, readText);
    if (cpuMs !== null) return { path: line, cpuMs };
  }
  return null;
}

/** `line`: of /proc/PID/cgroup. Null: the root of all groups, or it cannot be read. */
export function groupCpuMs(line: string, readText: ReadsText = system.readText): number | null {
  const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  if (controllers === undefined || path === undefined || path === '/') return null;
  return controllers === '' ? secondVersion(path, readText) : firstVersion(controllers, path, readText);
}

function secondVersion(path: string, readText: ReadsText): number | null {
  for (const mount of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    const used = /^usage_usec (\d+)$/m.exec(readText(`${mount}${path}/cpu.stat`) ?? '')?.[1];
    if (used !== undefined) return Number(used) / 1000;
  }
  return null;
}

function firstVersion(controllers: string, path: string, readText: ReadsText): number | null {
  if (!controllers.split(',').includes('cpuacct')) return null;
  for (const mount of [`/sys/fs/cgroup/${controllers}`, '/sys/fs/cgroup/cpuacct']) {
    const used = readText(`${mount}${path}/cpuacct.usage`)?.trim();
    if (used !== undefined && /^\d+$/.test(used)) return Number(used) / 1e6;
  }
  return null;
}

const system: ReadsProcessTimes = {
  readText: (path) => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return null; // it has ended, is another user's, or this is not Linux
    }
  },
  listFolder: (path) => {
    try {
      return readdirSync(path);
    } catch {
      return []; // the same
    }
  },
};
