import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';
import { type Shape, shapes } from '#failures/shape.ts';
import type { Clock, Instant } from '../core/time.ts';
import { emptyRange, type ValueRange, widen } from '../core/quantile.ts';
import { round } from '../core/round.ts';
import { hasLatency, isFailedCount, quantileMs } from './exchange-figures.ts';

/** How long a step is, and how many of them are kept: 1 s for 10 minutes, 10 s for 2 hours, 1 minute for a day. */
export const resolutions = [
  { stepS: 1, kept: 600 },
  { stepS: 10, kept: 720 },
  { stepS: 60, kept: 1440 },
] as const;

/** All requests, and the upstreams and routes that were first to have one. Each takes 130 KB after a day with requests in each minute. */
export const seriesMax = 100;

/** What has a series: everything, an upstream or a route. */
export type SeriesKey = 'all' | `upstream:${string}` | `route:${string}`;

/** The names of a configuration. */
interface ConfiguredNames {
  readonly upstreams: readonly { readonly id: string }[];
  readonly routes: readonly { readonly id: string }[];
}

/** What happened within one step. */
interface TrafficStep {
  readonly startedAt: Instant;
  readonly requests: number;
  /** As in `MinuteFigures`. */
  readonly errors: number;
  /** Requests by the shape of their failure; those without a failure are in none. */
  readonly shapes: Partial<Record<Shape, number>>;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** The shapes of failures, each with a cell. */
const failureShapes = shapes.filter((shape) => shape !== 'none');
const cellOfShape = new Map<Shape, number>(failureShapes.map((shape, index) => [shape, 2 + index]));
/** Requests, errors, and the shapes. */
const sums = 2 + failureShapes.length;
/** A kept step has the sums, two quantiles, and its number. */
const words = sums + 3;
const [p50Word, p99Word, numberWord] = [sums, sums + 1, sums + 2];
/** Steps are allocated so many at a time, when the first of them is kept: a gateway without requests needs no memory. */
const blockSteps = 60;
/** A quantile that there is none of. */
const none = -1;

/**
 * Requests, errors and durations over the last day, from the counts that workers send in any case. It costs the main thread some
 * additions per batch and a quantile per step; nothing is kept per request.
 */
export class TrafficHistory {
  readonly #clock: Clock;
  /** Steps begin with the minutes of the wall clock, as it was at the start. */
  readonly #origin: number;
  readonly #series = new Map<SeriesKey, Series>();
  /** Null: all names are of the configuration. */
  #configured: ReadonlySet<SeriesKey> | null = null;
  /** Series of names that the configuration does not have, the first that goes first. */
  #removed = new Set<SeriesKey>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#origin = clock.now() - (clock.wallTime() % 60_000);
  }

  add(delta: readonly ExchangeCount[]): void {
    const second = this.#secondNow;
    for (const counted of delta) {
      this.#seriesOf('all')?.add(second, counted);
      this.#seriesOf(`upstream:${counted.upstream}`)?.add(second, counted);
      this.#seriesOf(`route:${counted.route}`)?.add(second, counted);
    }
  }

  /** Names that the configuration does not have any more keep their series until one that it has needs the place. */
  useNames({ upstreams, routes }: ConfiguredNames): void {
    const names: SeriesKey[] = ['all'];
    // Requests without a route or an upstream have the name ''.
    for (const { id } of [{ id: '' }, ...upstreams]) names.push(`upstream:${id}`);
    for (const { id } of [{ id: '' }, ...routes]) names.push(`route:${id}`);
    this.#configured = new Set(names);
    const removed = [...this.#removed, ...this.#series.keys()];
    this.#removed = new Set(removed.filter((key) => !this.#isConfigured(key)));
  }

  /** Whether there were requests of which the history is kept. */
  has(key: SeriesKey): boolean {
    return this.#series.has(key);
  }

  /** Steps that have ended, and had requests, between two instants, oldest first. `stepS` is one of `resolutions`. */
  steps(key: SeriesKey, stepS: number, since: number, until: number): readonly TrafficStep[] {
    const index = resolutions.findIndex((one) => one.stepS === stepS);
    const series = this.#series.get(key);
    if (series === undefined || index < 0) return [];
    const stepMs = stepS * 1000;
    const first = Math.floor((since - this.#origin) / stepMs);
    const last = Math.min(Math.ceil((until - this.#origin) / stepMs), Math.floor(this.#secondNow / stepS)) - 1;
    const steps = series.steps(index, this.#secondNow, first, last);
    return steps.map(({ number, ...step }) => ({ startedAt: (this.#origin + number * stepMs) as Instant, ...step }));
  }

  /** Requests and errors of the last `seconds` seconds, at most 60, and of the one that goes on. */
  recent(key: SeriesKey, seconds: number): { readonly requests: number; readonly errors: number } {
    return this.#series.get(key)?.recent(this.#secondNow, seconds) ?? { requests: 0, errors: 0 };
  }

  /** Whole seconds since the last request, if that came in the last minute; null: none did, or it is not known. */
  silentS(key: SeriesKey): number | null {
    return this.#series.get(key)?.silentS(this.#secondNow) ?? null;
  }

  get #secondNow(): number {
    return Math.floor((this.#clock.now() - this.#origin) / 1000);
  }

  #seriesOf(key: SeriesKey): Series | null {
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const isConfigured = this.#isConfigured(key);
    if (this.#series.size >= seriesMax && !(isConfigured && this.#forgetRemoved())) return null;
    const created = new Series();
    this.#series.set(key, created);
    // Of a request that had begun before a reload.
    if (!isConfigured) this.#removed.add(key);
    return created;
  }

  #isConfigured(key: SeriesKey): boolean {
    return this.#configured?.has(key) !== false;
  }

  /** False if there is none. */
  #forgetRemoved(): boolean {
    for (const key of this.#removed) {
      this.#removed.delete(key);
      return this.#series.delete(key);
    }
    return false;
  }
}

/** What goes on in one step. */
interface OpenStep {
  number: number;
  readonly sums: Float64Array;
  readonly durations: Float64Array;
  /** Of the durations. */
  range: ValueRange;
}

class Series {
  readonly #rings = resolutions.map(({ kept }) => new StepRing(kept));
  readonly #open = resolutions.map(
    (): OpenStep => ({
      number: none,
      sums: new Float64Array(sums),
      durations: new Float64Array(durationBoundsMs.length + 1),
      range: emptyRange(),
    }),
  );

  add(second: number, counted: ExchangeCount): void {
    this.#close(second);
    const [open] = this.#open as [OpenStep];
    open.number = second;
    const { count, shape, durations } = counted;
    add(open.sums, 0, count);
    if (isFailedCount(counted)) add(open.sums, 1, count);
    const cell = cellOfShape.get(shape);
    if (cell !== undefined) add(open.sums, cell, count);
    if (!hasLatency(counted)) return;
    for (let at = 0; at < durations.length; at++) add(open.durations, at, durations[at] as number);
    widen(open.range, { min: counted.durationMsMin, max: counted.durationMsMax });
  }

  steps(index: number, second: number, first: number, last: number): readonly NumberedStep[] {
    this.#close(second);
    return (this.#rings[index] as StepRing).between(first, last);
  }

  recent(second: number, seconds: number): { readonly requests: number; readonly errors: number } {
    this.#close(second);
    const [open] = this.#open as [OpenStep];
    let [requests = 0, errors = 0] = open.number === none ? [] : open.sums;
    for (const step of (this.#rings[0] as StepRing).between(second - seconds, second - 1)) {
      requests += step.requests;
      errors += step.errors;
    }
    return { requests, errors };
  }

  silentS(second: number): number | null {
    this.#close(second);
    const [open] = this.#open as [OpenStep];
    if (open.number !== none) return 0;
    const last = (this.#rings[0] as StepRing).between(second - 60, second - 1).findLast(({ requests }) => requests > 0);
    return last === undefined ? null : second - last.number;
  }

  /** Keeps the steps that are over at `second`, the shortest first: a second that ends becomes part of the longer steps. */
  #close(second: number): void {
    for (let index = 0; index < resolutions.length; index++) {
      const open = this.#open[index] as OpenStep;
      const { stepS } = resolutions[index] as (typeof resolutions)[number];
      if (open.number === none || open.number >= Math.floor(second / stepS)) continue;
      (this.#rings[index] as StepRing).keep(open);
      this.#merge(open, stepS, index + 1);
      open.number = none;
      open.sums.fill(0);
      open.durations.fill(0);
      open.range = emptyRange();
    }
  }

  #merge(ended: OpenStep, stepS: number, index: number): void {
    const [longer, resolution] = [this.#open[index], resolutions[index]];
    if (longer === undefined || resolution === undefined) return;
    const number = Math.floor((ended.number * stepS) / resolution.stepS);
    if (longer.number !== none && longer.number !== number) {
      (this.#rings[index] as StepRing).keep(longer);
      this.#merge(longer, resolution.stepS, index + 1);
      longer.sums.fill(0);
      longer.durations.fill(0);
      longer.range = emptyRange();
    }
    longer.number = number;
    for (let at = 0; at < ended.sums.length; at++) add(longer.sums, at, ended.sums[at] as number);
    for (let at = 0; at < ended.durations.length; at++) add(longer.durations, at, ended.durations[at] as number);
    widen(longer.range, ended.range);
  }
}

interface NumberedStep extends Omit<TrafficStep, 'startedAt'> {
  readonly number: number;
}

/** The last steps of one length. */
class StepRing {
  readonly #kept: number;
  readonly #blocks: (Float32Array | undefined)[];

  constructor(kept: number) {
    this.#kept = kept;
    this.#blocks = new Array<Float32Array | undefined>(kept / blockSteps).fill(undefined);
  }

  keep({ number, sums: counts, durations, range }: OpenStep): void {
    const position = number % this.#kept;
    const index = Math.floor(position / blockSteps);
    const block = this.#blocks[index] ?? new Float32Array(blockSteps * words).fill(none);
    this.#blocks[index] = block;
    const at = (position % blockSteps) * words;
    block.set(counts, at);
    block[at + p50Word] = quantileMs(durations, 0.5, range) ?? none;
    block[at + p99Word] = quantileMs(durations, 0.99, range) ?? none;
    block[at + numberWord] = Math.floor(number / this.#kept);
  }

  between(first: number, last: number): readonly NumberedStep[] {
    const steps: NumberedStep[] = [];
    for (let number = Math.max(first, last - this.#kept + 1, 0); number <= last; number++) {
      const position = number % this.#kept;
      const block = this.#blocks[Math.floor(position / blockSteps)];
      const at = (position % blockSteps) * words;
      if (block === undefined || block[at + numberWord] !== Math.floor(number / this.#kept)) continue;
      steps.push({ number, ...stepOf(block.subarray(at, at + words)) });
    }
    return steps;
  }
}

function stepOf(kept: Float32Array): Omit<TrafficStep, 'startedAt'> {
  const counted = failureShapes.flatMap((shape): [Shape, number][] => {
    const count = kept[cellOfShape.get(shape) as number] as number;
    return count === 0 ? [] : [[shape, count]];
  });
  const [requests = 0, errors = 0] = kept;
  return {
    requests,
    errors,
    shapes: Object.fromEntries(counted),
    p50Ms: quantileOf(kept[p50Word] as number),
    p99Ms: quantileOf(kept[p99Word] as number),
  };
}

function quantileOf(kept: number): number | null {
  return kept === none ? null : round(kept, 3);
}

function add(sum: Float64Array, at: number, value: number): void {
  sum[at] = (sum[at] as number) + value;
}
