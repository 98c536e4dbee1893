import type { AttemptOfClient } from '../core/route-traffic.ts';

/** So many responses within a few seconds are late, of so many clients or routes: what all wait for has stood still. */
const lateMin = 3;
const clientsMin = 2;
const longestS = 4;
/** Seconds without a late response tell one pause from the next. */
const apartS = 3;

/** One pause is over before anybody can act. So many in so many seconds are an incident. */
const pausesMin = 4;
const withinS = 60;
/** Compared with the minutes before, of which so many are known: two more for each that a minute usually has. */
const beforeS = 600;
const knownS = 60;
const moreForEach = 2;

const keptMax = 200;

/** Seconds with late responses, one after the other. */
interface Pause {
  readonly first: number;
  last: number;
  late: number;
  readonly clients: Set<number>;
  readonly routes: Set<string>;
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

  /** `late`: responses of a route that have come late. `awaited`: requests that are late and still wait. */
  add(route: string, late: number, awaited: readonly AttemptOfClient[], second: number): void {
    this.#firstSecond = Math.min(this.#firstSecond, second);
    if (late === 0 && awaited.length === 0) return;
    let pause = this.#pauses.at(-1);
    if (pause === undefined || second - pause.last > apartS) {
      this.#pauses.push((pause = { first: second, last: second, late: 0, clients: new Set(), routes: new Set() }));
      if (this.#pauses.length > keptMax) this.#pauses.shift();
    }
    pause.last = second;
    pause.late += late;
    if (pause.clients.size < clientsMin) for (const { client } of awaited) pause.clients.add(client);
    if (pause.routes.size < clientsMin) pause.routes.add(route);
  }

  /** The second in which they began; null: there are too few, or as many as usual. */
  since(second: number): number | null {
    const recent = this.#within(second, withinS);
    if (recent.length < pausesMin) return null;
    const knownForS = Math.min(beforeS, second - withinS - this.#firstSecond);
    if (knownForS < knownS) return null;
    const before = this.#within(second - withinS, knownForS).length;
    const usual = (before * withinS) / knownForS;
    return recent.length < pausesMin + moreForEach * usual ? null : (recent[0] as Pause).first;
  }

  /** Of the last minute; null: there are too few. */
  seen(second: number): PausesSeen | null {
    const recent = this.#within(second, withinS);
    const [first, last] = [recent[0], recent.at(-1)];
    if (first === undefined || last === undefined || recent.length < pausesMin) return null;
    return { count: recent.length, withinS, everyS: Math.round((last.first - first.first) / (recent.length - 1)) };
  }

  /** One that lasts longer is no pause: then everything is slow. Nor do the others tell anything then. */
  #within(second: number, width: number): readonly Pause[] {
    const found = this.#pauses.filter(({ first, last }) => last > second - width && first <= second);
    if (found.some(({ first, last }) => last - first >= longestS)) return [];
    return found.filter(
      ({ late, clients, routes }) => late >= lateMin && (clients.size >= clientsMin || routes.size >= clientsMin),
    );
  }
}
