import type { RouteTraffic } from '../core/route-traffic.ts';
import { chanceExponent } from './chance.ts';
import { passing } from './counted-awaited.ts';

/**
 * Late responses of so many seconds. What an upstream waits for may stand still for some seconds, and cold caches have most late ones at first: each third of
 * the time has at least half of its even share, and nearly each second has one.
 */
const widthS = 9;
const partS = 3;
const evenMin = 1 / 2;
const spreadS = 7;
const secondsMin = 7;
const lateMin = 9;

/** So many of the responses of one route, or of those of all routes of the upstream where several have late ones. */
const sights = [
  { of: 'route', kind: 'severe', shareMin: 0.2 },
  { of: 'route', kind: 'late', shareMin: 0.3 },
  { of: 'upstream', kind: 'severe', shareMin: 0.08 },
] as const;
const routesMin = 2;

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
const awayS = 10;

const keptS = widthS + beforeS;
const endpointsMax = 1000;

/** Of the responses of a route that came in one batch, or have become late meanwhile. */
export interface CountedLateness {
  readonly answered: number;
  readonly late: number;
  /** Of them, those that people notice. */
  readonly severe: number;
}

interface Second extends CountedLateness {
  readonly second: number;
}

interface Endpoint {
  /** Since when it has answered without a longer pause. */
  since: number;
  last: number;
}

interface Route {
  /** As many late ones as usual, of all. */
  usual: number;
  seconds: Second[];
}

/**
 * Finds in ten seconds that a part of the responses of an upstream has become slow, where that is so from second to second, for several clients, at
 * endpoints that are warm.
 */
export class SteadyLateness {
  readonly #routes = new Map<string, Route>();
  readonly #endpoints = new Map<string, Endpoint>();
  /** Of the late ones, by hash. */
  #clients: { readonly second: number; readonly client: number }[] = [];
  #lateAt = -Infinity;

  /** `usual`: the share that is late while all is as usual. `limitMs`: what takes longer is late; null: not known yet. */
  add(
    { route, endpoint, slow, awaited }: Pick<RouteTraffic, 'route' | 'endpoint' | 'slow' | 'awaited'>,
    { answered, late, severe }: CountedLateness,
    { usual, limitMs }: { readonly usual: number; readonly limitMs: number | null },
    second: number,
  ): void {
    const isWarm = this.#isWarm(endpoint, second);
    if (!isWarm || limitMs === null || answered + severe === 0) return;
    let known = this.#routes.get(route);
    if (known === undefined) this.#routes.set(route, (known = { usual, seconds: [] }));
    known.usual = usual;
    const newest = known.seconds.at(-1);
    const now = { second, answered, late, severe };
    if (newest?.second !== second) known.seconds.push(now);
    else known.seconds[known.seconds.length - 1] = sumOf([newest, now], second);
    if (known.seconds.length > 2 * keptS) known.seconds = known.seconds.slice(-keptS);
    if (late + severe === 0) return;
    this.#lateAt = second;
    for (const { client, ms } of slow) if (ms > limitMs) this.#clients.push({ second, client });
    for (const { client } of passing(awaited, limitMs)) this.#clients.push({ second, client });
  }

  #isWarm(name: string, second: number): boolean {
    const known = this.#endpoints.get(name);
    if (known === undefined) {
      if (this.#endpoints.size >= endpointsMax) this.#endpoints.clear();
      this.#endpoints.set(name, { since: second, last: second });
      return false;
    }
    if (second - known.last > awayS) known.since = second;
    known.last = second;
    return second - known.since >= coldS;
  }

  /** The second in which it began; null: it is not so. Once for each second that is over. */
  since(second: number): number | null {
    this.#clients = this.#clients.filter((one) => one.second > second - widthS);
    if (this.#lateAt < second - 1 || !this.#areSeveralClients()) return null;
    const routes = [...this.#routes.values()].map(({ usual, seconds }) => ({
      usual,
      seconds: seconds.filter((one) => one.second > second - keptS && one.second <= second),
    }));
    for (const { of, kind, shareMin } of sights) {
      const all = of === 'route' ? routes : together(routes, kind, second);
      for (const one of all) if (isSteady(one, kind, shareMin, second)) return firstLate(one, kind, second);
    }
    return null;
  }

  #areSeveralClients(): boolean {
    const counts = new Map<number, number>();
    for (const { client } of this.#clients) counts.set(client, (counts.get(client) ?? 0) + 1);
    return counts.size >= clientsMin && Math.max(...counts.values()) <= clientShareMax * this.#clients.length;
  }
}

type Kind = 'late' | 'severe';

/** All routes as one; none where hardly any has late responses. */
function together(routes: readonly Route[], kind: Kind, second: number): readonly Route[] {
  const concerned = routes.filter(
    ({ seconds }) => sumOf(within(seconds, second, widthS), second)[kind] * routesMin >= partS,
  );
  if (concerned.length < routesMin) return [];
  const seconds = Array.from({ length: keptS }, (_, back) => second - back).map((at) =>
    sumOf(
      routes.flatMap((one) => one.seconds.filter((of) => of.second === at)),
      at,
    ),
  );
  let [usual, answered] = [0, 0];
  for (const one of routes) {
    const sum = sumOf(within(one.seconds, second, widthS), second);
    usual += one.usual * sum.answered;
    answered += sum.answered;
  }
  return answered === 0 ? [] : [{ usual: usual / answered, seconds: seconds.toReversed() }];
}

function isSteady({ seconds, usual }: Route, kind: Kind, shareMin: number, second: number): boolean {
  const recent = within(seconds, second, widthS);
  const now = sumOf(recent, second);
  if (now[kind] < lateMin || now[kind] < shareMin * now.answered) return false;
  const withLate = recent.filter((one) => one[kind] > 0);
  const spread = (withLate.at(-1)?.second ?? 0) - (withLate[0]?.second ?? 0);
  if (withLate.length < secondsMin || spread < spreadS) return false;
  for (let back = 0; back < widthS; back += partS)
    if (sumOf(within(seconds, second - back, partS), second)[kind] < (evenMin * now[kind] * partS) / widthS)
      return false;
  const before = sumOf(within(seconds, second - widthS, beforeS), second);
  const isMore =
    before.answered >= beforeMin && beforeTimes * before[kind] * now.answered <= now[kind] * before.answered;
  return isMore && chanceExponent(now[kind], now.answered, usual) >= chanceMax;
}

const firstLate = ({ seconds }: Route, kind: Kind, second: number): number =>
  within(seconds, second, widthS).find((one) => one[kind] > 0)?.second ?? second;

const within = (seconds: readonly Second[], until: number, width: number): readonly Second[] =>
  seconds.filter((one) => one.second <= until && one.second > until - width);

function sumOf(seconds: readonly Second[], second: number): Second {
  let [answered, late, severe] = [0, 0, 0];
  for (const one of seconds) {
    answered += one.answered;
    late += one.late;
    severe += one.severe;
  }
  return { second, answered, late, severe };
}
