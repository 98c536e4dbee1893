const samplesMax = 256;

/** With fewer, the 95th percentile is one slow request. */
const samplesMin = 64;

/** The percentile is computed anew after so many samples: sorting takes some ten microseconds. */
const samplesPerSort = 16;

const quantile = 0.95;

/**
 * The 95th percentile of the latest latencies. A request that was not waited for to its end counts with the time for which it was waited:
 * it is slower than that, and left out it would make the percentile sink with each of them.
 */
export class LatencyQuantile {
  readonly #samples = new Float64Array(samplesMax);
  #count = 0;
  #unsorted = 0;
  #valueMs: number | null = null;

  note(latencyMs: number): void {
    this.#samples[this.#count % samplesMax] = latencyMs;
    this.#count += 1;
    this.#unsorted += 1;
    if (this.#count >= samplesMin && this.#unsorted >= samplesPerSort) this.#sort();
  }

  /** Null until there are enough samples. */
  get valueMs(): number | null {
    return this.#valueMs;
  }

  #sort(): void {
    const sorted = this.#samples.slice(0, Math.min(this.#count, samplesMax)).sort();
    this.#valueMs = sorted[Math.ceil(sorted.length * quantile) - 1] as number;
    this.#unsorted = 0;
  }
}
