import { isIP } from 'node:net';
import type { Clock, Instant } from '../core/time.ts';

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

/**
 * The host of a `Host` header or of the authority of a target, without its port, in the normal form that URLs
 * have: lowercase, IPv6 in brackets. Null if it is not a valid host.
 */
export function hostOfAuthority(authority: string): string | null {
  // A URL can have more than a host and a port, but a Host header cannot.
  if (authority === '' || /[^\w.:[\]-]/.test(authority)) return null;
  const hostname = URL.parse(`http://${authority}`)?.hostname;
  return hostname === undefined || hostname === '' ? null : hostname;
}

/** The address of a socket in the same form. A listener for both families shows 192.0.2.1 as '::ffff:192.0.2.1'. */
export function hostOfAddress(address: string): string {
  const plain = plainAddress(address);
  return isIP(plain) === 6 ? (URL.parse(`http://[${plain}]`)?.hostname ?? `[${plain}]`) : plain;
}

/** An address without its zone; an IPv4-mapped address as IPv4. */
function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** The network that counts as one requester: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function neighbourhoodOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [front = '', back] = plain.split('::');
  const groups = front === '' ? [] : front.split(':');
  if (back !== undefined) {
    const tail = back === '' ? 0 : back.split(':').length;
    while (groups.length + tail < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}

export function isLiteral(host: string): boolean {
  return host.startsWith('[') || isIP(host) === 4;
}
