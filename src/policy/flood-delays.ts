import { after, type Instant } from '../core/time.ts';

const firstMs = 250;
const maxMs = 2000;

/** As long as this after its last flood, an address is known. */
const knownMs = 60_000;

/** Some 1 MB. A flood from more addresses is not stopped by delays: each of them has its connections anyway. */
export const floodingAddressesMax = 8192;

interface Known {
  readonly delayMs: number;
  readonly until: Instant;
}

/**
 * How long an address waits for its next connection after one of its connections was closed for a flood: 250 ms, and twice as long after each
 * further flood, up to 2 s. So a client that connects again and again gets a small part of the time that its floods take.
 */
export class FloodDelays {
  /** The one whose flood is longest ago first. */
  readonly #known = new Map<string, Known>();

  /** Notes a flood. Returns how long the next connections of the address wait, in milliseconds. */
  note(address: string, now: Instant): number {
    const before = this.delayOf(address, now);
    const delayMs = before === 0 ? firstMs : Math.min(maxMs, 2 * before);
    this.#known.delete(address);
    this.#known.set(address, { delayMs, until: after(now, knownMs) });
    this.#makeRoom(now);
    return delayMs;
  }

  /** 0: a connection of the address does not wait. */
  delayOf(address: string, now: Instant): number {
    const known = this.#known.get(address);
    return known === undefined || known.until <= now ? 0 : known.delayMs;
  }

  #makeRoom(now: Instant): void {
    for (const [address, { until }] of this.#known) {
      if (until > now && this.#known.size <= floodingAddressesMax) return;
      this.#known.delete(address);
    }
  }

  get size(): number {
    return this.#known.size;
  }
}
