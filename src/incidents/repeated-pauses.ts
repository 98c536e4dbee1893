import type { AttemptOfClient } from '../core/route-traffic.ts';

/** So many responses within a few seconds are late, of so many clients or routes: what all wait for has stood still. More where few pauses tell it. */
const lateMin = 3;
const lateOfFewMin = 5;
const clientsMin = 2;
/** Seconds without a late response tell one pause from the next. */
const apartS = 3;

/**
 * Where responses are late now and then, some come together by chance: a pause has more of them than chance makes (e^-n, Poisson) of as many as are usual in a second,
 * which is the mean of half a minute or so.
 */
const chanceMin = 7;
const usualOverS = 30;

/** One pause is over before anybody can act. So many in so many seconds are an incident: fewer of those in which several requests waited long, and which may last longer. */
const withinS = 60;
const sights = [
  { longMs: 0, lateMin, lastS: 4, count: 4, withinS },
  { longMs: 1000, lateMin, lastS: 8, count: 3, withinS: 45 },
  { longMs: 2000, lateMin: lateOfFewMin, lastS: 8, count: 2, withinS: 30 },
] as const;
type Sight = (typeof sights)[number];
/** Compared with the minutes before, of which so many are known: two more for each that a minute usually has. */
const beforeS = 600;
const knownS = 20;
const moreForEach = 2;

const keptMax = 200;

/** Seconds with late responses, one after the other. */
interface Pause {
  readonly first: number;
  last: number;
  late: number;
  readonly clients: Set<number>;
  readonly routes: Set<string>;
  /** So many late ones are usual in each of its seconds. */
  readonly usualPerS: number;
  /** The longest waits, of so many requests as make a pause. */
  waits: readonly number[];
}

/** Pauses of all routes of an upstream, which come again and again. */
export interface PausesSeen {
  readonly count: number;
  readonly withinS: number;
  /** From one to the next, on average. */
  readonly everyS: number;
}

/** Finds short pauses that repeat, though few of the requests meet one: what all wait for stands still, and between the pauses all is as fast as ever. */
export class RepeatedPauses {
  readonly #pauses: Pause[] = [];
  #firstSecond = Infinity;
  /** Late ones each second, where all is as usual. */
  #usualPerS = 0;
  #usual = { second: 0, late: 0 };

  /** `usual`: so many of the responses of a route are late where all is as usual. */
  addUsual(usual: number, second: number): void {
    if (second !== this.#usual.second) {
      const passed = Math.min(1, (second - this.#usual.second) / usualOverS);
      this.#usualPerS += (this.#usual.late - this.#usualPerS) * passed;
      this.#usual = { second, late: 0 };
    }
    this.#usual.late += usual;
  }

  /** `late`: responses of a route that have come late, and how long some of them took. `awaited`: requests that are late and still wait. */
  add(
    route: string,
    late: number,
    slow: readonly AttemptOfClient[],
    awaited: readonly AttemptOfClient[],
    second: number,
  ): void {
    this.#firstSecond = Math.min(this.#firstSecond, second);
    if (late === 0 && awaited.length === 0) return;
    let pause = this.#pauses.at(-1);
    if (pause === undefined || second - pause.last > apartS) {
      this.#pauses.push(
        (pause = {
          ...{ first: second, last: second, late: 0, clients: new Set(), routes: new Set(), waits: [] },
          usualPerS: this.#usualPerS,
        }),
      );
      if (this.#pauses.length > keptMax) this.#pauses.shift();
    }
    pause.last = second;
    pause.late += late;
    if (late > 0)
      pause.waits = [...pause.waits, ...slow.map(({ ms }) => ms)].toSorted((a, b) => b - a).slice(0, lateMin);
    if (pause.clients.size < clientsMin) for (const { client } of awaited) pause.clients.add(client);
    if (pause.routes.size < clientsMin) pause.routes.add(route);
  }

  /** The second in which they began; null: there are too few, or as many as usual. */
  since(second: number): number | null {
    if (this.#pauses.length < 2) return null;
    const sinces = sights.flatMap((sight) => {
      const { count, withinS: width } = sight;
      const recent = this.#within(second, width, sight);
      if (recent.length < count) return [];
      const knownForS = Math.min(beforeS, second - width - this.#firstSecond);
      if (knownForS < knownS) return [];
      const usual = (this.#within(second - width, knownForS, sight).length * width) / knownForS;
      return recent.length < count + moreForEach * usual ? [] : [(recent[0] as Pause).first];
    });
    return sinces[0] ?? null;
  }

  /** Of the last minute; null: there are too few. */
  seen(second: number): PausesSeen | null {
    const found = sights.map((sight) => ({ count: sight.count, recent: this.#within(second, withinS, sight) }));
    const recent = found.find((one) => one.recent.length >= one.count)?.recent ?? [];
    const [first, last] = [recent[0], recent.at(-1)];
    if (first === undefined || last === undefined) return null;
    return { count: recent.length, withinS, everyS: Math.round((last.first - first.first) / (recent.length - 1)) };
  }

  /** One that lasts longer is no pause: then everything is slow. Nor do the others tell anything then. */
  #within(second: number, width: number, { longMs, lateMin: lateOfSightMin, lastS }: Sight): readonly Pause[] {
    const found = this.#pauses.filter(({ first, last }) => last > second - width && first <= second);
    if (found.some(({ first, last }) => last - first >= lastS)) return [];
    return found.filter(
      ({ first, last, usualPerS, late, clients, routes, waits }) =>
        late >= lateOfSightMin &&
        isMoreThanChance(late, usualPerS * (last - first + 1)) &&
        (clients.size >= clientsMin || routes.size >= clientsMin) &&
        (longMs === 0 || (waits[lateMin - 1] ?? 0) >= longMs),
    );
  }
}

/** Of a Poisson variable (Chernoff). */
const isMoreThanChance = (count: number, expected: number): boolean =>
  count > expected && count * Math.log(count / Math.max(1e-6, expected)) - count + expected >= chanceMin;
