import type { HashKey } from '../core/upstream-spec.ts';
import { cookieValue } from './cookie-value.ts';
import type { BalancedEndpoint, Balancer, BalancerContext } from './balancer.ts';

/** How much of its share of the requests in flight an endpoint may have before requests go elsewhere (Mirrokni et al., 2016). */
const loadFactor = 1.25;

/** So many requests in flight are never too many: otherwise two requests at a quiet time would go to two endpoints. */
const loadFloor = 8;

/**
 * Requests with the same key go to the same endpoint, in all workers and all gateways with the same endpoints. An endpoint that
 * comes or goes moves only its own share of the keys (rendezvous hashing by weight: Thaler and Ravishankar, 1998; each endpoint
 * has a rank for each key, and the highest is picked).
 *
 * An endpoint that has more than its share of the requests in flight, or no connection to give, is passed over, so that one
 * popular key cannot overload it: the next in the key's order gets the request. A request without a key, or with an empty one,
 * is balanced by `fallback`.
 */
export class ConsistentHash<E extends BalancedEndpoint> implements Balancer<E> {
  readonly #key: HashKey;
  readonly #fallback: Balancer<E>;
  #endpoints: readonly E[] = [];
  #hashes: readonly number[] = [];
  #weights: readonly number[] = [];
  #weightSum = 0;

  constructor(key: HashKey, fallback: Balancer<E>) {
    this.#key = key;
    this.#fallback = fallback;
  }

  update(endpoints: readonly E[]): void {
    this.#fallback.update(endpoints);
    this.#endpoints = endpoints;
    this.#hashes = endpoints.map(({ id }) => hashOf(id, 0));
    const areAllZero = endpoints.every(({ weight }) => weight === 0);
    this.#weights = endpoints.map(({ weight }) => (areAllZero ? 1 : weight));
    this.#weightSum = this.#weights.reduce((sum, weight) => sum + weight, 0);
  }

  pick(context: BalancerContext<E>): E | null {
    const key = keyOf(this.#key, context);
    if (key === null || key === '') return this.#fallback.pick(context);
    const { tried } = context;
    const keyHash = hashOf(key, 1);
    const loadPerWeight = this.#loadPerWeight();
    let highest: E | null = null;
    let highestRank = -1;
    let taken: E | null = null;
    let takenRank = -1;
    for (let index = 0; index < this.#endpoints.length; index++) {
      const endpoint = this.#endpoints[index] as E;
      const rank = this.#rankOf(index, keyHash);
      if (rank <= takenRank || tried.includes(endpoint)) continue;
      if (rank > highestRank) {
        highest = endpoint;
        highestRank = rank;
      }
      const loadMax = Math.max(loadFloor, Math.ceil(loadPerWeight * (this.#weights[index] as number)));
      if (endpoint.load >= loadMax || !endpoint.hasRoom) continue;
      taken = endpoint;
      takenRank = rank;
    }
    return taken ?? highest ?? this.#fallback.pick(context);
  }

  /** The most requests in flight for each unit of weight, with the request that is to be placed. */
  #loadPerWeight(): number {
    let load = 1;
    for (let index = 0; index < this.#endpoints.length; index++) load += (this.#endpoints[index] as E).load;
    return (loadFactor * load) / this.#weightSum;
  }

  /** The chance that the rank of an endpoint is the highest is in proportion to its weight. */
  #rankOf(index: number, keyHash: number): number {
    const hash = scrambled(keyHash ^ Math.imul(this.#hashes[index] as number, 0x9e3779b1));
    return (this.#weights[index] as number) / -Math.log((hash + 0.5) / 2 ** 32);
  }
}

/** What a request is hashed by; null or '': it has none. */
export function keyOf(
  key: HashKey,
  context: Pick<BalancerContext<unknown>, 'header' | 'eachHeader' | 'clientAddress' | 'path'>,
): string | null {
  switch (key.kind) {
    case 'header':
      return context.header(key.name);
    case 'cookie':
      return cookieValue(context, key.name);
    case 'address':
      return context.clientAddress;
    case 'path':
      return context.path;
  }
}

/** FNV-1a over UTF-16 code units, then scrambled: similar texts have unrelated hashes. */
export function hashOf(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return scrambled(hash);
}

/** The last step of MurmurHash3: each bit of the input changes each bit of the result with a chance of one half. */
function scrambled(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
