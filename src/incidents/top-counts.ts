/** Names that are told apart: what each of more has is not known, all of them together are. */
const namesMax = 32;

/** The name that has most of what is counted. */
interface TopCount {
  readonly name: string;
  /** At least so many are its own. */
  readonly count: number;
}

/**
 * Which names have most of what is counted, in bounded memory: where all entries are taken, a new name takes that of the smallest, with its count as
 * what it may have too much (space-saving: Metwally, Agrawal and El Abbadi 2005). One that has more than a 32nd is always found.
 */
export class TopCounts {
  readonly #counts = new Map<string, { count: number; excess: number }>();

  add(name: string, count: number): void {
    const known = this.#counts.get(name);
    if (known !== undefined) known.count += count;
    else if (this.#counts.size < namesMax) this.#counts.set(name, { count, excess: 0 });
    else this.#replaceSmallest(name, count);
  }

  addAll(other: TopCounts): void {
    for (const { name, count } of other.all) this.add(name, count);
  }

  get all(): readonly TopCount[] {
    return [...this.#counts].map(([name, { count, excess }]) => ({ name, count: count - excess }));
  }

  /** Null: none is known. */
  get top(): TopCount | null {
    let top: TopCount | null = null;
    for (const one of this.all) if (top === null || one.count > top.count) top = one;
    return top;
  }

  #replaceSmallest(name: string, count: number): void {
    let smallest = '';
    let least = Infinity;
    for (const [one, known] of this.#counts) if (known.count < least) [smallest, least] = [one, known.count];
    this.#counts.delete(smallest);
    this.#counts.set(name, { count: least + count, excess: least });
  }
}
