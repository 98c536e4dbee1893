import { readFileSync, readdirSync } from 'node:fs';

/**
 * Which process it is, for good: its number is given away again, but not with the same start time in the same boot.
 * Where there is no /proc only the number is known.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** In ticks since boot (proc_pid_stat(5)). */
  readonly startTicks: string | null;
  readonly bootId: string | null;
}

/** Null where there is no such process, and for a zombie. */
export function identityOf(pid: number): ProcessIdentity | null {
  const bootId = readBootId();
  if (bootId === null) return answersSignals(pid) ? { pid, startTicks: null, bootId } : null;
  const facts = readProcess(pid);
  return facts === null || hasEnded(facts.state) ? null : { pid, startTicks: facts.startTicks, bootId };
}

/** Whether that very process still runs. */
export function isRunning({ pid, startTicks, bootId }: ProcessIdentity): boolean {
  const now = identityOf(pid);
  return now !== null && now.startTicks === startTicks && now.bootId === bootId;
}

export function isSame(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.pid === other.pid && one.startTicks === other.startTicks && one.bootId === other.bootId;
}

/** Another one after each start of the machine (random(4)); null where there is no /proc. */
export function readBootId(): string | null {
  return readText('/proc/sys/kernel/random/boot_id');
}

/**
 * Milliseconds since the machine has started, sleep included (proc_uptime(5)): the same for all its processes, and no
 * correction of the time of day moves it. Null where there is no /proc.
 */
export function readUptimeMs(): number | null {
  const text = readText('/proc/uptime');
  return text === null ? null : Math.round(Number.parseFloat(text) * 1000);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return null; // not Linux: then nothing is known
  }
}

export function hasEnded(state: string): boolean {
  return state === 'Z' || state === 'X';
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What Linux says of a process (proc_pid_stat(5)). */
interface ProcessFacts {
  /** One letter; 'Z' is a process that has ended and that its parent has not yet asked about. */
  readonly state: string;
  readonly group: number;
  /** When it started, in ticks since boot. With the pid it names a process for good; a pid alone is used again. */
  readonly startTicks: string;
}

/** Null where there is no such process, or no /proc. */
export function readProcess(pid: number, proc = '/proc'): ProcessFacts | null {
  let text: string;
  try {
    text = readFileSync(`${proc}/${pid}/stat`, 'latin1');
  } catch {
    return null; // it has ended, or this is not Linux: either way nothing is known
  }
  // The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, , group] = fields;
  const startTicks = fields[19];
  return state === undefined || startTicks === undefined ? null : { state, group: Number(group), startTicks };
}

/** Processes of a group that have not ended; null where there is no /proc. */
export function membersOf(group: number): readonly number[] | null {
  let names: readonly string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return null; // not Linux
  }
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => {
    const facts = readProcess(pid);
    return facts !== null && facts.group === group && facts.state !== 'Z' && facts.state !== 'X';
  });
}

/** Whether a process of the group is left. A zombie does not count: it holds no port and runs no code. */
export function groupIsAlive(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  const members = membersOf(group);
  return members === null || members.length > 0;
}

/** Returns false if the group does not exist. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    // EPERM: it exists, but every process of it has taken another user's identity.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
