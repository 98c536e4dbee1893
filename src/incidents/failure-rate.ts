import { upperShare } from '../core/upper-share.ts';
import { SlidingSeconds, UsualClumps } from './family-window.ts';

/** What is usual is that of the last hour, in slices. */
export const usualSliceS = 60;
export const usualSlices = 60;

/** A route that has shown nothing yet is taken for one that has answered so many requests well, or as many as the other routes of its upstream speak for. */
export const assumedRequests = 500;
const assumedMax = 5000;

/** Fewer failures than this share are usual everywhere. */
const usualMin = 0.001;

/** Times what is usual: the alternatives, equally likely. */
const times = [2, 4, 8, 16, 32, 64, 128, 200] as const;

/** No more requests than this share fail under any alternative. */
const shareMax = 0.9;

/**
 * Fewer late or changed responses than a third are told after so long. Each part of that time has at least this much of its even share of them, and
 * there are so many times more than usual: cold caches after a deploy have most of theirs in the first seconds.
 */
const lasting = {
  slower: { forS: 42, partS: 14, evenMin: 2 / 3 },
  changed: { forS: 40, partS: 20, evenMin: 1 / 2 },
} as const;
const lastingTimes = 2;

/**
 * What goes on is not learnt as usual while evidence against it grows: the logarithm of a likelihood ratio that has risen by so much since a failure (CUSUM:
 * Page 1954), for so long. Chance does that seldom, so that what is usual stays known. What began when little was known of the route may have been so ever.
 */
const risenMin = 4;
const heldS = 240;
const heldAfterS = 70;

/**
 * Failures are not independent: a database that is slow for some seconds fails three requests, and that is over before anybody can act. What comes at once
 * speaks as loud as one failure, and what follows adds less each second: the logarithm of a likelihood has a bound that fills again with time. A
 * likelihood that is made smaller by what was known before has no more false alarms. Where clumps are usual, the logarithm and its bound are divided by their dispersion
 * besides (quasi-likelihood: Wedderburn 1974), and the bound fills more slowly: two clumps within a minute are chance there.
 */
const evidenceAtOnce = 6;
const evidencePerS = 2.5;

/** One family of failures on one route. */
export class FailureRate {
  readonly clumps: UsualClumps;
  readonly #firstSecond: number;
  /** By slice number. */
  readonly #usual = new Map<number, number>();
  /** The sum of those. */
  usualFailed = 0;
  readonly #evidence = new Float64Array(times.length).fill(1 / times.length);
  /** By how much the logarithm may grow, and when that was so. */
  #bound = evidenceAtOnce;
  #boundAt = 0;
  readonly failed = new SlidingSeconds();
  /** By alternative: how far the logarithm has risen, and since when. */
  readonly #risen = new Float64Array(times.length);
  readonly #risenSince = new Float64Array(times.length);
  /** Settled seconds that are not learnt yet, and their requests. */
  #held: { readonly second: number; readonly failed: number }[] = [];
  heldRequests = 0;
  /** The first failure since which the evidence has grown. */
  since: number | null = null;

  constructor(firstSecond: number) {
    this.#firstSecond = firstSecond;
    this.clumps = new UsualClumps(firstSecond);
  }

  /** A second that was usual, as far as is known. */
  noteUsual(second: number, failed: number, requests: number): void {
    const since = this.#risingSince(second);
    if (since === null) this.#learnHeld();
    if (since === null || second < since) return this.#learn(second, failed);
    if (failed > 0) this.#held.push({ second, failed });
    this.heldRequests += requests;
  }

  #learnHeld(): void {
    for (const { second, failed } of this.#held) this.#learn(second, failed);
    this.#held = [];
    this.heldRequests = 0;
  }

  /** Null: it is not, or has been for too long. */
  #risingSince(second: number): number | null {
    let most = 0;
    for (let index = 1; index < times.length; index++)
      if ((this.#risen[index] as number) > (this.#risen[most] as number)) most = index;
    const since = this.#risenSince[most] as number;
    const isNew = since >= this.#firstSecond + heldAfterS && second - since <= heldS;
    return isNew && (this.#risen[most] as number) >= risenMin ? since : null;
  }

  #learn(second: number, failed: number): void {
    if (failed === 0) return;
    const slice = Math.floor(second / usualSliceS);
    this.#usual.set(slice, (this.#usual.get(slice) ?? 0) + failed);
    this.usualFailed += failed;
    this.clumps.note(second, failed);
  }

  forget(oldest: number): void {
    for (const [slice, failed] of this.#usual) {
      if (slice >= oldest) continue;
      this.#usual.delete(slice);
      this.usualFailed -= failed;
    }
  }

  /** The largest share of failures that the last hour speaks for (95 %; the rule of three where there was none). `assumed`: requests answered well besides, where none failed. */
  usualMax(requests: number, assumed = assumedRequests): number {
    const { usualFailed: failed } = this;
    return Math.max(usualMin, failed === 0 ? 3 / (requests + assumed) : upperShare(failed, Math.max(failed, requests)));
  }

  /**
   * One second with requests: Shiryaev–Roberts, whose statistic is expected to be the number of seconds where nothing has changed, whatever the seconds were like. So
   * it reaches `n` only once in `n` seconds. (Pollak 1985; mixtures: Pollak and Siegmund 1991; e-detectors: Shin, Ramdas and Rinaldo 2024.)
   */
  add(second: number, failed: number, requests: number, usual: number, dispersion: number): number {
    const bound = Math.min(
      evidenceAtOnce / dispersion,
      this.#bound + (evidencePerS / (dispersion * dispersion)) * (second - this.#boundAt),
    );
    let sum = 0;
    let most = 0;
    for (let index = 0; index < times.length; index++) {
      const share = Math.min(shareMax, Math.max(usual * 1.5, usual * (times[index] as number)));
      const log = failed * Math.log(share / usual) + (requests - failed) * Math.log((1 - share) / (1 - usual));
      const likelihood = Math.min(bound, log / dispersion);
      if (this.#risen[index] === 0) this.#risenSince[index] = second;
      this.#risen[index] = Math.max(0, (this.#risen[index] as number) + likelihood);
      most = Math.max(most, likelihood);
      const before = (this.#evidence[index] as number) + 1 / times.length;
      this.#evidence[index] = Math.min(1e15, before * Math.exp(likelihood));
      sum += this.#evidence[index] as number;
    }
    this.#bound = bound - most;
    this.#boundAt = second;
    if (sum < 2) this.since = null;
    else if (failed > 0) this.since ??= second;
    return sum;
  }

  /** More than `usual` of the requests have been late or changed for some time, evenly. */
  hasLasted(second: number, family: keyof typeof lasting, usual: number, requests: SlidingSeconds): boolean {
    const { forS, partS, evenMin } = lasting[family];
    if (this.since === null || second - this.since < forS) return false;
    const all = this.failed.sum(second, forS);
    if (all < lastingTimes * usual * requests.sum(second, forS)) return false;
    for (let back = 0; back < forS; back += partS)
      if (this.failed.sum(second - back, partS) < (evenMin * all * partS) / forS) return false;
    return true;
  }

  reset(): void {
    this.#evidence.fill(1 / times.length);
    this.#risen.fill(0);
    this.since = null;
  }
}

/** As how many requests without a failure the other routes of an upstream count for a route that has had none: their own share says how seldom it may fail. */
export function assumedBeside(failed: number, requests: number): number {
  if (requests <= assumedRequests) return assumedRequests;
  const share = failed === 0 ? 3 / requests : upperShare(failed, requests);
  return Math.min(assumedMax, Math.max(assumedRequests, 3 / share));
}
