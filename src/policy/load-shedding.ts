import type { Instant } from '../core/time.ts';

/** For so long each look must find the delay too long: a pause to collect garbage, or one large request, is no overload. */
const lateMsMin = 1000;

/**
 * The part of its time that a late thread spends on refusals. What is measured of a refusal is about half of what it costs, since reading the request came
 * before and its answer leaves with those of others: so they take about a tenth of the time, whatever they spare.
 */
const refusalPart = 0.05;
/** Where a refusal takes less than `cheapShare` of what a request does, it spares the thread nearly all of that. */
const cheapRefusalPart = 0.2;
const cheapShare = 1 / 8;
/** Time that was not spent on refusals is kept for this long. */
const keptMs = 200;
/** How much of what it knew of their cost each refusal keeps. */
const keptCost = 0.95;

/**
 * Says whether a thread is late, and which requests that wait for it it refuses then. Like CoDel (RFC 8289) it looks at how long work has waited, and not at how much
 * waits: when for a second some request has always waited longer than `delayMaxMs`, there is a standing queue, until the longest wait is half of that.
 */
export class LoadShedding {
  /** Infinity: it is never late. */
  delayMaxMs = Infinity;
  isLate = false;
  #aboveSince: Instant | null = null;
  #earnedMs = 0;
  #earnedAt: Instant | null = null;
  /** The requests that begin take so long each, between the last two looks; and refusals, of late. */
  #eachMs = 0;
  #refusalMs = Infinity;
  #notedAt: Instant | null = null;

  /** Work had waited for up to `delayMs` just now, and `begun` requests have begun since the last call. */
  note(now: Instant, delayMs: number, begun: number): void {
    if (delayMs <= this.delayMaxMs) this.#aboveSince = null;
    else this.#aboveSince ??= now;
    if (this.isLate) this.isLate = delayMs > this.delayMaxMs / 2;
    else this.isLate = this.#aboveSince !== null && now - this.#aboveSince >= lateMsMin;
    if (this.#notedAt !== null && begun > 0) this.#eachMs = (now - this.#notedAt) / begun;
    this.#notedAt = now;
  }

  /** A late thread refuses those that have waited since before this instant. */
  refusedBefore(now: Instant): Instant {
    return (now - this.delayMaxMs) as Instant;
  }

  /** Whether it has the time to refuse a request: adds what it has earned since the last call. */
  hasTime(now: Instant): boolean {
    const part = this.#refusalMs < cheapShare * this.#eachMs ? cheapRefusalPart : refusalPart;
    const elapsedMs = now - (this.#earnedAt ?? now);
    this.#earnedMs = Math.min(part * keptMs, this.#earnedMs + part * elapsedMs);
    this.#earnedAt = now;
    return this.#earnedMs > 0;
  }

  /** A refusal took `tookMs`. */
  spend(tookMs: number): void {
    this.#earnedMs -= tookMs;
    this.#refusalMs = this.#refusalMs === Infinity ? tookMs : keptCost * this.#refusalMs + (1 - keptCost) * tookMs;
  }

  /** How long a request that is refused now, as one of `waiting`, would have waited on. */
  waitMs(waiting: number): number {
    return Math.max(this.delayMaxMs, waiting * this.#eachMs);
  }
}
