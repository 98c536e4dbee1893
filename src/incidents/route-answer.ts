import { bitCount } from '../core/bit-count.ts';
import { conflictForm, declinedForm, lostForm, redirectForm, refusedForms, sizeCells } from '../core/content-kind.ts';
import type { AnswerChange } from '../core/live-incident.ts';
import { answerParts } from '../core/route-traffic.ts';
import { answersChanceMax, areFewerThanChance, type ReplacedAnswers } from './replaced-answers.ts';
import type { AddedAnswers } from './added-requests.ts';
import { formWords, otherTargetWords, sizeText } from '../core/answer-words.ts';

/** Half of what is usual is forgotten in an hour. */
export const sliceS = 10;
const keptOfSlice = 0.998;

/** Fewer answers, or a shorter time, say nothing of what is usual. */
const knownMin = 40;
const learntS = 40;
/** Few unusual ones tell nothing sooner: what comes seldom has not come yet. */
const tellingLearntS = 60;

/** A slice is known to be usual after so long without an incident. */
const unsettledS = 60;
const unsettledAtFirstS = 10;

/** A form of which a larger share is usual changes with what visitors ask for. */
const usualShareMin = 0.05;

/** Short is what has three quarters of an octave less than the smallest 2 % of its form: 0.6 of its size at most. */
const shortQuantile = 0.02;
const shortCells = 3;
/** Long is what has more than four times the largest but 2 %. */
const longCells = 8;
/** Of so many the smallest and the largest 2 % are known. */
const sizesKnownMin = 100;
/** Where redirects usually lead: to few addresses, which have nearly all of them. */
const targetsMax = 4;
const targetsShareMin = 0.9;

/** Answers in place of others, in so many seconds: the longer times where requests come seldom. */
const widthsS = [8, 12, 16, 24, 32, 60] as const;
const shareMin = 0.3;
/** 409 tells of the state of what is asked for, such as a product that is sold out: of the application only where less than this is left of the usual answers. */
const leftBesideConflicts = 0.2;
const unusualMin = 8;
/** Of the clients of the route, at least so many get them. */
const concernedMin = 1 / 3;
/** Fewer are enough where they are usual clients: of those that are refused, no more than this share has had no good answer. */
const newcomersMax = 0.1;

/** Few unusual answers tell something when at least so many clients got them. */
const clientsMin = 3;
/** Pages are removed, and forms get what programs guess: of half a minute, less than so many of these, or a smaller share, tells nothing. */
const tellingS = 30;
const leastOf: ReadonlyMap<number, { readonly count: number; readonly share: number }> = new Map([
  [lostForm, { count: 3, share: 0.02 }],
  [declinedForm, { count: 30, share: 0.2 }],
]);
/** Where a route has at least so many groups of clients, what so few of them get counts so often in a slice. */
const manyClients = 6;
const fewClients = 2;
const learntPerClient = 3;
/** Compared with the minutes before; the one with the fewest counts: a job that has ended is missing as well. */
const minuteS = 60;
const beforeS = 240;
const keptS = beforeS + 60;

/** Short and long answers of a form, as forms of their own; of redirects, short ones are those that lead elsewhere. */
export const short = 64;
const long = 128;

interface Second {
  readonly second: number;
  /** Answers by form, short ones apart. Whether a form is usual is asked when it is judged: a crawler may make its own usual. */
  readonly forms: Map<number, number>;
  /** What has been counted by what was usual then; null: not yet, or a form has come since. */
  counted: CountedSecond | null;
  /** A bit for each client of those that tell something, of 32. */
  clients: number;
  /** The same of all answers, and of the unusual ones. */
  allClients: number;
  unusualClients: number;
  /** Refused ones, and those of them to clients that have had no good answer. */
  refused: number;
  newRefused: number;
}

interface CountedSecond {
  answered: number;
  unusual: number;
  conflicts: number;
  /** How often the route had learnt what is usual. */
  learnt: number;
}

interface LearntCount {
  count: number;
  /** A bit for each, of 32. */
  clients: number;
}

interface UsualForm {
  count: number;
  readonly sizes: Float64Array;
}

export interface UnusualCount {
  /** How many are none of what the route usually answers. */
  readonly unusual: number;
  /** Of them, those that several clients got: one that asks for other pages adds to what is usual. */
  readonly telling: number;
}

/** What a route answers, and since when it is something else. */
export class RouteAnswer {
  readonly firstSecond: number;
  readonly #usual = new Map<number, UsualForm>();
  /** By slice number: counts by key, and their clients. */
  readonly #recent = new Map<number, Map<number, LearntCount>>();
  /** Slices of an incident, and of the minute before it. */
  readonly #unusual = new Set<number>();
  #seconds: Second[] = [];
  #known = 0;
  #learnt = 0;
  /** The smallest usual cell of the forms whose sizes are known. */
  readonly #leastCells = new Map<number, number>();
  readonly #mostCells = new Map<number, number>();
  /** Cells of the addresses to which redirects usually lead; empty: to many, or that is not known. */
  #targets: ReadonlySet<number> = new Set();

  readonly #telling: ReadonlySet<number>;
  readonly #chanceMax: number;

  /** `telling`: forms of which few tell something. `moreChance`: as of `RouteLatency`. */
  constructor(second: number, telling: ReadonlySet<number>, moreChance = 0) {
    this.firstSecond = second;
    this.#telling = telling;
    this.#chanceMax = answersChanceMax + moreChance;
  }

  /** `added`: answers to requests that came besides the usual ones, which tell nothing of these; `newRefused`: refusals to clients that have had no good one. */
  add(answers: readonly number[], second: number, newRefused = 0, added?: AddedAnswers): UnusualCount {
    const left = added === undefined || added.size === 0 ? null : new Map(added);
    const slice = Math.floor(second / sliceS);
    let recent = this.#recent.get(slice);
    if (recent === undefined) this.#recent.set(slice, (recent = new Map()));
    const isKnown = this.#known >= knownMin && second - this.firstSecond >= learntS;
    let [unusual, tellingCount] = [0, 0];
    for (let at = 0; at < answers.length; at += answerParts) {
      const [key, count, clients] = answers.slice(at, at + answerParts) as [number, number, number];
      const known = recent.get(key);
      if (known === undefined) recent.set(key, { count, clients });
      else {
        known.count += count;
        known.clients |= clients;
      }
      if (!isKnown) continue;
      const now = this.#at(second);
      const what = this.#formOf(key);
      now.forms.set(what, (now.forms.get(what) ?? 0) + count);
      now.counted = null;
      now.allClients |= clients;
      if (!this.#isUnusual(what)) continue;
      unusual += count;
      now.unusualClients |= clients;
      if (refusedForms.has(what)) now.refused += count;
      // Few long ones are no more than some larger results.
      const isTelling = what >= short ? what < long : this.#telling.has(what) && this.#isMuch(what, second);
      if (!isTelling) continue;
      const besides = Math.min(count, left?.get(key) ?? 0);
      if (besides > 0) left?.set(key, (left.get(key) ?? 0) - besides);
      if (besides === count) continue;
      now.clients |= clients;
      tellingCount += count - besides;
    }
    if (unusual > 0) this.#at(second).newRefused += newRefused;
    const isTelling = tellingCount > 0 && second - this.firstSecond >= tellingLearntS && this.#hasClients(second);
    return { unusual, telling: isTelling ? tellingCount : 0 };
  }

  #isMuch(form: number, second: number): boolean {
    const least = leastOf.get(form);
    if (least === undefined) return true;
    let [count, all] = [0, 0];
    for (const { second: at, forms } of this.#seconds) {
      if (at <= second - tellingS) continue;
      count += forms.get(form) ?? 0;
      for (const one of forms.values()) all += one;
    }
    return count >= least.count && count >= least.share * all;
  }

  #hasClients(second: number): boolean {
    return bitsOf(this.#seconds, second - 60, ({ clients }) => clients) >= clientsMin;
  }

  /** A scanner is one client, or few, and what it gets shows nothing of the others, even where a busy client leaves at the same time. */
  #isOfManyClients(after: number, unusual: number): boolean {
    const all = bitsOf(this.#seconds, after - beforeS, ({ allClients }) => allClients);
    const concerned = bitsOf(this.#seconds, after, ({ unusualClients }) => unusualClients);
    if (concerned >= clientsMin && this.#areOfUsualClients(after, unusual)) return true;
    return concerned >= concernedMin * Math.min(all, unusual);
  }

  #areOfUsualClients(after: number, unusual: number): boolean {
    let [refused, newRefused] = [0, 0];
    for (const one of this.#seconds) {
      if (one.second <= after) continue;
      refused += one.refused;
      newRefused += one.newRefused;
    }
    return 2 * refused >= unusual && newRefused <= newcomersMax * refused;
  }

  /** The form, of a short answer that of short ones. */
  #formOf(key: number): number {
    const [form, cell] = [Math.floor(key / sizeCells), key % sizeCells];
    if (cell === 0) return form;
    if (form === redirectForm) return this.#targets.size === 0 || this.#targets.has(cell) ? form : form + short;
    const [least, most] = [this.#leastCells.get(form), this.#mostCells.get(form)];
    if (least !== undefined && cell <= least - shortCells) return form + short;
    return most !== undefined && cell > most + longCells ? form + long : form;
  }

  #isUnusual(form: number): boolean {
    return form >= short || (this.#usual.get(form)?.count ?? 0) < usualShareMin * this.#known;
  }

  #at(second: number): Second {
    const newest = this.#seconds.at(-1);
    if (newest?.second === second) return newest;
    const bits = { clients: 0, allClients: 0, unusualClients: 0 };
    const added: Second = { second, forms: new Map(), counted: null, ...bits, refused: 0, newRefused: 0 };
    this.#seconds.push(added);
    if (this.#seconds.length > keptS) this.#seconds = this.#seconds.slice(-keptS);
    return added;
  }

  /** The second since which it answers otherwise what it answered well before; null: it does not. A visitor of other pages only adds to what is usual. */
  changedSince(second: number): number | null {
    if ((this.#seconds.at(-1)?.second ?? 0) < second - 2) return null;
    for (const widthS of widthsS) {
      const found = this.replaced(second, widthS, shareMin);
      if (found !== null && found.unusual >= unusualMin && areFewerThanChance(found, this.#chanceMax))
        return found.since;
    }
    return null;
  }

  /** Whether an answer of the last seconds is none of the usual ones. */
  isUnusualNow(second: number): boolean {
    return this.#seconds.slice(-3).some((one) => one.second > second - 3 && one.unusualClients !== 0);
  }

  /** In the last `widthS` seconds: answers that are others than before; null: they are less than `least` of all, as many as before, or those of few clients. */
  replaced(second: number, widthS: number, least: number): ReplacedAnswers | null {
    const now = this.#sum(second - widthS, second);
    if (now.unusual === 0 || now.unusual < least * now.answered) return null;
    // Where as many were so before, what has changed is something else.
    const before = this.#sum(second - widthS - beforeS, second - widthS);
    if (before.unusual * 3 > (now.unusual / now.answered) * before.answered) return null;
    const compared = now.conflicts * 2 > now.unusual ? leftBesideConflicts : 1;
    const { perS, knownS } = this.#before(second - widthS);
    const expected = compared * perS * widthS;
    if (!this.#isOfManyClients(second - widthS, now.unusual)) return null;
    const isUnusual = (form: number): boolean => this.#isUnusual(form);
    const first = this.#seconds.find((one) => one.second > second - widthS && [...one.forms.keys()].some(isUnusual));
    return {
      ...{ unusual: now.unusual, usual: now.answered - now.unusual, expected },
      ...{ widths: knownS / widthS, since: first?.second ?? second },
    };
  }

  /** How many usual answers came each second, in how long a time: before, or in the minute before that had the fewest. */
  #before(until: number): { readonly perS: number; readonly knownS: number } {
    const before = this.#sum(until - beforeS, until);
    const wholeS = Math.min(beforeS, until - before.first + 1);
    if (before.answered - before.unusual < knownMin / 2) return { perS: 0, knownS: wholeS };
    let [perS, knownS] = [(before.answered - before.unusual) / wholeS, wholeS];
    for (let end = until; end - minuteS >= before.first; end -= minuteS) {
      const minute = this.#sum(end - minuteS, end);
      const perSecond = (minute.answered - minute.unusual) / minuteS;
      if (perSecond < perS) [perS, knownS] = [perSecond, minuteS];
    }
    return { perS, knownS };
  }

  #sum(after: number, until: number): { answered: number; unusual: number; conflicts: number; first: number } {
    const sum = { answered: 0, unusual: 0, conflicts: 0, first: until };
    // From the newest on: most sums are of the last seconds.
    for (let at = this.#seconds.length - 1; at >= 0; at--) {
      const one = this.#seconds[at] as Second;
      if (one.second <= after) break;
      if (one.second > until) continue;
      const { answered, unusual, conflicts } = this.#count(one);
      sum.answered += answered;
      sum.unusual += unusual;
      sum.conflicts += conflicts;
      sum.first = one.second;
    }
    return sum;
  }

  #count(second: Second): CountedSecond {
    if (second.counted?.learnt === this.#learnt) return second.counted;
    const counted = { answered: 0, unusual: 0, conflicts: 0, learnt: this.#learnt };
    for (const [form, count] of second.forms) {
      counted.answered += count;
      if (!this.#isUnusual(form)) continue;
      counted.unusual += count;
      if (form === conflictForm) counted.conflicts += count;
    }
    return (second.counted = counted);
  }

  settle(second: number, isUsual: boolean): void {
    const unsettled = second - this.firstSecond < unsettledS ? unsettledAtFirstS : unsettledS;
    const oldest = Math.floor((second - unsettled) / sliceS);
    for (const [slice, counts] of this.#recent) {
      if (!isUsual) this.#unusual.add(slice);
      if (slice >= oldest) continue;
      this.#recent.delete(slice);
      if (this.#unusual.delete(slice)) continue;
      this.#learn(
        counts,
        bitsOf(this.#seconds, second - beforeS, ({ allClients }) => allClients),
      );
    }
  }

  /** `allClients`: groups of them that the route has. */
  #learn(counts: ReadonlyMap<number, LearntCount>, allClients: number): void {
    for (const usual of this.#usual.values()) {
      usual.count *= keptOfSlice;
      for (let cell = 0; cell < sizeCells; cell++) (usual.sizes[cell] as number) *= keptOfSlice;
    }
    for (const [key, { count: whole, clients }] of counts) {
      // What a scanner gets for minutes is not what the route usually answers.
      const ofFew = allClients >= manyClients ? learntPerClient * bitCount(clients) : Infinity;
      const count = bitCount(clients) <= fewClients ? Math.min(whole, ofFew) : whole;
      const [form, cell] = [Math.floor(key / sizeCells), key % sizeCells];
      let usual = this.#usual.get(form);
      if (usual === undefined) this.#usual.set(form, (usual = { count: 0, sizes: new Float64Array(sizeCells) }));
      usual.count += count;
      if (cell > 0) (usual.sizes[cell] as number) += count;
    }
    this.#learnt++;
    this.#known = 0;
    this.#leastCells.clear();
    this.#mostCells.clear();
    for (const [form, { count, sizes }] of this.#usual) {
      this.#known += count;
      if (form === redirectForm) this.#targets = usualTargets(sizes);
      const [least, most] = [cellAt(sizes, shortQuantile), cellAt(sizes, 1 - shortQuantile)];
      if (least === null || most === null || count < sizesKnownMin) continue;
      this.#leastCells.set(form, least);
      this.#mostCells.set(form, most);
    }
  }

  /** How it answers now, and how often in the last minute; null: as usual. */
  change(route: string, second: number): { readonly change: AnswerChange; readonly count: number } | null {
    const unusual = new Map<number, number>();
    for (const one of this.#seconds)
      if (one.second > second - 60)
        for (const [form, count] of one.forms)
          if (this.#isUnusual(form)) unusual.set(form, (unusual.get(form) ?? 0) + count);
    const [most] = [...unusual].sort(([, a], [, b]) => b - a);
    const [usual] = [...this.#usual].sort(([, a], [, b]) => b.count - a.count);
    if (most === undefined || usual === undefined) return null;
    const [what, count] = most;
    if (what < short) return { count, change: { route, now: formWords(what), usual: formWords(usual[0]) } };
    const form = what % short;
    if (form === redirectForm) return { count, change: { route, now: otherTargetWords, usual: formWords(form) } };
    const sizes = this.#usual.get(form)?.sizes;
    const [median, now] = [sizes === undefined ? null : cellAt(sizes, 0.5), this.#medianOf(what)];
    if (median === null || now === null) return null;
    const change = {
      route,
      now: `${formWords(form)} of some ${sizeText(now)}`,
      usual: `a size of some ${sizeText(median)}`,
    };
    return { count, change };
  }

  #medianOf(what: number): number | null {
    const sizes = new Float64Array(sizeCells);
    for (const counts of this.#recent.values())
      for (const [key, { count }] of counts)
        if (this.#formOf(key) === what) (sizes[key % sizeCells] as number) += count;
    return cellAt(sizes, 0.5);
  }
}

/** How many of 32 groups of clients, since that second. */
function bitsOf(seconds: readonly Second[], after: number, clientsOf: (one: Second) => number): number {
  let clients = 0;
  for (const one of seconds) if (one.second > after) clients |= clientsOf(one);
  return bitCount(clients);
}

function usualTargets(counts: Float64Array): ReadonlySet<number> {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const most = [...counts.entries()].toSorted(([, a], [, b]) => b - a).slice(0, targetsMax);
  const sum = most.reduce((total, [, count]) => total + count, 0);
  if (all < knownMin || sum < targetsShareMin * all) return new Set();
  return new Set([...counts.entries()].flatMap(([cell, count]) => (count > 0 ? [cell] : [])));
}

function cellAt(sizes: Float64Array, share: number): number | null {
  let all = 0;
  for (const count of sizes) all += count;
  if (all === 0) return null;
  let sum = 0;
  for (let cell = 0; cell < sizes.length; cell++) {
    sum += sizes[cell] as number;
    if (sum >= share * all) return cell;
  }
  return null;
}
