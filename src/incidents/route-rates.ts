import type { FailureFamily } from '../core/live-incident.ts';
import { isWithoutFailure } from './failure-family.ts';
import { SlidingSeconds } from './family-window.ts';

/** What is usual is that of the last hour, in slices. */
const sliceS = 60;
const slices = 60;

/** A route that has shown nothing yet is taken for one that has answered so many requests well. */
const assumedRequests = 500;

/** Fewer failures than this share are usual everywhere. */
const usualMin = 0.001;

/** A larger share is usual for no application; what is known of fewer requests is not known. */
const usualMost = 0.1;
const knownMin = 200;

/** Times what is usual: the alternatives, equally likely. */
const times = [2, 4, 8, 16, 32, 64, 128, 200] as const;

/** No more requests than this share fail under any alternative. */
const shareMax = 0.9;

/** A gateway is to have one false alarm in so many seconds. */
const falseAlarmS = 30 * 24 * 3600;

/** Families that are told apart on a route: those that an application meets now and then. */
const familiesPerRoute = 2;

/** Routes of one upstream that are told apart. */
const routesMax = 1000;

/** 4xx of so many seconds, compared with the two minutes before. */
const changedS = 8;
const beforeS = 120;
const beforeMin = 60;
const changedMin = 8;
const changedShareMin = 0.3;
/** Of the responses that were not 4xx, no more are left. */
const wellShareMax = 0.75;

/** Of one route: what the last seconds have added. */
interface Second {
  requests: number;
  readonly failed: Map<FailureFamily, number>;
}

/** One family of failures on one route. */
class Rate {
  /** By slice number. */
  readonly #usual = new Map<number, number>();
  readonly #evidence = new Float64Array(times.length).fill(1 / times.length);
  readonly failed = new SlidingSeconds();
  /** The first failure since which the evidence has grown. */
  since: number | null = null;

  noteUsual(slice: number, failed: number): void {
    this.#usual.set(slice, (this.#usual.get(slice) ?? 0) + failed);
  }

  forget(oldest: number): void {
    for (const slice of this.#usual.keys()) if (slice < oldest) this.#usual.delete(slice);
  }

  /** The largest share of failures that the last hour speaks for (95 %; the rule of three where there was none). */
  usualMax(requests: number): number {
    let failed = 0;
    for (const count of this.#usual.values()) failed += count;
    return Math.max(usualMin, failed === 0 ? 3 / (requests + assumedRequests) : upperShare(failed, requests));
  }

  /**
   * One second with requests: Shiryaev–Roberts, whose statistic is expected to be the number of seconds where nothing has changed, whatever the seconds were like. So
   * it reaches `n` only once in `n` seconds. (Pollak 1985; mixtures: Pollak and Siegmund 1991; e-detectors: Shin, Ramdas and Rinaldo 2024.)
   */
  add(second: number, failed: number, requests: number, usual: number): number {
    let sum = 0;
    for (let index = 0; index < times.length; index++) {
      const share = Math.min(shareMax, Math.max(usual * 1.5, usual * (times[index] as number)));
      const likelihood = failed * Math.log(share / usual) + (requests - failed) * Math.log((1 - share) / (1 - usual));
      const before = (this.#evidence[index] as number) + 1 / times.length;
      this.#evidence[index] = Math.min(1e15, before * Math.exp(likelihood));
      sum += this.#evidence[index] as number;
    }
    if (sum < 2) this.since = null;
    else if (failed > 0) this.since ??= second;
    return sum;
  }

  reset(): void {
    this.#evidence.fill(1 / times.length);
    this.since = null;
  }
}

class Route {
  readonly firstSecond: number;
  readonly rates = new Map<FailureFamily, Rate>();
  readonly requests = new SlidingSeconds();
  /** By slice number. */
  readonly #usual = new Map<number, number>();
  /** Seconds that are not known to be usual yet. */
  readonly recent = new Map<number, Second>();

  constructor(second: number) {
    this.firstSecond = second;
  }

  secondOf(second: number): Second {
    let known = this.recent.get(second);
    if (known === undefined) this.recent.set(second, (known = { requests: 0, failed: new Map() }));
    return known;
  }

  get usualRequests(): number {
    let requests = 0;
    for (const count of this.#usual.values()) requests += count;
    return requests;
  }

  /** What happened until `until` was usual, or is forgotten. */
  settle(until: number, isUsual: boolean): void {
    for (const [second, { requests, failed }] of this.recent) {
      if (second > until) continue;
      this.recent.delete(second);
      if (!isUsual) continue;
      const slice = Math.floor(second / sliceS);
      this.#usual.set(slice, (this.#usual.get(slice) ?? 0) + requests);
      for (const [family, count] of failed) this.rates.get(family)?.noteUsual(slice, count);
    }
    const oldest = Math.floor(until / sliceS) - slices;
    for (const slice of this.#usual.keys()) if (slice < oldest) this.#usual.delete(slice);
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

/** Nothing is compared with less than this. */
const learntS = 30;

/**
 * How often requests of each route fail, compared with the last hour of the same route: 3 % of one route are found although they are few of the upstream's requests,
 * and an application that always answers some requests with 500 does not alarm.
 */
export class RouteRates {
  readonly #routes = new Map<string, Route>();

  get size(): number {
    return this.#routes.size;
  }

  add(route: string, second: number, requests: number): void {
    const known = this.#routeOf(route, second);
    if (known === null) return;
    known.requests.add(second, requests);
    known.secondOf(second).requests += requests;
  }

  /** `failed`: of the requests that are added besides. */
  addFailed(route: string, second: number, family: FailureFamily, failed: number): void {
    const known = this.#routeOf(route, second);
    if (known === null) return;
    let rate = known.rates.get(family);
    if (rate === undefined) known.rates.set(family, (rate = new Rate()));
    rate.failed.add(second, failed);
    const counted = known.secondOf(second).failed;
    counted.set(family, (counted.get(family) ?? 0) + failed);
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
  judge(second: number, routes: number): readonly RaisedRate[] {
    const raised: RaisedRate[] = [];
    const evidenceMin = falseAlarmS * familiesPerRoute * Math.max(1, routes);
    for (const [name, route] of this.#routes) {
      const counted = route.recent.get(second);
      if (counted === undefined || counted.requests === 0 || second - route.firstSecond < learntS) continue;
      const { usualRequests } = route;
      for (const [family, rate] of route.rates) {
        // Such responses come together: each says little.
        if (isWithoutFailure(family)) continue;
        const failed = Math.min(counted.requests, counted.failed.get(family) ?? 0);
        const evidence = rate.add(second, failed, counted.requests, rate.usualMax(usualRequests));
        if (failed === 0 || evidence < evidenceMin || rate.since === null) continue;
        raised.push({ family, route: name, second: rate.since });
      }
    }
    return raised;
  }

  /** Routes that answer with 4xx what they answered well before. A scanner only adds 4xx; here other responses become fewer as well. */
  judgeChanged(second: number): readonly RaisedRate[] {
    const raised: RaisedRate[] = [];
    for (const [name, route] of this.#routes) {
      const rate = route.rates.get('changed');
      if (rate === undefined || second - route.firstSecond < learntS + changedS) continue;
      const now = { requests: route.requests.sum(second, changedS), declined: rate.failed.sum(second, changedS) };
      if (now.declined < changedMin || now.declined < changedShareMin * now.requests) continue;
      const widthS = Math.min(beforeS, second - route.firstSecond - changedS);
      const before = {
        requests: route.requests.sum(second - changedS, widthS),
        declined: rate.failed.sum(second - changedS, widthS),
      };
      const wellBefore = (before.requests - before.declined) / widthS;
      const wellNow = (now.requests - now.declined) / changedS;
      if (before.requests < beforeMin || wellNow > wellShareMax * wellBefore) continue;
      if (before.declined * 3 > (now.declined / now.requests) * before.requests) continue;
      let since = second;
      for (let one = second; one > second - changedS; one--) if (rate.failed.at(one) > 0) since = one;
      raised.push({ family: 'changed', route: name, second: since });
    }
    return raised;
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

interface RouteSum {
  readonly requests: number;
  readonly failed: number;
  /** So many failures are expected where all is as before. */
  readonly usual: number;
}

/** The upper 95 % bound of a share of which `failed` of `requests` have been seen (Wilson). */
export function upperShare(failed: number, requests: number): number {
  const z = 1.645;
  const share = failed / requests;
  const middle = share + (z * z) / (2 * requests);
  const spread = z * Math.sqrt((share * (1 - share)) / requests + (z * z) / (4 * requests * requests));
  return Math.min(1, (middle + spread) / (1 + (z * z) / requests));
}
