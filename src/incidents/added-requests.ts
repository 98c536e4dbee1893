import { deniedForm, lostForm, sizeCells, unfitForm, unsafeKey, upgradeKey } from '../core/content-kind.ts';
import { answerParts, type RouteTraffic } from '../core/route-traffic.ts';

/** What clients ask for that they may not have, that is not there, or that is too large. */
const ofClients: ReadonlySet<number> = new Set([deniedForm, lostForm, unfitForm]);

const sliceS = 5;
/** A path is new where its route has had requests for so long without it. */
const newAfterS = 60;
/** The requests of so many seconds are compared with those of four minutes before. */
const widthsS = [20, 60] as const;
const widestS = Math.max(...widthsS);
const beforeS = 240;
const keptSlices = (beforeS + widestS) / sliceS + 1;

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
/** Where it is so many times likelier, those that follow within so long came besides as well, as long as the usual answers of a minute are not fewer than this: few of them show nothing. */
const surelyMin = 6;
const surelyS = 60;
const fewerMax = 0.85;

interface Slice {
  readonly slice: number;
  all: number;
  refused: number;
}

interface Counted {
  readonly slices: Slice[];
  /** Refused ones came besides until then, whatever the newest seconds show. */
  sureUntil: number;
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
  readonly #lanes = [new Map<string, Counted>(), new Map<string, Counted>()] as const;
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
        const known = this.#countedOf(lane, key, second);
        if (known === null) continue;
        addTo(known.slices, counted, second);
        const since = Math.max(firstSecond, this.#fullAt);
        const areAll = isNew(known.slices, second, since);
        if ((!areAll && counted.refused === 0) || !areAdded(known, second, since)) continue;
        found[lane] = withAnswers(found[lane], answers, lane, areAll);
      }
    }
    return found;
  }

  #countedOf(lane: 0 | 1, key: string, second: number): Counted | null {
    const all = this.#lanes[lane];
    const known = all.get(key);
    if (known !== undefined) return known;
    if (this.#size >= patternsMax) this.#forget(second);
    if (this.#size >= patternsMax) {
      this.#fullAt = second;
      return null;
    }
    const added: Counted = { slices: [], sureUntil: -Infinity };
    all.set(key, added);
    return added;
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
      for (const [key, { slices }] of all) if ((slices.at(-1)?.slice ?? oldest) <= oldest) all.delete(key);
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

function areAdded(known: Counted, second: number, firstSecond: number): boolean {
  let most = -Infinity;
  for (const widthS of widthsS) {
    const { likelier, goesOn } = comparison(known.slices, second, widthS, firstSecond);
    if (widthS === widestS && goesOn < fewerMax) known.sureUntil = -Infinity;
    if (goesOn >= goesOnMin) most = Math.max(most, likelier);
  }
  if (most >= surelyMin || second <= known.sureUntil) known.sureUntil = second + surelyS;
  return most >= likelierMin || second <= known.sureUntil;
}

/**
 * Compares two explanations of how many requests came now, of those before and now together (of two Poisson variables, one given their sum is binomial): as many as
 * before, or besides these the refused ones. `goesOn`: the share of the usual answers that still come.
 */
function comparison(
  slices: readonly Slice[],
  second: number,
  widthS: number,
  firstSecond: number,
): { readonly likelier: number; readonly goesOn: number } {
  const from = Math.floor(second / sliceS) + 1 - widthS / sliceS;
  const oldest = Math.max(from - beforeS / sliceS, Math.ceil(firstSecond / sliceS));
  const [now, before] = [sumOf(slices, from, Infinity), sumOf(slices, oldest, from)];
  const times = ((from - oldest) * sliceS) / (second + 1 - from * sliceS);
  if (now.all < countedMin || times <= 0) return { likelier: -Infinity, goesOn: 1 };
  const usual = now.all - now.refused;
  const usualBefore = (before.all - before.refused) / times;
  // More of the others may have come as well, as where people ask for what is new.
  const grown = before.all === 0 ? timesMax : Math.min(timesMax, (now.all * times) / before.all);
  const more = Math.max(grown, Math.min(timesMax, usual === 0 ? timesMax : now.all / usual));
  const [asBefore, added] = [1 / (1 + times), more / (more + times)];
  const likelier = now.all * Math.log(added / asBefore) + before.all * Math.log((1 - added) / (1 - asBefore));
  return { likelier, goesOn: usualBefore === 0 ? 1 : usual / usualBefore };
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
