import type { GroupTimes, ProcessTimes, ProgramTimes } from '../system/process-times.ts';

/** From which figures of the kernel the CPU time of a program comes. */
export type CpuSource = 'group' | 'times' | 'waited' | 'sampled';

/** How much of a program is counted. */
export interface CountedTime {
  readonly countedMs: number;
  /** What its control group had used when its own count began; null: it has none. */
  readonly groupStartMs: number | null;
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
  /** Of processes for which no parent has waited, as they were last seen. */
  #lostMs = 0;
  #countedMs: number | null;
  #group: GroupTimes | null = null;
  source: CpuSource = 'times';

  /** What its control group had used when the program's own count began. */
  #groupStartMs: number | null;

  /** `counted`: what an earlier gateway has counted of the program; null: nothing is known of it, and counting begins with the first reading. */
  constructor(pid: number, counted: CountedTime | null = { countedMs: 0, groupStartMs: null }) {
    this.#pid = pid;
    this.#countedMs = counted?.countedMs ?? null;
    this.#groupStartMs = counted?.groupStartMs ?? null;
  }

  get processes(): ReadonlyMap<number, ProcessTimes> {
    return this.#processes;
  }

  get startTicks(): string | null {
    return this.#processes.get(this.#pid)?.startTicks ?? null;
  }

  /** What is counted since the start of the program; null: nothing has been read yet. */
  get counted(): CountedTime | null {
    return this.#countedMs === null ? null : { countedMs: this.#countedMs, groupStartMs: this.#groupStartMs };
  }

  /** The line of /proc that names its control group; null: it has none of its own. */
  get groupPath(): string | null {
    return this.#group?.path ?? null;
  }

  /** Returns what was used since the last reading. `sharesGroup`: other programs run in its control group. */
  read({ processes, group }: ProgramTimes, sharesGroup = false): number {
    this.#lostMs += unwaitedMs(this.#processes, processes);
    this.#processes = processes;
    const times = sum([...processes.values()].map(({ ownMs, waitedMs }) => ownMs + waitedMs)) + this.#lostMs;
    if (sharesGroup || group === null) {
      this.#group = null;
      this.#groupStartMs = null;
      return this.#count(times, 'times');
    }
    const isOther = this.#group !== null && this.#group.path !== group.path;
    this.#group = group;
    if (this.#groupStartMs !== null && !isOther) return this.#count(group.cpuMs - this.#groupStartMs, 'group');
    // What it used before it came into the group is in none of the group's figures.
    const used = this.#count(times, 'group');
    this.#groupStartMs = group.cpuMs - (this.#countedMs ?? 0);
    return used;
  }

  /** The program has ended, and its control group is still there. Returns what was used since the last reading. */
  endedInGroup(cpuMs: number): number {
    return this.#groupStartMs === null ? 0 : this.#count(cpuMs - this.#groupStartMs, 'group');
  }

  /**
   * The program has ended. Returns what was used since the last reading, from what the kernel has added to the waited-for time of its
   * parent, the gateway; null: the gateway is not its parent.
   */
  ended(waitedMs: number | null): number {
    const own = this.#processes.get(this.#pid);
    if (waitedMs === null) {
      this.source = 'sampled';
      return 0;
    }
    this.source = 'waited';
    if (own === undefined) return this.#add(waitedMs - (this.#countedMs ?? 0));
    const grown = waitedMs - own.ownMs - own.waitedMs;
    const others = sum(
      [...this.#processes].flatMap(([pid, one]) => (pid === this.#pid ? [] : one.ownMs + one.waitedMs)),
    );
    // It has waited for those that were its children at the last reading, or was ended with them.
    return this.#add(grown >= others ? grown - others : grown);
  }

  #count(totalMs: number, source: CpuSource): number {
    this.source = source;
    if (this.#countedMs === null) {
      this.#countedMs = totalMs;
      return 0;
    }
    return this.#add(totalMs - this.#countedMs);
  }

  #add(ms: number): number {
    const used = Math.max(0, ms);
    this.#countedMs = (this.#countedMs ?? 0) + used;
    return used;
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
