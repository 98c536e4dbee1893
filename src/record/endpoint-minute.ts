import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Clock } from '../core/time.ts';
import { round } from './exchange-figures.ts';

const sliceMs = 5000;
const slices = 12;
/** Attempts with a response, the sum of their milliseconds, failures, and the number of the slice. */
const cells = 4;
/** With 200 bytes each. */
const endpointsMax = 10_000;

/** Attempts at an endpoint in the last minute. */
export interface EndpointFigures {
  /** With a complete response. */
  readonly answered: number;
  /** That got none, by a failure that counts against its health. */
  readonly failed: number;
  /** The mean time from the start of an attempt to the head of its response; null: there was none. */
  readonly meanMs: number | null;
}

const nothing: EndpointFigures = { answered: 0, failed: 0, meanMs: null };

/** The last minute of each endpoint, from the outcomes that workers send for its health. */
export class EndpointMinute {
  readonly #clock: Clock;
  readonly #rings = new Map<string, Float32Array>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(outcomes: readonly EndpointOutcomes[]): void {
    const slice = this.#slice;
    for (const { endpoint, successes, latencyMs, failures } of outcomes) {
      const ring = this.#ringOf(endpoint);
      if (ring === null) continue;
      const at = (slice % slices) * cells;
      if (ring[at + 3] !== slice) ring.fill(0, at, at + cells);
      ring[at + 3] = slice;
      for (const [cell, value] of [successes, latencyMs, failures].entries())
        ring[at + cell] = (ring[at + cell] as number) + value;
    }
  }

  of(endpoint: string): EndpointFigures {
    const ring = this.#rings.get(endpoint);
    if (ring === undefined) return nothing;
    const slice = this.#slice;
    const sum = [0, 0, 0];
    for (let at = 0; at < ring.length; at += cells) {
      if ((ring[at + 3] as number) <= slice - slices) continue;
      for (let cell = 0; cell < sum.length; cell++) sum[cell] = (sum[cell] as number) + (ring[at + cell] as number);
    }
    const [answered = 0, latencyMs = 0, failed = 0] = sum;
    return { answered, failed, meanMs: answered === 0 ? null : round(latencyMs / answered, 2) };
  }

  get #slice(): number {
    // Never 0, which an empty cell has.
    return Math.floor(this.#clock.now() / sliceMs) + slices;
  }

  #ringOf(endpoint: string): Float32Array | null {
    const known = this.#rings.get(endpoint);
    if (known !== undefined) return known;
    if (this.#rings.size >= endpointsMax) this.#forgetSilent();
    if (this.#rings.size >= endpointsMax) return null;
    const created = new Float32Array(slices * cells);
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
