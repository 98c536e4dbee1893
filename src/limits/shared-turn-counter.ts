import type { TurnCounter } from '../core/semaphores.ts';
import type { SharedWords } from './shared-words.ts';

/** How many requests have got what they waited for, in a word of shared memory. */
export class SharedTurnCounter implements TurnCounter {
  readonly #words: SharedWords;
  readonly #word: number;

  constructor(words: SharedWords, word: number) {
    this.#words = words;
    this.#word = word;
  }

  get count(): number {
    return this.#words.load(this.#word);
  }

  increment(): void {
    this.#words.bump(this.#word);
  }
}
