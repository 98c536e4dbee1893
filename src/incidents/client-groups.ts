import { bitCount } from '../core/bit-count.ts';
import { conflictForm, redirectForm, sizeCells, unsafeKey, upgradeKey } from '../core/content-kind.ts';
import { answerParts } from '../core/route-traffic.ts';
import { areFewerThanChance } from './replaced-answers.ts';

const sliceS = 5;
const groups = 32;
/** Answers in place of others, in so many seconds, compared with those of four minutes before, of which so much is known. */
const widthsS = [10, 20, 40] as const;
const beforeS = 240;
const knownS = 40;
const keptSlices = (beforeS + Math.max(...widthsS)) / sliceS;

/** A group has grown where it sends so many times more than before, and more than chance makes (so many standard deviations). */
const grownTimes = 1.5;
const grownDeviations = 3;
/** The other groups, of which so many are refused. */
const refusedGroupsMin = 4;

/** Of their requests so many are refused. That a thing is in conflict (409) tells of its state: it may be sold out. */
const refusedMin = 8;
const shareMin = 0.3;
const missing = { min: 0.6, max: 1.6 } as const;
/** As of whole routes, and more: groups are chosen by what they have sent. */
const chanceMax = 12;

interface Slice {
  readonly slice: number;
  readonly good: Float32Array;
  readonly refused: Float32Array;
}

/**
 * What the usual clients of a route are answered while others take its answers: a few that come with many requests, such as programs that fetch all before
 * anybody else does, hide in the counts of the whole route that the rest is refused. Clients are told apart by 32 groups.
 */
export class ClientGroups {
  readonly #slices: Slice[] = [];
  readonly #firstSecond: number;
  #judgedEnd = 0;

  constructor(second: number) {
    this.#firstSecond = second;
  }

  /** As of `RouteTraffic`: answers of one lane are added, others are none of this. */
  add(answers: readonly number[], lane: 0 | 1, second: number): void {
    for (let at = 0; at < answers.length; at += answerParts) {
      const [key, count, clients] = [answers[at], answers[at + 1], answers[at + 2]] as [number, number, number];
      if (key >= upgradeKey || key >= unsafeKey !== (lane === 1)) continue;
      const form = Math.floor((key % unsafeKey) / sizeCells);
      if (form === conflictForm) continue;
      const { good, refused } = this.#at(second);
      spread(form <= redirectForm ? good : refused, count, clients);
    }
  }

  #at(second: number): Slice {
    const slice = Math.floor(second / sliceS);
    const newest = this.#slices.at(-1);
    if (newest?.slice === slice) return newest;
    const none = (): Float32Array => new Float32Array(groups);
    const added = { slice, good: none(), refused: none() };
    this.#slices.push(added);
    while ((this.#slices[0] as Slice).slice <= slice - keptSlices) this.#slices.shift();
    return added;
  }

  /** Since when those that have not grown are refused in place of being answered, beside some that have; null: they are not. Once for each slice that is over. */
  refusedSince(second: number): number | null {
    const end = Math.floor((second + 1) / sliceS);
    if (end === this.#judgedEnd) return null;
    this.#judgedEnd = end;
    // The first batch of the next one has come already.
    const newest = this.#slices.findLast(({ slice }) => slice < end);
    if (newest?.slice !== end - 1 || !newest.refused.some((count) => count > 0)) return null;
    for (const widthS of widthsS) if (this.#areRefused(end, widthS)) return end * sliceS - widthS;
    return null;
  }

  #areRefused(end: number, widthS: number): boolean {
    const from = end - widthS / sliceS;
    const knownFor = Math.min(beforeS, from * sliceS - this.#firstSecond);
    if (knownFor < knownS) return false;
    const [now, before] = [this.#sum(from, end), this.#sum(from - beforeS / sliceS, from)];
    const per = widthS / knownFor;
    let [usual, expected, refused, refusedGroups, grown] = [0, 0, 0, 0, 0];
    for (let group = 0; group < groups; group++) {
      const [all, was] = [allOf(now, group), per * allOf(before, group)];
      if (all > grownTimes * was && all > was + grownDeviations * Math.sqrt(was + 1)) {
        grown += 1;
        continue;
      }
      const more = Math.max(0, (now.refused[group] as number) - per * (before.refused[group] as number));
      usual += now.good[group] as number;
      expected += per * (before.good[group] as number);
      refused += more;
      if (more > 0) refusedGroups += 1;
    }
    if (grown === 0 || refusedGroups < refusedGroupsMin || refused < refusedMin) return false;
    if (refused < shareMin * (refused + usual)) return false;
    const times = (expected - usual) / refused;
    if (times < missing.min || times > missing.max) return false;
    return areFewerThanChance({ usual, expected, widths: 1 / per }, chanceMax);
  }

  #sum(from: number, end: number): Omit<Slice, 'slice'> {
    const none = (): Float32Array => new Float32Array(groups);
    const sum = { good: none(), refused: none() };
    for (const one of this.#slices) {
      if (one.slice < from || one.slice >= end) continue;
      for (const counts of ['good', 'refused'] as const)
        for (let group = 0; group < groups; group++) (sum[counts][group] as number) += one[counts][group] as number;
    }
    return sum;
  }
}

const allOf = ({ good, refused }: Omit<Slice, 'slice'>, group: number): number =>
  (good[group] as number) + (refused[group] as number);

/** Of several clients of a batch it is not known which of them has more. */
function spread(counts: Float32Array, count: number, clients: number): void {
  const bits = bitCount(clients);
  for (let left = clients; left !== 0; left &= left - 1)
    (counts[31 - Math.clz32(left & -left)] as number) += count / bits;
}
