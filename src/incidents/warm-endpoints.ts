/** After so long without an answer an endpoint begins anew. */
const awayS = 10;
const endpointsMax = 1000;

interface Endpoint {
  since: number;
  last: number;
}

/** For how long endpoints have answered: one that begins has cold caches, and is slow. */
export class WarmEndpoints {
  readonly #endpoints = new Map<string, Endpoint>();

  /** It answers in this second. Returns for how many seconds it has done so without a longer pause. */
  answers(name: string, second: number): number {
    const known = this.#endpoints.get(name);
    if (known === undefined) {
      if (this.#endpoints.size >= endpointsMax) this.#endpoints.clear();
      this.#endpoints.set(name, { since: second, last: second });
      return 0;
    }
    if (second - known.last > awayS) known.since = second;
    known.last = second;
    return second - known.since;
  }
}
