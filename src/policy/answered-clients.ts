/** Of a generation. */
const answeredMax = 10_000;

/**
 * Clients that a route has answered well, in two generations of at most 10,000: a 401 for one of them says that something has changed, one for a
 * stranger only that somebody tries to enter. A client is known for as long as some thousands of others have been answered since.
 */
export class AnsweredClients {
  #newest = new Set<number>();
  #older = new Set<number>();

  /** Both are hashes. Whether it was not known. */
  add(route: number, client: number): boolean {
    const one = Math.imul(route, 31) ^ client;
    if (this.#newest.has(one)) return false;
    if (this.#newest.size >= answeredMax) {
      [this.#newest, this.#older] = [this.#older, this.#newest];
      this.#newest.clear();
    }
    this.#newest.add(one);
    return !this.#older.has(one);
  }

  has(route: number, client: number): boolean {
    const one = Math.imul(route, 31) ^ client;
    return this.#newest.has(one) || this.#older.has(one);
  }
}
