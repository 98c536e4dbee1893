import type { ConnectGate } from '../core/semaphores.ts';
import type { Clock, Instant } from '../core/time.ts';
import { instantWord, msBetween } from './instant-word.ts';
import type { SharedWords } from './shared-words.ts';

/** The connect gate of one endpoint in shared memory. It is one word, so that it needs no lock. */
export class SharedConnectGate implements ConnectGate {
  readonly #words: SharedWords;
  readonly #word: number;

  constructor(words: SharedWords, word: number) {
    this.#words = words;
    this.#word = word;
  }

  isClosed(clock: Clock, backoffMs: number): boolean {
    const refusedAt = this.#words.load(this.#word);
    return refusedAt !== 0 && msBetween(refusedAt, instantWord(clock.now())) < backoffMs;
  }

  msSinceRefusal(now: Instant, backoffMs: number): number | null {
    const refusedAt = this.#words.load(this.#word);
    if (refusedAt === 0) return null;
    const agoMs = msBetween(refusedAt, instantWord(now));
    if (agoMs < backoffMs) return Math.max(0, agoMs);
    // Of several callers only the one whose swap succeeds may connect.
    return this.#words.swapIf(this.#word, refusedAt, instantWord(now)) ? null : 0;
  }

  noteRefusal(now: Instant): void {
    this.#words.store(this.#word, instantWord(now));
  }

  reopen(): void {
    if (this.#words.load(this.#word) !== 0) this.#words.store(this.#word, 0);
  }
}
