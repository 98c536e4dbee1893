import type { Instant } from '../core/time.ts';

/** Closes this near each other are one event: a process that ends closes all of its connections, whatever their age. */
const apartMs = 200;
/** Two ages are the same limit when the shorter is this part of the longer, at least. */
const alike = 0.8;
/** What was learned is forgotten then: the endpoint may have been given another limit. */
const forgottenMs = 5 * 60_000;
/** Of what was seen, only this part is used: the close was on its way for a while before it was seen. */
const usedPart = 0.8;

/**
 * How long an endpoint keeps idle connections, from when it closes them. Two closes after the same idle time, some time
 * apart, are a limit; one is an accident. A connection that we let go before that is never met by a close on its way
 * (RFC 9112 §9.5).
 */
export class LearnedIdleLimit {
  #lastAgeMs = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #limitMs = Infinity;
  #learnedAt = 0;

  /** The endpoint has closed a connection that had been idle for `ageMs`. */
  noteClose(ageMs: number, now: Instant): void {
    if (now - this.#lastAt < apartMs) return;
    const [less, more] = ageMs < this.#lastAgeMs ? [ageMs, this.#lastAgeMs] : [this.#lastAgeMs, ageMs];
    this.#lastAgeMs = ageMs;
    this.#lastAt = now;
    if (less < more * alike || less <= 0) return;
    this.#limitMs = less * usedPart;
    this.#learnedAt = now;
  }

  /** For how long an idle connection is safe to keep, in milliseconds; Infinity where nothing is known. */
  keepMs(now: Instant): number {
    return now - this.#learnedAt < forgottenMs ? this.#limitMs : Infinity;
  }
}
