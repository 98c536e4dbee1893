import { bitCount } from '../core/bit-count.ts';
import type { AnswerChange } from '../core/live-incident.ts';
import { formWords, upgradeWords } from '../core/answer-words.ts';

/** Refusals of so many seconds, from so many of 32 groups of clients, that are new: one whose credentials are wrong asks again and again. */
const widthS = 15;
const refusedMin = 5;
const clientsMin = 3;
/** And so many seconds: what a restart has cut comes back at once, some with a token that has expired meanwhile. */
const secondsMin = 4;
const beforeS = 240;
const refusedBeforeMax = 2;

/** In a shorter time it is not known whether it has refused as many before. */
const learntS = 30;

interface Second {
  readonly second: number;
  readonly refused: Map<number, number>;
  clients: number;
}

/** Requests of a route for an upgrade, such as to WebSocket, that its application once switched protocols for and now answers. */
export class UpgradeAnswers {
  readonly #firstSecond: number;
  #accepted = 0;
  #seconds: Second[] = [];

  /** `firstSecond`: of all routes. A tunnel is counted when it ends, so that a route that has nothing else may show itself by its first refusals. */
  constructor(firstSecond: number) {
    this.#firstSecond = firstSecond;
  }

  /** A tunnel is counted when it ends. */
  addAccepted(count: number): void {
    this.#accepted += count;
  }

  /** Returns how many of them are unusual. */
  addRefused(form: number, count: number, clients: number, second: number): number {
    let now = this.#seconds.at(-1);
    if (now?.second !== second) {
      this.#seconds = this.#seconds.filter((one) => one.second > second - beforeS - widthS);
      this.#seconds.push((now = { second, refused: new Map(), clients: 0 }));
    }
    now.refused.set(form, (now.refused.get(form) ?? 0) + count);
    now.clients |= clients;
    return this.#accepted === 0 ? 0 : count;
  }

  changedSince(second: number): number | null {
    if (this.#accepted === 0 || second - this.#firstSecond < learntS) return null;
    const recent = this.#seconds.filter((one) => one.second > second - widthS && one.second <= second);
    const before = this.#seconds.filter((one) => one.second <= second - widthS);
    if (refusedIn(before) > refusedBeforeMax || refusedIn(recent) < refusedMin) return null;
    if (recent.length < secondsMin) return null;
    const clients = recent.reduce((all, one) => all | one.clients, 0);
    return bitCount(clients) < clientsMin ? null : (recent[0] as Second).second;
  }

  change(route: string, second: number): { readonly change: AnswerChange; readonly count: number } | null {
    const forms = new Map<number, number>();
    for (const one of this.#seconds)
      if (one.second > second - 60)
        for (const [form, count] of one.refused) forms.set(form, (forms.get(form) ?? 0) + count);
    const [most] = [...forms].sort(([, a], [, b]) => b - a);
    if (most === undefined || this.#accepted === 0) return null;
    return { count: most[1], change: { route, now: formWords(most[0]), usual: upgradeWords } };
  }
}

function refusedIn(seconds: readonly Second[]): number {
  let sum = 0;
  for (const { refused } of seconds) for (const count of refused.values()) sum += count;
  return sum;
}
