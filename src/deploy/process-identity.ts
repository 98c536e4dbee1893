import { readFileSync } from 'node:fs';
import { readProcess } from './process-group.ts';

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

function hasEnded(state: string): boolean {
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
