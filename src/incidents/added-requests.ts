import { lostForm, redirectForm, refusedForms, sizeCells, unsafeKey, upgradeKey } from '../core/content-kind.ts';
import { newcomerCells } from '../core/newcomer-cells.ts';
import { answerParts, type PatternAnswers, type RouteTraffic } from '../core/route-traffic.ts';

const sliceS = 5;
/** A path is new where its route has had requests for so long without it. */
const newAfterS = 60;
/** Requests since the first refused one, of no more seconds than this, and those of the last seconds alone, are compared with those of four minutes before. */
const longestS = 120;
const recentS = 40;
const beforeS = 240;
const keptSlices = (beforeS + longestS) / sliceS + 1;

/** Patterns of all routes that are told apart; the others tell as ever. Those without requests make room, which is looked for once in so long. */
const patternsMax = 4096;
const sweepS = 60;

/** Of refused requests that came in place of usual ones so many are missing among the good answers, since clients send some once more; seldom they send many. */
const missingShares = [
  { missing: 0.7, prior: 0.85 },
  { missing: 0.25, prior: 0.15 },
] as const;
const leftMin = 0.02;
/** Where less of the usual requests come, their clients have left. */
const stayingMin = 0.5;
/** So many times likelier, as e^n, is it that refused requests came besides the usual ones than in place of them. */
const likelierMin = 1;
/**
 * Where counts tell the two apart, no chance is to make as many missing as are refused: of what counts are expected to tell, a share is added, and at most so much.
 * It is larger at first, since what is looked at again every second is wrong by chance more often (group sequential tests: O'Brien and Fleming 1979).
 */
const margins = { early: { untilS: 65, share: 1.05, most: 3 }, later: { share: 0.8, most: 2 } } as const;
/** So much, as e^n, may tell who gets them. */
const othersMost = 3;
/** Where so much speaks against it in the last seconds, what came before them does not count. */
const againstMin = 2;

/** How other paths have grown since: by no more than this, since one of them may have a reason of its own. */
const grownMax = 1.5;
const grownKnownMin = 100;
const grownDeviations = 2;

interface Slice {
  readonly slice: number;
  good: number;
  refused: number;
  /** Of the refused ones, 404 and 410 for what was answered well before. */
  lost: number;
  /** Of both, those to clients that had no good answer on the route before. */
  newGood: number;
  newRefused: number;
}

type Counted = Slice[];
type Sum = Omit<Slice, 'slice'>;

/** Of each key without its lane, how many answers were to requests at a path that is new. */
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
  #firstSecond = Infinity;
  /** When one was not counted last: what is missing until then may be its requests. */
  #fullAt = -Infinity;

  /** What one batch has at paths that are new, by lane: nobody has asked for them before, so that they tell nothing of the usual answers. `firstSecond`: of the route. */
  add(
    { route, patterns = [] }: Pick<RouteTraffic, 'route' | 'patterns'>,
    second: number,
    firstSecond: number,
  ): readonly [reading: AddedAnswers, changing: AddedAnswers] {
    const found: [AddedAnswers, AddedAnswers] = [none, none];
    this.#firstSecond = Math.min(this.#firstSecond, second);
    for (const { pattern, answers, newcomers } of patterns) {
      // A worker that begins learns names from good answers alone: refused ones may be of any path.
      if (pattern.endsWith('/*')) continue;
      const key = keyOf(route, pattern);
      for (const lane of [0, 1] as const) {
        const counted = countOf(answers, newcomers, lane);
        if (counted === null) continue;
        const slices = this.#slicesOf(lane, key, second);
        if (slices === null) continue;
        addTo(slices, counted, second);
        if (isNew(slices, second, Math.max(firstSecond, this.#fullAt)))
          found[lane] = withAnswers(found[lane], answers, lane);
      }
    }
    return found;
  }

  /** Of a route whose refused answers are more since a second: how many of the last `widthS` seconds were to requests that came besides the usual ones. */
  addedOn(route: string, since: number, second: number, widthS: number): number {
    const end = Math.floor(second / sliceS) + 1;
    const from = Math.floor(Math.max(since, second - longestS) / sliceS);
    const oldest = Math.max(from - beforeS / sliceS, Math.ceil(Math.max(this.#firstSecond, this.#fullAt) / sliceS));
    if (from <= oldest) return 0;
    const prefix = keyOf(route, '');
    const recent = Math.max(from, end - recentS / sliceS);
    const grown = [
      this.#grownBy({ oldest, from, now: from, second }),
      this.#grownBy({ oldest, from, now: recent, second }),
    ];
    let added = 0;
    for (const lane of this.#lanes)
      for (const [key, slices] of lane) {
        if (!key.startsWith(prefix)) continue;
        const { refused } = sumOf(slices, Math.floor((second + 1 - widthS) / sliceS), end);
        if (refused === 0) continue;
        const found = [from, recent].map((now, at) =>
          likelierBesides(slices, { oldest, from, now, second }, grown[at] as number),
        ) as [number, number];
        if (areBesides(...found)) added += refused;
      }
    return added;
  }

  /** By how much the good answers of paths at which hardly any are refused have grown, as far as that is more than chance. */
  #grownBy(times: Times): number {
    let [now, before] = [0, 0];
    const per = nowPerBefore(times);
    for (const lane of this.#lanes)
      for (const slices of lane.values()) {
        const [own, usual] = sumsOf(slices, times);
        if (own.refused * 20 > own.good) continue;
        const expected = usual.good * per;
        before += expected;
        now += Math.min(grownMax * expected, Math.max(expected / grownMax, own.good));
      }
    if (before < grownKnownMin) return 1;
    const [grown, chance] = [now / before - 1, grownDeviations * Math.sqrt((1 + per) / before)];
    return 1 + Math.sign(grown) * Math.max(0, Math.abs(grown) - chance);
  }

  #slicesOf(lane: 0 | 1, key: string, second: number): Counted | null {
    const all = this.#lanes[lane];
    const known = all.get(key);
    if (known !== undefined) return known;
    if (this.#size >= patternsMax) this.#forget(second);
    if (this.#size >= patternsMax) {
      this.#fullAt = second;
      return null;
    }
    const added: Counted = [];
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
      for (const [key, slices] of all) if ((slices.at(-1)?.slice ?? oldest) <= oldest) all.delete(key);
  }
}

const keyOf = (route: string, pattern: string): string => `${route}\n${pattern}`;

const isOf = (key: number, lane: 0 | 1): boolean => key < upgradeKey && key >= unsafeKey === (lane === 1);

const formOf = (key: number): number => Math.floor((key % unsafeKey) / sizeCells);

const nothing: Sum = { good: 0, refused: 0, lost: 0, newGood: 0, newRefused: 0 };

/** Null: there is none. */
function countOf(answers: readonly number[], newcomers: PatternAnswers['newcomers'], lane: 0 | 1): Sum | null {
  let [good, refused, lost] = [0, 0, 0];
  for (let at = 0; at < answers.length; at += answerParts) {
    const [key, count] = [answers[at] as number, answers[at + 1] as number];
    if (!isOf(key, lane)) continue;
    const form = formOf(key);
    if (form <= redirectForm) good += count;
    else if (refusedForms.has(form)) refused += count;
    if (form === lostForm) lost += count;
  }
  if (good + refused === 0) return null;
  const [newGood, newRefused] = [newcomerCells.good[lane], newcomerCells.refused[lane]];
  return { good, refused, lost, newGood: newcomers?.[newGood] ?? 0, newRefused: newcomers?.[newRefused] ?? 0 };
}

function withAnswers(known: AddedAnswers, answers: readonly number[], lane: 0 | 1): AddedAnswers {
  const found = new Map(known);
  for (let at = 0; at < answers.length; at += answerParts) {
    const [key, count] = [answers[at] as number, answers[at + 1] as number];
    if (isOf(key, lane)) found.set(key % unsafeKey, (found.get(key % unsafeKey) ?? 0) + count);
  }
  return found;
}

/** Nobody has asked for it before on a route that others have used: whatever it answers is nothing else than before. */
function isNew(slices: readonly Slice[], second: number, firstSecond: number): boolean {
  const began = (slices[0] as Slice).slice * sliceS;
  return began >= firstSecond + newAfterS && began > second - beforeS;
}

function addTo(slices: Slice[], counted: Sum, second: number): void {
  const slice = Math.floor(second / sliceS);
  let newest = slices.at(-1);
  if (newest?.slice !== slice) {
    slices.push((newest = { slice, ...nothing }));
    while ((slices[0] as Slice).slice <= slice - keptSlices) slices.shift();
  }
  addSum(newest, counted);
}

/** Slices: those from `oldest` until `from` are the usual ones, and those from `now` until `second` are compared with them. */
interface Times {
  readonly oldest: number;
  readonly from: number;
  readonly now: number;
  readonly second: number;
}

const nowPerBefore = ({ oldest, from, now, second }: Times): number =>
  (second + 1 - now * sliceS) / ((from - oldest) * sliceS);

const sumsOf = (slices: readonly Slice[], { oldest, from, now }: Times): readonly [now: Sum, before: Sum] => [
  sumOf(slices, now, Infinity),
  sumOf(slices, oldest, from),
];

/**
 * Compares two explanations of how many good answers came now, of those before and now together (of two Poisson variables, one given their sum is binomial): as many
 * as before, or less by those that are refused. The logarithm of how many times likelier the first one is.
 */
function likelierBesides(slices: readonly Slice[], times: Times, grown: number): number {
  const [now, before] = sumsOf(slices, times);
  const per = grown * nowPerBefore(times);
  const expected = before.good * per;
  const more = now.refused - before.refused * per;
  // Nothing usual is missing where nothing was usual, and no more are refused than ever.
  if (expected === 0 || more <= 0) return Infinity;
  // What is gone is over where most have left: see `RouteAnswer`.
  if (2 * now.lost > now.refused && now.good + now.refused <= stayingMin * expected) return Infinity;
  const explained = missingShares.map(({ missing, prior }) => {
    const less = per * Math.max(leftMin, 1 - (missing * more) / expected);
    const [besides, fewer] = [per / (1 + per), less / (1 + less)];
    const [ofNow, ofBefore] = [Math.log(besides / fewer), Math.log((1 - besides) / (1 - fewer))];
    const toExpect = (now.good + before.good) * (besides * ofNow + (1 - besides) * ofBefore);
    return { prior, likelier: now.good * ofNow + before.good * ofBefore, toExpect };
  });
  const ofCounts = -Math.log(explained.reduce((sum, { prior, likelier }) => sum + prior * Math.exp(-likelier), 0));
  const { share, most } = times.second + 1 - times.from * sliceS < margins.early.untilS ? margins.early : margins.later;
  const margin = Math.min(most, share * (explained[0] as (typeof explained)[number]).toExpect);
  return ofCounts + margin + likelierOthers(now, before);
}

/**
 * The same of who gets them: usual requests that are refused are those of usual clients, of which so many are new as before. Others may come from the same ones as
 * well, or from those that had no good answer: of these any share is as likely. What one of them sends is not independent, so that this tells only so much.
 */
function likelierOthers(now: Sum, before: Sum): number {
  const { refused, newRefused } = now;
  const known = refused - newRefused;
  const isNew = (before.newGood + 1) / (before.good + 2);
  if (newRefused <= isNew * refused) return 0;
  const usual = newRefused * Math.log(isNew) + known * Math.log(1 - isNew);
  let any = -Math.log(refused + 1);
  for (let one = 1; one <= known; one++) any += Math.log(one / (newRefused + one));
  return Math.max(0, Math.min(othersMost, any - usual));
}

const areBesides = (whole: number, last: number): boolean => whole >= likelierMin && last > -againstMin;

function sumOf(slices: readonly Slice[], from: number, until: number): Sum {
  const sum = { ...nothing };
  for (const one of slices) if (one.slice >= from && one.slice < until) addSum(sum, one);
  return sum;
}

function addSum(sum: Sum, { good, refused, lost, newGood, newRefused }: Sum): void {
  sum.good += good;
  sum.refused += refused;
  sum.lost += lost;
  sum.newGood += newGood;
  sum.newRefused += newRefused;
}

/** Refusals to clients that the route has answered nothing well before, at these paths. */
export function refusedNewcomers(patterns: readonly Pick<PatternAnswers, 'newcomers'>[], lane: 0 | 1): number {
  const cell = newcomerCells.refused[lane];
  let refused = 0;
  for (const { newcomers } of patterns) if (newcomers !== undefined) refused += newcomers[cell] ?? 0;
  return refused;
}
