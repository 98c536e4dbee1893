/** Handles items one after the other: an item that comes while another one is handled waits for its turn. */
export class Sequence<Item> {
  readonly #handle: (item: Item) => void;
  readonly #waiting: Item[] = [];
  #isHandling = false;

  constructor(handle: (item: Item) => void) {
    this.#handle = handle;
  }

  get isHandling(): boolean {
    return this.#isHandling;
  }

  /** Returns false where the item waits: the call that added the first item handles it too. */
  add(item: Item): boolean {
    this.#waiting.push(item);
    if (this.#isHandling) return false;
    this.#isHandling = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#handle(next);
    } finally {
      this.#isHandling = false;
    }
    return true;
  }
}
