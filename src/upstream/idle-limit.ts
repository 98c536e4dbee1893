import type { Instant } from '../core/time.ts';

/** Closes within this time are one event: a process that ends closes all of its connections, whatever their age. */
const apartMs = 200;
/** Two ages show the same limit when the shorter is at least this part of the longer. */
const alike = 0.8;
/** A learned limit is forgotten after this time: the endpoint may have another one by then. */
const forgottenMs = 5 * 60_000;
/** Only this part of the limit is used: a close is on its way for a while before it is seen. */
const usedPart = 0.8;

/**
 * Learns how long an endpoint keeps idle connections, from the times at which it closes them. Two closes after the same
 * idle time, some time apart, show a limit; one close does not. A connection that the pool closes before the limit never
 * meets a close that is on its way (RFC 9112 §9.5).
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
