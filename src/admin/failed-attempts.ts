import type { Clock, Instant } from '../core/time.ts';
import { neighbourhoodOf } from './network-address.ts';

/** Somebody who mistypes, or a program with yesterday's token, is told so a few times. */
const attemptsMax = 10;
/** After that, one more in this time: guessing goes nowhere, and does not fill the events. */
const oneMorePerMs = 6_000;
/** Addresses that are remembered. Whoever has more of them makes us forget the oldest, and gains ten attempts by it. */
const addressesMax = 1024;

interface Tries {
  left: number;
  at: Instant;
}

/**
 * Counts wrong tokens by address. It only says how a wrong one is answered: a right token is let in whatever else came
 * from its address, so nobody can lock out others.
 */
export class FailedAttempts {
  readonly #clock: Clock;
  /** In the order in which they came last. */
  readonly #addresses = new Map<string, Tries>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one. False where it was one too many. */
  count(address: string): boolean {
    const key = neighbourhoodOf(address);
    const now = this.#clock.now();
    const known = this.#addresses.get(key);
    const left =
      known === undefined ? attemptsMax : Math.min(attemptsMax, known.left + (now - known.at) / oneMorePerMs);
    const may = left >= 1;
    this.#addresses.delete(key);
    this.#addresses.set(key, { left: may ? left - 1 : left, at: now });
    if (this.#addresses.size > addressesMax) this.#forgetOldest();
    return may;
  }

  get remembered(): number {
    return this.#addresses.size;
  }

  #forgetOldest(): void {
    const [oldest] = this.#addresses.keys();
    if (oldest !== undefined) this.#addresses.delete(oldest);
  }
}

/** How long until the next wrong token is looked at as one, in seconds: for `Retry-After`. */
export const retryAfterS: number = oneMorePerMs / 1000;
