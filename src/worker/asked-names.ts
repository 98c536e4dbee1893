import { after, type Clock, type Instant } from '../core/time.ts';

/** In one batch: a flood of names costs no more. */
const askedMax = 64;
const usedMax = 1024;
/** Certificates are renewed over days. */
const usedEveryMs = 60_000;

/** The host names that clients ask for and that certificates are obtained for on demand, until the main thread gets them. */
export class AskedNames {
  readonly #clock: Clock;
  #asked = new Set<string>();
  #used = new Set<string>();
  #usedDueAt: Instant | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** There is no certificate for it. */
  noteAsked(name: string): void {
    if (this.#asked.size < askedMax) this.#asked.add(name);
  }

  /** There is one, which was shown. */
  noteUsed(name: string): void {
    if (this.#used.size < usedMax) this.#used.add(name);
  }

  /** Those since the last call; used ones once a minute. */
  take(): readonly string[] {
    const now = this.#clock.now();
    const isUsedDue = this.#used.size > 0 && (this.#usedDueAt === null || now >= this.#usedDueAt);
    if (this.#asked.size === 0 && !isUsedDue) return none;
    const names = isUsedDue ? [...this.#asked, ...this.#used] : [...this.#asked];
    this.#asked = new Set();
    if (isUsedDue) {
      this.#used = new Set();
      this.#usedDueAt = after(now, usedEveryMs);
    }
    return names;
  }
}

const none: readonly string[] = [];
