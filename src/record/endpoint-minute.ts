import type { EndpointFigures } from '../core/schemas/status.ts';
import { latencyCells, latencyQuantileMs } from '../core/latency-cells.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Clock } from '../core/time.ts';
import { emptyRange, unknownRange, type ValueRange, widen } from '../core/quantile.ts';
import { round } from '../core/round.ts';

const sliceMs = 5000;
const slices = 12;
/** Attempts with a response, the sum of their milliseconds, failures, and the number of the slice. */
const cells = 4;
/** With some 800 bytes each. */
const endpointsMax = 10_000;

/** The histograms of latencies have fewer and longer slices: each takes as much as all others together. */
const latencySliceMs = 20_000;
const latencySlices = 3;
/** The cells of a slice, the shortest and the longest latency, and the number of the slice. */
const latencyStride = latencyCells + 3;
const [minCell, maxCell] = [latencyCells, latencyCells + 1];

interface EndpointRing {
  readonly counts: Float32Array;
  readonly latencies: Float32Array;
}

const nothing: EndpointFigures = { answered: 0, failed: 0, meanMs: null, p50Ms: null, p99Ms: null };

/** The last minute of each endpoint, from the outcomes that workers send for its health. */
export class EndpointMinute {
  readonly #clock: Clock;
  readonly #rings = new Map<string, EndpointRing>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(outcomes: readonly EndpointOutcomes[]): void {
    const [slice, latencySlice] = [this.#sliceOf(sliceMs), this.#sliceOf(latencySliceMs)];
    for (const { endpoint, successes, latencyMs, failures, latencies, latencyMsMin, latencyMsMax } of outcomes) {
      const ring = this.#ringOf(endpoint);
      if (ring === null) continue;
      const { at } = currentSlice(ring.counts, slice, slices, cells);
      for (const [cell, value] of [successes, latencyMs, failures].entries()) ring.counts[at + cell]! += value;
      if (latencies === undefined || successes === 0) continue;
      const { at: start, isNew } = currentSlice(ring.latencies, latencySlice, latencySlices, latencyStride);
      for (let cell = 0; cell < latencyCells; cell++) ring.latencies[start + cell]! += latencies[cell] as number;
      const range = isNew ? emptyRange() : rangeAt(ring.latencies, start);
      widen(range, { min: latencyMsMin ?? unknownRange.min, max: latencyMsMax ?? unknownRange.max });
      ring.latencies[start + minCell] = range.min;
      ring.latencies[start + maxCell] = range.max;
    }
  }

  of(endpoint: string): EndpointFigures {
    const ring = this.#rings.get(endpoint);
    if (ring === undefined) return nothing;
    const [answered = 0, latencyMs = 0, failed = 0] = sumOf(ring.counts, this.#sliceOf(sliceMs), slices, cells);
    const latencySlice = this.#sliceOf(latencySliceMs);
    const latencies = sumOf(ring.latencies, latencySlice, latencySlices, latencyStride).subarray(0, latencyCells);
    const range = emptyRange();
    for (const at of recentSlices(ring.latencies, latencySlice, latencySlices, latencyStride))
      widen(range, rangeAt(ring.latencies, at));
    const quantile = (share: number): number | null => latencyQuantileMs(latencies, share, range);
    const meanMs = answered === 0 ? null : round(latencyMs / answered, 2);
    return { answered, failed, meanMs, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
  }

  #sliceOf(lengthMs: number): number {
    // Never 0, which an empty slice has.
    return Math.floor(this.#clock.now() / lengthMs) + slices;
  }

  #ringOf(endpoint: string): EndpointRing | null {
    const known = this.#rings.get(endpoint);
    if (known !== undefined) return known;
    if (this.#rings.size >= endpointsMax) this.#forgetSilent();
    if (this.#rings.size >= endpointsMax) return null;
    const created = {
      counts: new Float32Array(slices * cells),
      latencies: new Float32Array(latencySlices * latencyStride),
    };
    this.#rings.set(endpoint, created);
    return created;
  }

  #forgetSilent(): void {
    for (const endpoint of this.#rings.keys()) {
      const { answered, failed } = this.of(endpoint);
      if (answered + failed === 0) this.#rings.delete(endpoint);
    }
  }
}

/** The shortest and the longest latency of the slice that begins there. */
function rangeAt(latencies: Float32Array, start: number): ValueRange {
  return { min: latencies[start + minCell] as number, max: latencies[start + maxCell] as number };
}

/** Where the slice begins that is counted in now; what stood there is cleared if it is older. The last cell has the number of the slice. */
function currentSlice(
  ring: Float32Array,
  slice: number,
  count: number,
  stride: number,
): { at: number; isNew: boolean } {
  const at = (slice % count) * stride;
  const isNew = ring[at + stride - 1] !== slice;
  if (isNew) ring.fill(0, at, at + stride);
  ring[at + stride - 1] = slice;
  return { at, isNew };
}

/** The sum of the slices that are not too old, without their numbers. */
function sumOf(ring: Float32Array, slice: number, count: number, stride: number): Float64Array {
  const sum = new Float64Array(stride - 1);
  for (const at of recentSlices(ring, slice, count, stride))
    for (let cell = 0; cell < sum.length; cell++) sum[cell]! += ring[at + cell] as number;
  return sum;
}

/** Where the slices begin that are not too old. */
function* recentSlices(ring: Float32Array, slice: number, count: number, stride: number): Generator<number> {
  for (let at = 0; at < ring.length; at += stride) if ((ring[at + stride - 1] as number) > slice - count) yield at;
}
