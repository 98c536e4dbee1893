/**
 * The open streams of a connection, at most `h2Limits.streamsMax`. Their numbers only rise, so that the list is in their order.
 *
 * Not a `Map`: it replaces its table after as many streams as the table holds, and V8 lets each replaced table refer to the next one. Once a full
 * collection has moved one into the old generation, it keeps all later ones alive, and the streams in them, until the next full
 * collection: what a small request costs rises by half (ADR 4).
 */
export class OpenStreams<T extends { readonly id: number }> {
  readonly #list: T[] = [];

  get size(): number {
    return this.#list.length;
  }

  /** In the order of their numbers. A copy, so that streams may end meanwhile. */
  all(): readonly T[] {
    return this.#list.slice();
  }

  get(id: number): T | undefined {
    const stream = this.#list[this.#indexOf(id)];
    return stream?.id === id ? stream : undefined;
  }

  /** Its number is above those of all others. */
  add(stream: T): void {
    this.#list.push(stream);
  }

  /** Returns whether it was among them. */
  remove(id: number): boolean {
    const list = this.#list;
    let at = this.#indexOf(id);
    if (list[at]?.id !== id) return false;
    // In place: `splice` would make an array of what it removes.
    for (; at + 1 < list.length; at++) list[at] = list[at + 1] as T;
    list.pop();
    return true;
  }

  /** Of the first stream with this number or a higher one. */
  #indexOf(id: number): number {
    const list = this.#list;
    let from = 0;
    let to = list.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((list[middle] as T).id < id) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
