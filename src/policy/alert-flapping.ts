/** How often something has to come and go before its end is reported later; and in what time. */
const windowMs = 600_000;

/** After the second end within the window, and twice as long after each further one. */
const firstHoldMs = 60_000;
const holdMaxMs = 600_000;

/** Counts at which people are told that something comes and goes. */
const reportedAt: ReadonlySet<number> = new Set([3, 6, 12, 24, 48]);

const endsMax = 50;

/** Something that ends and begins again: what has ended is reported as over only if it stays away, each time for longer. Knows time only by its parameters. */
export class Flapping {
  #ends: number[] = [];

  /** It has ended. Returns how long it must stay away before that is reported. */
  end(at: number): number {
    this.#ends = [...this.#ends.filter((one) => one > at - windowMs), at].slice(-endsMax);
    const { length } = this.#ends;
    return length < 2 ? 0 : Math.min(holdMaxMs, firstHoldMs * 2 ** (length - 2));
  }

  /** How often it has ended in the last ten minutes. */
  count(at: number): number {
    return this.#ends.filter((one) => one > at - windowMs).length;
  }

  /** Whether people are told that it has come and gone so often. */
  isReported(at: number): boolean {
    return reportedAt.has(this.count(at));
  }

  isForgotten(at: number): boolean {
    return (this.#ends.at(-1) ?? 0) <= at - windowMs - holdMaxMs;
  }
}

/** 'It has come and gone 6 times in 10 min.'; null where it has not. */
export function flappingSentence(count: number): string | null {
  return count < 2 ? null : `It has come and gone ${count} times in 10 min.`;
}
