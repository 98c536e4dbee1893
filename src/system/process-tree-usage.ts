import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type ControlGroupUsage, controlGroupOf, type ReadsText } from './process-usage.ts';

/** What a process and those that it has started use together, as Linux shows it. Null: not readable here. */
export interface ProcessTreeUsage {
  /** When the process started, in ticks since boot: with its number it names the process for good. */
  readonly startTicks: string;
  readonly ageMs: number | null;
  /** The process and its descendants, at most `processesMax`. */
  readonly processes: number;
  /** Of all of them together; memory that they share counts for each. */
  readonly residentBytes: number | null;
  readonly threads: number;
  /** Of the process that is nearest to its limit. */
  readonly openFiles: number | null;
  readonly openFilesMax: number | null;
  /** CPU time that each process has used since its start, by process id. */
  readonly cpuMs: ReadonlyMap<number, number>;
  /** One of them that a signal has stopped (state T): it runs no instruction until SIGCONT. Null: none. */
  readonly stoppedPid: number | null;
  /** All of them, where none is left that could answer requests; empty: some may. */
  readonly stoppedPids: readonly number[];
  readonly controlGroup: ControlGroupUsage | null;
}

interface ReadsProcesses {
  readonly readText: ReadsText;
  readonly countFiles: (path: string) => number | null;
}

/** A shell in front of the program, its workers: more are not looked at. */
const processesMax = 32;

/** USER_HZ, which Linux shows to programs on every machine that Node runs on. */
const msPerTick = 10;

/** Null where there is no such process, it has ended, or there is no /proc. It reads about four small files of each process. */
export function processTreeUsage(pid: number, reads: ReadsProcesses = system): ProcessTreeUsage | null {
  const own = readOne(pid, reads);
  if (own === null) return null;
  const all = new Map([[pid, own]]);
  for (const [parent] of all) {
    for (const child of childrenOf(parent, reads)) {
      const found = all.size < processesMax && !all.has(child) ? readOne(child, reads) : null;
      if (found !== null) all.set(child, found);
      if (found !== null) all.get(parent)?.children.push(child);
    }
  }
  const used = [...all.values()];
  const nearest = used.toSorted((one, other) => shareOf(other) - shareOf(one))[0] ?? own;
  const residents = used.flatMap(({ residentBytes }) => residentBytes ?? []);
  return {
    startTicks: own.startTicks,
    ageMs: ageOf(own, reads),
    processes: used.length,
    residentBytes: residents.length === 0 ? null : sum(residents),
    threads: sum(used.map(({ threads }) => threads)),
    openFiles: nearest.openFiles,
    openFilesMax: nearest.openFilesMax,
    cpuMs: new Map([...all].map(([id, { cpuMs }]) => [id, cpuMs])),
    ...stoppedAmong(all, pid),
    controlGroup: controlGroupOf(pid, reads.readText),
  };
}

interface OneProcess {
  /** Of the program; Linux cuts it after 15 characters. */
  readonly name: string;
  readonly isStopped: boolean;
  /** Those that are looked at. */
  readonly children: number[];
  readonly startTicks: string;
  readonly residentBytes: number | null;
  readonly threads: number;
  readonly openFiles: number | null;
  readonly openFilesMax: number | null;
  readonly cpuMs: number;
}

/** Null also for a zombie: it holds nothing any more. */
function readOne(pid: number, { readText, countFiles }: ReadsProcesses): OneProcess | null {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTicks = fields[19];
  if (startTicks === undefined || state === 'Z' || state === 'X') return null;
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? '')?.[1];
  const filesMax = /^Max open files\s+(\d+)/m.exec(readText(`/proc/${pid}/limits`) ?? '')?.[1];
  return {
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    isStopped: state === 'T',
    children: [],
    startTicks,
    residentBytes: resident === undefined ? null : Number(resident) * 1024,
    threads: Number(fields[17]),
    openFiles: countFiles(`/proc/${pid}/fd`),
    openFilesMax: filesMax === undefined ? null : Number(filesMax),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * msPerTick,
  };
}

type Stopped = Pick<ProcessTreeUsage, 'stoppedPid' | 'stoppedPids'>;

/** A server goes on without a helper that is stopped, and without one of its workers. */
function stoppedAmong(all: ReadonlyMap<number, OneProcess>, pid: number): Stopped {
  const isStopped = (id: number): boolean => all.get(id)?.isStopped === true;
  const stoppedPids = [...all.keys()].filter(isStopped);
  const workers = [...all].flatMap(([id, { children }]) => (children.length === 0 ? id : []));
  // A process without children may be a helper; several that are all stopped are workers. Of a tree that is cut not all are known.
  const areWorkersStopped = all.size < processesMax && workers.length > 1 && workers.every(isStopped);
  const isWhole = areWorkersStopped || programsOf(all, pid).every(isStopped);
  return { stoppedPid: stoppedPids[0] ?? null, stoppedPids: isWhole ? stoppedPids : [] };
}

/** What starts a program and waits until it ends. */
const starters: ReadonlySet<string> = new Set([
  ...['sh', 'ash', 'bash', 'busybox', 'dash', 'fish', 'ksh', 'zsh'],
  ...['npm', 'pnpm', 'yarn', 'bwrap', 'dumb-init', 'runuser', 'su', 'sudo', 'timeout', 'tini'],
]);

/** The process, or the programs that it has started where it is no more than a shell in front of them. */
function programsOf(all: ReadonlyMap<number, OneProcess>, pid: number): readonly number[] {
  const { name = '', children = [] } = all.get(pid) ?? {};
  // npm calls itself 'npm run start'.
  const isStarter = name.endsWith('.sh') || starters.has(name.split(' ')[0] ?? '');
  return isStarter && children.length > 0 ? children.flatMap((child) => programsOf(all, child)) : [pid];
}

/** Those that its first thread has started (proc_pid_task(5)): what programs do that are no servers of processes. */
function childrenOf(pid: number, { readText }: ReadsProcesses): readonly number[] {
  const text = readText(`/proc/${pid}/task/${pid}/children`);
  return (text?.match(/\d+/g) ?? []).map(Number);
}

function ageOf({ startTicks }: OneProcess, { readText }: ReadsProcesses): number | null {
  const uptime = Number.parseFloat(readText('/proc/uptime') ?? '');
  return Number.isNaN(uptime) ? null : Math.max(0, Math.round(uptime * 1000 - Number(startTicks) * msPerTick));
}

function shareOf({ openFiles, openFilesMax }: OneProcess): number {
  return openFiles === null || openFilesMax === null ? 0 : openFiles / openFilesMax;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

const system: ReadsProcesses = {
  readText: (path) => {
    try {
      return readFileSync(path, 'latin1');
    } catch {
      return null; // it has ended, is another user's, or this is not Linux
    }
  },
  countFiles: (path) => {
    try {
      // From Linux 6.2 on the size of the folder is the number of open files, which costs nothing where they are many.
      return statSync(path).size || readdirSync(path).length;
    } catch {
      return null;
    }
  },
};
