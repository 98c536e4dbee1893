import type { SharedWords } from './shared-words.ts';

/** The limit of a bound that adapts, in shared memory. Each is one word: a thread that reads it reads a whole one. */
export class SharedLimitWords {
  readonly #words: SharedWords;
  readonly #limitWord: number;
  readonly #probeWord: number;

  constructor(words: SharedWords, limitWord: number, probeWord: number) {
    this.#words = words;
    this.#limitWord = limitWord;
    this.#probeWord = probeWord;
  }

  get limit(): number {
    return this.#words.load(this.#limitWord);
  }

  set limit(hundredths: number) {
    this.#words.store(this.#limitWord, hundredths);
  }

  get probedAt(): number {
    return this.#words.load(this.#probeWord);
  }

  set probedAt(word: number) {
    this.#words.store(this.#probeWord, word);
  }
}
