import { readdirSync, readFileSync } from 'node:fs';
import { isAlive } from '../upgrade/gateway-program.ts';

/** The variable by which all processes of a gateway under test are found: its programs inherit it, whatever they were started by. */
export const markVariable = 'CANDOR_DISTURBED';

export interface MarkedProcess {
  readonly pid: number;
  readonly words: readonly string[];
  /** Its time of start, in ticks. */
  readonly startedAt: number;
}

/** The first line of the shell script of the orphan watchdog, which has no environment of its own. */
const watchdogTitle = /^# Candor's orphan watchdog/;

export const isWatchdog = ({ words }: MarkedProcess): boolean => watchdogTitle.test(words[2] ?? '');

/** Finds the processes of one gateway under test. */
export class MarkedProcesses {
  readonly #mark: string;
  /** Watchdogs that a marked process has started: they outlive it. */
  readonly #watchdogs = new Set<string>();

  constructor(mark: string) {
    this.#mark = `${markVariable}=${mark}`;
  }

  /** Living ones, the newest last. */
  all(): readonly MarkedProcess[] {
    const found = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => lookAt(Number(name)));
    const marked = new Set(found.filter(({ variables }) => variables.includes(this.#mark)));
    const pids = new Set([...marked].map(({ pid }) => pid));
    for (const one of found) {
      const id = `${one.pid} ${one.startedAt}`;
      if (isWatchdog(one) && pids.has(one.parent)) this.#watchdogs.add(id);
      if (this.#watchdogs.has(id)) marked.add(one);
    }
    return [...marked].toSorted((one, other) => one.startedAt - other.startedAt || one.pid - other.pid);
  }
}

function lookAt(
  pid: number,
): readonly (MarkedProcess & { readonly parent: number; readonly variables: readonly string[] })[] {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return isAlive(pid) ? [{ pid, words, variables, parent: Number(fields[1]), startedAt: Number(fields[19]) }] : [];
  } catch {
    return []; // it has ended
  }
}
