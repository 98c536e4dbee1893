import type { AskedName } from '../core/on-demand.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { addressKey } from '../policy/ip-address.ts';

/** In one batch: a flood of names costs no more. */
const askedMax = 64;
/** Of one client, so that its names do not keep out those of others. */
const askedMaxOfClient = 8;
/** A client has at least so many addresses (RFC 6177 §2). */
const ipv6PrefixBits = 64;
const usedMax = 1024;
/** Certificates are renewed over days. */
const usedEveryMs = 60_000;

/** The host names that clients ask for and that certificates are obtained for on demand, until the main thread gets them. */
export class AskedNames {
  readonly #clock: Clock;
  /** By the name. */
  #asked = new Map<string, AskedName>();
  #countOf = new Map<string, number>();
  #used = new Set<string>();
  #usedDueAt: Instant | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** There is no certificate for it. */
  noteAsked(name: string, address: string): void {
    if (this.#asked.size >= askedMax || this.#asked.has(name)) return;
    const client = addressKey(address, ipv6PrefixBits);
    const count = this.#countOf.get(client) ?? 0;
    if (count >= askedMaxOfClient) return;
    this.#countOf.set(client, count + 1);
    this.#asked.set(name, { name, client });
  }

  /** There is one, which was shown. */
  noteUsed(name: string): void {
    if (this.#used.size < usedMax) this.#used.add(name);
  }

  /** Those since the last call; used ones once a minute. */
  take(): readonly AskedName[] {
    const now = this.#clock.now();
    const isUsedDue = this.#used.size > 0 && (this.#usedDueAt === null || now >= this.#usedDueAt);
    if (this.#asked.size === 0 && !isUsedDue) return none;
    const asked = [...this.#asked.values()];
    this.#asked = new Map();
    this.#countOf = new Map();
    if (!isUsedDue) return asked;
    const used = [...this.#used].map((name) => ({ name, client: null }));
    this.#used = new Set();
    this.#usedDueAt = after(now, usedEveryMs);
    return [...asked, ...used];
  }
}

const none: readonly AskedName[] = [];
