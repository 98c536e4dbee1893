/** Clients that are told apart: what each of more has is not known, all of them together are. */
const clientsMax = 32;

/** The client that has most of the failures. */
interface TopClient {
  /** An address, or a network: see `clientNetwork`. */
  readonly client: string;
  /** At least so many are its own. */
  readonly count: number;
}

/**
 * Which clients have most of what is counted, in bounded memory: where all entries are taken, a new client takes that of the smallest, with its count as
 * what it may have too much (space-saving: Metwally, Agrawal and El Abbadi 2005). One that has more than a 32nd is always found.
 */
export class ClientCounts {
  readonly #counts = new Map<string, { count: number; excess: number }>();

  add(client: string, count: number): void {
    const known = this.#counts.get(client);
    if (known !== undefined) known.count += count;
    else if (this.#counts.size < clientsMax) this.#counts.set(client, { count, excess: 0 });
    else this.#replaceSmallest(client, count);
  }

  addAll(other: ClientCounts): void {
    for (const [client, { count, excess }] of other.#counts) this.add(client, count - excess);
  }

  /** Null: none is known. */
  get top(): TopClient | null {
    let top: TopClient | null = null;
    for (const [client, { count, excess }] of this.#counts)
      if (top === null || count - excess > top.count) top = { client, count: count - excess };
    return top;
  }

  #replaceSmallest(client: string, count: number): void {
    let smallest = '';
    let least = Infinity;
    for (const [one, known] of this.#counts) if (known.count < least) [smallest, least] = [one, known.count];
    this.#counts.delete(smallest);
    this.#counts.set(client, { count: least + count, excess: least });
  }
}

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
