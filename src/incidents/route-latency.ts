import { filledAbove, latencyCells, latencyQuantileMs } from '../core/latency-cells.ts';
import type { AbandonedRequests, Lateness } from '../core/live-incident.ts';
import { commonDuration, durationBoundsMs, type ExchangeCount, startOfDuration } from '../core/counters.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import { chanceExponent } from './chance.ts';
import { CutBodies } from './cut-bodies.ts';
import { CountedAwaited, passing } from './counted-awaited.ts';
import { LeavingClients } from './leaving-clients.ts';
import { LongWaits } from './long-waits.ts';
import {
  LateBesides,
  LateClients,
  ordinaryChanceMax,
  shareAbove,
  shareIfSlower,
  timesSlower,
} from './ordinary-lateness.ts';
import type { CountedLateness, LateOnRoute } from './steady-lateness.ts';
import { addSlice, sliceS, UnsettledSlices } from './unsettled-slices.ts';

/** Late is what takes longer than this many times the usual p90 of the route, and so much more. */
const lateTimes = 3;
const latePlusMs = 100;

/** Fewer responses, or a shorter time, say nothing of what is usual. */
const knownMin = 20;
const learntS = 30;
const knownOfPathMin = 5;
/** Of slices. */
const limitsKept = 9;

/** What takes so long is slow for people: it is told sooner. */
export const severeMs = 300;

/** What takes longer may be meant to. */
const pollMs = 5000;

/**
 * So many of a route's responses in so many seconds are an incident, where so many seconds lie between the first and the last of them: what all wait
 * for may stand still for some seconds, and that is over before anybody can act.
 */
const sights = [
  { widthS: 10, kind: 'severe', shareMin: 0.5, spreadS: 7 },
  { widthS: 12, kind: 'late', shareMin: 0.6, spreadS: 7 },
  { widthS: 30, kind: 'severe', shareMin: 0.2, spreadS: 15 },
  { widthS: 30, kind: 'late', shareMin: 0.3, spreadS: 15 },
] as const;

/** Who leaves several requests after one such time has a timeout, and no client sets a shorter one on purpose. */
const timeoutMs = 1000;

/** The longest of them, and how many responses at least. */
const slowMostS = 30;
const lateMin = 6;

/** No chance: among so many responses, so many late ones would come with a probability below e^-14, where as many are late as usual, or 1 % (Chernoff). */
const lateByChanceMax = 14;
const lateUsuallyMin = 0.01;
const lateIfSlowerMin = 0.001;

const keptS = 60;

interface Second {
  second: number;
  answered: number;
  late: number;
  severe: number;
  /** Of the late ones, those that were left. */
  lateLeft: number;
  left: Float64Array | null;
}

export interface LateCount extends CountedLateness {
  /** Of them, those that may tell something although they are few: people notice them, and they are no polls that wait for news. */
  readonly telling: number;
}

export const noneLate: LateCount = { answered: 0, late: 0, severe: 0, telling: 0 };

export class RouteLatency {
  readonly #byChanceMax: number;
  readonly waits: LongWaits;
  readonly #usual = new Float64Array(latencyCells);
  readonly #recent: UnsettledSlices<Float64Array>;
  readonly #seconds: Second[] = [];
  #lateAt = -Infinity;
  readonly #lateOnes = new CountedAwaited();
  readonly #severeOnes = new CountedAwaited();
  readonly besides = new LateBesides();
  readonly lateClients = new LateClients();
  readonly leaving = new LeavingClients();
  readonly cut = new CutBodies();
  /** What told something of clients that leave although nothing is late, and when. */
  #left: { readonly second: number; readonly left: NonNullable<Lateness['left']> } | null = null;
  /** The share that is late while all is as usual. */
  lateUsually = lateUsuallyMin;
  /** The same, where one more is assumed than was seen. */
  lateUsuallySeen = lateUsuallyMin;
  limitMs: number | null = null;
  readonly #limits: number[] = [];
  /** Nine of ten take no longer; null: not known. */
  usualMostMs: number | null = null;

  /** `moreChance`: of many of which it is one, so that each must be less likely by chance: e^n. */
  constructor(route: string, second: number, moreChance = 0) {
    this.waits = new LongWaits(route, (limitMs) => this.#aboveIfSlower(limitMs)[0]);
    this.#recent = new UnsettledSlices(second, () => new Float64Array(latencyCells));
    this.#byChanceMax = lateByChanceMax + moreChance;
  }

  add(
    { answered, latencies, awaited }: Pick<RouteTraffic, 'answered' | 'latencies' | 'awaited'>,
    second: number,
  ): LateCount {
    const cells = this.#recent.at(second);
    for (let at = 0; at < latencies.length; at += 2)
      (cells[latencies[at] as number] as number) += latencies[at + 1] as number;
    const { limitMs } = this;
    if (limitMs === null) return noneLate;
    const passed = (limit: number): number => passing(awaited, limit).length;
    const ended = filledAbove(latencies, limitMs);
    const late = this.#lateOnes.add(ended, passed(limitMs), second);
    const severeFrom = Math.max(limitMs, severeMs);
    const now = this.#at(second);
    const severe = this.#severeOnes.add(filledAbove(latencies, severeFrom), passed(severeFrom), second);
    const telling = filledAbove(latencies, severeFrom) - filledAbove(latencies, Math.max(severeFrom, pollMs));
    now.answered += answered - ended + late;
    now.late += late;
    now.severe += severe;
    this.besides.add(second, answered - ended, late);
    if (late > 0) this.#lateAt = second;
    return { answered: answered - ended + late, late, severe, telling };
  }

  /** Requests whose clients did not wait any longer: counts by `durationBoundsMs`. Their responses had not begun. */
  addAbandoned(
    { count, durations, clients }: Pick<ExchangeCount, 'count' | 'durations' | 'clients'>,
    second: number,
  ): LateCount {
    const now = this.#at(second);
    now.left ??= new Float64Array(durations.length);
    for (let cell = 0; cell < durations.length; cell++) (now.left[cell] as number) += durations[cell] as number;
    const { limitMs } = this;
    this.leaving.addLeft(clients, second);
    if (limitMs === null) return noneLate;
    const leftAfterMs = this.#leftAfterMs(second);
    const above = (limit: number): number => countAtLeast(durations, limit);
    // Who waits in vain for one time would have waited for longer; people click away at any time.
    const ended = above(leftAfterMs === null ? limitMs : Math.min(severeMs, limitMs));
    const late = this.#lateOnes.add(ended, 0, second);
    now.answered += count - ended + late;
    now.late += late;
    now.severe += this.#severeOnes.add(ended, 0, second);
    this.waits.add(count, above(this.waits.limitMs as number), [], second);
    now.lateLeft += late;
    this.besides.add(second, 0, late);
    if (late > 0) this.#lateAt = second;
    if (ended > 0) this.leaving.add(clients, second);
    const telling = Math.min(ended, above(Math.max(limitMs, severeMs)));
    // A timeout that was set too short is over before anything is late.
    if (ended === 0 && leftAfterMs !== null && this.leaving.leavesAll(clients)) {
      this.#left = { second, left: { afterMs: leftAfterMs, isInBody: false } };
      return { ...noneLate, late: count, telling: count };
    }
    const isTelling = this.leaving.areSeveral || ((leftAfterMs ?? 0) >= timeoutMs && this.leaving.areUsual);
    return { ...noneLate, late, telling: isTelling ? telling : 0 };
  }

  /** Those that their clients have left after the head of their response. */
  addCut(counted: ExchangeCount, second: number): LateCount {
    const found = this.cut.add(counted, second);
    if (found === null) return noneLate;
    this.#left = { second, left: { afterMs: found.afterMs, isInBody: true } };
    return { ...noneLate, late: found.count, telling: found.count };
  }

  /** After which time clients leave, in the last minute; null: after different ones. */
  #leftAfterMs(second: number): number | null {
    return this.abandoned('', second).afterMs;
  }

  abandoned(route: string, second: number): AbandonedRequests {
    const sum = new Float64Array(durationBoundsMs.length + 1);
    let count = 0;
    for (const { left, second: at } of this.#seconds) {
      if (left === null || at < second - keptS) continue;
      for (let cell = 0; cell < left.length; cell++) {
        (sum[cell] as number) += left[cell] as number;
        count += left[cell] as number;
      }
    }
    return { route, count, afterMs: commonDuration(sum) };
  }

  #at(second: number): Second {
    const newest = this.#seconds.at(-1);
    if (newest?.second === second) return newest;
    const added: Second = { second, answered: 0, late: 0, severe: 0, lateLeft: 0, left: null };
    this.#seconds.push(added);
    if (this.#seconds.length > keptS) this.#seconds.shift();
    return added;
  }

  /** The second in which it became slow; null: it is not. `isOrdinary`: of so many late ones among so many of so many seconds. */
  slowSince(
    second: number,
    isOrdinary = ({ late, answered }: Omit<LateOnRoute, 'route'>, _widthS: number): boolean =>
      chanceExponent(late, answered, this.lateIfSlower) < ordinaryChanceMax || this.besides.areBesides(second),
  ): number | null {
    const newest = this.#seconds.at(-1);
    if (newest === undefined || newest.second < second - 2 || !this.#hasLate(second)) return null;
    const isSlow = sights.some((sight) => {
      const seen = this.#isSlow(second, sight);
      return seen !== null && !isOrdinary(seen, sight.widthS);
    });
    if (!isSlow) return null;
    let since = newest.second;
    for (const one of this.#seconds.toReversed()) {
      if (one.late === 0 && one.answered > 0 && since - one.second > 3) break;
      if (one.late > 0) since = one.second;
    }
    return since;
  }

  /** The second since which clients leave responses in their middle; null: they do not. */
  cutSince(second: number): number | null {
    return this.cut.since(second, (widthS) =>
      this.#seconds.reduce((sum, one) => sum + (one.second > second - widthS ? one.answered : 0), 0),
    );
  }

  /** Nearly all routes have too few. */
  #hasLate(second: number): boolean {
    if (this.#lateAt <= second - slowMostS) return false;
    let late = 0;
    for (let at = this.#seconds.length - 1; at >= 0 && late < lateMin; at--) {
      const one = this.#seconds[at] as Second;
      if (one.second <= second - slowMostS) break;
      late += one.late;
    }
    return late >= lateMin;
  }

  #isSlow(
    second: number,
    { widthS, kind, shareMin, spreadS }: (typeof sights)[number],
  ): Omit<LateOnRoute, 'route'> | null {
    const seconds = this.#seconds.filter((one) => one.second > second - widthS && one.answered > 0);
    const sum = (of: (one: Second) => number): number => seconds.reduce((all, one) => all + of(one), 0);
    const late = sum((one) => one[kind]) - (this.leaving.areSeveral ? 0 : sum((one) => one.lateLeft));
    const answered = sum((one) => one.answered);
    const withLate = seconds.filter((one) => one[kind] > 0);
    const spread = (withLate.at(-1)?.second ?? 0) - (withLate[0]?.second ?? 0);
    const isSlow =
      late >= lateMin &&
      late >= shareMin * answered &&
      chanceExponent(late, answered, this.lateUsually) >= this.#byChanceMax &&
      withLate.length * 2 > seconds.length &&
      spread >= spreadS;
    return isSlow ? { late, answered } : null;
  }

  /** What was late by a limit of the last minute and a half is judged by that. */
  get judgedLimitMs(): number {
    return Math.min(...this.#limits);
  }

  /** The share that would be late if all took as much longer as half of the responses of this minute do. */
  get lateIfSlower(): number {
    return this.limitMs === null ? 0 : Math.max(lateIfSlowerMin, this.#aboveIfSlower(this.judgedLimitMs)[1]);
  }

  #aboveIfSlower(limitMs: number): ReturnType<typeof shareIfSlower> {
    const now = new Float64Array(latencyCells);
    for (const [, cells] of this.#recent.entries()) addCells(now, cells);
    return shareIfSlower(this.#usual, limitMs, timesSlower(this.#usual, now));
  }

  /** The share of the responses until `before` that took longer; null: too little is known. */
  usuallyAbove(limitMs: number, before: number): number | null {
    const known = this.#usual.slice();
    for (const [slice, cells] of this.#recent.entries()) if ((slice + 1) * sliceS <= before) addCells(known, cells);
    return known.reduce((sum, count) => sum + count, 0) < knownOfPathMin ? null : shareAbove(known, limitMs);
  }

  settle(second: number, isUsual: boolean): void {
    this.#recent.settle(second, isUsual, (cells) => addSlice(this.#usual, cells));
    let known = 0;
    for (let cell = 0; cell < latencyCells; cell++) known += this.#usual[cell] as number;
    const p90 =
      known < knownMin || second - this.#recent.firstSecond < learntS ? null : latencyQuantileMs(this.#usual, 0.9);
    this.usualMostMs = p90;
    this.limitMs = p90 === null ? null : Math.round(lateTimes * p90 + latePlusMs);
    if (this.limitMs !== null) {
      this.#limits.push(this.limitMs);
      if (this.#limits.length > limitsKept) this.#limits.shift();
      const share = shareAbove(this.#usual, this.limitMs);
      this.lateUsually = Math.max(lateUsuallyMin, share);
      this.lateUsuallySeen = share + 1 / known;
    }
    this.waits.settle(this.limitMs, (limitMs) => shareAbove(this.#usual, limitMs));
  }

  get usualMs(): number | null {
    return latencyQuantileMs(this.#usual, 0.5);
  }

  #leftSince(second: number): Pick<Lateness, 'left'> {
    return this.#left === null || this.#left.second < second ? {} : { left: this.#left.left };
  }

  /** `second`: now. Null: nothing is known. */
  lateness(route: string, second: number): Lateness | null {
    const { usualMs } = this;
    const now = new Array<number>(latencyCells).fill(0);
    for (const [slice, cells] of this.#recent.entries())
      if (slice >= Math.floor(second / sliceS) - 1)
        for (let cell = 0; cell < latencyCells; cell++) (now[cell] as number) += cells[cell] as number;
    const nowMs = latencyQuantileMs(now, 0.5);
    return usualMs === null || nowMs === null || this.limitMs === null
      ? null
      : { route, usualMs, nowMs, limitMs: this.limitMs, ...this.#leftSince(second - keptS) };
  }
}

export const countAtLeast = (durations: readonly number[], limitMs: number): number =>
  durations.reduce((sum, one, cell) => sum + (startOfDuration(cell) >= limitMs ? one : 0), 0);

function addCells(sum: Float64Array, cells: Float64Array): void {
  for (let cell = 0; cell < latencyCells; cell++) (sum[cell] as number) += cells[cell] as number;
}
