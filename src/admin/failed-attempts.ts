import type { Clock, Instant } from '../core/time.ts';
import { neighbourhoodOf } from './network-address.ts';

/** Wrong tokens that are answered 401: enough for typing errors, or a program with an old token. */
const attemptsMax = 10;
/** After that, one more in this time: guessing does not succeed, and does not fill the events. */
const oneMorePerMs = 6_000;
/** Addresses that are remembered. An attacker with more addresses evicts the oldest one, and gains ten attempts. */
const addressesMax = 1024;

interface Tries {
  left: number;
  at: Instant;
}

/**
 * Counts wrong tokens by address. The count only decides how a wrong token is answered: a valid token is accepted whatever else came
 * from its address, so that no attacker can lock out others.
 */
export class FailedAttempts {
  readonly #clock: Clock;
  /** In the order of their last attempt. */
  readonly #addresses = new Map<string, Tries>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a wrong token. False if there were too many. */
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

/** Seconds until the next wrong token is answered 401 again: for `Retry-After`. */
export const retryAfterS: number = oneMorePerMs / 1000;
