/** What is in at most one list at a time, and knows its neighbours there. */
export interface Linked {
  previous: this | null;
  next: this | null;
}

/**
 * A list through its items, in the order in which they were added. A `Set` would keep the memory of those that have left, as
 * a `Map` does (`downstream/listener.ts`), and has no last item.
 */
export class LinkedList<T extends Linked> {
  size = 0;
  first: T | null = null;
  last: T | null = null;

  add(item: T): void {
    const { last } = this;
    item.previous = last;
    if (last === null) this.first = item;
    else last.next = item;
    this.last = item;
    this.size++;
  }

  /** Returns whether it was in the list. */
  remove(item: T): boolean {
    const { previous, next } = item;
    if (previous === null && this.first !== item) return false;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    item.previous = item.next = null;
    this.size--;
    return true;
  }
}
