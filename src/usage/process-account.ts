import type { ProcessTimes, ProgramTimes } from '../system/process-times.ts';

/** From which figures of the kernel the CPU time of a program comes. */
export type CpuSource = 'group' | 'times' | 'waited' | 'sampled';

/** Up to where a program is counted. */
export interface CountedTime {
  /** CPU time of its processes that run, with that of children that they have waited for. */
  readonly timesMs: number;
  /** Of its control group; null: it has none of its own. */
  readonly groupMs: number | null;
}

/** Ticks of 10 ms are cut off, each time by less than one. */
const tickMs = 10;

/**
 * The CPU time of one program from its start to its end, from readings at any distance: that of processes which have ended in between is
 * counted once, and never lost where their parents have waited for them.
 */
export class ProcessAccount {
  #processes: ReadonlyMap<number, ProcessTimes> = new Map();
  readonly #pid: number;
  /** Null: nothing is known, and counting begins with the first reading. */
  #timesMs: number | null;
  #groupMs: number | null;
  #groupPath: string | null = null;
  source: CpuSource = 'times';

  /** `counted`: what an earlier gateway has counted of the program; null: nothing is known of it, and counting begins with the first reading. */
  constructor(pid: number, counted: CountedTime | null = { timesMs: 0, groupMs: null }) {
    this.#pid = pid;
    this.#timesMs = counted?.timesMs ?? null;
    this.#groupMs = counted?.groupMs ?? null;
  }

  get processes(): ReadonlyMap<number, ProcessTimes> {
    return this.#processes;
  }

  get startTicks(): string | null {
    return this.#processes.get(this.#pid)?.startTicks ?? null;
  }

  /** Null: nothing has been read yet. */
  get counted(): CountedTime | null {
    return this.#timesMs === null ? null : { timesMs: this.#timesMs, groupMs: this.#groupMs };
  }

  /** The line of /proc that names its control group; null: it has none of its own. */
  get groupPath(): string | null {
    return this.#groupPath;
  }

  /** Returns what was used since the last reading. `sharesGroup`: other programs run in its control group. */
  read({ processes, group }: ProgramTimes, sharesGroup = false): number {
    const used = this.#usedTimes(processes);
    if (sharesGroup || group === null) {
      this.source = 'times';
      this.#groupMs = null;
      this.#groupPath = null;
      return used;
    }
    const isSame = this.#groupPath === null || this.#groupPath === group.path;
    const before = isSame ? this.#groupMs : null;
    this.source = 'group';
    this.#groupMs = group.cpuMs;
    this.#groupPath = group.path;
    // What it used before it came into the group is in none of the group's figures.
    return before === null ? used : Math.max(0, group.cpuMs - before);
  }

  /** The program has ended, and its control group is still there. Returns what was used since the last reading. */
  endedInGroup(cpuMs: number): number {
    return this.#groupMs === null ? 0 : Math.max(0, cpuMs - this.#groupMs);
  }

  /**
   * The program has ended. Returns what was used since the last reading, from what the kernel has added to the waited-for time of its
   * parent, the gateway; null: the gateway is not its parent.
   */
  ended(waitedMs: number | null): number {
    if (waitedMs === null) {
      this.source = 'sampled';
      return 0;
    }
    this.source = 'waited';
    const own = this.#processes.get(this.#pid);
    if (own === undefined) return Math.max(0, waitedMs - (this.#timesMs ?? 0));
    const grown = Math.max(0, waitedMs - own.ownMs - own.waitedMs);
    const others = totalOf([...this.#processes].flatMap(([pid, one]) => (pid === this.#pid ? [] : one)));
    // It has waited for those that were its children at the last reading, or was ended with them.
    return grown >= others ? grown - others : grown;
  }

  #usedTimes(processes: ReadonlyMap<number, ProcessTimes>): number {
    const unwaited = unwaitedMs(this.#processes, processes);
    const [before, now] = [this.#timesMs, totalOf([...processes.values()])];
    this.#processes = processes;
    this.#timesMs = now;
    return before === null ? 0 : Math.max(0, now - before + unwaited);
  }
}

/** Of processes that have ended since, as far as the waited-for time of the nearest process above them has not grown by it. */
function unwaitedMs(before: ReadonlyMap<number, ProcessTimes>, now: ReadonlyMap<number, ProcessTimes>): number {
  const runs = (pid: number, { startTicks }: ProcessTimes): boolean => now.get(pid)?.startTicks === startTicks;
  const ended = new Map<number | null, { ms: number; count: number }>();
  for (const [pid, one] of before) {
    if (runs(pid, one)) continue;
    let above: number | null = one.parent;
    for (let steps = 0; steps < before.size; steps++) {
      const parent: ProcessTimes | undefined = above === null ? undefined : before.get(above);
      if (parent === undefined) above = null;
      else if (!runs(above as number, parent)) above = parent.parent;
      else break;
    }
    const known = ended.get(above) ?? { ms: 0, count: 0 };
    ended.set(above, { ms: known.ms + one.ownMs + one.waitedMs, count: known.count + 1 });
  }
  let unwaited = 0;
  for (const [above, { ms, count }] of ended) {
    const grown = above === null ? 0 : (now.get(above)?.waitedMs ?? 0) - (before.get(above)?.waitedMs ?? 0);
    const missing = ms - grown;
    if (missing > (above === null ? 0 : count * tickMs)) unwaited += missing;
  }
  return unwaited;
}

function totalOf(processes: readonly ProcessTimes[]): number {
  return processes.reduce((all, { ownMs, waitedMs }) => all + ownMs + waitedMs, 0);
}
