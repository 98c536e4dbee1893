import { deniedForm, lostForm, sizeCells, unsafeKey, upgradeKey } from '../core/content-kind.ts';
import { answerParts, type PatternAnswers } from '../core/route-traffic.ts';

/** What clients ask for that they may not have, or that is not there. */
const ofClients: ReadonlySet<number> = new Set([deniedForm, lostForm]);

const sliceS = 5;
/** The requests of so many seconds are compared with those of four minutes before. */
const widthsS = [20, 60] as const;
const beforeS = 240;
const keptSlices = (beforeS + Math.max(...widthsS)) / sliceS + 1;

/** Patterns of a route that are told apart. */
const patternsMax = 256;

/** Of fewer requests it is not known whether they are more than usual. */
const countedMin = 8;
/** At least this share of the usual answers goes on. */
const goesOnMin = 0.9;
/** No times more than this are told apart. */
const timesMax = 20;
/** So many times likelier, as e^n, is it that refused requests came besides the usual ones than that they are some of these. */
const likelierMin = 2;

interface Slice {
  readonly slice: number;
  all: number;
  refused: number;
}

type Sum = Pick<Slice, 'all' | 'refused'>;

/** Of each form, how many answers were to requests that came besides the usual ones. */
export type AddedAnswers = ReadonlyMap<number, number>;

const none: AddedAnswers = new Map();

/**
 * Tells refused requests that came besides the usual ones from usual ones that are refused. What an application refuses by its own fault is missing among its
 * usual answers; a password that is typed again, a token that is fetched anew and a code that somebody tries make more requests, and the usual answers go on.
 */
export class AddedRequests {
  readonly #firstSecond: number;
  readonly #patterns = new Map<string, Slice[]>();

  constructor(second: number) {
    this.#firstSecond = second;
  }

  /** What one batch has of them, by lane: requests with GET, and those that may change something. */
  add(patterns: readonly PatternAnswers[], second: number): readonly [reading: AddedAnswers, changing: AddedAnswers] {
    return [this.#addLane(patterns, second, 0), this.#addLane(patterns, second, unsafeKey)];
  }

  #addLane(patterns: readonly PatternAnswers[], second: number, lane: number): AddedAnswers {
    let found: Map<number, number> | null = null;
    for (const { pattern, answers } of patterns) {
      const refused = new Map<number, number>();
      const sum = { all: 0, refused: 0 };
      for (let at = 0; at < answers.length; at += answerParts) {
        const [key, count] = [answers[at] as number, answers[at + 1] as number];
        if (key >= upgradeKey || key >= unsafeKey !== lane > 0) continue;
        sum.all += count;
        const form = Math.floor((key - lane) / sizeCells);
        if (!ofClients.has(form)) continue;
        sum.refused += count;
        refused.set(form, (refused.get(form) ?? 0) + count);
      }
      if (sum.all === 0) continue;
      const slices = this.#slicesOf(`${lane} ${pattern}`, second);
      if (slices === null) continue;
      addTo(slices, sum, second);
      if (sum.refused === 0 || !widthsS.some((widthS) => areAdded(slices, second, widthS, this.#firstSecond))) continue;
      found ??= new Map();
      for (const [form, count] of refused) found.set(form, (found.get(form) ?? 0) + count);
    }
    return found ?? none;
  }

  #slicesOf(key: string, second: number): Slice[] | null {
    let slices = this.#patterns.get(key);
    if (slices !== undefined) return slices;
    if (this.#patterns.size >= patternsMax) this.#forget(second);
    if (this.#patterns.size >= patternsMax) return null;
    this.#patterns.set(key, (slices = []));
    return slices;
  }

  /** One without requests is as one that is new. */
  #forget(second: number): void {
    const oldest = Math.floor(second / sliceS) - keptSlices;
    for (const [key, slices] of this.#patterns)
      if ((slices.at(-1)?.slice ?? oldest) <= oldest) this.#patterns.delete(key);
  }
}

function addTo(slices: Slice[], { all, refused }: Sum, second: number): void {
  const slice = Math.floor(second / sliceS);
  let newest = slices.at(-1);
  if (newest?.slice !== slice) {
    slices.push((newest = { slice, all: 0, refused: 0 }));
    while ((slices[0] as Slice).slice <= slice - keptSlices) slices.shift();
  }
  newest.all += all;
  newest.refused += refused;
}

/**
 * Compares two explanations of how many requests came now, of those before and now together (of two Poisson variables, one given their sum is binomial): as many as
 * before, or besides these the refused ones.
 */
function areAdded(slices: readonly Slice[], second: number, widthS: number, firstSecond: number): boolean {
  const from = Math.floor(second / sliceS) + 1 - widthS / sliceS;
  const oldest = Math.max(from - beforeS / sliceS, Math.ceil(firstSecond / sliceS));
  const [now, before] = [sumOf(slices, from, Infinity), sumOf(slices, oldest, from)];
  const times = ((from - oldest) * sliceS) / (second + 1 - from * sliceS);
  if (now.all < countedMin || times <= 0) return false;
  const usual = now.all - now.refused;
  if (usual < (goesOnMin * (before.all - before.refused)) / times) return false;
  const more = now.all / Math.max(usual, now.all / timesMax);
  const [asBefore, added] = [1 / (1 + times), more / (more + times)];
  const likelier = now.all * Math.log(added / asBefore) + before.all * Math.log((1 - added) / (1 - asBefore));
  return likelier >= likelierMin;
}

function sumOf(slices: readonly Slice[], from: number, until: number): Sum {
  const sum = { all: 0, refused: 0 };
  for (const { slice, all, refused } of slices) {
    if (slice < from || slice >= until) continue;
    sum.all += all;
    sum.refused += refused;
  }
  return sum;
}
