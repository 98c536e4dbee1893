import type { RequestPriority } from '../core/route-spec.ts';
import type { Instant } from '../core/time.ts';

/** For so long each look must find the delay too long: a pause to collect garbage, or one large request, is no overload. */
const lateMsMin = 1000;
/** How often the share of refused requests changes, at most: as long as a change needs to show in the delay. */
const stepMs = 200;
/** The share of the requests that are still served of which each step refuses one more part. */
const stepUp = 0.15;
/** What each step without delay leaves of the refused share; below the second number none is refused. */
const stepDown = 0.85;
const leastShare = 0.02;
/**
 * The part of its time that a thread spends on refusals while it is no later than it may be; with the delay it grows by its square, up to the second
 * number where a refusal costs nothing. One that costs as much as a request spares the thread nothing: then it stays at the first.
 */
const refusalTime = 0.1;
const refusalTimeMost = 0.9;
/** How much of the old costs each step keeps. */
const keptCost = 0.7;
/** Of the requests that come: what a served one costs is seen while no larger share is refused. */
const fewRefused = 0.05;
/** Some requests of each priority always pass, so that the gateway finds out that they can. */
const mostShare = 0.95;

const priorities = ['low', 'normal', 'high'] as const;

/**
 * Decides which requests a thread refuses because it is late. Like CoDel (RFC 8289) it looks at how long work has waited, and not at how much waits: the shortest delay of a
 * second says whether there is a standing queue. While there is one, it refuses a growing share of the requests: those of low priority first, and of the
 * next priority only when all of the lower one are refused.
 */
export class LoadShedding {
  #delayMaxMs: number;
  #aboveSince: Instant | null = null;
  #steppedAt: Instant | null = null;
  #delayMs = 0;
  #share = 0;
  /** Since the last step, and how many of them were refused. */
  #served = 0;
  #refusedCount = 0;
  /** What a request, and a refusal, costs of a thread that does nothing else, in milliseconds; NaN: not known. */
  #servedMs = NaN;
  #refusedMs = NaN;
  /** Requests by priority since the last step, and of late. */
  readonly #arrived = { low: 0, normal: 0, high: 0 };
  readonly #usual = { low: 0, normal: 0, high: 0 };
  /** What of each priority is refused, and what of one more request to refuse has gathered. */
  readonly #refused = { low: 0, normal: 0, high: 0 };
  readonly #gathered = { low: 0, normal: 0, high: 0 };

  /** Infinity: nothing is refused. */
  constructor(delayMaxMs: number) {
    this.#delayMaxMs = delayMaxMs;
  }

  set delayMaxMs(delayMaxMs: number) {
    this.#delayMaxMs = delayMaxMs;
  }

  /** The share of requests that should be refused, from 0 to 1. */
  get share(): number {
    return this.#share;
  }

  /** How long work waited when the thread was last looked at. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** The thread was `delayMs` late just now, and has begun to serve `served` requests since the last call. */
  note(now: Instant, delayMs: number, served: number): void {
    this.#delayMs = delayMs;
    this.#served += served;
    const isLate = delayMs > this.#delayMaxMs;
    if (!isLate) this.#aboveSince = null;
    else this.#aboveSince ??= now;
    const elapsedMs = this.#steppedAt === null ? 0 : now - this.#steppedAt;
    if (this.#steppedAt !== null && elapsedMs < stepMs) return;
    this.#steppedAt = now;
    const shareMax = isLate ? this.#affordable(elapsedMs) : mostShare;
    this.#served = 0;
    this.#refusedCount = 0;
    for (const priority of priorities) {
      this.#usual[priority] = (this.#usual[priority] + this.#arrived[priority]) / 2;
      this.#arrived[priority] = 0;
    }
    if (!isLate) this.#share = this.#share * stepDown < leastShare ? 0 : this.#share * stepDown;
    else if (this.#share > 0 || now - (this.#aboveSince as number) >= lateMsMin)
      this.#share = Math.min(shareMax, this.#share + stepUp * (1 - this.#share));
    this.#divide();
  }

  /**
   * A late thread had no pause in the last `elapsedMs`. Returns the share of the requests whose refusal it has the time for. What a request costs is seen
   * while few are refused, and what a refusal costs by how many fewer are served then.
   */
  #affordable(elapsedMs: number): number {
    const [served, refused] = [this.#served, this.#refusedCount];
    const arrived = this.#arrived.low + this.#arrived.normal + this.#arrived.high;
    if (refused < fewRefused * arrived) {
      if (served > 0) this.#servedMs = mixed(this.#servedMs, elapsedMs / served);
    } else if (refused > 0 && !Number.isNaN(this.#servedMs))
      this.#refusedMs = mixed(this.#refusedMs, Math.max(0, elapsedMs - served * this.#servedMs) / refused);
    if (Number.isNaN(this.#refusedMs) || arrived === 0) return mostShare;
    const spared = 1 - this.#refusedMs / this.#servedMs;
    const part = Math.min(
      Math.max(refusalTime, refusalTimeMost * spared),
      refusalTime * Math.max(1, this.#delayMs / this.#delayMaxMs) ** 2,
    );
    return Math.min(mostShare, (part * elapsedMs) / (this.#refusedMs * arrived));
  }

  /** Divides the refused share between the priorities. */
  #divide(): void {
    const all = this.#usual.low + this.#usual.normal + this.#usual.high;
    let left = this.#share * all;
    for (const priority of priorities) {
      const count = this.#usual[priority];
      this.#refused[priority] = count === 0 ? (left > 0 ? mostShare : 0) : Math.min(mostShare, left / count);
      left -= Math.min(left, count);
    }
  }

  /** A request has come. True: it is refused. */
  refuses(priority: RequestPriority): boolean {
    this.#arrived[priority]++;
    if (this.#share === 0) return false;
    const gathered = this.#gathered[priority] + this.#refused[priority];
    this.#gathered[priority] = gathered >= 1 ? gathered - 1 : gathered;
    if (gathered >= 1) this.#refusedCount++;
    return gathered >= 1;
  }

  /** How long a request that is refused now would have waited: those that are served wait for the delay, and of all that come only some are served. */
  get waitMs(): number {
    return Math.max(this.#delayMs, this.#delayMaxMs) / (1 - this.#share);
  }
}

function mixed(before: number, now: number): number {
  return Number.isNaN(before) ? now : keptCost * before + (1 - keptCost) * now;
}
