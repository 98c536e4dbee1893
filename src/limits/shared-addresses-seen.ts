import { type AddressesSeen, addressesSeenMs } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import { instantWord, msBetween, type SharedWords } from './shared-words.ts';

/**
 * Whether several addresses use an endpoint, in three words of shared memory: the hash of the address that was noted last, when it was, and
 * when the last other one was noted before it. Two workers that write at the same moment lose nothing but one of many notes.
 */
export class SharedAddressesSeen implements AddressesSeen {
  readonly #words: SharedWords;
  readonly #lastWord: number;
  readonly #lastAtWord: number;
  readonly #severalAtWord: number;
  readonly #workersWord: number;

  constructor(words: SharedWords, lastWord: number, lastAtWord: number, severalAtWord: number, workersWord: number) {
    this.#words = words;
    this.#lastWord = lastWord;
    this.#lastAtWord = lastAtWord;
    this.#severalAtWord = severalAtWord;
    this.#workersWord = workersWord;
  }

  get workers(): number {
    return this.#words.load(this.#workersWord);
  }

  note(hash: number, at: Instant): void {
    if (this.#words.load(this.#lastWord) !== hash) {
      this.#words.store(this.#severalAtWord, this.#words.load(this.#lastAtWord));
      this.#words.store(this.#lastWord, hash);
    }
    this.#words.store(this.#lastAtWord, instantWord(at));
  }

  areSeveral(now: Instant): boolean {
    const severalAt = this.#words.load(this.#severalAtWord);
    return severalAt !== 0 && msBetween(severalAt, instantWord(now)) < addressesSeenMs;
  }
}
