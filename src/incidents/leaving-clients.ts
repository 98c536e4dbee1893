import type { ExchangeCount } from '../core/counters.ts';

/** Requests that are left tell something when so many clients have left some: one client that does not wait for what is slow as ever tells nothing. */
const clientsMin = 3;
const widthS = 120;

/** A client is known when so many samples show that the route has answered it. */
const answeredMin = 3;
const answeredMax = 256;

/** One that leaves all: in so many seconds of the last minute, so far apart, and with no sample of an answer since a moment after the first. */
const leftSecondsMin = 8;
const leftSpreadS = 20;
const leftWithinS = 60;
const underWayS = 2;

/** Clients of a route that have left requests. */
export class LeavingClients {
  /** Of those that were late. */
  readonly #lastAt = new Map<string, number>();
  #areKnown = true;
  /** Samples of those that were answered. */
  readonly #answered = new Map<string, { count: number; last: number }>();
  /** The seconds in which clients have left any. */
  readonly #left = new Map<string, number[]>();

  addAnswered(client: string, second: number): void {
    const known = this.#answered.get(client);
    this.#answered.delete(client);
    this.#answered.set(client, { count: (known?.count ?? 0) + 1, last: second });
    if (this.#answered.size <= answeredMax) return;
    const [oldest] = this.#answered.keys();
    if (oldest !== undefined) this.#answered.delete(oldest);
  }

  /** Whether or not they were late. */
  addLeft(clients: ExchangeCount['clients'], second: number): void {
    for (const { client } of clients ?? []) {
      const seconds = this.#left.get(client) ?? [];
      if (seconds.at(-1) !== second) seconds.push(second);
      this.#left.set(client, seconds);
    }
    for (const [client, seconds] of this.#left) {
      while ((seconds[0] ?? second) <= second - leftWithinS) seconds.shift();
      if (seconds.length === 0) this.#left.delete(client);
    }
  }

  /** `clients`: absent: whose requests they were is not known. */
  add(clients: ExchangeCount['clients'], second: number): void {
    this.#areKnown = clients !== undefined;
    for (const { client } of clients ?? []) this.#lastAt.set(client, second);
    for (const [client, at] of this.#lastAt) if (at <= second - widthS) this.#lastAt.delete(client);
  }

  get areSeveral(): boolean {
    return !this.#areKnown || this.#lastAt.size >= clientsMin;
  }

  /** Whether one of those that have left late requests was usually answered: it waits for what did not take so long before. */
  get areUsual(): boolean {
    return [...this.#lastAt.keys()].some((client) => (this.#answered.get(client)?.count ?? 0) >= answeredMin);
  }

  /** Whether one of these clients was answered, and leaves all its requests now. */
  leavesAll(clients: ExchangeCount['clients']): boolean {
    return (clients ?? []).some(({ client }) => {
      const [seconds = [], answered] = [this.#left.get(client), this.#answered.get(client)];
      const [first, last] = [seconds[0] ?? 0, seconds.at(-1) ?? 0];
      if (seconds.length < leftSecondsMin || last - first < leftSpreadS || answered === undefined) return false;
      return answered.count >= answeredMin && answered.last <= first + underWayS;
    });
  }
}
