import { median } from './statistics.ts';

/** What one thread of a gateway measured of itself (`stall-probe.ts`). */
export interface ThreadStall {
  readonly thread: number;
  readonly isMain: boolean;
  /** The longest time between two turns of its event loop. Includes waiting for a core. */
  readonly longestMs: number;
  /** The most CPU time that it used between two turns. */
  readonly longestCpuMs: number;
  /** Turns that used more than 4 ms of CPU time. */
  readonly longTurns: number;
  /** All CPU time that it used. */
  readonly cpuMs: number;
}

/** One measurement of one situation. */
export interface StallRound {
  readonly threads: readonly ThreadStall[];
  /** Bytes of the answer of the admin API, 0 without one. */
  readonly bytes: number;
}

/** The longest of the workers in each round, then the median and the maximum of the rounds; the same for main. */
export interface StallFigures {
  readonly situation: string;
  readonly rounds: number;
  readonly worker: LongestRuns;
  readonly main: LongestRuns;
  /** All CPU time of main during a round, median. */
  readonly mainCpuMs: number;
  readonly bytes: number;
}

interface LongestRuns {
  readonly cpuMedianMs: number;
  readonly cpuMaxMs: number;
  readonly wallMedianMs: number;
  readonly wallMaxMs: number;
}

export function figuresOf(situation: string, rounds: readonly StallRound[]): StallFigures {
  const mains = rounds.map(({ threads }) => threads.filter(({ isMain }) => isMain));
  const workers = rounds.map(({ threads }) => threads.filter(({ isMain }) => !isMain));
  return {
    situation,
    rounds: rounds.length,
    worker: longestRunsOf(workers),
    main: longestRunsOf(mains),
    mainCpuMs: rounded(median(mains.map((threads) => longest(threads, 'cpuMs')))),
    bytes: Math.max(0, ...rounds.map(({ bytes }) => bytes)),
  };
}

function longestRunsOf(rounds: readonly (readonly ThreadStall[])[]): LongestRuns {
  const cpu = rounds.map((threads) => longest(threads, 'longestCpuMs'));
  const wall = rounds.map((threads) => longest(threads, 'longestMs'));
  return {
    cpuMedianMs: rounded(median(cpu)),
    cpuMaxMs: rounded(Math.max(0, ...cpu)),
    wallMedianMs: rounded(median(wall)),
    wallMaxMs: rounded(Math.max(0, ...wall)),
  };
}

function longest(threads: readonly ThreadStall[], key: 'longestMs' | 'longestCpuMs' | 'cpuMs'): number {
  return Math.max(0, ...threads.map((thread) => thread[key]));
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** A table for people. */
export function stallTable(figures: readonly StallFigures[]): string {
  const heads = ['', 'worker, CPU ms', 'worker, ms', 'main, CPU ms', 'main, ms', 'main, sum', 'bytes'];
  const pair = (one: number, other: number): string => `${one.toFixed(1)} (${other.toFixed(1)})`;
  const rows = figures.map(({ situation, worker, main, mainCpuMs, bytes }) => [
    situation,
    pair(worker.cpuMedianMs, worker.cpuMaxMs),
    pair(worker.wallMedianMs, worker.wallMaxMs),
    pair(main.cpuMedianMs, main.cpuMaxMs),
    pair(main.wallMedianMs, main.wallMaxMs),
    mainCpuMs.toFixed(0),
    bytes === 0 ? '' : String(bytes),
  ]);
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [heads, ...rows]
    .map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0))))
    .map((row) => `${row.join('  ')}\n`)
    .join('');
}
