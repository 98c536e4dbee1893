import { SlidingSeconds } from './family-window.ts';

/** The rate before an incident is that of the last minutes, in slices. */
const sliceS = 10;
const slices = 30;

/** So many seconds without a request are a pause. */
const pauseS = 10;

/** A rate is usual that was seen for a minute. */
const steadySlicesMin = 6;

/** Requests of an upstream by second, and how many came each second before an incident. */
export class RequestSeconds extends SlidingSeconds {
  readonly #firstSecond: number;
  readonly #slices = new Map<number, number>();

  constructor(second: number) {
    super();
    this.#firstSecond = second;
  }

  override add(second: number, count: number): void {
    super.add(second, count);
    const slice = Math.floor(second / sliceS);
    this.#slices.set(slice, (this.#slices.get(slice) ?? 0) + count);
  }

  /** Requests each second in the minutes before, while there were any; null where that was for less than half a minute. */
  rateBefore(second: number): number | null {
    const oldest = Math.max(second - slices * sliceS, this.oldest, this.#firstSecond);
    let last: number | null = null;
    let sum = 0;
    let used = 0;
    for (let one = oldest; one < second; one++) {
      const count = this.at(one);
      if (count === 0) continue;
      // A pause is no part of it; seconds without a request are, where requests come seldom.
      const since = last === null ? 1 : one - last;
      used += since > pauseS ? 1 : since;
      sum += count;
      last = one;
    }
    return used < 30 ? null : sum / used;
  }

  /** Half of the slices of the minutes before had as many requests each second; null where they are too few, or mostly empty. */
  steadyRateBefore(second: number): number | null {
    const newest = Math.floor(second / sliceS) - 1;
    const oldest = Math.max(newest - slices + 1, Math.ceil(this.#firstSecond / sliceS));
    const count = newest - oldest + 1;
    if (count < steadySlicesMin) return null;
    const counts = Array.from({ length: count }, (_, index) => this.#slices.get(oldest + index) ?? 0);
    const used = counts.filter((requests) => requests > 0).length;
    if (used < 0.8 * count) return null;
    return (counts.sort((a, b) => a - b)[Math.floor(count / 2)] as number) / sliceS;
  }

  /** Once a second. */
  forget(second: number): void {
    if (second % sliceS !== 0) return;
    const oldest = Math.floor(second / sliceS) - slices - 1;
    for (const slice of this.#slices.keys()) if (slice < oldest) this.#slices.delete(slice);
  }

  /** There has been no request for five minutes. */
  get isSilent(): boolean {
    return this.#slices.size === 0;
  }
}
