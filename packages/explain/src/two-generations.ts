/** A map whose older half is forgotten when the younger half is full. */
export class TwoGenerations<K, T> {
  #young = new Map<K, T>();
  #old = new Map<K, T>();
  readonly #entriesMax: number;
  /** Of the younger half: its keys, and what its values have gained. */
  #size = 0;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: K): T | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: K, value: T): void {
    this.#young.set(key, value);
    this.#size += 1;
    if (this.#size < this.#entriesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#size = 0;
  }

  /** The value has grown, and stays. */
  keep(key: K, value: T): void {
    this.#size += 1;
    if (this.#size >= this.#entriesMax || this.#old.delete(key)) this.set(key, value);
  }
}
