/** What is made of the text of a file: once for all routes and revisions that have the same one. */
export class ParsedFiles<T extends object> {
  readonly #make: (text: string) => T;
  readonly #known = new Map<string, WeakRef<T>>();

  constructor(make: (text: string) => T) {
    this.#make = make;
  }

  of(text: string): T {
    const known = this.#known.get(text)?.deref();
    if (known !== undefined) return known;
    for (const [other, made] of this.#known) if (made.deref() === undefined) this.#known.delete(other);
    const made = this.#make(text);
    this.#known.set(text, new WeakRef(made));
    return made;
  }
}
