import { readdirSync, readFileSync } from 'node:fs';
import { commandOf } from './port-holder.ts';
import { hasEnded, readProcess } from './process-identity.ts';
import { startMarkVariable } from './watchdog-script.ts';

/** A process that runs on after the program that started it has ended. */
export interface LeftProcess {
  readonly pid: number;
  /** Without arguments that may be secret. */
  readonly command: string;
  /** In a process group of its own, as a daemon is: what ends the rest of the program does not end it. */
  readonly hasOwnGroup: boolean;
}

/**
 * What a program has left behind: a process of its group, else one that has its mark in the environment (`OrphanWatchdog.announceStart`). Null:
 * nothing, or this is not Linux. Reads a file or two of every process of the machine.
 */
export function leftBehind(group: number, mark: string | null, proc = '/proc'): LeftProcess | null {
  const processes = pidsOf(proc).flatMap((pid) => {
    const facts = readProcess(pid, proc);
    return facts === null || hasEnded(facts.state) ? [] : [{ pid, hasOwnGroup: facts.group !== group }];
  });
  const left =
    processes.find(({ hasOwnGroup }) => !hasOwnGroup) ??
    (mark === null ? undefined : processes.find(({ pid }) => hasMark(`${proc}/${pid}`, mark)));
  return left === undefined ? null : { ...left, command: commandOf(`${proc}/${left.pid}`) };
}

function pidsOf(proc: string): readonly number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return []; // not Linux
  }
}

function hasMark(folder: string, mark: string): boolean {
  try {
    return `\0${readFileSync(`${folder}/environ`, 'latin1')}`.includes(`\0${startMarkVariable}=${mark}\0`);
  } catch {
    return false; // it has ended, or is another user's
  }
}
