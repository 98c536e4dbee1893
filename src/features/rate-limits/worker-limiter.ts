import type { FilterContext } from '../../core/filter.ts';
import { ratePolicy } from '../../limits/gcra.ts';
import type { RequestsAtOnce } from '../../limits/requests-at-once.ts';
import type { RateTable, TablePolicy } from '../../limits/rate-table.ts';
import { inNetworks, keyReader, networkReader } from './worker-keys.ts';
import type { LimitReport, RateLimitSpec } from './settings.ts';

/** Keys that are told apart in one report; reports go every 100 ms. */
const reportedKeysMax = 64;

/** Of a key for people. */
const shownMax = 100;

/** FNV-1a. */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash | 0;
}

/** One limit of a route, in one worker. */
export class Limiter {
  readonly spec: RateLimitSpec;
  /** Null: it bounds requests at once alone. */
  readonly policy: TablePolicy | null;
  readonly table: RateTable;
  readonly atOnce: RequestsAtOnce | null;
  /** What is counted, for people. */
  readonly keyText: string;
  readonly keyOf: (exchange: FilterContext) => string;
  readonly isExempt: ((address: string) => boolean) | null;
  readonly #network: (address: string) => string;
  readonly #isHidden: boolean;
  readonly #salt: number;
  #admitted = 0;
  #refused = 0;
  #wouldRefuse = 0;
  #keys: Map<string, number> | null = null;

  constructor(spec: RateLimitSpec, route: string, number: number, table: RateTable, atOnce: RequestsAtOnce | null) {
    const { name, rate, burst, by, ipv4Prefix, ipv6Prefix, ofFile, exempt } = spec;
    this.spec = spec;
    this.table = table;
    this.atOnce = spec.atOnce === null ? null : atOnce;
    // A limit of the file counts all routes together; that of a route is another one.
    const scope = ofFile ? '' : `\n${route}`;
    this.#salt = textHash(`${name}${scope}\n${by.join(' ')}\n${rate?.requests}/${rate?.periodMs}/${burst}`);
    this.policy =
      rate === null ? null : { ...ratePolicy(rate.requests, rate.periodMs, burst), number, salt: this.#salt };
    this.keyText = by.join(' and ');
    this.isExempt = inNetworks(exempt);
    const network = networkReader(ipv4Prefix, ipv6Prefix);
    this.#network = network;
    const readers = by.map((part) => keyReader(part, network, route));
    this.#isHidden = readers.some(({ isHidden }) => isHidden);
    const keys = readers.map(({ of }) => (exchange: FilterContext): string => {
      const value = of(exchange);
      return value === null ? network(exchange.client.address) : `=${value}`;
    });
    const [only] = keys;
    if (by.length === 1 && by[0] === 'address') this.keyOf = ({ client }) => network(client.address);
    else if (only !== undefined && by.length === 1) this.keyOf = only;
    else this.keyOf = (exchange) => keys.map((keyOf) => keyOf(exchange)).join('\0');
  }

  /** For records: which one is counted, or '' where that may be a secret. */
  shown(key: string): string {
    return this.#isHidden
      ? ''
      : key
          .replaceAll('\0', ' ')
          .replace(/(^| )=/g, '$1')
          .slice(0, shownMax);
  }

  /** As `take` of the table; 0: it has no rate. */
  take(key: string, nowMs: number): number {
    return this.policy === null ? 0 : this.table.take(this.policy, key, this.spec.cost, nowMs);
  }

  giveBack(key: string, nowMs: number): void {
    this.#admitted--;
    if (this.policy !== null) this.table.giveBack(this.policy, key, this.spec.cost, nowMs);
  }

  look(key: string, nowMs: number): number {
    return this.policy === null ? 0 : this.table.look(this.policy, key, this.spec.cost, nowMs);
  }

  /** The key among those in flight: no request of another limit counts there. */
  inFlightKey(key: string): string {
    return this.table.digest(this.#salt, key);
  }

  noteAdmitted(): void {
    this.#admitted++;
  }

  noteRefused(exchange: FilterContext, key: string): void {
    if (this.spec.dryRun) this.#wouldRefuse++;
    else this.#refused++;
    const keys = (this.#keys ??= new Map<string, number>());
    const shown = this.#isHidden
      ? `#${this.table.digest(this.#salt, key).slice(0, 8)} of ${this.#network(exchange.client.address)}`
      : this.shown(key);
    const count = keys.get(shown);
    if (count !== undefined || keys.size < reportedKeysMax) keys.set(shown, (count ?? 0) + 1);
  }

  /** Since the last call; null: nothing. */
  report(): LimitReport | null {
    const [admitted, refused, wouldRefuse] = [this.#admitted, this.#refused, this.#wouldRefuse];
    if (admitted + refused + wouldRefuse === 0) return null;
    const keys = [...(this.#keys ?? [])];
    this.#admitted = this.#refused = this.#wouldRefuse = 0;
    this.#keys = null;
    return { name: this.spec.name, admitted, refused, wouldRefuse, keys };
  }
}
