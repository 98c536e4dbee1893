import { filledAbove } from '../core/latency-cells.ts';
import type { AbandonedRequests, Lateness } from '../core/live-incident.ts';
import type { ExchangeCount } from '../core/counters.ts';
import { clientHash, type RouteTraffic, slowMs } from '../core/route-traffic.ts';
import { chanceExponent } from './chance.ts';
import { passing } from './counted-awaited.ts';
import { type LongWaits, longWaitsSince, type PartThatWaits, partThatWaits, waitingClient } from './long-waits.ts';
import { type ComparedTimes, ordinaryChanceMax } from './ordinary-lateness.ts';
import { type PausesSeen, RepeatedPauses } from './repeated-pauses.ts';
import { countAtLeast, type LateCount, noneLate, RouteLatency, severeMs } from './route-latency.ts';
import { type LateOnRoute, SteadyLateness } from './steady-lateness.ts';
import { sliceS } from './unsettled-slices.ts';
import { WarmEndpoints } from './warm-endpoints.ts';

const routesMax = 1000;

/** A part of the requests waits long at an endpoint whose caches are cold. */
const coldS = 30;

/** Of so many requests before it is known how they have grown. */
const grownKnownMin = 100;

/** What the paths of a route usually take: more requests may be for those that take long by their nature. */
interface UsualOfPaths {
  /** The share of the route's requests that would be late if each path took as long as ever; 0: not known. */
  lateShare(route: string, limitMs: number, second: number, widthS: number): number;
}

/** How long the responses of each route take until they begin, compared with the last hour of the same route. */
export class RouteLatencies {
  readonly #routes = new Map<string, RouteLatency>();
  readonly #pauses = new RepeatedPauses();
  readonly #steady = new SteadyLateness();
  readonly #warm = new WarmEndpoints();

  add(counted: RouteTraffic, second: number): LateCount {
    const route = this.#routeOf(counted.route, second);
    if (route === null) return noneLate;
    const found = route.add(counted, second);
    const { limitMs, lateUsually: usual, waits } = route;
    const awaited = limitMs === null ? [] : passing(counted.awaited, Math.max(limitMs, severeMs));
    const warmForS = this.#warm.answers(counted.endpoint, second);
    if (waits.limitMs !== null && warmForS >= coldS)
      waits.add(counted.answered, filledAbove(counted.latencies, waits.limitMs), counted.awaited, second);
    this.#steady.add(counted, found, { usual, limitMs }, second, warmForS);
    if (limitMs !== null) {
      for (const { client, ms } of counted.slow) if (ms > limitMs) route.lateClients.addLate(client, second);
      for (const { client } of passing(counted.awaited, limitMs)) route.lateClients.addLate(client, second);
      this.#pauses.addUsual(route.lateUsuallySeen * counted.answered, second);
      this.#pauses.add(counted.route, found.telling, counted.slow, awaited, second);
    }
    return found;
  }

  /** Whether half of them or more took longer than nine of ten responses of this route usually do. */
  tookLonger({ route, count, durations }: ExchangeCount): boolean {
    const usualMs = this.#routes.get(route)?.usualMostMs ?? slowMs;
    return 2 * countAtLeast(durations, usualMs) >= count;
  }

  /** A client whose request succeeded. */
  addAnswered(counted: ExchangeCount, client: string, second: number): void {
    const route = this.#routes.get(counted.route);
    route?.leaving.addAnswered(client, second);
    route?.cut.addWhole(counted);
    if (route !== undefined && counted.durationMsMax <= (route.limitMs ?? 0))
      route.lateClients.addInTime(clientHash(client), second);
  }

  /** Requests that their clients have left, before the head of the response or after it. */
  addAbandoned(counted: ExchangeCount, second: number): LateCount {
    const route = this.#routeOf(counted.route, second);
    if (route === null) return noneLate;
    return counted.statusClass === 'none' ? route.addAbandoned(counted, second) : route.addCut(counted, second);
  }

  #routeOf(route: string, second: number): RouteLatency | null {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    if (this.#routes.size >= routesMax) return null;
    const added = new RouteLatency(route, second);
    this.#routes.set(route, added);
    return added;
  }

  /** Of that route which has the most of them; null: no client has abandoned a request. */
  abandoned(routes: readonly string[], second: number): AbandonedRequests | null {
    const all = routes.flatMap((route) => this.#routes.get(route)?.abandoned(route, second) ?? []);
    const [most] = all.sort((a, b) => b.count - a.count);
    return most === undefined || most.count === 0 ? null : most;
  }

  /** Since when routes are slow, a part of their requests waits long, or all stand still again and again. */
  judge(second: number, paths: UsualOfPaths): readonly number[] {
    const slow = [...this.#routes].map(([route, known]) =>
      known.slowSince(second, (seen, widthS) => this.areOrdinary([{ route, ...seen }], second, paths, widthS)),
    );
    const cut = [...this.#routes.values()].map((known) => known.cutSince(second));
    const waits = this.#waits(null);
    const waiting = [waits, ...waits.map((one) => [one])].map((routes) => longWaitsSince(routes, second));
    return [
      ...slow,
      ...cut,
      ...waiting,
      this.#steady.since(second, (seen, widthS) => this.areOrdinary(seen, second, paths, widthS)),
      this.#pauses.since(second),
    ].filter((one) => one !== null);
  }

  /**
   * Whether late responses of so many seconds are explained without an outage: all take longer by no more than in a busy hour, more requests are for paths that
   * take long, or the late ones came besides as many in time as ever. Asked once there would be an incident.
   */
  areOrdinary(seen: readonly LateOnRoute[], second: number, paths: UsualOfPaths, widthS: number): boolean {
    let [late, answered, usual] = [0, 0, 0];
    for (const one of seen) {
      const known = this.#routes.get(one.route);
      if (known === undefined || known.limitMs === null) continue;
      const ofPaths = paths.lateShare(one.route, known.judgedLimitMs, second, widthS);
      answered += one.answered;
      usual += one.answered * Math.max(known.lateIfSlower, ofPaths);
      if (one.late === 0 || known.lateClients.isOneNewcomer(second, widthS)) continue;
      // Clients that do not wait come again: their requests are more, and are no others.
      const mayBeBesides = !known.leaving.areSeveral;
      if (!mayBeBesides || !known.besides.areBesides(second, (times) => this.#grown(known, times))) late += one.late;
    }
    return chanceExponent(late, answered, usual / Math.max(1, answered)) < ordinaryChanceMax;
  }

  /** How many times as many requests as before the other routes have. */
  #grown(route: RouteLatency, { begin, end, from, second }: ComparedTimes): number {
    let [now, before] = [0, 0];
    for (const one of this.#routes.values()) {
      if (one === route) continue;
      now += one.besides.answered(from, second + 1);
      before += one.besides.answered(begin, end);
    }
    return before < grownKnownMin ? 1 : (now * (end - begin)) / (before * (second + 1 - from));
  }

  #waits(routes: readonly string[] | null): readonly LongWaits[] {
    return [...this.#routes.values()].flatMap(({ waits }) =>
      routes === null || routes.includes(waits.route) ? [waits] : [],
    );
  }

  /** Null: too few. */
  pauses(second: number): PausesSeen | null {
    return this.#pauses.seen(second);
  }

  /** Of these routes; null: no part of their requests waits long, or nearly all do. */
  part(routes: readonly string[], since: number, second: number): PartThatWaits | null {
    return partThatWaits(this.#waits(routes), since, second);
  }

  waitingClient(routes: readonly string[], since: number, second: number): ReturnType<typeof waitingClient> {
    return waitingClient(this.#waits(routes), since, second);
  }

  /** Once a second. */
  settle(second: number, isUsual: boolean): void {
    if (second % sliceS !== 0 && isUsual) return;
    for (const known of this.#routes.values()) known.settle(second, isUsual);
  }

  /** Half of the responses of a route used to take no longer; null: not known. */
  usualMs(route: string): number | null {
    return this.#routes.get(route)?.usualMs ?? null;
  }

  /** Of the first of these routes of which it is known. */
  lateness(routes: readonly string[], second: number): Lateness | null {
    for (const route of routes) {
      const found = this.#routes.get(route)?.lateness(route, second) ?? null;
      if (found !== null) return found;
    }
    return null;
  }
}
