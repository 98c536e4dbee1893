import type { Instant } from '../core/time.ts';

/** What all workers know together of a limit that adapts. */
export interface SharedLimit {
  /** In hundredths of a request; 0 before the first request. */
  limit: number;
  /** When the last probe began, in milliseconds of 32 bits; 0: there was none. */
  probedAt: number;
}

/** A request that was let through and has ended. */
interface LimitSample {
  readonly startedAt: Instant;
  readonly latencyMs: number;
  /** How many were in flight in all workers when it ended. */
  readonly inFlight: number;
}

const firstLimit = 20;
const leastLimit = 4;
/** A window ends after this time and so many samples. */
const windowMs = 100;
const windowSamples = 10;
const samplesMax = 256;
/** Latencies up to this multiple of the unloaded one are no sign of overload. */
const tolerance = 1.25;
/** The weight of the latest window. */
const smoothing = 0.2;
/** What a window with requests that were lost to overload leaves of the limit. */
const afterDrop = 0.9;
/** How long the latency without load is believed. */
const baselineMs = 30_000;
const probeMsMax = 2000;
/** With fewer, the baseline that was known is believed for as long again. */
const probeSamplesMin = 3;

/**
 * How many requests may be in flight, found out from their latency (after Netflix's Gradient2 and Envoy's adaptive concurrency). The limit is
 * multiplied by the latency without load divided by the present one, and may always grow by its square root: so it settles where a few requests queue at the endpoints.
 *
 * The *baseline*, the latency without load, is the lowest median of a window, or that of the latest window with less than half of the limit in flight.
 * If there was none of these for half a minute, a *probe* halves the limit for a moment, in all workers at once, and measures it.
 *
 * Each worker measures its own requests; the limit is one of all workers. Two that change it at the same moment lose one change.
 */
export class GradientLimit {
  readonly #shared: SharedLimit;
  readonly #max: number;
  readonly #random: () => number;
  #baselineMs: number | null = null;
  #baselineAt: Instant = 0 as Instant;
  #windowFrom: Instant | null = null;
  #samples: number[] = [];
  #probeSamples: number[] = [];
  #lastMedianMs = 0;
  #mostInFlight = 0;
  #hasDropped = false;
  /** The probe whose samples are collected; 0: none. */
  #probe = 0;

  constructor(shared: SharedLimit, max: number, random: () => number) {
    this.#shared = shared;
    this.#max = max;
    this.#random = random;
    if (shared.limit === 0) this.#store(firstLimit);
  }

  /** The limit now: from `leastLimit`, or `max` where that is less, to `max`. */
  current(now: Instant): number {
    const limit = Math.max(Math.min(leastLimit, this.#max), Math.min(this.#max, this.#shared.limit / 100));
    return Math.floor(this.#isProbing(now) ? Math.max(1, limit / 2) : limit);
  }

  /** A request was lost because the endpoints have too much to do: it was refused, or took too long. */
  noteDrop(now: Instant): void {
    this.#windowFrom ??= now;
    this.#hasDropped = true;
  }

  note(now: Instant, { startedAt, latencyMs, inFlight }: LimitSample): void {
    if (this.#noteProbe(now, startedAt, latencyMs)) return;
    this.#windowFrom ??= now;
    this.#mostInFlight = Math.max(this.#mostInFlight, inFlight);
    if (this.#samples.length < samplesMax) this.#samples.push(latencyMs);
    if (now - this.#windowFrom >= windowMs && this.#samples.length >= windowSamples) this.#endWindow(now);
  }

  #endWindow(now: Instant): void {
    const median = medianOf(this.#samples);
    const limit = this.#shared.limit / 100;
    const isIdle = this.#mostInFlight < limit / 2;
    if (this.#baselineMs === null || median <= this.#baselineMs || isIdle) this.#setBaseline(median, now);
    this.#lastMedianMs = median;
    this.#store(this.#next(limit, median, isIdle));
    this.#windowFrom = null;
    this.#samples = [];
    this.#mostInFlight = 0;
    this.#hasDropped = false;
    this.#probeIfDue(now);
  }

  #next(limit: number, median: number, isIdle: boolean): number {
    if (this.#hasDropped) return limit * afterDrop;
    // Below one millisecond the clock says more of the machine than of the endpoints.
    const gradient = (tolerance * Math.max(1, this.#baselineMs ?? median)) / Math.max(1, median);
    const wanted = limit * Math.min(1, Math.max(0.5, gradient)) + Math.sqrt(limit);
    // A limit that is not used must not grow: nothing shows that it is right.
    return isIdle ? limit : limit + smoothing * (wanted - limit);
  }

  #store(limit: number): void {
    const least = Math.min(leastLimit, this.#max);
    this.#shared.limit = Math.round(Math.min(this.#max, Math.max(least, limit)) * 100);
  }

  #setBaseline(latencyMs: number, now: Instant): void {
    this.#baselineMs = latencyMs;
    this.#baselineAt = now;
  }

  // Probes.

  #probeIfDue(now: Instant): void {
    if (now - this.#baselineAt < baselineMs * (0.9 + 0.2 * this.#random())) return;
    if (this.#shared.probedAt !== 0 && this.#sinceProbe(now) < baselineMs / 2) return;
    this.#shared.probedAt = Math.floor(now) | 0 || 1;
  }

  #sinceProbe(now: Instant): number {
    return (Math.floor(now) - this.#shared.probedAt) | 0;
  }

  /** Requests that were in flight before must end first. */
  get #settleMs(): number {
    return Math.min(probeMsMax / 2, Math.max(20, 2 * this.#lastMedianMs));
  }

  get #probeMs(): number {
    return this.#settleMs + Math.min(probeMsMax / 2, Math.max(windowMs, 2 * this.#lastMedianMs));
  }

  #isProbing(now: Instant): boolean {
    return this.#shared.probedAt !== 0 && this.#sinceProbe(now) < this.#probeMs;
  }

  /** True while a probe is measured. */
  #noteProbe(now: Instant, startedAt: Instant, latencyMs: number): boolean {
    if (this.#isProbing(now) && this.#probe !== this.#shared.probedAt) {
      this.#probe = this.#shared.probedAt;
      this.#probeSamples = [];
    }
    if (this.#probe === 0) return false;
    const startedMs = this.#sinceProbe(startedAt);
    if (startedMs >= this.#settleMs && startedMs < this.#probeMs) this.#probeSamples.push(latencyMs);
    // Requests that began last end after the probe.
    if (this.#sinceProbe(now) < this.#probeMs + this.#settleMs) return true;
    this.#probe = 0;
    const enough = this.#probeSamples.length >= probeSamplesMin;
    this.#setBaseline(enough ? medianOf(this.#probeSamples) : (this.#baselineMs ?? latencyMs), now);
    return true;
  }
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
