import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { groupCpuMs, isThere, programTimes, waitedChildrenMs } from '../system/process-times.ts';
import type { Amounts, UsageOwner } from './amounts.ts';
import { type CountedTime, type CpuSource, ProcessAccount } from './process-account.ts';

/** A program that runs: an instance, or what a worker or a job has started. */
interface MeteredProgram {
  /** The instance, such as 'shop/1' or 'shop.mail/1': the same after a restart. */
  readonly id: string;
  readonly pid: number;
  readonly owner: UsageOwner;
}

/** What a program has used of the CPU, for a gateway that goes on with it. */
export interface CountedProgram extends CountedTime {
  readonly pid: number;
  readonly startTicks: string;
}

/** What it uses now. */
export interface ProgramNow {
  readonly id: string;
  readonly pid: number;
  readonly owner: UsageOwner;
  /** CPU seconds per second, between the last two samples; null: there was one. */
  readonly cores: number | null;
  readonly residentBytes: number;
  readonly processes: number;
  readonly source: CpuSource;
}

interface ProcessMeterParts {
  readonly clock: Clock;
  readonly add: (owner: UsageOwner, amounts: Partial<Amounts>) => void;
  /** What an earlier gateway has counted of a program. */
  readonly countedOf: (pid: number, startTicks: string) => CountedTime | null;
  readonly system?: {
    readonly programTimes: typeof programTimes;
    readonly waitedChildrenMs: () => number | null;
    readonly groupCpuMs: (line: string) => number | null;
    readonly isThere: (pid: number) => boolean;
    readonly ownPid: number;
  };
}

/** Between two samples of a program. One that has begun to run takes memory, and may end soon. */
const sampleMs = 5000;
const sooner = [
  { untilMs: 1000, sampleMs: 250 },
  { untilMs: 10_000, sampleMs: 1000 },
] as const;

/** A sample of a program of one process takes some 0.1 ms. With hundreds of programs each has its turn more seldom. */
const samplesPerSecondMax = 40;

/** Programs that are metered at a time. */
const programsMax = 2000;

/** Ids of which it is known that they ran before. */
const idsMax = 4096;

class Metered {
  readonly program: MeteredProgram;
  readonly startedAt: Instant;
  account: ProcessAccount | null = null;
  /** Another gateway has started it: this one is not told what it has used at its end. */
  isAdopted = false;
  sampledAt: Instant;
  dueAt: Instant;
  residentBytes = 0;
  cores: number | null = null;

  constructor(program: MeteredProgram, now: Instant) {
    this.program = program;
    this.startedAt = now;
    this.sampledAt = now;
    this.dueAt = now;
  }
}

/** Samples what the programs of applications use: CPU time, which is counted to the end, and memory, which is held from one sample to the next. */
export class ProcessMeter {
  readonly #parts: Required<ProcessMeterParts>;
  /** By the number of the first process. */
  readonly #programs = new Map<number, Metered>();
  readonly #knownIds = new Set<string>();
  /** Of the gateway's waited-for children, as it was last looked at. */
  #waitedMs: number | null;
  #ended: Metered[] = [];
  #timer: Timer | null = null;
  #endedTimer: Timer | null = null;
  #isHandedOff = false;
  #closed = false;

  constructor(parts: ProcessMeterParts) {
    this.#parts = { system: { programTimes, waitedChildrenMs, groupCpuMs, isThere, ownPid: process.pid }, ...parts };
    this.#waitedMs = this.#parts.system.waitedChildrenMs();
  }

  /** A program runs: it was just started, or is taken over. */
  start(program: MeteredProgram): void {
    if (this.#closed || this.#programs.size >= programsMax) return;
    // After a handoff that was rolled back.
    this.#isHandedOff = false;
    const metered = new Metered(program, this.#parts.clock.now());
    this.#programs.set(program.pid, metered);
    this.#sample(metered);
    this.#schedule();
    // One that an earlier gateway has started was counted there.
    if (metered.isAdopted) return void this.#isRestart(program);
    if (isCheck(program)) return;
    this.#parts.add(program.owner, { starts: 1, restarts: this.#isRestart(program) ? 1 : 0 });
  }

  /** No process of it is left. */
  end(pid: number): void {
    const metered = this.#programs.get(pid);
    if (metered !== undefined) this.#end(metered);
  }

  get now(): readonly ProgramNow[] {
    return [...this.#programs.values()].map(({ program, cores, residentBytes, account }) => ({
      ...program,
      ...{ cores, residentBytes, processes: account?.processes.size ?? 0, source: account?.source ?? 'times' },
    }));
  }

  /** What is counted of the programs that run. */
  get counted(): readonly CountedProgram[] {
    return [...this.#programs.values()].flatMap(({ program: { pid }, account }) => {
      const counted = account?.counted ?? null;
      const startTicks = account?.startTicks ?? null;
      return counted === null || startTicks === null ? [] : [{ pid, startTicks, ...counted }];
    });
  }

  /** Looks at all of them for the last time: another gateway goes on with them from what is returned. */
  handOff(): readonly CountedProgram[] {
    this.#sampleAll();
    const { counted } = this;
    this.#isHandedOff = true;
    this.#programs.clear();
    this.#schedule();
    return counted;
  }

  close(): void {
    if (!this.#isHandedOff) this.#sampleAll();
    this.#closed = true;
    this.#timer?.cancel();
    this.#endedTimer?.cancel();
  }

  #sampleAll(): void {
    this.#settleEnded();
    for (const metered of this.#programs.values()) this.#sample(metered);
  }

  /** Whether the same instance ran before. Notes that it did. */
  #isRestart({ id, owner }: MeteredProgram): boolean {
    const isKnown = this.#knownIds.has(id);
    if (this.#knownIds.size >= idsMax) this.#knownIds.clear();
    this.#knownIds.add(id);
    return isKnown && (owner.kind === 'instances' || owner.kind === 'worker');
  }

  /** The event loop is told of several ends in one turn, after the kernel has added up all of them: they are looked at together. */
  #end(metered: Metered): void {
    this.#programs.delete(metered.program.pid);
    this.#ended.push(metered);
    const { clock } = this.#parts;
    this.#endedTimer ??= clock.schedule(
      clock.now(),
      (meter: ProcessMeter) => meter.#settleEnded(),
      this as ProcessMeter,
    );
  }

  #settleEnded(): void {
    this.#endedTimer?.cancel();
    this.#endedTimer = null;
    if (this.#ended.length === 0) return;
    const { clock, system } = this.#parts;
    const now = clock.now();
    const waited = this.#takeWaited();
    const ended = this.#ended;
    this.#ended = [];
    const own = ended.filter(({ isAdopted }) => !isAdopted);
    const lastMs = (one: Metered): number => {
      const root = one.account?.processes.get(one.program.pid);
      return root === undefined ? 0 : root.ownMs + root.waitedMs;
    };
    const elapsed = own.map(({ sampledAt }) => Math.max(1, now - sampledAt));
    const elapsedSum = elapsed.reduce((all, one) => all + one, 0);
    const beyond = waited === null ? null : waited - own.reduce((all, one) => all + lastMs(one), 0);
    for (const metered of ended) {
      const { account } = metered;
      if (account === null) continue;
      const line = account.groupPath;
      const groupMs = line === null ? null : system.groupCpuMs(line);
      const index = own.indexOf(metered);
      // Of several that have ended in the same moment, each has its part by the time since it was last looked at.
      const finalMs =
        index < 0 || beyond === null || beyond < 0
          ? null
          : lastMs(metered) + (beyond * (elapsed[index] as number)) / elapsedSum;
      const cpuMs = groupMs === null ? account.ended(finalMs) : account.endedInGroup(groupMs);
      this.#add(metered, cpuMs, metered.residentBytes, now);
    }
  }

  /** What was added to the gateway's waited-for time since it was last looked at. */
  #takeWaited(): number | null {
    const before = this.#waitedMs;
    this.#waitedMs = this.#parts.system.waitedChildrenMs();
    return before === null || this.#waitedMs === null ? null : this.#waitedMs - before;
  }

  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#closed || this.#programs.size === 0) return;
    const first = Math.min(...[...this.#programs.values()].map(({ dueAt }) => dueAt)) as Instant;
    this.#timer = this.#parts.clock.schedule(first, (meter: ProcessMeter) => meter.#sampleDue(), this as ProcessMeter);
  }

  #sampleDue(): void {
    const now = this.#parts.clock.now();
    const due = [...this.#programs.values()].filter(({ dueAt }) => dueAt <= now).toSorted((a, b) => a.dueAt - b.dueAt);
    for (const [index, metered] of due.entries()) {
      if (index >= samplesPerSecondMax) metered.dueAt = after(now, 1000);
      else this.#sample(metered);
    }
    this.#forgetOthers();
    this.#schedule();
  }

  /** Children of the gateway that are no programs of applications would be taken for the next one that ends. */
  #forgetOthers(): void {
    const { system } = this.#parts;
    const waitedMs = system.waitedChildrenMs();
    // None of the programs is in it while all of them are there after it was read.
    if (this.#ended.length > 0 || ![...this.#programs.keys()].every((pid) => system.isThere(pid))) return;
    this.#waitedMs = waitedMs;
  }

  #sample(metered: Metered): void {
    const { clock, system, countedOf } = this.#parts;
    const now = clock.now();
    metered.dueAt = after(now, sampleMsAt(now - metered.startedAt));
    const { pid } = metered.program;
    const known = metered.account?.processes;
    const times = system.programTimes(pid, known);
    const root = times?.processes.get(pid);
    if (times === null || root === undefined) return this.#end(metered);
    if (metered.account === null) {
      metered.isAdopted = root.parent !== system.ownPid;
      const counted = countedOf(pid, root.startTicks) ?? (metered.isAdopted ? null : { timesMs: 0, groupMs: null });
      metered.account = new ProcessAccount(pid, counted);
    }
    // Its number is another process's by now.
    const { startTicks } = metered.account;
    if (startTicks !== null && startTicks !== root.startTicks) return this.#end(metered);
    const elapsedMs = now - metered.sampledAt;
    const path = times.group?.path;
    const sharesGroup =
      path !== undefined &&
      [...this.#programs.values()].some((other) => other !== metered && other.account?.groupPath === path);
    const cpuMs = metered.account.read(times, sharesGroup);
    if (elapsedMs > 0) metered.cores = cpuMs / elapsedMs;
    const residentBytes = [...times.processes.values()].reduce((all, one) => all + one.residentBytes, 0);
    // Between two samples it is taken to have grown evenly.
    this.#add(metered, cpuMs, (metered.residentBytes + residentBytes) / 2, now);
    metered.residentBytes = residentBytes;
    this.#parts.add(metered.program.owner, { peakBytes: residentBytes });
  }

  #add(metered: Metered, cpuMs: number, heldBytes: number, now: Instant): void {
    const runMs = now - metered.sampledAt;
    metered.sampledAt = now;
    this.#parts.add(metered.program.owner, { cpuMs, runMs, byteSeconds: (heldBytes * runMs) / 1000 });
  }
}

function sampleMsAt(ageMs: number): number {
  return sooner.find(({ untilMs }) => ageMs < untilMs)?.sampleMs ?? sampleMs;
}

/** Checks of an instance are its programs, too, but no starts of it. */
function isCheck({ id, owner: { kind } }: MeteredProgram): boolean {
  return (kind === 'instances' || kind === 'worker') && !/\/\d+$/.test(id);
}
