import type { ClientFacts } from '../core/exchange.ts';
import type { AddressUse } from '../core/pooled-connection.ts';
import type { AddressesSeen } from '../core/semaphores.ts';
import { after, type Instant } from '../core/time.ts';
import { addressKey } from '../policy/ip-address.ts';

/** Who a request comes from, as far as its share of an endpoint depends on it. */
export type AddressedClient = Pick<ClientFacts, 'address' | 'peerAddress' | 'trusted'>;

/** A client has at least so many addresses (RFC 6177 §2). */
const ipv6PrefixBits = 64;

/** Some 1 MB. Of further addresses none is counted while so many have connections: then no single one has most of them. */
export const addressesMax = 4096;

/** How often at most a worker notes which address uses the endpoint, and makes room for further addresses. */
const noteEveryMs = 1000;

/** The use of an endpoint by one address, or by a block of IPv6. */
class CountedUse implements AddressUse {
  readonly key: string;
  readonly hash: number;
  connections = 0;
  longLived = 0;
  waiting = 0;

  constructor(key: string) {
    this.key = key;
    this.hash = hashOf(key);
  }

  get isNone(): boolean {
    return this.connections === 0 && this.longLived === 0 && this.waiting === 0;
  }
}

/** What each client address uses of an endpoint, in this worker. A request of the same address as the one before costs a comparison. */
export class AddressUses {
  /** By the address, and by the key of its block. */
  readonly #uses = new Map<string, CountedUse>();
  #lastAddress = '';
  #last: CountedUse | null = null;
  /** When its last request came. */
  #lastAt: Instant = longAgo;
  /** When the address of the next request is noted although it is the same. */
  #noteAt: Instant = longAgo;
  /** Until when it need not be noted that there is another one. */
  #severalUntil: Instant = longAgo;
  #makesRoomAt: Instant = longAgo;

  /**
   * The use of the client's address. Null: it has no share, because the address is not known (a UNIX socket), is that of a trusted peer that
   * does not name its clients, or cannot be counted.
   */
  of(client: AddressedClient, seen: AddressesSeen, now: Instant): AddressUse | null {
    const { address } = client;
    if (address === this.#lastAddress && now < this.#noteAt) {
      this.#lastAt = now;
      return this.#last;
    }
    if (address === '' || (client.trusted && address === client.peerAddress)) return null;
    const use = this.#uses.get(address) ?? this.#add(address, now);
    const isOther = use !== this.#last;
    if (use !== null && (isOther ? now >= this.#severalUntil : now >= this.#noteAt)) {
      // Two of them, one behind the other, tell all workers that there are several.
      if (isOther && this.#last !== null) {
        seen.note(this.#last.hash, this.#lastAt);
        this.#severalUntil = after(now, noteEveryMs);
      }
      seen.note(use.hash, now);
      this.#noteAt = after(now, noteEveryMs);
    }
    this.#lastAddress = address;
    this.#last = use;
    this.#lastAt = now;
    return use;
  }

  get size(): number {
    return this.#uses.size;
  }

  #add(address: string, now: Instant): CountedUse | null {
    if (this.#uses.size >= addressesMax - 1 && !this.#makeRoom(now)) return null;
    const key = addressKey(address, ipv6PrefixBits);
    let use = this.#uses.get(key);
    if (use === undefined) {
      use = new CountedUse(key);
      this.#uses.set(key, use);
    }
    this.#uses.set(address, use);
    return use;
  }

  /** Forgets addresses that use nothing, and the single addresses of blocks. */
  #makeRoom(now: Instant): boolean {
    if (now < this.#makesRoomAt) return false;
    this.#makesRoomAt = after(now, noteEveryMs);
    for (const [address, use] of this.#uses) if (use.isNone || address !== use.key) this.#uses.delete(address);
    this.#lastAddress = '';
    return this.#uses.size < addressesMax - 1;
  }
}

/** FNV-1a; never 0, which means none. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash | 0 || 1;
}

const longAgo = Number.NEGATIVE_INFINITY as Instant;
