/** The last successful requests of a route whose clients are known: so many, if nothing else is said. */
const samplesUsually = 64;
/** Fewer say nothing of who uses it. */
const samplesMin = 8;

/** Which clients a route answers well: one of each batch of a worker. */
export class ClientSamples {
  readonly #max: number;
  readonly #clients: string[] = [];
  #next = 0;

  /** `max`: more are forgotten, the oldest first. */
  constructor(max = samplesUsually) {
    this.#max = max;
  }

  add(client: string): void {
    this.#clients[this.#next] = client;
    this.#next = (this.#next + 1) % this.#max;
  }

  get count(): number {
    return this.#clients.length;
  }

  /** How many of the samples each client has. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const one of this.#clients) counts.set(one, (counts.get(one) ?? 0) + 1);
    return counts;
  }

  of(client: string): number {
    let count = 0;
    for (const one of this.#clients) if (one === client) count += 1;
    return count;
  }
}

/** The share of a client in what these routes answer well; null: too few requests are known. */
export function shareAmong(samples: readonly ClientSamples[], client: string): number | null {
  const all = samples.reduce((sum, { count }) => sum + count, 0);
  return all < samplesMin ? null : samples.reduce((sum, one) => sum + one.of(client), 0) / all;
}
