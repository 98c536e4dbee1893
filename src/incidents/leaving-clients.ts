import type { ExchangeCount } from '../core/counters.ts';

/** Requests that are left tell something when so many clients have left some: one client that does not wait for what is slow as ever tells nothing. */
const clientsMin = 3;
const widthS = 120;

/** Clients of a route that have left requests which were late. */
export class LeavingClients {
  readonly #lastAt = new Map<string, number>();
  #areKnown = true;

  /** `clients`: absent: whose requests they were is not known. */
  add(clients: ExchangeCount['clients'], second: number): void {
    this.#areKnown = clients !== undefined;
    for (const { client } of clients ?? []) this.#lastAt.set(client, second);
    for (const [client, at] of this.#lastAt) if (at <= second - widthS) this.#lastAt.delete(client);
  }

  get areSeveral(): boolean {
    return !this.#areKnown || this.#lastAt.size >= clientsMin;
  }
}
