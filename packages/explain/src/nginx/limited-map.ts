/** More than the different messages of any log; a log of hostile lines only empties the map again and again. */
const entriesMax = 512;
/** Longer keys would be copies of a log. */
const keyCharactersMax = 512;

/** Remembers results by a text, and forgets all of them when it is full. */
export class LimitedMap<K extends string, V> {
  readonly #entries = new Map<K, V>();

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Keeps the value unless the key is long, and returns it. */
  keep(key: K, value: V): V {
    if (key.length > keyCharactersMax) return value;
    if (this.#entries.size >= entriesMax) this.#entries.clear();
    // A copy: the key may be a slice of a line, which would stay in memory as a whole.
    this.#entries.set(` ${key}`.slice(1) as K, value);
    return value;
  }
}
