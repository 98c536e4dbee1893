import { median } from './statistics.ts';

/** One round of one gateway in a small container. */
export interface ContainerFigures {
  /** From the start of the process until it accepts connections, to 50 ms. */
  readonly startMs: number;
  readonly rates: readonly {
    readonly perSecond: number;
    readonly p50Ms: number;
    readonly p99Ms: number;
    readonly late: number;
    readonly throttledMs: number;
  }[];
  /** At full load, as the next three. */
  readonly perSecond: number;
  /** Per request. */
  readonly cpuMicroseconds: number;
  readonly throttledMs: number;
  /** The part of the periods in which the group was throttled. */
  readonly throttledShare: number;
  readonly residentBytes: number;
  /** Of the whole group, all rounds so far, with the kernel's cache of files; null where the kernel does not keep it. */
  readonly groupPeakBytes: number | null;
}

interface ContainerRow {
  readonly title: string;
  readonly rounds: readonly ContainerFigures[];
  /** Too few rounds were quiet. */
  readonly isMarked: boolean;
}

/** Medians over the rounds, a block for each gateway. */
export function containerText(rows: readonly ContainerRow[]): string {
  const blocks = rows.map(({ title, rounds, isMarked }) => {
    const of = (value: (one: ContainerFigures) => number): number => median(rounds.map(value));
    const lines = [
      `${title}${isMarked ? ' (†: too few rounds were quiet)' : ''}`,
      figure('starts in', `${of(({ startMs }) => startMs).toFixed(0)} ms`),
      figure('full load', `${of(({ perSecond }) => perSecond).toFixed(0)} requests/s`),
      figure('CPU per request', `${of(({ cpuMicroseconds }) => cpuMicroseconds).toFixed(1)} µs`),
      figure(
        'throttled at full load',
        `${of(({ throttledMs }) => throttledMs).toFixed(0)} ms, in ${(of(({ throttledShare }) => throttledShare) * 100).toFixed(0)} % of the periods`,
      ),
      ...(rounds[0]?.rates ?? []).map(({ perSecond }, index) => {
        const at = (value: (one: ContainerFigures['rates'][number]) => number): number =>
          of(({ rates }) => value(rates[index] as ContainerFigures['rates'][number]));
        return figure(
          `at ${perSecond.toLocaleString('en')}/s`,
          `p50 ${at(({ p50Ms }) => p50Ms).toFixed(2)} ms, p99 ${at(({ p99Ms }) => p99Ms).toFixed(2)} ms, throttled ${at(({ throttledMs }) => throttledMs).toFixed(0)} ms`,
        );
      }),
      figure('resident memory', `${(of(({ residentBytes }) => residentBytes) / 1e6).toFixed(0)} MB`),
    ];
    return lines.join('\n');
  });
  return blocks.join('\n\n');
}

function figure(what: string, value: string): string {
  return `  ${what.padEnd(24)}${value}`;
}
