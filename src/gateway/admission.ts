import type { ClientLimits } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { AddressPlaces, Places } from '../core/places.ts';
import type { Clock } from '../core/time.ts';
import type { Admission } from '../downstream/ports.ts';
import { parseIp } from '../policy/ip-address.ts';

export interface AdmissionParts {
  readonly clock: Clock;
  readonly counts: WorkerCounts;
  /** Client connections of all workers together. */
  readonly connections: Places;
  readonly addresses: AddressPlaces;
  /** Trusted peers carry the connections of many clients. */
  readonly isTrusted: (address: string) => boolean;
}

/**
 * Each try waits some 20 ms for whoever counts at this moment. On a busy machine that one may be put aside for longer; half a
 * second's delay is better than a client that is reset for nothing.
 */
const triesMax = 25;

/** Whoever has this key is counted with nobody. */
const nobody = '';

/**
 * Who may connect: as many as there are places in all workers together, and of those only so many from one address.
 * Whoever gets no place is closed without a word, since saying one takes a place; but it is counted and told of.
 */
export class WorkerAdmission implements Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  take(address: string, limits: ClientLimits): string | null {
    const { clock, counts, connections } = this.#parts;
    let tries = 1;
    while (!connections.tryTake(limits.connectionsMax, clock.now())) {
      if (connections.hasRoom(limits.connectionsMax) && tries++ < triesMax) continue;
      counts.refusedAtMax++;
      return this.#refused(address);
    }
    const key = this.takeAddress(address, limits);
    if (key === null) connections.giveBack(limits.connectionsMax);
    return key;
  }

  takeAddress(address: string, { connectionsPerAddressMax, ipv6PrefixBits }: ClientLimits): string | null {
    const { counts, addresses, isTrusted } = this.#parts;
    if (connectionsPerAddressMax === null || isTrusted(address)) return nobody;
    const key = addressKey(address, ipv6PrefixBits);
    for (let tries = 0; tries < triesMax; tries++) {
      const answer = addresses.tryTake(key, connectionsPerAddressMax);
      if (answer === 'taken') return key;
      if (answer !== 'locked') break;
    }
    // A table that is full is met as if the address had all its places: whom we cannot count we cannot bound.
    counts.refusedAtAddressMax++;
    return this.#refused(address);
  }

  #refused(address: string): null {
    const { counts } = this.#parts;
    counts.clientConnectionsRefused++;
    counts.lastRefusedAddress = address;
    return null;
  }

  giveBack(key: string, limits: ClientLimits): void {
    this.giveBackAddress(key);
    this.#parts.connections.giveBack(limits.connectionsMax);
  }

  giveBackAddress(key: string): void {
    if (key !== nobody) this.#parts.addresses.giveBack(key);
  }
}

/** An address as it is counted: of IPv6 its first bits, which are what one customer has all of. */
export function addressKey(address: string, ipv6PrefixBits: number): string {
  if (!address.includes(':')) return address;
  const octets = parseIp(address);
  if (octets === null) return address.slice(0, 48);
  let key = '';
  for (let bit = 0; bit < ipv6PrefixBits; bit += 8) {
    const mask = 0xff << Math.max(0, 8 - (ipv6PrefixBits - bit));
    key += ((octets[bit >> 3] ?? 0) & mask & 0xff).toString(16).padStart(2, '0');
  }
  return `${key}/`;
}
