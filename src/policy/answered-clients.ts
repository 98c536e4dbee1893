/** Of a generation. */
const answeredMax = 10_000;

/**
 * Clients that a route has answered well, in two generations of at most 10,000: a 401 for one of them says that something has changed, one for a
 * stranger only that somebody tries to enter. A client is known for as long as some thousands of others have been answered since.
 */
export class AnsweredClients {
  #newest = new Set<number>();
  #older = new Set<number>();

  /** Both are hashes. */
  add(route: number, client: number): void {
    const one = Math.imul(route, 31) ^ client;
    if (this.#newest.has(one)) return;
    if (this.#newest.size >= answeredMax) {
      [this.#newest, this.#older] = [this.#older, this.#newest];
      this.#newest.clear();
    }
    this.#newest.add(one);
  }

  has(route: number, client: number): boolean {
    const one = Math.imul(route, 31) ^ client;
    return this.#newest.has(one) || this.#older.has(one);
  }
}
