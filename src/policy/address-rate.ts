import type { Instant } from '../core/time.ts';

/** Some 4 MB. Who sends from more addresses at once is not stopped by a limit for each. */
const addressesMax = 32_768;

/**
 * How often something may happen for each address: at most a second's worth at once, or as much as `burstMs` says, and then at the rate (a token bucket,
 * kept as the instant at which it is full again, like the GCRA of ITU-T I.371).
 */
export class AddressRate {
  /** When each address may again do all that it may at once; those in the past may be forgotten. */
  readonly #fullAt = new Map<string, number>();

  /** Counts `count` if so many may happen now. `perSecond` is above 0. */
  tryTake(address: string, perSecond: number, now: Instant, count = 1, burstMs = 1000): boolean {
    return this.takeWithin(0, address, perSecond, now, count, burstMs) === 0;
  }

  /** In how many milliseconds `count` may happen; then they are counted. Infinity: not within `waitMsMax`; they are not counted. */
  takeWithin(waitMsMax: number, address: string, perSecond: number, now: Instant, count = 1, burstMs = 1000): number {
    const known = this.#fullAt.get(address);
    const fullAt = known === undefined || known < now ? now : known;
    const intervalMs = (count * 1000) / perSecond;
    const waitMs = fullAt + intervalMs - now - burstMs - 1e-6;
    if (waitMs > waitMsMax) return Infinity;
    if (known === undefined && this.#fullAt.size >= addressesMax) this.#makeRoom(now);
    this.#fullAt.set(address, fullAt + intervalMs);
    return Math.max(0, waitMs);
  }

  /** Forgets the addresses that may do all at once again; half of all where none has. */
  #makeRoom(now: Instant): void {
    for (const [address, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(address);
    if (this.#fullAt.size < addressesMax) return;
    let excess = addressesMax / 2;
    for (const address of this.#fullAt.keys()) {
      if (excess-- === 0) return;
      this.#fullAt.delete(address);
    }
  }

  get size(): number {
    return this.#fullAt.size;
  }
}
