import { type FloodName, floodLimits } from './limits.ts';

const names = Object.keys(floodLimits) as FloodName[];

/** Counts the frames of one connection against `floodLimits`: a token bucket for each. */
export class FrameRates {
  readonly #now: () => number;
  /** Tokens, and when they were counted; made with the first frame of their kind. */
  readonly #tokens: number[] = [];
  readonly #countedAt: number[] = [];

  /** `now`: in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether one more is allowed. */
  admits(name: FloodName): boolean {
    const index = names.indexOf(name);
    const { burst, perS } = floodLimits[name];
    let tokens = this.#tokens[index] ?? burst;
    // The clock is asked only by those that come often.
    if (tokens < burst / 2) {
      const now = this.#now();
      tokens = Math.min(burst, tokens + ((now - (this.#countedAt[index] ?? now)) * perS) / 1000);
      this.#countedAt[index] = now;
    }
    this.#tokens[index] = tokens - 1;
    return tokens >= 1;
  }

  /** Allows `count` more. */
  allow(name: FloodName, count: number): void {
    const index = names.indexOf(name);
    const tokens = this.#tokens[index];
    if (tokens !== undefined) this.#tokens[index] = Math.min(floodLimits[name].burst, tokens + count);
  }
}
