import type { ConnectGate } from '../core/semaphores.ts';
import type { Clock, Instant } from '../core/time.ts';
import { instantWord, msBetween, type SharedWords } from './shared-words.ts';

/** The lowest bit of the word: a connection was accepted before. The others are the time of the refusal, in steps of 2 ms. */
const accepted = 1;

/** The connect gate of one endpoint in shared memory. It is one word, so that it needs no lock. */
export class SharedConnectGate implements ConnectGate {
  readonly #words: SharedWords;
  readonly #word: number;

  constructor(words: SharedWords, word: number) {
    this.#words = words;
    this.#word = word;
  }

  get hasAccepted(): boolean {
    return (this.#words.load(this.#word) & accepted) !== 0;
  }

  isClosed(clock: Clock, backoffMs: number): boolean {
    const refusedAt = this.#words.load(this.#word) & ~accepted;
    return refusedAt !== 0 && msBetween(refusedAt, instantWord(clock.now())) < backoffMs;
  }

  msSinceRefusal(now: Instant, backoffMs: number): number | null {
    const word = this.#words.load(this.#word);
    const refusedAt = word & ~accepted;
    if (refusedAt === 0) return null;
    const agoMs = msBetween(refusedAt, instantWord(now));
    if (agoMs < backoffMs) return Math.max(0, agoMs);
    // Of several callers only the one whose swap succeeds may connect.
    return this.#words.swapIf(this.#word, word, refusalWord(now, word)) ? null : 0;
  }

  noteRefusal(now: Instant): void {
    this.#words.store(this.#word, refusalWord(now, this.#words.load(this.#word)));
  }

  noteAccepted(): void {
    if (this.#words.load(this.#word) !== accepted) this.#words.store(this.#word, accepted);
  }

  reopen(): void {
    const word = this.#words.load(this.#word);
    if ((word & ~accepted) !== 0) this.#words.store(this.#word, word & accepted);
  }
}

function refusalWord(now: Instant, before: number): number {
  return (instantWord(now) & ~accepted || accepted << 1) | (before & accepted);
}
