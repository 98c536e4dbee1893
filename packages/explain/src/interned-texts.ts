import { ownText } from './own-text.ts';

/**
 * Returns the same copy for equal texts: a part of a line would keep the whole line in memory, and a map finds a string that
 * it has seen before faster. Forgets all of them when it is full.
 */
export class InternedTexts {
  readonly #texts = new Map<string, string>();
  readonly #textsMax: number;

  constructor(textsMax: number) {
    this.#textsMax = textsMax;
  }

  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const own = ownText(text);
    if (this.#texts.size >= this.#textsMax) this.#texts.clear();
    this.#texts.set(own, own);
    return own;
  }
}
