/** How many seconds are kept. */
const keptS = 304;

/** Counts of the last five minutes, by second. Seconds are whole numbers that never decrease. */
export class SlidingSeconds {
  readonly #counts = new Uint32Array(keptS);
  #newest = 0;

  add(second: number, count: number): void {
    this.#advance(second);
    const at = second % keptS;
    this.#counts[at] = (this.#counts[at] as number) + count;
  }

  /** Of the `width` seconds that end with `second`; at most 300. */
  sum(second: number, width: number): number {
    this.#advance(second);
    let sum = 0;
    for (let back = 0; back < width; back++) sum += this.#counts[(second - back + keptS) % keptS] as number;
    return sum;
  }

  /** The first second whose count is still kept. */
  get oldest(): number {
    return Math.max(0, this.#newest - keptS + 1);
  }

  /** Of that one second; 0 where it is not kept. */
  at(second: number): number {
    return second > this.#newest || second < this.oldest ? 0 : (this.#counts[second % keptS] as number);
  }

  #advance(second: number): void {
    if (second - this.#newest >= keptS) this.#counts.fill(0);
    else for (let next = this.#newest + 1; next <= second; next++) this.#counts[next % keptS] = 0;
    this.#newest = Math.max(this.#newest, second);
  }
}
