import { readdirSync, readFileSync } from 'node:fs';

/** What Linux says of a process (proc_pid_stat(5)). */
export interface ProcessFacts {
  /** One letter; 'Z' is a process that has ended and that its parent has not yet asked about. */
  readonly state: string;
  readonly group: number;
  /** When it started, in ticks since boot. With the pid it names a process for good; a pid alone is used again. */
  readonly startTicks: string;
}

/** Null where there is no such process, or no /proc. */
export function readProcess(pid: number): ProcessFacts | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
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
