import { deniedForm, lostForm, sizeCells, unsafeKey, upgradeKey } from '../core/content-kind.ts';
import { answerParts, type RouteTraffic } from '../core/route-traffic.ts';

/** What clients ask for that they may not have, or that is not there. */
const ofClients: ReadonlySet<number> = new Set([deniedForm, lostForm]);

const sliceS = 5;
/** A path is new where its route has had requests for so long without it. */
const newAfterS = 60;
/** The requests of so many seconds are compared with those of four minutes before. */
const widthsS = [20, 60] as const;
const beforeS = 240;
const keptSlices = (beforeS + Math.max(...widthsS)) / sliceS + 1;

/** Patterns of all routes that are told apart; the others tell as ever. Those without requests make room, which is looked for once in so long. */
const patternsMax = 4096;
const sweepS = 60;

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

/** Of each key without its lane, how many answers were to requests that came besides the usual ones. */
export type AddedAnswers = ReadonlyMap<number, number>;

const none: AddedAnswers = new Map();

/**
 * Tells refused requests that came besides the usual ones from usual ones that are refused. What an application refuses by its own fault is missing among its
 * usual answers; a password that is typed again, a token that is fetched anew and a code that somebody tries make more requests, and the usual answers go on.
 */
export class AddedRequests {
  /** By route and pattern: requests with GET, and those that may change something. */
  readonly #lanes = [new Map<string, Slice[]>(), new Map<string, Slice[]>()] as const;
  #sweptAt = -Infinity;
  /** When one was not counted last: what is missing until then may be its requests. */
  #fullAt = -Infinity;

  /** What one batch has of them, by lane. `firstSecond`: of the route. */
  add(
    { route, patterns = [] }: Pick<RouteTraffic, 'route' | 'patterns'>,
    second: number,
    firstSecond: number,
  ): readonly [reading: AddedAnswers, changing: AddedAnswers] {
    const found: [AddedAnswers, AddedAnswers] = [none, none];
    for (const { pattern, answers } of patterns) {
      // A worker that begins learns names from good answers alone: refused ones may be of any path.
      if (pattern.endsWith('/*')) continue;
      const key = `${route}\n${pattern}`;
      for (const lane of [0, 1] as const) {
        const counted = countOf(answers, lane);
        if (counted.all === 0) continue;
        const slices = this.#slicesOf(lane, key, second);
        if (slices === null) continue;
        addTo(slices, counted, second);
        const since = Math.max(firstSecond, this.#fullAt);
        const areAll = isNew(slices, second, since);
        if (!areAll && counted.refused === 0) continue;
        if (!widthsS.some((widthS) => areAdded(slices, second, widthS, since))) continue;
        found[lane] = withAnswers(found[lane], answers, lane, areAll);
      }
    }
    return found;
  }

  #slicesOf(lane: 0 | 1, key: string, second: number): Slice[] | null {
    const all = this.#lanes[lane];
    let slices = all.get(key);
    if (slices !== undefined) return slices;
    if (this.#size >= patternsMax) this.#forget(second);
    if (this.#size >= patternsMax) {
      this.#fullAt = second;
      return null;
    }
    all.set(key, (slices = []));
    return slices;
  }

  get #size(): number {
    return this.#lanes[0].size + this.#lanes[1].size;
  }

  /** One without requests is as one that is new. */
  #forget(second: number): void {
    if (second < this.#sweptAt + sweepS) return;
    this.#sweptAt = second;
    const oldest = Math.floor(second / sliceS) - keptSlices;
    for (const all of this.#lanes)
      for (const [key, slices] of all) if ((slices.at(-1)?.slice ?? oldest) <= oldest) all.delete(key);
  }
}

const isOf = (key: number, lane: 0 | 1): boolean => key < upgradeKey && key >= unsafeKey === (lane === 1);

const formOf = (key: number): number => Math.floor((key % unsafeKey) / sizeCells);

function countOf(answers: readonly number[], lane: 0 | 1): Sum {
  const sum = { all: 0, refused: 0 };
  for (let at = 0; at < answers.length; at += answerParts) {
    const [key, count] = [answers[at] as number, answers[at + 1] as number];
    if (!isOf(key, lane)) continue;
    sum.all += count;
    if (ofClients.has(formOf(key))) sum.refused += count;
  }
  return sum;
}

function withAnswers(known: AddedAnswers, answers: readonly number[], lane: 0 | 1, areAll: boolean): AddedAnswers {
  const found = new Map(known);
  for (let at = 0; at < answers.length; at += answerParts) {
    const [key, count] = [answers[at] as number, answers[at + 1] as number];
    if (!isOf(key, lane) || !(areAll || ofClients.has(formOf(key)))) continue;
    found.set(key % unsafeKey, (found.get(key % unsafeKey) ?? 0) + count);
  }
  return found;
}

/** Nobody has asked for it before on a route that others have used: whatever it answers is nothing else than before. */
function isNew(slices: readonly Slice[], second: number, firstSecond: number): boolean {
  const began = (slices[0] as Slice).slice * sliceS;
  return began >= firstSecond + newAfterS && began > second - beforeS;
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
  // More of the others may have come as well, as where people ask for what is new.
  const grown = before.all === 0 ? timesMax : Math.min(timesMax, (now.all * times) / before.all);
  const more = Math.max(grown, Math.min(timesMax, usual === 0 ? timesMax : now.all / usual));
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
