import type { UsageSeriesJson, UsageStepJson } from './model.ts';

/** Times of the page Resources, with the step that each is drawn in. */
export const usageRanges = [
  { id: '1h', name: '1 hour', seconds: 3600, step: 'minute' },
  { id: '24h', name: '24 hours', seconds: 86_400, step: 'minute' },
  { id: '7d', name: '7 days', seconds: 7 * 86_400, step: 'hour' },
  { id: '40d', name: '40 days', seconds: 40 * 86_400, step: 'hour' },
] as const;

export type UsageRange = (typeof usageRanges)[number];

/** Colours of the style sheet, one for each line of a chart; more lines begin again. */
const colours = [
  '--accent',
  '--shape-app_error',
  '--shape-garbage',
  '--shape-reset',
  '--good',
  '--shape-too_slow',
  '--shape-refused_by_gateway',
  '--quiet',
] as const;

/** More lines in one chart are a tangle: those that used the most CPU time are drawn. */
const linesMax = 8;

interface UsageLine {
  /** 'r12', 'mail r12' */
  readonly name: string;
  readonly colour: string;
  /** Of one core. */
  readonly cpuPercent: readonly (number | null)[];
  readonly memoryBytes: readonly (number | null)[];
  readonly requestsPerS: readonly number[];
  readonly p99Ms: readonly (number | null)[];
  readonly takesRequests: boolean;
  readonly totals: {
    readonly cpuS: number;
    readonly memoryBytesMax: number;
    readonly restarts: number;
    readonly requests: number;
    readonly errors: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  };
}

export interface UsageOfApplication {
  readonly application: string;
  /** Seconds since the Unix epoch: the beginning of each step. */
  readonly times: readonly number[];
  readonly lines: readonly UsageLine[];
  /** Lines that are not drawn. */
  readonly left: number;
  /** The last size of its folders; null: not known. */
  readonly storageBytes: number | null;
}

/** The lines of each application, without the step that goes on: it would look like a drop. */
export function usageByApplication({
  step_s: stepS,
  since,
  until,
  series,
}: UsageSeriesJson): readonly UsageOfApplication[] {
  const first = Date.parse(since) / 1000;
  const count = Math.max(0, Math.floor((Date.parse(until) / 1000 - first) / stepS));
  const times = Array.from({ length: count }, (_, index) => first + index * stepS);
  const names = [...new Set(series.map(({ application }) => application))];
  return names.map((application) => {
    const own = series.filter((one) => one.application === application);
    const programs = own.filter(({ kind }) => kind !== 'storage');
    const byCpu = programs.toSorted((a, b) => cpuOf(b.steps) - cpuOf(a.steps)).slice(0, linesMax);
    const drawn = programs.filter((one) => byCpu.includes(one));
    const storage = own.find(({ kind }) => kind === 'storage')?.steps.at(-1);
    return {
      ...{ application, times, left: programs.length - drawn.length },
      lines: drawn.map((one, index) => lineOf(one, times, stepS, colours[index % colours.length] as string)),
      storageBytes: storage?.memory_bytes_max ?? null,
    };
  });
}

type OneSeries = UsageSeriesJson['series'][number];

function lineOf(
  { kind, name, release, steps }: OneSeries,
  times: readonly number[],
  stepS: number,
  colour: string,
): UsageLine {
  const byTime = new Map(steps.map((step) => [Date.parse(step.at) / 1000, step]));
  const column = <T>(of: (step: UsageStepJson) => T, empty: T): T[] =>
    times.map((at) => {
      const step = byTime.get(at);
      return step === undefined ? empty : of(step);
    });
  const sum = (of: (step: UsageStepJson) => number): number => steps.reduce((all, step) => all + of(step), 0);
  const what = kind === 'instances' ? '' : name;
  return {
    name: [what, release].filter((part) => part !== '').join(' ') || 'instances',
    colour,
    // Of steps in which none of its programs ran nothing is drawn.
    cpuPercent: column((step) => (step.run_s > 0 ? (step.cpu_s / stepS) * 100 : null), null),
    memoryBytes: column((step) => (step.run_s > 0 ? step.memory_bytes : null), null),
    requestsPerS: column((step) => step.requests / stepS, 0),
    p99Ms: column((step) => step.p99_ms, null),
    takesRequests: kind === 'instances',
    totals: {
      cpuS: sum((step) => step.cpu_s),
      memoryBytesMax: Math.max(0, ...steps.map((step) => step.memory_bytes_max)),
      restarts: sum((step) => step.restarts),
      requests: sum((step) => step.requests),
      errors: sum((step) => step.errors),
      bytesIn: sum((step) => step.bytes_in),
      bytesOut: sum((step) => step.bytes_out),
    },
  };
}

const cpuOf = (steps: readonly UsageStepJson[]): number => steps.reduce((sum, { cpu_s: s }) => sum + s, 0);

/** '0.4 %', '12 %', '240 %': of one core. */
export function coreFigure(percent: number): string {
  return percent > 0 && percent < 10 ? `${percent.toFixed(1)} %` : `${Math.round(percent)} %`;
}

/** '12 s', '4.2 h': CPU time. */
export function cpuTimeFigure(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** '5.51 EUR' */
export function moneyFigure(value: number, currency: string | null): string {
  return `${value > 0 && value < 0.01 ? '< 0.01' : value.toFixed(2)} ${currency ?? ''}`.trim();
}
