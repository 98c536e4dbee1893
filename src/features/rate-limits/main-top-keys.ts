/** Keys that are told apart in a minute. A new one takes the place of that with the fewest, and its count (space-saving). */
const keysMax = 200;
const windowMs = 60_000;
const shownMax = 5;

/** Which keys had the most refusals in this minute and the one before. */
export class TopKeys {
  #window = -1;
  #now = new Map<string, number>();
  #before = new Map<string, number>();

  add(key: string, count: number, nowMs: number): void {
    this.#turn(nowMs);
    const known = this.#now.get(key);
    if (known !== undefined || this.#now.size < keysMax) {
      this.#now.set(key, (known ?? 0) + count);
      return;
    }
    const [[least, fewest]] = [...this.#now].toSorted(([, one], [, other]) => one - other) as [[string, number]];
    this.#now.delete(least);
    this.#now.set(key, fewest + count);
  }

  top(nowMs: number): readonly { readonly key: string; readonly count: number }[] {
    this.#turn(nowMs);
    const sums = new Map(this.#before);
    for (const [key, count] of this.#now) sums.set(key, (sums.get(key) ?? 0) + count);
    return [...sums]
      .map(([key, count]) => ({ key, count }))
      .toSorted((one, other) => other.count - one.count)
      .slice(0, shownMax);
  }

  #turn(nowMs: number): void {
    const window = Math.floor(nowMs / windowMs);
    if (window === this.#window) return;
    this.#before = window === this.#window + 1 ? this.#now : new Map();
    this.#now = new Map();
    this.#window = window;
  }
}
