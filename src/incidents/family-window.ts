import type { FailureFamily } from '../core/live-incident.ts';
import { chanceExponent } from './chance.ts';

/** How many seconds are kept. */
const keptS = 304;

/** Counts of the last five minutes, by second. Seconds are whole numbers that never decrease. */
export class SlidingSeconds {
  readonly #counts = new Uint32Array(keptS);
  #newest = 0;

  add(second: number, count: number): void {
    this.#advance(second);
    const at = second % keptS;
    this.#counts[at] = (this.#counts[at] as number) + count;
  }

  /** Of the `width` seconds that end with `second`; at most 300. */
  sum(second: number, width: number): number {
    this.#advance(second);
    let sum = 0;
    for (let back = 0; back < width; back++) sum += this.#counts[(second - back + keptS) % keptS] as number;
    return sum;
  }

  /** The first second whose count is still kept. */
  get oldest(): number {
    return Math.max(0, this.#newest - keptS + 1);
  }

  /** Of that one second; 0 where it is not kept. */
  at(second: number): number {
    return second > this.#newest || second < this.oldest ? 0 : (this.#counts[second % keptS] as number);
  }

  #advance(second: number): void {
    if (second - this.#newest >= keptS) this.#counts.fill(0);
    else for (let next = this.#newest + 1; next <= second; next++) this.#counts[next % keptS] = 0;
    this.#newest = Math.max(this.#newest, second);
  }
}

/** Failures within so many seconds may have one reason, such as a database that is slow for that time. */
const clumpS = 5;
const halfClumpsS = 24 * 3600;
/** Until it has shown otherwise, an application fails in single requests: so many are assumed. */
const assumedSingle = 4;

/**
 * How failures come while there is no incident: each by itself, or in clumps, which are over before anybody can act. Half of it is forgotten in a day, since an hour
 * has few clumps.
 */
export class UsualClumps {
  readonly #firstSecond: number;
  #number = -1;
  #inClump = 0;
  #second = 0;
  #failed = 0;
  /** Of the failures in each five seconds, summed. */
  #squares = 0;

  constructor(firstSecond: number) {
    this.#firstSecond = firstSecond;
  }

  note(second: number, failed: number): void {
    const number = Math.floor(second / clumpS);
    if (this.#number !== number) this.#inClump = 0;
    const kept = 0.5 ** ((second - this.#second) / halfClumpsS);
    this.#failed = this.#failed * kept + failed;
    this.#squares = this.#squares * kept + failed * (failed + 2 * this.#inClump);
    this.#inClump += failed;
    this.#number = number;
    this.#second = second;
  }

  /** Variance by mean of the failures in five seconds; 1 where each comes by itself. */
  dispersion(second: number): number {
    if (this.#failed === 0) return 1;
    const knownS = (halfClumpsS / Math.LN2) * (1 - 0.5 ** ((second - this.#firstSecond) / halfClumpsS));
    const mean = (this.#failed * clumpS) / Math.max(clumpS, knownS);
    const single = Math.min(1, assumedSingle / (this.#failed + assumedSingle));
    return Math.max(1, single + (1 - single) * (this.#squares / this.#failed - mean));
  }
}

/** When failures are so many that they are an incident. */
interface OpeningRule {
  /** Within the last five seconds. */
  readonly failedMin: number;
  /** Of the requests of the upstream in that time. */
  readonly shareMin: number;
  /** Of the last minute, or of the last five, where failures are seldom. */
  readonly seldomMin: number;
  /** Whether failures that were always there are none. */
  readonly mayBeUsual: boolean;
}

const ofGateway: OpeningRule = { failedMin: 3, shareMin: 0.01, seldomMin: 8, mayBeUsual: false };
/** Applications answer single requests with 500 every day. */
const ofApplication: OpeningRule = { failedMin: 5, shareMin: 0.03, seldomMin: 20, mayBeUsual: true };

/** Failures as usual, times this and some more, are an incident. */
const usualTimes = 4;

/** How many more: three; fewer where hardly one is expected, as after a few failures among few requests. */
const moreThan = (expected: number): number => usualTimes * expected + Math.min(3, 10 * expected);

/**
 * A response that is no valid HTTP is the fault of what has sent it, and usual nowhere: so many attempts of two minutes are enough, in so many seconds, where more have
 * come than chance makes (e^-n) of those before, to which good ones are added, as many as an upstream is trusted with that is new.
 */
const rare = {
  widthS: 120,
  beforeS: 180,
  failedMin: 8,
  secondsMin: 6,
  shareMin: 0.001,
  chanceMax: 6,
  assumed: 5000,
} as const;

const windowS = 5;
const minuteS = 60;

/** Among few requests, so many failures may be an incident. */
const fewFailuresMin = 4;

/** Where failures come in clumps as a rule, two clumps may come in the same minutes. */
const clumpedMin = 1.25;
const clumpsMin = 3;
const clumpsS = 20;

/** Few requests: then most of those in a minute must have failed. */
const fewRequestsMax = 60;

/** Attempts that failed while other attempts answered the requests: more of them, since clients saw nothing. */
const hiddenMin = 5;
const hiddenShareMin = 0.1;
/** Within so many seconds, where requests come seldom. */
const hiddenSeldomS = 30;

/** Within one second. */
const burstMin = 10;

/** Failures that come every few seconds, among few requests. Chance makes three in so long a time: their share must be larger. */
const repeatedS = 20;
const repeatedShareMin = 0.03;

/** The usual share is the mean of so many seconds, as far as there were as many. */
const usualS = 600;

/** A larger share is usual for no application. The first seconds of one that always fails so are all that is known of it. */
const usualMax = 0.1;

const longS = 300;

/** Failures after a longer pause have begun anew. */
const pauseS = 10;
const rarePauseS = 30;

/** The failures of one family at one upstream: whether they are an incident. */
export class FamilyWindow {
  readonly #rule: OpeningRule;
  readonly #isNeverUsual: boolean;
  readonly failed = new SlidingSeconds();
  readonly attemptsFailed = new SlidingSeconds();
  /** Null: failures that were always there are none. */
  #clumps: UsualClumps | null = null;
  /** The share of requests that failed so while there was no incident. */
  #mean = 0;
  /** What was usual in each second of the last minute, and which seconds those are. */
  readonly #usualAt = new Float64Array(minuteS + 1);
  readonly #usualSeconds = new Int32Array(minuteS + 1).fill(-1);

  constructor(family: FailureFamily) {
    this.#rule = family === 'application' ? ofApplication : ofGateway;
    this.#isNeverUsual = family === 'garbage';
  }

  get #usual(): number {
    return Math.min(usualMax, this.#mean);
  }

  /** Whether an incident begins. Once for each second that is over; `secondsKnown`: for how long the upstream is watched. */
  opens(second: number, secondsKnown: number, requests: SlidingSeconds, attempts: SlidingSeconds): boolean {
    if (this.#isMany(second, requests, attempts)) return true;
    this.#noteClumps(second - minuteS);
    this.#usualAt[second % (minuteS + 1)] = this.#usual;
    this.#usualSeconds[second % (minuteS + 1)] = second;
    const inLast = requests.sum(second, 1);
    if (inLast === 0) return false;
    this.#mean += (Math.min(1, this.failed.sum(second, 1) / inLast) - this.#mean) / Math.min(usualS, secondsKnown + 1);
    return false;
  }

  /** A minute later: the first failures of an incident are not usual. */
  #noteClumps(second: number): void {
    if (!this.#rule.mayBeUsual || second < 0) return;
    this.#clumps ??= new UsualClumps(second);
    const failed = this.failed.at(second);
    if (failed > 0) this.#clumps.note(second, failed);
  }

  #isMany(second: number, requests: SlidingSeconds, attempts: SlidingSeconds): boolean {
    const failed = this.failed.sum(second, windowS);
    const { failedMin, shareMin } = this.#rule;
    const isShare = failed >= failedMin && this.#isShare(failed, shareMin, second, windowS, requests);
    if (isShare && this.#isMoreThanClumps(failed, second, requests)) return true;
    if (!this.#rule.mayBeUsual && (this.#isBurst(second, requests) || this.#isRepeated(second, requests))) return true;
    const [inMinute, allInMinute] = [this.failed.sum(second, minuteS), requests.sum(second, minuteS)];
    if (inMinute >= failedMin && allInMinute <= fewRequestsMax && inMinute * 2 >= allInMinute && failed > 0)
      return true;
    if (failed > 0 && (this.#isSeldom(second, minuteS, requests) || this.#isSeldom(second, longS, requests)))
      return true;
    if (this.#isNeverUsual && this.#isRare(second, attempts)) return true;
    return this.#isHidden(second, windowS, attempts) || this.#isHidden(second, hiddenSeldomS, attempts);
  }

  #isRare(second: number, attempts: SlidingSeconds): boolean {
    const { widthS, beforeS, failedMin, secondsMin, shareMin, chanceMax, assumed } = rare;
    if (this.attemptsFailed.sum(second, 1) === 0) return false;
    const [failed, all] = [this.attemptsFailed.sum(second, widthS), attempts.sum(second, widthS)];
    if (failed < failedMin || failed < shareMin * all) return false;
    let seconds = 0;
    for (let one = second - widthS + 1; one <= second; one++) if (this.attemptsFailed.at(one) > 0) seconds += 1;
    const before = attempts.sum(second - widthS, beforeS) + assumed;
    const every = failed + this.attemptsFailed.sum(second - widthS, beforeS);
    return seconds >= secondsMin && chanceExponent(failed, every, all / (all + before)) >= chanceMax;
  }

  /** Two clumps may come at once, by chance: a few failures must go on for longer, where clumps are usual. */
  #isMoreThanClumps(failed: number, second: number, requests: SlidingSeconds): boolean {
    const { failedMin, seldomMin } = this.#rule;
    const clumped = this.#clumps?.dispersion(second) ?? 1;
    if (failed < clumped * failedMin) return false;
    if (clumped < clumpedMin || failed >= seldomMin || failed * 2 >= requests.sum(second, windowS)) return true;
    return this.#clumpsWithin(second, clumpsS) >= clumpsMin;
  }

  /** Among very many requests, failures of one second are a small share of five. */
  #isBurst(second: number, requests: SlidingSeconds): boolean {
    const failed = this.failed.sum(second, 1);
    return failed >= burstMin && this.#isShare(failed, this.#rule.shareMin, second, 1, requests);
  }

  /** Where requests come seldom, less than three may fail in five seconds. */
  #isRepeated(second: number, requests: SlidingSeconds): boolean {
    if (this.failed.sum(second, 1) === 0) return false;
    const failed = this.failed.sum(second, repeatedS);
    return failed >= this.#rule.failedMin && this.#isShare(failed, repeatedShareMin, second, repeatedS, requests);
  }

  #isShare(failed: number, shareMin: number, second: number, width: number, requests: SlidingSeconds): boolean {
    const all = Math.max(failed, requests.sum(second, width));
    return failed >= shareMin * all && failed > moreThan(this.#usualBefore(second) * all);
  }

  #isHidden(second: number, width: number, attempts: SlidingSeconds): boolean {
    const hidden = this.attemptsFailed.sum(second, width) - this.failed.sum(second, width);
    if (hidden < hiddenMin || this.attemptsFailed.sum(second, windowS) === 0) return false;
    return hidden >= hiddenShareMin * attempts.sum(second, width);
  }

  #isSeldom(second: number, width: number, requests: SlidingSeconds): boolean {
    const { seldomMin, shareMin, mayBeUsual } = this.#rule;
    const [failed, all] = [this.failed.sum(second, width), requests.sum(second, width)];
    if (mayBeUsual && failed <= usualTimes * this.#usual * all) return false;
    const clumped = this.#clumps?.dispersion(second) ?? 1;
    if (clumped >= clumpedMin && this.#clumpsWithin(second, width) < clumpsMin) return false;
    return failed >= Math.min(seldomMin, 0.2 * all) && failed >= fewFailuresMin * clumped && failed >= shareMin * all;
  }

  /** Groups of failures within as many seconds as a clump has. */
  #clumpsWithin(second: number, width: number): number {
    let clumps = 0;
    for (let one = second - width + 1; one <= second; one++) {
      if (this.failed.at(one) === 0) continue;
      clumps += 1;
      one += clumpS - 1;
    }
    return clumps;
  }

  /** The second in which those failures began that are more than usual now, or go on without a longer pause; else that of the last failures. */
  begin(second: number, requests: SlidingSeconds): number {
    let begin: number | null = null;
    const share = this.#usualBefore(second);
    const pause = this.#isNeverUsual ? rarePauseS : pauseS;
    for (let one = second; one >= 0 && one >= (begin ?? one) - pause && one > second - 60; one--) {
      const usual = share * requests.at(one);
      const failed = Math.max(this.failed.at(one), this.attemptsFailed.at(one));
      if (failed > 2 * usual + 2 * Math.sqrt(usual)) begin = one;
      else if (failed > 0) begin ??= one;
    }
    return begin ?? second;
  }

  /**
   * The share that is usual: what it was a minute ago, or as early as it is known. The first failures of an incident, which may be found later, have
   * become usual since. Where some failures always come, all that is known is needed to tell it from them.
   */
  #usualBefore(second: number): number {
    if (this.#rule.mayBeUsual) return this.#usual;
    for (let one = Math.max(0, second - minuteS); one < second; one++)
      if (this.#usualSeconds[one % (minuteS + 1)] === one) return this.#usualAt[one % (minuteS + 1)] as number;
    return this.#usual;
  }
}
