import type { UsageSeriesJson, UsageStepJson } from './model.ts';

/** Times of the page Resources, with the step that is asked for, and how many of them are drawn as one. */
export const usageRanges = [
  { id: '1h', name: '1 hour', seconds: 3600, step: 'minute', grouped: 1 },
  { id: '24h', name: '24 hours', seconds: 86_400, step: 'minute', grouped: 10 },
  { id: '7d', name: '7 days', seconds: 7 * 86_400, step: 'hour', grouped: 1 },
  { id: '40d', name: '40 days', seconds: 40 * 86_400, step: 'hour', grouped: 6 },
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
  readonly requestsPerS: readonly (number | null)[];
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
export function usageByApplication(
  { step_s: stepS, since, until, series }: UsageSeriesJson,
  grouped = 1,
): readonly UsageOfApplication[] {
  const drawnS = stepS * grouped;
  const first = Math.ceil(Date.parse(since) / 1000 / drawnS) * drawnS;
  const count = Math.max(0, Math.floor((Date.parse(until) / 1000 - first) / drawnS));
  const times = Array.from({ length: count }, (_, index) => first + index * drawnS);
  const names = [...new Set(series.map(({ application }) => application))];
  return names.map((application) => {
    const own = series.filter((one) => one.application === application);
    const programs = own.filter(({ kind }) => kind !== 'storage');
    const byCpu = programs.toSorted((a, b) => cpuOf(b.steps) - cpuOf(a.steps)).slice(0, linesMax);
    const drawn = programs.filter((one) => byCpu.includes(one));
    const storage = own.find(({ kind }) => kind === 'storage')?.steps.at(-1);
    return {
      ...{ application, times, left: programs.length - drawn.length },
      lines: drawn.map((one, index) => lineOf(one, times, drawnS, colours[index % colours.length] as string)),
      storageBytes: storage?.memory_bytes_max ?? null,
    };
  });
}

type OneSeries = UsageSeriesJson['series'][number];

function lineOf(
  { kind, name, release, steps }: OneSeries,
  times: readonly number[],
  drawnS: number,
  colour: string,
): UsageLine {
  const byTime = Map.groupBy(steps, ({ at }) => Math.floor(Date.parse(at) / 1000 / drawnS) * drawnS);
  // Of steps in which none of its programs ran, and no request came, nothing is drawn.
  const column = (of: (steps: readonly UsageStepJson[]) => number | null): (number | null)[] =>
    times.map((at) => {
      const some = byTime.get(at);
      return some === undefined ? null : of(some);
    });
  const sum = (of: (step: UsageStepJson) => number): number => steps.reduce((all, step) => all + of(step), 0);
  const what = kind === 'instances' ? '' : name;
  return {
    name: [what, release].filter((part) => part !== '').join(' ') || 'instances',
    colour,
    cpuPercent: column((some) => (total(some, 'run_s') > 0 ? (total(some, 'cpu_s') / drawnS) * 100 : null)),
    memoryBytes: column((some) => (total(some, 'run_s') > 0 ? total(some, 'memory_bytes') / some.length : null)),
    requestsPerS: column((some) => total(some, 'requests') / drawnS),
    p99Ms: column((some) => highest(some.flatMap((step) => step.p99_ms ?? []))),
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

function total(steps: readonly UsageStepJson[], key: 'run_s' | 'cpu_s' | 'memory_bytes' | 'requests'): number {
  return steps.reduce((sum, step) => sum + step[key], 0);
}

/** Quantiles do not add up: of several steps the highest is shown. */
function highest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
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

/** '95 MB', '1.2 GB': in powers of ten, as the steps of a chart are, and the units of prices. */
export function byteFigure(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.round(bytes / 1e3)} kB`;
}

/** '5.51 EUR' */
export function moneyFigure(value: number, currency: string | null): string {
  return `${value > 0 && value < 0.01 ? '< 0.01' : value.toFixed(2)} ${currency ?? ''}`.trim();
}
