import type { Garbage } from './garbage.ts';
import type { Latencies } from './latency-summary.ts';
import { type Disturbance, percentText, whyDisturbed } from './quiet.ts';
import { median } from './statistics.ts';

export const minuteGateways = ['candor', 'nginx'] as const;
export type MinuteGateway = (typeof minuteGateways)[number];

/** One minute at a fixed rate through one gateway. */
export interface Minute extends Latencies, Disturbance {
  /** From 1, over both gateways, which alternate. */
  readonly minute: number;
  readonly gateway: MinuteGateway;
  readonly late: number;
  /** Why the minute is set apart: the machine was disturbed, or the load generator late. Null: it was quiet. */
  readonly why: string | null;
  /** The collections of all threads of Candor. */
  readonly garbage: Pick<Garbage, 'collections' | 'pauseMsMax' | 'pauseMsTotal'> | null;
}

export const percentiles = [
  { of: 'p50Ms', name: 'p50' },
  { of: 'p99Ms', name: 'p99' },
  { of: 'p999Ms', name: 'p99.9' },
] as const;

/** How one percentile of one gateway behaved over the quiet minutes. */
interface MinutesVerdict {
  readonly gateway: MinuteGateway;
  readonly percentile: string;
  readonly minutes: number;
  readonly medianMs: number;
  readonly mostMs: number;
  /** Quiet minutes above `timesMedianMax` times the median. */
  readonly above: readonly number[];
}

/** No minute may be above so many times the median of the quiet minutes. */
const timesMedianMax = 2;
/** Fewer quiet minutes of Candor say nothing. */
const quietMinutesMin = 2;

export function judgeMinutes(minutes: readonly Minute[]): MinutesVerdict[] {
  return minuteGateways.flatMap((gateway) => {
    const own = minutes.filter((one) => one.gateway === gateway && one.why === null);
    if (own.length === 0) return [];
    return percentiles.map(({ of, name }) => {
      const medianMs = median(own.map((one) => one[of]));
      const above = own.filter((one) => one[of] > timesMedianMax * medianMs).map(({ minute }) => minute);
      return {
        ...{ gateway, percentile: name, minutes: own.length, medianMs },
        ...{ mostMs: Math.max(...own.map((one) => one[of])), above },
      };
    });
  });
}

/** 0: no quiet minute of Candor was above; 1: one was; 3: too few were quiet. */
export function minutesExitCode(verdicts: readonly MinutesVerdict[]): 0 | 1 | 3 {
  const own = verdicts.filter(({ gateway }) => gateway === 'candor');
  if ((own[0]?.minutes ?? 0) < quietMinutesMin) return 3;
  return own.every(({ above }) => above.length === 0) ? 0 : 1;
}

/** A table of the minutes, and a sentence for each percentile. Lines have at most 100 characters, reasons apart. */
export function minutesText(minutes: readonly Minute[], verdicts: readonly MinutesVerdict[]): string {
  const head = ' min  gateway     p50      p99    p99.9     most  late  steal  others  collections, longest';
  const said = verdicts.map(({ gateway, percentile, minutes: count, medianMs, mostMs, above }) => {
    const of = above.length === 0 ? 'none' : `minute ${above.join(', ')}`;
    return `${gateway} ${percentile}: median ${medianMs.toFixed(2)} ms of ${count} quiet minutes, most ${mostMs.toFixed(2)}; above twice the median: ${of}`;
  });
  const apart = minutes.filter(({ why }) => why !== null).length;
  const note = `${apart} of ${minutes.length} minutes were not quiet and are set apart (*)`;
  return [head, ...minutes.map(minuteLine), '', ...said, note].join('\n');
}

export function minuteLine(one: Minute): string {
  const figures = [one.p50Ms, one.p99Ms, one.p999Ms, one.mostMs].map((ms) => ms.toFixed(2).padStart(8)).join(' ');
  const shares = `${percentText(one.stealShare).padStart(6)} ${percentText(one.othersShare).padStart(7)}`;
  const pauses =
    one.garbage === null ? '' : `  ${one.garbage.collections}, ${one.garbage.pauseMsMax.toFixed(1)} ms`.padEnd(14);
  const mark = one.why === null ? '' : `  * ${one.why}`;
  return `${String(one.minute).padStart(4)}  ${one.gateway.padEnd(7)} ${figures} ${String(one.late).padStart(5)} ${shares}${pauses}${mark}`;
}

/** The reason to set a minute apart: the cores, else the lateness of the load generator. */
export function whyApart(disturbance: Disturbance, late: string | null): string | null {
  return whyDisturbed(disturbance) ?? late;
}
