import { latencyCells, latencyPercentileMs } from '../core/latency-cells.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Clock } from '../core/time.ts';
import { round } from './exchange-figures.ts';

const sliceMs = 5000;
const slices = 12;
/** Attempts with a response, the sum of their milliseconds, failures, and the number of the slice. */
const cells = 4;
/** With some 800 bytes each. */
const endpointsMax = 10_000;

/** The histograms of latencies have fewer and longer slices: each takes as much as all others together. */
const latencySliceMs = 20_000;
const latencySlices = 3;
/** The cells of a slice, and its number. */
const latencyStride = latencyCells + 1;

interface EndpointRing {
  readonly counts: Float32Array;
  readonly latencies: Float32Array;
}

/** Attempts at an endpoint in the last minute. */
export interface EndpointFigures {
  /** With a complete response. */
  readonly answered: number;
  /** That got none, by a failure that counts against its health. */
  readonly failed: number;
  /** The mean time from the start of an attempt to the head of its response; null: there was none. */
  readonly meanMs: number | null;
  /** Of these times, of the last 40 to 60 s. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
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
    for (const { endpoint, successes, latencyMs, failures, latencies } of outcomes) {
      const ring = this.#ringOf(endpoint);
      if (ring === null) continue;
      const at = currentSlice(ring.counts, slice, slices, cells);
      for (const [cell, value] of [successes, latencyMs, failures].entries()) ring.counts[at + cell]! += value;
      if (latencies === undefined || successes === 0) continue;
      const start = currentSlice(ring.latencies, latencySlice, latencySlices, latencyStride);
      for (let cell = 0; cell < latencyCells; cell++) ring.latencies[start + cell]! += latencies[cell] as number;
    }
  }

  of(endpoint: string): EndpointFigures {
    const ring = this.#rings.get(endpoint);
    if (ring === undefined) return nothing;
    const [answered = 0, latencyMs = 0, failed = 0] = sumOf(ring.counts, this.#sliceOf(sliceMs), slices, cells);
    const latencies = sumOf(ring.latencies, this.#sliceOf(latencySliceMs), latencySlices, latencyStride);
    const percentile = (share: number): number | null => {
      const ms = latencyPercentileMs(latencies, share);
      return ms === null ? null : round(ms, 2);
    };
    const meanMs = answered === 0 ? null : round(latencyMs / answered, 2);
    return { answered, failed, meanMs, p50Ms: percentile(0.5), p99Ms: percentile(0.99) };
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

/** Where the slice begins that is counted in now; what stood there is cleared if it is older. The last cell has the number of the slice. */
function currentSlice(ring: Float32Array, slice: number, count: number, stride: number): number {
  const at = (slice % count) * stride;
  if (ring[at + stride - 1] !== slice) ring.fill(0, at, at + stride);
  ring[at + stride - 1] = slice;
  return at;
}

/** The sum of the slices that are not too old, without their numbers. */
function sumOf(ring: Float32Array, slice: number, count: number, stride: number): Float64Array {
  const sum = new Float64Array(stride - 1);
  for (let at = 0; at < ring.length; at += stride) {
    if ((ring[at + stride - 1] as number) <= slice - count) continue;
    for (let cell = 0; cell < sum.length; cell++) sum[cell]! += ring[at + cell] as number;
  }
  return sum;
}
