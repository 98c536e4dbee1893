import { bitCount } from '../core/bit-count.ts';
import {
  conflictForm,
  declinedForm,
  divertedForm,
  errorKind,
  lostForm,
  redirectForm,
  refusedForms,
  sizeCells,
  strayForm,
  unclosedForm,
  unreadableForm,
  withdrawnForm,
} from '../core/content-kind.ts';
import type { AnswerChange } from '../core/live-incident.ts';
import { answerParts } from '../core/route-traffic.ts';
import { answersChanceMax, areFewerThanChance, haveReplaced, type ReplacedAnswers } from './replaced-answers.ts';
import type { AddedAnswers } from './added-requests.ts';
import { formWords, otherTargetWords, sizeText } from '../core/answer-words.ts';
import { type GoneAnswers, goneForms, LastChange, mayBeOver } from './what-is-over.ts';
import { UnsettledSlices } from './unsettled-slices.ts';
import { cellAt, type LearntCount, long, manyClients, short, UsualForms } from './usual-forms.ts';

/** Fewer answers, or a shorter time, say nothing of what is usual. */
const knownMin = 40;
const learntS = 40;
/** Few unusual ones are taken for usual until then, of however few clients: what comes seldom has not come yet. */
const tellingLearntS = 60;

/** Answers in place of others, in so many seconds: the longer times where requests come seldom. */
const widthsS = [8, 12, 16, 24, 32, 60] as const;
const longestS = 60;
const shareMin = 0.3;
/** 409 tells of the state of what is asked for, such as a product that is sold out: of the application only where less than this is left of the usual answers. */
const leftBesideConflicts = 0.2;
const unusualMin = 8;
/** Fewer are enough where usual clients are refused, and about as many of the usual answers are missing. */
const replacedShareMin = 0.15;
/**
 * What usual clients seldom get besides is in place of the usual answers where chance makes so few of these by less than e^-n: what was answered well before leads
 * elsewhere, is gone, or cannot be read. Tokens, codes and forms are refused every day.
 */
const seldomBesides: ReadonlyMap<number, number> = new Map([
  ...([strayForm, withdrawnForm] as const).map((form) => [form, 4] as const),
  ...([divertedForm, lostForm, unreadableForm, unclosedForm, errorKind] as const).map((form) => [form, 7] as const),
]);
/** Of the clients of the route, at least so many get them. */
const concernedMin = 1 / 3;
/** Fewer are enough where they are usual clients: of those that are refused, no more than this share has had no good answer. */
const newcomersMax = 0.1;

/** Few unusual answers tell something when at least so many clients got them. */
const clientsMin = 3;
/** Pages are removed, forms get what programs guess, and people make mistakes in what they ask for: of half a minute, less than so many of these, or a smaller share, tells nothing. */
const tellingS = 30;
const leastOf: ReadonlyMap<number, { readonly count: number; readonly share: number }> = new Map([
  [lostForm, { count: 3, share: 0.02 }],
  [declinedForm, { count: 30, share: 0.2 }],
  [errorKind, { count: 8, share: 0.05 }],
]);
/** Compared with the minutes before; the one with the fewest counts: a job that has ended is missing as well. */
const minuteS = 60;
const beforeS = 240;
const keptS = beforeS + 60;

interface Second {
  readonly second: number;
  /** Each form of answers, short ones apart, followed by its count: a second has few. Whether a form is usual is asked when it is judged: a crawler may make its own usual. */
  readonly forms: number[];
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

interface CountedSecond extends GoneAnswers {
  conflicts: number;
  /** Of the unusual ones, the sum of how seldom chance must explain what is missing (`seldomBesides`). */
  chances: number;
  /** How often other forms had become usual (`UsualForms`). */
  learnt: number;
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
  readonly #usual = new UsualForms();
  /** Counts by key, and their clients. */
  readonly #recent: UnsettledSlices<Map<number, LearntCount>>;
  readonly #seconds: Second[] = [];
  /** Those of the last minute with unusual answers; null: what is usual has changed since they were counted. */
  #unusualSeconds: { readonly second: number; count: number }[] | null = null;

  readonly #telling: ReadonlySet<number>;
  readonly #chanceMax: number;
  readonly #lastChange: LastChange;

  /** `telling`: forms of which few tell something. `moreChance`: as of `RouteLatency`. */
  constructor(second: number, telling: ReadonlySet<number>, moreChance = 0, lastChange = new LastChange()) {
    this.firstSecond = second;
    this.#lastChange = lastChange;
    this.#recent = new UnsettledSlices(second, () => new Map());
    this.#telling = telling;
    this.#chanceMax = answersChanceMax + moreChance;
  }

  /** `added`: answers to requests that came besides the usual ones, which tell nothing of these; `newRefused`: refusals to clients that have had no good one. */
  add(answers: readonly number[], second: number, newRefused = 0, added?: AddedAnswers): UnusualCount {
    const left = added === undefined || added.size === 0 ? null : new Map(added);
    const recent = this.#recent.at(second);
    const isKnown = this.#usual.known >= knownMin && second - this.firstSecond >= learntS;
    let [unusual, tellingCount] = [0, 0];
    for (let at = 0; at < answers.length; at += answerParts) {
      const [key, count, clients] = [answers[at], answers[at + 1], answers[at + 2]] as [number, number, number];
      const known = recent.get(key);
      if (known === undefined) recent.set(key, { count, clients });
      else {
        known.count += count;
        known.clients |= clients;
      }
      if (!isKnown) continue;
      const now = this.#at(second);
      const what = this.#usual.formOf(key);
      addForm(now.forms, what, count);
      now.counted = null;
      now.allClients |= clients;
      if (!this.#usual.isUnusual(what)) continue;
      unusual += count;
      now.unusualClients |= clients;
      if (refusedForms.has(what) || what === errorKind) now.refused += count;
      // Few long ones are no more than some larger results.
      const isTelling = what >= short ? what < long : this.#telling.has(what) && this.#isMuch(what, second);
      if (!isTelling) continue;
      const besides = Math.min(count, left?.get(key) ?? 0);
      if (besides > 0) left?.set(key, (left.get(key) ?? 0) - besides);
      if (besides === count) continue;
      now.clients |= clients;
      tellingCount += count - besides;
    }
    if (unusual > 0) {
      this.#noteUnusual(second, unusual);
      this.#at(second).newRefused += newRefused;
    }
    const isTelling = tellingCount > 0 && (second - this.firstSecond < tellingLearntS || this.#hasClients(second));
    return { unusual, telling: isTelling ? tellingCount : 0 };
  }

  #isMuch(form: number, second: number): boolean {
    const least = leastOf.get(form);
    if (least === undefined) return true;
    let [count, all] = [0, 0];
    for (const { second: at, forms } of this.#seconds) {
      if (at <= second - tellingS) continue;
      for (let one = 0; one < forms.length; one += 2) {
        all += forms[one + 1] as number;
        if (forms[one] === form) count += forms[one + 1] as number;
      }
    }
    return count >= least.count && count >= least.share * all;
  }

  #hasClients(second: number): boolean {
    return bitsOf(this.#seconds, second - 60, ({ clients }) => clients) >= clientsMin;
  }

  /** A scanner is one client, or few, and what it gets shows nothing of the others, even where a busy client leaves at the same time. */
  #isOfManyClients(after: number, unusual: number): boolean {
    const concerned = bitsOf(this.#seconds, after, ({ unusualClients }) => unusualClients);
    return concerned >= concernedMin * Math.min(this.#clientsSince(after - beforeS), unusual);
  }

  #areOfUsualClients(after: number, unusual: number): boolean {
    let [refused, newRefused] = [0, 0];
    for (let at = firstAfter(this.#seconds, after); at < this.#seconds.length; at++) {
      const one = this.#seconds[at] as Second;
      refused += one.refused;
      newRefused += one.newRefused;
    }
    if (2 * refused < unusual || newRefused > newcomersMax * refused) return false;
    return bitsOf(this.#seconds, after, ({ unusualClients }) => unusualClients) >= clientsMin;
  }

  /** How many groups of clients the route has. */
  #clientsSince(after: number): number {
    return bitsOf(this.#seconds, after, ({ allClients }) => allClients);
  }

  #at(second: number): Second {
    const newest = this.#seconds.at(-1);
    if (newest?.second === second) return newest;
    const bits = { clients: 0, allClients: 0, unusualClients: 0 };
    const added: Second = { second, forms: [], counted: null, ...bits, refused: 0, newRefused: 0 };
    this.#seconds.push(added);
    if (this.#seconds.length > keptS) this.#seconds.shift();
    return added;
  }

  #noteUnusual(second: number, count: number): void {
    const known = this.#unusualSeconds;
    if (known === null) return;
    const newest = known.at(-1);
    if (newest?.second === second) newest.count += count;
    else known.push({ second, count });
    while ((known[0]?.second ?? second) <= second - longestS) known.shift();
  }

  /** Nearly all routes have too few. */
  #hasUnusual(second: number): boolean {
    const after = second - longestS;
    let known = this.#unusualSeconds;
    if (known === null) {
      this.#unusualSeconds = known = [];
      for (let at = firstAfter(this.#seconds, after); at < this.#seconds.length; at++) {
        const one = this.#seconds[at] as Second;
        const count = this.#count(one).unusual;
        if (count > 0) known.push({ second: one.second, count });
      }
    }
    let sum = 0;
    for (const one of known) if (one.second > after) sum += one.count;
    return sum >= unusualMin;
  }

  /** The second since which it answers otherwise what it answered well before; null: it does not. A visitor of other pages only adds to what is usual. */
  changedSince(second: number): number | null {
    if ((this.#seconds.at(-1)?.second ?? 0) < second - 2 || !this.#hasUnusual(second)) return null;
    for (const widthS of this.#widthsS(second)) {
      const found = this.replaced(second, widthS, replacedShareMin);
      if (found === null || found.unusual < unusualMin) continue;
      const isMuch = found.unusual >= shareMin * (found.unusual + found.usual);
      if (isMuch && areFewerThanChance(found, this.#chanceMax)) return found.since;
      if (found.ofUsualClients && haveReplaced(found, this.#chanceMax - answersChanceMax)) return found.since;
    }
    return null;
  }

  /** And the time since the first unusual one: what came before it is all as usual. */
  #widthsS(second: number): readonly number[] {
    const first = this.#unusualSeconds?.find((one) => one.second > second - longestS)?.second ?? second;
    const sinceFirst = second - first + 1;
    return sinceFirst > widthsS[0] && sinceFirst < longestS ? [...widthsS, sinceFirst] : widthsS;
  }

  /** Whether an answer of the last seconds is none of the usual ones. */
  isUnusualNow(second: number): boolean {
    for (let at = firstAfter(this.#seconds, second - 3); at < this.#seconds.length; at++)
      if ((this.#seconds[at] as Second).unusualClients !== 0) return true;
    return false;
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
    const ofUsualClients = this.#areOfUsualClients(second - widthS, now.unusual);
    if (!ofUsualClients && !this.#isOfManyClients(second - widthS, now.unusual)) return null;
    const since = this.#seconds.find((one) => one.second > second - widthS && this.#count(one).unusual > 0)?.second;
    const sum = (after: number, until: number): GoneAnswers => this.#sum(after, until);
    const oldest = Math.max(second - widthS - beforeS, this.firstSecond);
    if (mayBeOver({ now, since: since ?? second, second, oldest, sum, lastChange: this.#lastChange })) return null;
    return {
      ...{ unusual: now.unusual, usual: now.answered - now.unusual, expected },
      ...{ widths: knownS / widthS, since: since ?? second },
      ...{ ofUsualClients, chance: now.chances / now.unusual },
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

  #sum(after: number, until: number): Omit<CountedSecond, 'learnt'> & { first: number } {
    const sum = { answered: 0, unusual: 0, conflicts: 0, gone: 0, lost: 0, chances: 0, first: until };
    // From the newest on: most sums are of the last seconds.
    for (let at = this.#seconds.length - 1; at >= 0; at--) {
      const one = this.#seconds[at] as Second;
      if (one.second <= after) break;
      if (one.second > until) continue;
      const { answered, unusual, conflicts, gone, lost, chances } = this.#count(one);
      sum.answered += answered;
      sum.unusual += unusual;
      sum.conflicts += conflicts;
      sum.gone += gone;
      sum.lost += lost;
      sum.chances += chances;
      sum.first = one.second;
    }
    return sum;
  }

  #count(second: Second): CountedSecond {
    if (second.counted?.learnt === this.#usual.changes) return second.counted;
    const counted = {
      answered: 0,
      unusual: 0,
      conflicts: 0,
      gone: 0,
      lost: 0,
      chances: 0,
      learnt: this.#usual.changes,
    };
    for (let at = 0; at < second.forms.length; at += 2) {
      const [form, count] = [second.forms[at], second.forms[at + 1]] as [number, number];
      counted.answered += count;
      if (!this.#usual.isUnusual(form)) continue;
      counted.unusual += count;
      counted.chances += count * (seldomBesides.get(form) ?? answersChanceMax);
      if (form === conflictForm) counted.conflicts += count;
      if (form === lostForm) counted.lost += count;
      if (goneForms.has(form)) counted.gone += count;
    }
    return (second.counted = counted);
  }

  settle(second: number, isUsual: boolean): void {
    this.#recent.settle(second, isUsual, (counts) => {
      const isOther = this.#usual.learn(counts, () => this.#clientsSince(second - beforeS) >= manyClients);
      // What has been counted stays right where the same forms are usual.
      if (isOther) this.#unusualSeconds = null;
    });
  }

  /** How it answers now, and how often in the last minute; null: as usual. */
  change(route: string, second: number): { readonly change: AnswerChange; readonly count: number } | null {
    const unusual = new Map<number, number>();
    for (const { forms } of this.#seconds.slice(firstAfter(this.#seconds, second - longestS)))
      for (let at = 0; at < forms.length; at += 2) {
        const [form, count] = [forms[at], forms[at + 1]] as [number, number];
        if (this.#usual.isUnusual(form)) unusual.set(form, (unusual.get(form) ?? 0) + count);
      }
    const [most] = [...unusual].sort(([, a], [, b]) => b - a);
    const usual = this.#usual.mostUsual;
    if (most === undefined || usual === null) return null;
    const [what, count] = most;
    if (what < short) return { count, change: { route, now: formWords(what), usual: formWords(usual) } };
    const form = what % short;
    if (form === redirectForm) return { count, change: { route, now: otherTargetWords, usual: formWords(form) } };
    const [median, now] = [this.#usual.medianOf(form), this.#medianOf(what)];
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
    for (const [, counts] of this.#recent.entries())
      for (const [key, { count }] of counts)
        if (this.#usual.formOf(key) === what) (sizes[key % sizeCells] as number) += count;
    return cellAt(sizes, 0.5);
  }
}

function addForm(forms: number[], form: number, count: number): void {
  let at = 0;
  while (at < forms.length && forms[at] !== form) at += 2;
  if (at === forms.length) forms.push(form, 0);
  (forms[at + 1] as number) += count;
}

/** How many of 32 groups of clients, since that second. */
function bitsOf(seconds: readonly Second[], after: number, clientsOf: (one: Second) => number): number {
  let clients = 0;
  for (let at = firstAfter(seconds, after); at < seconds.length; at++) clients |= clientsOf(seconds[at] as Second);
  return bitCount(clients);
}

/** The index of the first of those after a second. They are in order, and most are asked for the newest ones. */
function firstAfter(seconds: readonly Second[], after: number): number {
  let at = seconds.length;
  while (at > 0 && (seconds[at - 1] as Second).second > after) at -= 1;
  return at;
}
