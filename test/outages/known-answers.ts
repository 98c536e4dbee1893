/** What a client has seen of one request. */
export interface SeenAnswer {
  /** A word or a status of 500 or more; null: it was answered. */
  readonly failure: string | null;
  readonly status: number;
  readonly type: string;
  readonly bytes: number;
  readonly ms: number;
}

interface Known {
  readonly statuses: Set<number>;
  readonly types: Set<string>;
  bytesMin: number;
  bytesMax: number;
  readonly times: number[];
  slowMs: number;
}

/** What was usual while nothing was wrong, and whether an answer differs from it. */
export class KnownAnswers {
  readonly #known = new Map<string, Known>();
  #isLearned = false;

  /** From now on answers are compared. */
  learned(): void {
    this.#isLearned = true;
    for (const known of this.#known.values()) {
      const times = known.times.toSorted((a, b) => a - b);
      const usualMs = times[Math.floor(times.length * 0.75)] ?? 0;
      // Less than 60 ms more is what a busy machine does.
      known.slowMs = Math.max(3 * usualMs, usualMs + 60);
    }
  }

  judge(name: string, seen: SeenAnswer): { readonly isDifferent: boolean; readonly isSlow: boolean } {
    if (!this.#isLearned) {
      if (seen.failure === null) this.#learn(name, seen);
      return { isDifferent: false, isSlow: false };
    }
    const known = this.#known.get(name);
    if (known === undefined) return { isDifferent: false, isSlow: false };
    const isOther =
      !known.statuses.has(seen.status) ||
      !known.types.has(seen.type) ||
      seen.bytes < known.bytesMin * 0.7 ||
      seen.bytes > known.bytesMax * 1.3 + 200;
    return { isDifferent: seen.failure === null && isOther, isSlow: seen.ms > known.slowMs };
  }

  #learn(name: string, seen: SeenAnswer): void {
    let known = this.#known.get(name);
    if (known === undefined) {
      known = {
        statuses: new Set(),
        types: new Set(),
        bytesMin: seen.bytes,
        bytesMax: seen.bytes,
        times: [],
        slowMs: 0,
      };
      this.#known.set(name, known);
    }
    known.statuses.add(seen.status);
    known.types.add(seen.type);
    known.bytesMin = Math.min(known.bytesMin, seen.bytes);
    known.bytesMax = Math.max(known.bytesMax, seen.bytes);
    if (known.times.length < 1000) known.times.push(seen.ms);
  }
}
