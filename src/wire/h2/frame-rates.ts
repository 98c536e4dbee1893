import { type FloodName, floodLimits, type StrainName, strainLimits } from './limits.ts';

type RateName = FloodName | StrainName;

/** `near_limit`: the connection will be ended at a limit if it goes on so. `costly`: it costs more than others, and nothing ends it. */
export type Strain = 'none' | 'costly' | 'near_limit';

const limits: Readonly<Record<RateName, { readonly burst: number; readonly perS: number }>> = {
  ...floodLimits,
  ...strainLimits,
};
const names = Object.keys(limits) as RateName[];
const floodNames = Object.keys(floodLimits) as FloodName[];

/** Counts the frames of one connection against `floodLimits` and `strainLimits`: a token bucket for each. */
export class FrameRates {
  readonly #now: () => number;
  /** Tokens, and when they were counted; made with the first frame of their kind. */
  readonly #tokens: number[] = [];
  readonly #countedAt: number[] = [];
  /** A bucket has been below half, and may still be. */
  #mayBeStrained = false;

  /** `now`: in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether one more is allowed. */
  admits(name: RateName): boolean {
    const index = names.indexOf(name);
    const { burst } = limits[name];
    let tokens = this.#tokens[index] ?? burst;
    // The clock is asked only by those that come often.
    if (tokens < burst / 2) {
      tokens = this.#refill(index);
      this.#mayBeStrained = true;
    }
    this.#tokens[index] = Math.max(-1, tokens - 1);
    return tokens >= 1;
  }

  #refill(index: number): number {
    const { burst, perS } = limits[names[index] as RateName];
    const now = this.#now();
    const tokens = this.#tokens[index] ?? burst;
    const refilled = Math.min(burst, tokens + ((now - (this.#countedAt[index] ?? now)) * perS) / 1000);
    this.#countedAt[index] = now;
    this.#tokens[index] = refilled;
    return refilled;
  }

  /** Allows `count` more. */
  allow(name: FloodName, count: number): void {
    const index = names.indexOf(name);
    const tokens = this.#tokens[index];
    if (tokens !== undefined) this.#tokens[index] = Math.min(floodLimits[name].burst, tokens + count);
  }

  /**
   * The limit that the connection is near, if it has been near one for `nearMs`, and that is longer than one burst explains: it is as long as a
   * whole burst takes to be allowed again, and half of it leaves the limit behind.
   */
  exceeded(nearMs: number): FloodName | null {
    for (const name of floodNames) if (nearMs >= refillMs(name) && this.#isBelowHalf(name)) return name;
    return null;
  }

  #isBelowHalf(name: RateName): boolean {
    const index = names.indexOf(name);
    return this.#tokens[index] !== undefined && this.#refill(index) < limits[name].burst / 2;
  }

  /** Whether a count is above half of what is allowed, and of which kind. */
  get strain(): Strain {
    if (!this.#mayBeStrained) return 'none';
    let strain: Strain = 'none';
    for (const name of names) {
      if (!this.#isBelowHalf(name)) continue;
      if (name in floodLimits) return 'near_limit';
      strain = 'costly';
    }
    this.#mayBeStrained = strain !== 'none';
    return strain;
  }
}

function refillMs(name: FloodName): number {
  const { burst, perS } = floodLimits[name];
  return (burst * 1000) / perS;
}
