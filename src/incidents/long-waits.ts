import type { AttemptOfClient } from '../core/route-traffic.ts';
import { chanceExponent } from './chance.ts';
import { CountedAwaited, passing } from './counted-awaited.ts';
import { ordinaryChanceMax } from './ordinary-lateness.ts';

/** A request waits long after so long, and twice as long as what is late on its route. */
const longMs = 2000;
const longTimes = 2;

/** Of the requests of so many seconds, so many wait long: those of a worker that does not answer, while the others are answered as ever. */
const widthS = 15;
const longMin = 6;
const shareMin = 0.01;
const shareMax = 0.45;
/**
 * They were sent in so many seconds, and by so many clients, or on so many routes: what all wait for may stand still for a moment, and one client may ask for much of a
 * route. Those that are sent in a moment become long one after the other, since the routes have different limits.
 */
const secondsMin = 5;
const spreadS = 5;
const clientsMin = 3;
const routesMin = 3;
const longOfRouteMin = 2;
/** And no chance: e^-14, where at least so many wait long as usual. */
const chanceMax = 14;
const usuallyMin = 0.001;

const keptS = 60;

interface Second {
  readonly second: number;
  /** Those that were answered or left, and those that began to wait long. */
  requests: number;
  long: number;
  /** Hashes of the clients of those. */
  readonly clients: number[];
}

/** Requests of one route that wait much longer than others. */
export class LongWaits {
  readonly route: string;
  limitMs: number | null = null;
  /** The share that is usual. */
  usual = usuallyMin;
  readonly #aboveIfSlower: (limitMs: number) => number;
  readonly #counted = new CountedAwaited();
  readonly #seconds: Second[] = [];
  #longAt = -Infinity;

  /** `aboveIfSlower`: the share that would take longer than a limit, if all took somewhat longer than usual. */
  constructor(route: string, aboveIfSlower: (limitMs: number) => number) {
    this.route = route;
    this.#aboveIfSlower = aboveIfSlower;
  }

  /** See `ordinary-lateness.ts`. */
  get usualIfSlower(): number {
    return this.limitMs === null ? 1 : Math.max(usuallyMin, this.#aboveIfSlower(this.limitMs));
  }

  /** `lateMs`: what takes longer is late on the route. `usualShare`: of what takes longer than another time, as usual. */
  settle(lateMs: number | null, usualShare: (limitMs: number) => number): void {
    this.limitMs = lateMs === null ? null : Math.max(longMs, longTimes * lateMs);
    if (this.limitMs !== null) this.usual = Math.max(usuallyMin, usualShare(this.limitMs));
  }

  /** `requests`: that have ended; `ended`: of them, those that took long. */
  add(requests: number, ended: number, awaited: readonly AttemptOfClient[], second: number): void {
    const { limitMs } = this;
    if (limitMs === null) return;
    const passed = passing(awaited, limitMs);
    const long = this.#counted.add(ended, passed.length, second);
    let now = this.#seconds.at(-1);
    if (now?.second !== second) {
      this.#seconds.push((now = { second, requests: 0, long: 0, clients: [] }));
      if (this.#seconds.length > keptS) this.#seconds.shift();
    }
    now.requests += requests - ended + long;
    now.long += long;
    if (long > 0) this.#longAt = second;
    for (const { client } of passed) now.clients.push(client);
  }

  /** Whether some have begun to wait long since a second. */
  hasLong(since: number): boolean {
    return this.#longAt >= since;
  }

  within(second: number, width: number): readonly Second[] {
    return this.#seconds.filter((one) => one.second > second - width && one.second <= second);
  }
}

/** The second since which a part of the requests of these routes together waits long; null: none does, or nearly all do. */
export function longWaitsSince(routes: readonly LongWaits[], second: number): number | null {
  if (!routes.some((waits) => waits.hasLong(second - widthS))) return null;
  const sum = { requests: 0, long: 0, usual: 0 };
  const known = new Set<number>();
  const seconds = new Set<number>();
  let first = Infinity;
  const waiting = new Map<LongWaits, number>();
  for (const waits of routes)
    for (const { second: at, requests, long, clients } of waits.within(second, widthS)) {
      sum.requests += requests;
      sum.usual += requests * waits.usual;
      sum.long += long;
      for (const client of clients) known.add(client);
      if (long === 0) continue;
      seconds.add(at - Math.round((waits.limitMs ?? 0) / 1000));
      first = Math.min(first, at);
      waiting.set(waits, (waiting.get(waits) ?? 0) + long);
    }
  const share = sum.long / sum.requests;
  if (sum.long < longMin || share < shareMin || share > shareMax || seconds.size < secondsMin) return null;
  if (Math.max(...seconds) - Math.min(...seconds) < spreadS) return null;
  const concerned = [...waiting.values()].filter((long) => long >= longOfRouteMin);
  if (known.size < clientsMin && concerned.length < routesMin) return null;
  if (chanceExponent(sum.long, sum.requests, sum.usual / sum.requests) < chanceMax) return null;
  return areOrdinary(routes, second) ? null : first;
}

/** As many would wait long if all took somewhat longer than usual. Asked once there would be an incident. */
function areOrdinary(routes: readonly LongWaits[], second: number): boolean {
  const sum = { requests: 0, long: 0, usual: 0 };
  for (const waits of routes) {
    const usual = waits.usualIfSlower;
    for (const { requests, long } of waits.within(second, widthS)) {
      sum.requests += requests;
      sum.long += long;
      sum.usual += requests * usual;
    }
  }
  return chanceExponent(sum.long, sum.requests, sum.usual / sum.requests) < ordinaryChanceMax;
}

/** Requests that wait long while the others are answered as fast as ever. */
export interface PartThatWaits {
  readonly requests: number;
  readonly long: number;
  readonly limitMs: number;
  /** Of the routes with enough requests, those where some wait long, and how many there are. */
  readonly routes: readonly string[];
  readonly routesOf: number;
}

/** Of a route with so many requests it is known whether some wait long. */
const knownMin = 20;

/** Since that second, of the last minute; null: too few wait long, or too many for a part. */
export function partThatWaits(routes: readonly LongWaits[], since: number, second: number): PartThatWaits | null {
  let [requests, long, routesOf, limitMs] = [0, 0, 0, longMs];
  const found: { readonly route: string; readonly long: number }[] = [];
  for (const waits of routes) {
    const of = { requests: 0, long: 0 };
    for (const one of waits.within(second, Math.min(keptS, second - since + 1))) {
      of.requests += one.requests;
      of.long += one.long;
    }
    if (of.requests >= knownMin) routesOf += 1;
    if (of.long > 0) found.push({ route: waits.route, long: of.long });
    if (of.long > 0) limitMs = Math.max(limitMs, waits.limitMs ?? 0);
    requests += of.requests;
    long += of.long;
  }
  if (long < longMin || long < shareMin * requests || long > shareMax * requests) return null;
  const names = found.toSorted((a, b) => b.long - a.long).map(({ route }) => route);
  return { requests, long, limitMs, routes: names, routesOf: Math.max(routesOf, names.length) };
}

/** Of the requests of these routes that wait long, so many show whose they are. */
const clientsKnownMin = 5;

/** The client, by its hash, with most of the requests that wait long, and its share of them; null: too few are known. */
export function waitingClient(routes: readonly LongWaits[], since: number, second: number): WaitingClient | null {
  const counts = new Map<number, number>();
  let all = 0;
  for (const waits of routes)
    for (const { clients } of waits.within(second, Math.min(keptS, second - since + 1)))
      for (const client of clients) {
        counts.set(client, (counts.get(client) ?? 0) + 1);
        all += 1;
      }
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return most === undefined || all < clientsKnownMin ? null : { hash: most[0], share: most[1] / all };
}

interface WaitingClient {
  readonly hash: number;
  readonly share: number;
}
