import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';

const sliceS = 10;

/** How long before an incident responses may already have become slower. */
const unsettledS = 30;

/** Half of it is gone in some six minutes. */
const keptOfSlice = 0.98;

interface Slice {
  readonly durations: Float64Array;
  maxMs: number;
}

/** How long the requests of an upstream take: counts by `durationBoundsMs`, that become less with time. */
export class UsualDurations {
  /** Of successful requests, while there is no incident. */
  readonly usual = noDurations();
  /** The longest of them. */
  maxMs = 0;
  /** Of those that were too slow, of the last minutes. */
  readonly slow = noDurations();
  /** Those of the last half a minute, by slice number: whether they were usual is known only later. */
  readonly #recent = new Map<number, Slice>();

  add({ durations, durationMsMax }: ExchangeCount, second: number): void {
    const number = Math.floor(second / sliceS);
    let slice = this.#recent.get(number);
    if (slice === undefined) this.#recent.set(number, (slice = { durations: noDurations(), maxMs: 0 }));
    addCounts(slice.durations, durations);
    slice.maxMs = Math.max(slice.maxMs, durationMsMax);
  }

  addSlow({ durations }: ExchangeCount): void {
    addCounts(this.slow, durations);
  }

  /** Once a second. An incident, and what came shortly before it, are not as usual: nothing is added, and nothing is lost of what is. */
  settle(second: number, isUsual: boolean): void {
    const isSliceOver = second % sliceS === 0;
    if (isSliceOver || !isUsual) this.#settleSlices(Math.floor((second - unsettledS) / sliceS), isUsual);
    if (!isSliceOver) return;
    fade(this.slow);
    if (isUsual) fade(this.usual);
  }

  #settleSlices(oldest: number, isUsual: boolean): void {
    for (const [number, { durations, maxMs }] of this.#recent) {
      if (number >= oldest && isUsual) continue;
      this.#recent.delete(number);
      if (!isUsual) continue;
      addCounts(this.usual, durations);
      this.maxMs = Math.max(this.maxMs, maxMs);
    }
  }
}

const noDurations = (): Float64Array => new Float64Array(durationBoundsMs.length + 1);

function addCounts(to: Float64Array, counts: ArrayLike<number>): void {
  for (let cell = 0; cell < to.length; cell++) to[cell] = (to[cell] as number) + (counts[cell] ?? 0);
}

function fade(durations: Float64Array): void {
  for (let cell = 0; cell < durations.length; cell++) durations[cell] = (durations[cell] as number) * keptOfSlice;
}
