/** Routes come from the configuration; beyond this their counts begin anew. */
const routesMax = 4096;

/** Chooses which successes of a route are logged, evenly: of ten with a share of 0.1, one. */
export class LogSampler {
  readonly #routes = new Map<string, { due: number; skipped: number }>();

  /** How many successes the one at hand stands for, those included that were left out since the last one; 0: it is left out. */
  choose(route: string, share: number): number {
    if (share === 0) return 0;
    let counts = this.#routes.get(route);
    if (counts === undefined) {
      if (this.#routes.size >= routesMax) this.#routes.clear();
      counts = { due: 0, skipped: 0 };
      this.#routes.set(route, counts);
    }
    counts.due += share;
    counts.skipped += 1;
    // Sums of a share such as 0.1 are not exact.
    if (counts.due < 1 - 1e-9) return 0;
    const standsFor = counts.skipped;
    counts.due -= 1;
    counts.skipped = 0;
    return standsFor;
  }
}
