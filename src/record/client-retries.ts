import type { EndedExchange } from '../core/exchange.ts';
import type { Instant } from '../core/time.ts';

/** A client that asks again so soon after a failure asks because of it. */
const withinMs = 5000;

/** Failed requests that are remembered, and addresses, half a MiB of a worker; the oldest is forgotten for a new one. */
const failedMax = 4096;

/** More of a target is not compared: it may be as long as a head. */
const comparedMax = 200;

interface FailedRequest {
  /** The first of them ended. */
  readonly endedAt: Instant;
  /** How many have failed that no retry has followed. */
  count: number;
}

/**
 * Tells which requests are retries of clients: the same address asks for the same target of a route soon after that has failed. A failure is followed by one
 * retry at most. While nothing has failed for five seconds, an exchange costs one comparison, else a look at a table, and a hash where its client has failed.
 */
export class ClientRetries {
  readonly #failed = new Map<number, FailedRequest>();
  /** When a request of each address has failed last: most clients have not failed. */
  readonly #clients = new Map<string, Instant>();
  /** What begins later is no retry. */
  #until = -Infinity;

  /** Call it before `noteFailed` of the same exchange, once. */
  isRetry(exchange: EndedExchange): boolean {
    const { startedAt } = exchange;
    if (startedAt > this.#until) return false;
    const lastAt = this.#clients.get(exchange.client.address);
    if (lastAt === undefined || startedAt - lastAt > withinMs) return false;
    const key = keyOf(exchange);
    const failed = this.#failed.get(key);
    if (failed === undefined || startedAt < failed.endedAt || isOld(failed, startedAt)) return false;
    failed.count -= 1;
    if (failed.count === 0) this.#failed.delete(key);
    return true;
  }

  noteFailed(exchange: EndedExchange): void {
    const { endedAt } = exchange;
    this.#until = endedAt + withinMs;
    replaceOldest(this.#clients, exchange.client.address, endedAt);
    const key = keyOf(exchange);
    const known = this.#failed.get(key);
    if (known !== undefined && !isOld(known, endedAt)) return void (known.count += 1);
    replaceOldest(this.#failed, key, { endedAt, count: 1 });
  }
}

/** Makes it the newest entry. */
function replaceOldest<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  const [oldest] = map.size < failedMax ? [] : map.keys();
  if (oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}

const isOld = ({ endedAt }: FailedRequest, at: Instant): boolean => at - endedAt > withinMs;

function keyOf({ client, route, method, target }: EndedExchange): number {
  return hashOf(hashOf(hashOf(hashOf(0x811c9dc5, client.address), route), method), target);
}

/** FNV-1a. */
function hashOf(seed: number, text: string): number {
  let hash = seed;
  const length = Math.min(text.length, comparedMax);
  for (let index = 0; index < length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  // Where one text ends and the next begins counts.
  return Math.imul(hash ^ length, 0x01000193) >>> 0;
}
