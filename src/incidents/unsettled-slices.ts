export const sliceS = 10;

/** A slice is known to be usual after so long without an incident; sooner while little is known of the route. */
const unsettledS = 60;
const unsettledAtFirstS = 10;

/** Half of what is usual is forgotten in an hour. */
const keptOfSlice = 0.998;

/** Adds a slice to what is usual, cell by cell. */
export function addSlice(usual: Float64Array, cells: ArrayLike<number>): void {
  for (let cell = 0; cell < usual.length; cell++)
    usual[cell] = (usual[cell] as number) * keptOfSlice + (cells[cell] as number);
}

/** What is counted of a route in slices of ten seconds, until it is known whether it was usual. */
export class UnsettledSlices<T> {
  readonly firstSecond: number;
  readonly #empty: () => T;
  /** By slice number. */
  readonly #recent = new Map<number, T>();
  /** Slices of an incident, and of the minute before it. */
  readonly #unusual = new Set<number>();

  constructor(second: number, empty: () => T) {
    this.firstSecond = second;
    this.#empty = empty;
  }

  at(second: number): T {
    const slice = Math.floor(second / sliceS);
    let counts = this.#recent.get(slice);
    if (counts === undefined) this.#recent.set(slice, (counts = this.#empty()));
    return counts;
  }

  /** With their numbers, in the order in which they began. */
  entries(): IterableIterator<[slice: number, counts: T]> {
    return this.#recent.entries();
  }

  /** Takes out slices that are old enough; those that were usual are learnt from. */
  settle(second: number, isUsual: boolean, learn: (counts: T) => void): void {
    const unsettled = second - this.firstSecond < unsettledS ? unsettledAtFirstS : unsettledS;
    const oldest = Math.floor((second - unsettled) / sliceS);
    for (const [slice, counts] of this.#recent) {
      if (!isUsual) this.#unusual.add(slice);
      if (slice >= oldest) continue;
      this.#recent.delete(slice);
      if (!this.#unusual.delete(slice)) learn(counts);
    }
  }
}
