import type { CountedClient } from '../core/counters.ts';
import type { FailureFamily } from '../core/live-incident.ts';
import { chanceExponent } from './chance.ts';
import { isWithoutFailure } from './failure-family.ts';
import { ClientSamples, shareAmong } from './failing-clients.ts';
import { assumedBeside, assumedRequests, FailureRate, usualSlices, usualSliceS } from './failure-rate.ts';
import { SlidingSeconds } from './family-window.ts';
import type { RetriedRoute } from './retried-routes.ts';
import type { LateOnRoute } from './steady-lateness.ts';

/** A larger share is usual for no application; what is known of fewer requests is not known. */
const usualMost = 0.1;
const knownMin = 200;

/** A gateway is to have one false alarm in so many seconds. */
const falseAlarmS = 30 * 24 * 3600;

/** Families that are told apart on a route: those that an application meets now and then. */
const familiesPerRoute = 2;

/** Other answers to requests that came besides the usual ones, of so many seconds, open no incident unless those that are left are more than chance (e^-n) makes. */
const besidesS = 40;
const leftChanceMax = 8;
interface KnownAdded {
  /** See `AddedRequests`. */
  addedOn(route: string, since: number, second: number, widthS: number): number;
}

/** Whether few late responses that have lasted are ordinary is judged by those that came since the first, of so many seconds at most. */
const ordinaryS = 90;
/** See `RouteLatencies.areOrdinary`. */
type AreOrdinary = (seen: readonly LateOnRoute[], second: number, widthS: number) => boolean;

/** Requests of so many seconds, and so many at least, show which client has most of them. */
const busyS = 10;
const busyMin = 50;
const busySamplesMin = 8;

/** One client makes a route busy: of the requests of these seconds it has more than half, and there are so many times more than usual. */
const demandedS = 10;
const askingMax = 20;
const demandedTimes = 3;
const demandedMoreMin = 1;
const demandedShareMin = 0.6;
/** One that has most requests of the other routes too is a proxy in front. */
const otherShareMax = 0.5;
/** Routes of one upstream that are told apart. */
const routesMax = 1000;

/** Of one route: what the last seconds have added. A client whose requests fail counts once. */
interface Second {
  requests: number;
  /** Null: none has failed, as in nearly all seconds. */
  failed: Map<FailureFamily, FailedOfSecond> | null;
}

interface FailedOfSecond {
  failed: number;
  /** Of a family without a failure, those that may tell something although they are few. */
  telling: number;
  /** Those that are known to have failed, until the second is judged. */
  clients: Set<string> | null;
}

/** More failing clients of a second are not told apart: each of their failures counts. */
const clientsOfSecondMax = 64;

class Route {
  readonly firstSecond: number;
  readonly rates = new Map<FailureFamily, FailureRate>();
  readonly requests = new SlidingSeconds();
  readonly answered = new ClientSamples();
  /** The newest, whether they were answered or not. */
  readonly asking = new ClientSamples(askingMax);
  /** Null: there was none yet. */
  clientRetries: SlidingSeconds | null = null;
  /** By slice number; `first` and `last`: seconds of it with requests. */
  readonly #usual = new Map<number, { requests: number; readonly first: number; last: number }>();
  /** Seconds that are not known to be usual yet. */
  readonly recent = new Map<number, Second>();
  /** The sum of those. */
  usualRequests = 0;
  #oldest = -Infinity;
  #isCompared = false;
  #uncompared = 0;

  constructor(second: number) {
    this.firstSecond = second;
  }

  secondOf(second: number): Second {
    if (!this.#isCompared && second - this.firstSecond >= comparedAfterS) {
      this.#isCompared = true;
      this.#uncompared = this.usualRequests;
      for (const { requests } of this.recent.values()) this.#uncompared += requests;
    }
    let known = this.recent.get(second);
    if (known === undefined) this.recent.set(second, (known = { requests: 0, failed: null }));
    return known;
  }

  /** Requests each second in the minutes that were usual; null: there was none. */
  get usualPerS(): number | null {
    let seconds = 0;
    for (const { first, last } of this.#usual.values()) seconds += last - first + 1;
    return seconds === 0 ? null : this.usualRequests / seconds;
  }

  /** Of the usual ones, those of which it is known whether they were late or answered otherwise: none of the first. */
  comparedRequests(second: number): number {
    const isKept = second - this.firstSecond <= usualSlices * usualSliceS;
    return Math.max(0, this.usualRequests - (isKept ? this.#uncompared : 0));
  }

  /** What happened until `until` was usual, or is forgotten. */
  settle(until: number, isUsual: boolean): void {
    for (const [second, { requests, failed }] of this.recent) {
      // They are in order.
      if (second > until) break;
      this.recent.delete(second);
      if (!isUsual) continue;
      const slice = Math.floor(second / usualSliceS);
      const known = this.#usual.get(slice);
      this.usualRequests += requests;
      if (known === undefined) this.#usual.set(slice, { requests, first: second, last: second });
      else {
        known.requests += requests;
        known.last = second;
      }
      for (const [family, rate] of this.rates) {
        const counted = failed?.get(family);
        rate.noteUsual(second, counted?.[family === 'changed' ? 'telling' : 'failed'] ?? 0, requests);
      }
    }
    const oldest = Math.floor(until / usualSliceS) - usualSlices;
    if (oldest <= this.#oldest) return;
    this.#oldest = oldest;
    for (const [slice, { requests }] of this.#usual) {
      if (slice >= oldest) continue;
      this.#usual.delete(slice);
      this.usualRequests -= requests;
    }
    for (const rate of this.rates.values()) rate.forget(oldest);
  }
}

/** Failures of a family that are more than a route has had before. */
interface RaisedRate {
  readonly family: FailureFamily;
  readonly route: string;
  /** When they began. */
  readonly second: number;
}

/** A second is known to be usual when so many seconds have passed without an incident; sooner where nothing is known of the route. */
const unsettledS = 60;
const unsettledAtFirstS = 10;

/** What is late, or another answer, is known after so long; few other answers tell nothing within a minute, since what comes seldom has not come yet. */
const comparedAfterS = 40;
const knownAfterS = 60;

/** Nothing is compared with less than this. */
const learntS = 30;

/** What all routes have shown is summed up once in so long. */
const usualKnownS = 10;

/**
 * How often requests of each route fail, compared with the last hour of the same route: 3 % of one route are found although they are few of the upstream's requests,
 * and an application that always answers some requests with 500 does not alarm.
 */
export class RouteRates {
  readonly #routes = new Map<string, Route>();
  /** Of all routes while nothing was wrong, as it was in that second. */
  #usual = { second: -Infinity, requests: 0, failed: new Map<FailureFamily, number>() };

  get size(): number {
    return this.#routes.size;
  }

  get names(): readonly string[] {
    return [...this.#routes.keys()];
  }

  add(route: string, second: number, requests: number, clientRetries = 0): void {
    const known = this.#routeOf(route, second);
    if (known === null) return;
    if (clientRetries > 0) (known.clientRetries ??= new SlidingSeconds()).add(second, clientRetries);
    known.requests.add(second, requests);
    known.secondOf(second).requests += requests;
  }

  /** A client whose request succeeded. */
  addAnswered(route: string, client: string): void {
    const known = this.#routes.get(route);
    known?.answered.add(client);
    known?.asking.add(client);
  }

  /** Who is answered well on these routes. */
  answeredOn(routes: readonly string[]): readonly ClientSamples[] {
    return routes.flatMap((name) => this.#routes.get(name)?.answered ?? []);
  }

  /** `failed`: of the requests that are added before; `clients`: of some of them. `telling`: those that are judged one by one. */
  addFailed(
    route: string,
    second: number,
    family: FailureFamily,
    failed: number,
    clients: readonly CountedClient[] = [],
    telling = failed,
  ): void {
    const known = this.#routeOf(route, second);
    if (known === null) return;
    let rate = known.rates.get(family);
    if (rate === undefined) known.rates.set(family, (rate = new FailureRate(known.firstSecond)));
    rate.failed.add(second, failed);
    for (const { client } of clients) known.asking.add(client);
    const counted = known.secondOf(second);
    counted.failed ??= new Map();
    let ofFamily = counted.failed.get(family);
    if (ofFamily === undefined) counted.failed.set(family, (ofFamily = { failed: 0, telling: 0, clients: null }));
    const repeated = clients.length === 0 ? 0 : repeatedOf((ofFamily.clients ??= new Set()), clients);
    counted.requests = Math.max(0, counted.requests - repeated);
    ofFamily.failed += failed - repeated;
    ofFamily.telling += telling - repeated;
  }

  #routeOf(route: string, second: number): Route | null {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    if (this.#routes.size >= routesMax) return null;
    const added = new Route(second);
    this.#routes.set(route, added);
    return added;
  }

  /** Judges a second that is over; once for each. `routes`: of the whole gateway, which share its false alarms. */
  judge(second: number, routes: number, answers: KnownAdded, areOrdinary: AreOrdinary): readonly RaisedRate[] {
    const raised: RaisedRate[] = [];
    const evidenceMin = falseAlarmS * familiesPerRoute * Math.max(1, routes);
    for (const [name, route] of this.#routes) {
      const counted = route.recent.get(second);
      if (counted === undefined || counted.requests === 0 || second - route.firstSecond < learntS) continue;
      const { usualRequests } = route;
      for (const [family, rate] of route.rates) {
        if (family === 'changed' && second - route.firstSecond < knownAfterS) continue;
        // Late and changed responses come together: those of one second count once, and they are told when they have lasted.
        const most = isWithoutFailure(family) ? 1 : counted.requests;
        const failed = Math.min(most, counted.failed?.get(family)?.telling ?? 0);
        const known = isWithoutFailure(family) ? route.comparedRequests(second) : usualRequests;
        const usual = rate.usualMax(
          Math.max(0, known - rate.heldRequests),
          this.#assumed(family, rate, usualRequests, second),
        );
        const evidence = rate.add(second, failed, counted.requests, usual, rate.clumps.dispersion(second));
        if (failed === 0 || evidence < evidenceMin || rate.since === null) continue;
        if (isWithoutFailure(family) && !rate.hasLasted(second, family, usual, route.requests)) continue;
        if (family === 'changed' && areBesides(name, route, rate.since, second, usual, answers)) continue;
        if (family === 'slower' && isOrdinary(name, route.requests, rate, second, areOrdinary)) continue;
        raised.push({ family, route: name, second: rate.since });
      }
      if (counted.failed !== null) for (const one of counted.failed.values()) one.clients = null;
    }
    return raised;
  }

  /** Routes of one upstream fail as seldom for the same reasons; what is late is so for those of each. */
  #assumed(family: FailureFamily, { usualFailed }: FailureRate, requests: number, second: number): number {
    if (family === 'slower' || usualFailed > 0) return assumedRequests;
    if (second >= this.#usual.second + usualKnownS) {
      this.#usual = { second, requests: 0, failed: new Map() };
      for (const route of this.#routes.values()) {
        this.#usual.requests += route.usualRequests;
        for (const [one, rate] of route.rates)
          this.#usual.failed.set(one, (this.#usual.failed.get(one) ?? 0) + rate.usualFailed);
      }
    }
    return assumedBeside(this.#usual.failed.get(family) ?? 0, this.#usual.requests - requests);
  }

  /** Once a second, after `judge`. `open`: the families of incidents that go on; none: what happens is usual. */
  settle(second: number, open: ReadonlySet<FailureFamily>): void {
    const isUsual = open.size === 0;
    for (const route of this.#routes.values()) {
      const unsettled = second - route.firstSecond < unsettledS ? unsettledAtFirstS : unsettledS;
      route.settle(isUsual ? second - unsettled : second, isUsual);
      for (const [family, rate] of route.rates) if (open.has(family)) rate.reset();
    }
  }

  /** The client with most of the requests of the last seconds, by samples of each route; null: too few are known. */
  busiest(second: number): BusyClient | null {
    const requests = new Map<string, number>();
    let all = 0;
    for (const { answered, requests: counted } of this.#routes.values()) {
      const recent = counted.sum(second, busyS);
      if (answered.count < busySamplesMin || recent === 0) continue;
      all += recent;
      for (const [client, count] of answered.counts)
        requests.set(client, (requests.get(client) ?? 0) + (recent * count) / answered.count);
    }
    const [most] = [...requests].sort(([, a], [, b]) => b - a);
    return most === undefined || all < busyMin ? null : { client: most[0], share: most[1] / all };
  }

  /** The client that has made a route busy; null: none has, or too little is known. */
  demanding(second: number): DemandingClient | null {
    const all = [...this.#routes].map(([route, { asking, requests, usualPerS }]) => {
      const [top = null] = [...asking.counts].sort(([, a], [, b]) => b - a);
      return { route, asking, top, usualPerS, perS: requests.sum(second, demandedS) / demandedS };
    });
    let most: DemandingClient | null = null;
    for (const { route, asking, top, usualPerS: before, perS } of all) {
      if (top === null || before === null || asking.count < busySamplesMin) continue;
      const [client, share] = [top[0], top[1] / asking.count];
      if (share < demandedShareMin || perS < demandedTimes * before || perS < before + demandedMoreMin) continue;
      const others = shareAmong(
        all.filter((one) => one.route !== route).map((one) => one.asking),
        client,
      );
      if (others === null || others > otherShareMax || (most !== null && most.perS >= perS)) continue;
      most = { ...{ client, route, share, before, perS } };
    }
    return most;
  }

  /** Of these routes the one that clients have retried most in the last `widthS` seconds; null: none. */
  mostRetried(names: readonly string[], second: number, widthS: number): RetriedRoute | null {
    let most: RetriedRoute | null = null;
    for (const name of names) {
      const route = this.#routes.get(name);
      const retriesPerS = (route?.clientRetries?.sum(second, widthS) ?? 0) / widthS;
      if (route === undefined || retriesPerS <= (most?.retriesPerS ?? 0)) continue;
      const requestsPerS = route.requests.sum(second, widthS) / widthS;
      most = { route: name, requestsPerS, retriesPerS, usualPerS: route.usualPerS };
    }
    return most;
  }

  /** Retries of clients in one second, of all routes. */
  clientRetriesAt(second: number): number {
    let retries = 0;
    for (const { clientRetries } of this.#routes.values()) retries += clientRetries?.at(second) ?? 0;
    return retries;
  }

  /** Requests of these routes in one second. */
  requestsAt(names: readonly string[], second: number): number {
    return names.reduce((sum, name) => sum + (this.#routes.get(name)?.requests.at(second) ?? 0), 0);
  }

  /** Requests of these routes in the last `widthS` seconds, at most 300, and how many of them failed so. */
  sum(names: readonly string[], families: ReadonlySet<FailureFamily>, second: number, widthS: number): RouteSum {
    let [requests, failed, usual] = [0, 0, 0];
    for (const name of names) {
      const route = this.#routes.get(name);
      if (route === undefined) continue;
      const ofRoute = route.requests.sum(second, widthS);
      requests += ofRoute;
      for (const [family, rate] of route.rates) {
        if (!families.has(family)) continue;
        failed += rate.failed.sum(second, widthS);
        if (route.usualRequests >= knownMin) usual += ofRoute * Math.min(usualMost, rate.usualMax(route.usualRequests));
      }
    }
    return { requests, failed, usual };
  }
}

function isOrdinary(
  route: string,
  requests: SlidingSeconds,
  { since, failed }: FailureRate,
  second: number,
  areOrdinary: AreOrdinary,
): boolean {
  const widthS = Math.min(ordinaryS, second - (since ?? second) + 1);
  const seen = { route, late: failed.sum(second, widthS), answered: requests.sum(second, widthS) };
  return areOrdinary([seen], second, widthS);
}

/** Hardly any other answers are left without those to requests that came besides the usual ones. */
function areBesides(
  name: string,
  { recent, requests }: Route,
  since: number,
  second: number,
  usual: number,
  answers: KnownAdded,
): boolean {
  const added = answers.addedOn(name, since, second, besidesS);
  if (added === 0) return false;
  let telling = 0;
  for (const [at, counted] of recent)
    if (at > second - besidesS) telling += counted.failed?.get('changed')?.telling ?? 0;
  const left = Math.max(0, telling - added);
  return chanceExponent(left, requests.sum(second, besidesS), usual) < leftChanceMax;
}

/** A client that asks for so much of one route that there are many times as many requests as usual. */
export interface DemandingClient {
  readonly client: string;
  readonly route: string;
  /** Of the route's requests, from 0 to 1: estimated. */
  readonly share: number;
  /** Requests of the route each second, as usual and now. */
  readonly before: number;
  readonly perS: number;
}

export interface BusyClient {
  readonly client: string;
  /** Of all requests, from 0 to 1: estimated. */
  readonly share: number;
}

interface RouteSum {
  readonly requests: number;
  readonly failed: number;
  /** So many failures are expected where all is as before. */
  readonly usual: number;
}

/** Failures of clients of which others have been counted in the same second. */
function repeatedOf(known: Set<string>, clients: readonly CountedClient[]): number {
  let repeated = 0;
  for (const { client, count } of clients) {
    if (known.has(client)) repeated += count;
    else if (known.size < clientsOfSecondMax) {
      known.add(client);
      repeated += count - 1;
    }
  }
  return repeated;
}
