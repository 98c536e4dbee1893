import type { RouteTraffic } from '../core/route-traffic.ts';
import { chanceExponent } from './chance.ts';
import { passing } from './counted-awaited.ts';

/**
 * Late responses of so many seconds. What an upstream waits for may stand still for some seconds, and cold caches have most late ones at first: each third of
 * the time has at least half of its even share, and nearly each second has one.
 */
const widthS = 9;
const span: SteadySpan = { widthS, partS: 3, spreadS: 7, secondsMin: 7 };
const evenMin = 1 / 2;
const lateMin = 9;

/** So many of the responses of one route, or of those of all routes of the upstream where several have late ones. */
const sights = [
  { of: 'route', kind: 'severe', shareMin: 0.2 },
  { of: 'route', kind: 'late', shareMin: 0.3 },
  { of: 'upstream', kind: 'severe', shareMin: 0.08 },
] as const;
const routesMin = 2;
const lateOfRouteMin = 2;

/** Of the late ones of each route, so many come besides those of a moment. */
const momentS = 3;
const besidesMin = 0.3;

/** Three times as many as in the minute before, of which so many responses are known. */
const beforeS = 60;
const beforeMin = 50;
const beforeTimes = 3;

/** No chance, as of a route. */
const chanceMax = 14;

/** Of several clients, none of which has more than this share: one may ask for what takes long. */
const clientsMin = 4;
const clientShareMax = 0.5;

/** An endpoint begins with cold caches, and slowly, when it has answered nothing for some time. */
const coldS = 60;

const keptS = widthS + beforeS;

/** Late responses of one route, among those of the last `widthS` seconds. */
export interface LateOnRoute {
  readonly route: string;
  readonly late: number;
  readonly answered: number;
}

/** Of the responses of a route that came in one batch, or have become late meanwhile. */
export interface CountedLateness {
  readonly answered: number;
  readonly late: number;
  /** Of them, those that people notice. */
  readonly severe: number;
}

/** So many of the last seconds have late responses, and each part of that time. */
export interface SteadySpan {
  readonly widthS: number;
  readonly partS: number;
  readonly spreadS: number;
  readonly secondsMin: number;
}

interface Second {
  readonly second: number;
  answered: number;
  late: number;
  severe: number;
  /** So many are late as usual. */
  usual: number;
}

/**
 * Finds in ten seconds that a part of the responses of an upstream has become slow, where that is so from second to second, for several clients, at
 * endpoints that are warm.
 */
export class SteadyLateness {
  readonly #routes = new Map<string, LatenessSeconds>();
  readonly #all = new LatenessSeconds();
  /** Of the late ones, by hash. */
  #clients: { readonly second: number; readonly client: number }[] = [];

  /** `usual`: the share that is late while all is as usual. `limitMs`: what takes longer is late; null: not known yet. `warmForS`: of `WarmEndpoints`. */
  add(
    { route, slow, awaited }: Pick<RouteTraffic, 'route' | 'slow' | 'awaited'>,
    { answered, late, severe }: CountedLateness,
    { usual, limitMs }: { readonly usual: number; readonly limitMs: number | null },
    second: number,
    warmForS: number,
  ): void {
    if (warmForS < coldS || limitMs === null || answered + severe === 0) return;
    let known = this.#routes.get(route);
    if (known === undefined) this.#routes.set(route, (known = new LatenessSeconds()));
    for (const one of [known, this.#all]) one.add({ second, answered, late, severe, usual: usual * answered });
    if (late + severe === 0) return;
    for (const { client, ms } of slow) if (ms > limitMs) this.#clients.push({ second, client });
    for (const { client } of passing(awaited, limitMs)) this.#clients.push({ second, client });
  }

  /** The second in which it began; null: it is not so. Once for each second that is over. `areOrdinary`: late ones of these routes, of so many seconds. */
  since(second: number, areOrdinary: (seen: readonly LateOnRoute[], widthS: number) => boolean): number | null {
    if (this.#clients.length === 0) return null;
    this.#clients = this.#clients.filter((one) => one.second > second - widthS);
    const all = this.#all.sum(second, widthS);
    if (Math.max(all.late, all.severe) < lateMin || !this.#areSeveralClients()) return null;
    for (const { of, kind, shareMin } of sights) {
      const all = [...this.#routes];
      const seen =
        of === 'route'
          ? all.map((one) => ({ one: one[1], routes: [one] }))
          : this.#areSeveralRoutes(kind, second)
            ? [{ one: this.#all, routes: all }]
            : [];
      const found = seen.find(
        ({ one, routes }) =>
          one.isSteady(kind, shareMin, second, span) &&
          !areOfMoment(
            routes.map(([, counted]) => counted),
            kind,
            second,
          ) &&
          !areOrdinary(
            routes.map(([route, counted]) => {
              const sum = counted.sum(second, widthS);
              return { route, late: sum[kind], answered: sum.answered };
            }),
            widthS,
          ),
      );
      if (found !== undefined) return found.one.firstLate(kind, second, widthS);
    }
    return null;
  }

  #areSeveralRoutes(kind: Kind, second: number): boolean {
    let concerned = 0;
    for (const route of this.#routes.values()) if (route.sum(second, widthS)[kind] >= lateOfRouteMin) concerned += 1;
    return concerned >= routesMin;
  }

  #areSeveralClients(): boolean {
    const counts = new Map<number, number>();
    for (const { client } of this.#clients) counts.set(client, (counts.get(client) ?? 0) + 1);
    return counts.size >= clientsMin && Math.max(...counts.values()) <= clientShareMax * this.#clients.length;
  }
}

type Kind = 'late' | 'severe';

/** Each route has nearly all of its late ones in a moment: together they seem to last longer, since what is late on one is not yet so on another. */
function areOfMoment(routes: readonly LatenessSeconds[], kind: Kind, second: number): boolean {
  let [all, besides] = [0, 0];
  for (const route of routes) {
    const late = route.sum(second, widthS)[kind];
    let most = 0;
    for (let back = 0; late > most && back <= widthS - momentS; back++)
      most = Math.max(most, route.sum(second - back, momentS)[kind]);
    all += late;
    besides += late - most;
  }
  return besides < besidesMin * all;
}

/** Of one route, or of all: the last seconds with responses. */
export class LatenessSeconds {
  #seconds: Second[] = [];

  add(counted: Second): void {
    const newest = this.#seconds.at(-1);
    if (newest?.second === counted.second) return addTo(newest, counted);
    this.#seconds.push({ ...counted });
    if (this.#seconds.length > 2 * keptS) this.#seconds = this.#seconds.slice(-keptS);
  }

  /** The same of those that are in time: nearly all are. */
  addInTime(second: number, answered: number, usual: number): void {
    const newest = this.#seconds.at(-1);
    if (newest?.second !== second) return this.add({ second, answered, late: 0, severe: 0, usual });
    newest.answered += answered;
    newest.usual += usual;
  }

  /** Of the `width` seconds that end with `until`. */
  sum(until: number, width: number): Second {
    const sum = { second: until, answered: 0, late: 0, severe: 0, usual: 0 };
    for (const one of this.#within(until, width)) addTo(sum, one);
    return sum;
  }

  /** The newest first. */
  *#within(until: number, width: number): Generator<Second> {
    for (let at = this.#seconds.length - 1; at >= 0; at--) {
      const one = this.#seconds[at] as Second;
      if (one.second <= until - width) return;
      if (one.second <= until) yield one;
    }
  }

  isSteady(kind: Kind, shareMin: number, second: number, { widthS, partS, spreadS, secondsMin }: SteadySpan): boolean {
    const now = this.sum(second, widthS);
    if (now[kind] < lateMin || now[kind] < shareMin * now.answered) return false;
    const withLate = [...this.#within(second, widthS)].filter((one) => one[kind] > 0);
    const spread = (withLate[0]?.second ?? 0) - (withLate.at(-1)?.second ?? 0);
    if (withLate.length < secondsMin || spread < spreadS) return false;
    for (let back = 0; back < widthS; back += partS)
      if (this.sum(second - back, partS)[kind] < (evenMin * now[kind] * partS) / widthS) return false;
    const before = this.sum(second - widthS, beforeS);
    const isMore =
      before.answered >= beforeMin && beforeTimes * before[kind] * now.answered <= now[kind] * before.answered;
    return isMore && chanceExponent(now[kind], now.answered, now.usual / now.answered) >= chanceMax;
  }

  firstLate(kind: Kind, second: number, widthS: number): number {
    const withLate = [...this.#within(second, widthS)].filter((one) => one[kind] > 0);
    return withLate.at(-1)?.second ?? second;
  }
}

function addTo(sum: Second, { answered, late, severe, usual }: Second): void {
  sum.answered += answered;
  sum.late += late;
  sum.severe += severe;
  sum.usual += usual;
}
