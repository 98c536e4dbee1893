import type { Event } from '../../src/core/event.ts';
import type { Instant } from '../../src/core/time.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import type { WatchedUpstream } from '../../src/incidents/watched-upstream.ts';
import { defaultComparison } from '../../src/policy/outlier-settings.ts';
import { SiblingOutliers, type SiblingOutlier } from '../../src/policy/sibling-outliers.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { type Happening, happeningsOf, happeningText } from './simulated-days-happenings.ts';
import {
  type DayRoute,
  dayRoutes,
  dayS,
  dayTime,
  dayUpstreams,
  longPolls,
  shareOfCycle,
  streams,
} from './simulated-days-routes.ts';
import { DayTraffic } from './simulated-days-traffic.ts';

export interface DaysPlayed {
  readonly seed: string;
  readonly days: number;
  readonly requests: number;
  readonly incidents: readonly FoundIncident[];
  readonly ejections: readonly FoundEjection[];
  readonly faults: readonly FoundFault[];
}

interface Found {
  /** Seconds since the first midnight. */
  readonly second: number;
  readonly when: string;
  /** What the simulation did at that time. */
  readonly meanwhile: readonly string[];
}

/** An incident while nothing was wrong. */
interface FoundIncident extends Found {
  readonly upstream: string;
  readonly family: string;
  readonly text: string;
}

interface FoundEjection extends Found {
  readonly outlier: Omit<SiblingOutlier, 'lateMs'>;
}

/** A true fault: after how long it was an incident; null: never. */
interface FoundFault {
  readonly what: string;
  readonly afterS: number | null;
  readonly requests: number;
  readonly failed: number;
}

interface PlayedDays {
  readonly seed: string;
  readonly days: number;
  /** From this hour on, since the midnight of the first day. */
  readonly fromHour?: number;
  /** Only so many hours. */
  readonly hours?: number;
  /** Besides what happens on each day: true faults, or more of what is usual. */
  readonly besides?: readonly Happening[];
  /** `played`: until now. */
  readonly onHour?: (hour: number, played: DaysPlayed) => void;
}

/** What is drawn once for a request: its latency in units of the median. */
const quantiles = 4096;
const clients = 400;

/** The gateway does it twice a second; the window has ten seconds. */
const compareEveryS = 5;

/** Of all requests: single ones that fail at the gateway, and attempts that another one replaced. */
const brokenShare = 2e-6;
const hiddenShare = 2e-5;

/** Days of mixed traffic without a fault, in simulated time, before all that looks for incidents. */
export function playDays(played: PlayedDays): DaysPlayed {
  return new SimulatedDays(played).play();
}

class SimulatedDays {
  readonly #played: PlayedDays;
  /** Of the day: a day has the same requests whether days before it are played or not. */
  #random: SeededRandom;
  readonly #happenings: SeededRandom;
  readonly #tracker = new IncidentTracker(0);
  readonly #siblings = new Map(
    Object.entries(dayUpstreams).flatMap(([id, endpoints]) => (endpoints < 2 ? [] : [[id, new SiblingOutliers()]])),
  );
  readonly #traffic = new DayTraffic();
  readonly #latencies = new Map<DayRoute, Float64Array>();
  readonly #routes = new Map(dayRoutes.map((route) => [route.name, route]));
  /** Of each upstream, by the hour: how much slower than usual. */
  readonly #drift = new Map(Object.keys(dayUpstreams).map((id) => [id, { from: 1, to: 1 }]));
  /** Of each route, by the minute: how many more requests than usual. */
  readonly #busier = new Map(dayRoutes.map((route) => [route, 1]));
  readonly #startedAt = new Map<string, number>();
  #next: Happening[] = [];
  #now: Happening[] = [];
  readonly #incidents: FoundIncident[] = [];
  readonly #ejections: FoundEjection[] = [];
  readonly #faults = new Map<Happening, { afterS: number | null; requests: number; failed: number }>();

  constructor(played: PlayedDays) {
    this.#played = played;
    this.#random = new SeededRandom(`${played.seed}/traffic`);
    this.#happenings = new SeededRandom(`${played.seed}/happenings`);
    for (const route of dayRoutes) this.#latencies.set(route, lognormal(route.sigma, this.#random));
  }

  play(): DaysPlayed {
    const { days, fromHour = 0, hours = 24 * days, onHour } = this.#played;
    const from = fromHour * 3600;
    for (let second = from; second < from + hours * 3600; second++) {
      if (second === from || second % dayS === 0) this.#beginDay(Math.floor(second / dayS));
      if (second % 3600 === 0) this.#beginHour();
      if (second % 60 === 0) for (const route of dayRoutes) this.#busier.set(route, Math.exp(0.15 * this.#normal()));
      this.#playSecond(second, second - from + 1);
      if (second % 3600 === 3599) onHour?.(Math.floor(second / 3600) + 1, this.#until((second + 1 - from) / dayS));
    }
    return this.#until(hours / 24);
  }

  #until(days: number): DaysPlayed {
    const { seed, besides = [] } = this.#played;
    const faults = besides.filter(({ kind }) => kind === 'fault');
    return {
      ...{ seed, days, requests: this.#traffic.requests },
      ...{ incidents: this.#incidents.slice(), ejections: this.#ejections.slice() },
      faults: faults.map((one) => ({ what: one.text, ...(this.#faults.get(one) ?? notPlayed) })),
    };
  }

  #beginDay(day: number): void {
    this.#random = new SeededRandom(`${this.#played.seed}/traffic/${day}`);
    const { besides = [] } = this.#played;
    const added = besides.filter(({ from }) => Math.floor(from / dayS) === day);
    this.#next = [...happeningsOf(day, this.#happenings.fork(String(day))), ...added].sort((a, b) => a.from - b.from);
  }

  #beginHour(): void {
    for (const drift of this.#drift.values()) {
      drift.from = drift.to;
      drift.to = Math.exp(0.2 * this.#normal());
    }
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random.next())) * Math.cos(2 * Math.PI * this.#random.next());
  }

  /** `tick`: seconds since the simulation began, the time of the detectors. */
  #playSecond(second: number, tick: number): void {
    this.#happen(second, tick);
    for (const [upstream, endpoints] of Object.entries(dayUpstreams)) this.#playUpstream(upstream, endpoints, second);
    for (const one of this.#now) if (one.kind === 'client' || one.kind === 'abandon') this.#playClient(one, second);
    const ms = tick * 1000;
    for (let quarter = 1; quarter <= 3; quarter++) {
      const routes = this.#traffic.awaitedAt(second + quarter / 4);
      if (routes.length > 0) this.#tracker.note({ ...nothing, routes }, ms + quarter * 250);
    }
    const awaited = this.#traffic.awaitedAt(second + 0.999);
    const counted = this.#traffic.take(second + 1);
    const routes = [...counted.routes, ...awaited];
    this.#tracker.note({ ...counted, routes, staleReusesFailed: 0 }, ms + 999);
    for (const { kind, incident } of this.#tracker.judge(ms + 1000, (id) => this.#watched(id)))
      if (kind === 'opened') this.#opened(incident, second);
    for (const one of routes) this.#siblings.get(one.upstream)?.add(one, 0, ms as Instant);
    if (second % compareEveryS === 0)
      for (const [upstream, siblings] of this.#siblings) this.#compare(upstream, siblings, second, ms);
  }

  #happen(second: number, tick: number): void {
    if (this.#now.length > 0) this.#now = this.#now.filter(({ to }) => to > second);
    while (this.#next.length > 0 && (this.#next[0] as Happening).from < second + 1) {
      const one = this.#next.shift() as Happening;
      if (one.to <= second) continue;
      this.#now.push(one);
      if (one.kind === 'deployed') this.#tracker.onEvent(deployed(one.application, tick * 1000), tick * 1000);
      if (one.kind === 'replaced') this.#replace(one.upstream, one.endpoint, Math.ceil(one.from));
      if (one.kind === 'out') this.#startedAt.set(this.#traffic.nameOf(one.upstream, one.endpoint), Math.ceil(one.to));
      if (one.kind === 'streams_end') this.#endStreams(one.upstream, one.share);
      if (one.kind === 'clump') this.#playClump(one, second);
      if (one.kind === 'fault') this.#faults.set(one, { afterS: null, requests: 0, failed: 0 });
    }
  }

  #replace(upstream: string, endpoint: number, second: number): void {
    this.#traffic.replace(upstream, endpoint);
    this.#startedAt.set(this.#traffic.nameOf(upstream, endpoint), second);
  }

  #endStreams(upstream: string, share: number): void {
    if (upstream === streams.upstream)
      this.#traffic.addStreams(streams.route, upstream, Math.round(share * streams.open));
    if (upstream === longPolls.upstream) this.#traffic.answerAll(longPolls.route, share, () => this.#random.next());
  }

  #playClump({ route: name, count }: Extract<Happening, { kind: 'clump' }>, second: number): void {
    const route = this.#routes.get(name) as DayRoute;
    // At night there are no requests that could fail.
    if (this.#random.next() >= shareOfCycle(route.cycle, second)) return;
    const endpoint = this.#random.pick(this.#serving(route.upstream));
    const pair = this.#traffic.pairOf(name, route.upstream, endpoint);
    for (let one = 0; one < count; one++)
      this.#traffic.add(pair, 'failed', second, 500 + 3000 * this.#random.next(), this.#client());
  }

  #playUpstream(upstream: string, endpoints: number, second: number): void {
    const serving = this.#serving(upstream);
    const busier = this.#now.reduce((all, one) => (one.kind === 'busier' ? all * one.times : all), 1);
    const slower = Array.from({ length: endpoints }, (_, endpoint) => this.#slowerAt(upstream, endpoint, second));
    const pauses = this.#now.filter((one) => one.kind === 'pause' && one.upstream === upstream);
    for (const route of dayRoutes) {
      if (route.upstream !== upstream) continue;
      const rate = route.perS * shareOfCycle(route.cycle, second) * busier * (this.#busier.get(route) ?? 1);
      const fault = this.#now.find((one) => one.kind === 'fault' && one.route === route.name);
      const count = this.#poisson(fault === undefined ? rate : route.perS);
      for (let one = 0; one < count; one++) {
        const endpoint = serving[Math.floor(this.#random.next() * serving.length)] as number;
        this.#request(route, endpoint, second, slower[endpoint] as number, pauses, fault);
      }
    }
    if (upstream === longPolls.upstream) this.#poll(second, serving);
    if (upstream === streams.upstream) this.#traffic.addStreams(streams.route, upstream, this.#poisson(streams.perS));
  }

  #poll(second: number, serving: readonly number[]): void {
    for (let count = this.#poisson(longPolls.perS); count > 0; count--) {
      const pair = this.#traffic.pairOf(longPolls.route, longPolls.upstream, this.#random.pick(serving));
      const ms = Math.min(longPolls.longestMs, 8000 * this.#random.next() * Math.exp(this.#normal()));
      this.#traffic.add(pair, 'answered', second + this.#random.next(), ms, this.#client());
    }
  }

  #request(
    route: DayRoute,
    endpoint: number,
    second: number,
    slower: number,
    pauses: readonly Happening[],
    fault: Happening | undefined,
  ): void {
    const random = this.#random;
    const pair = this.#traffic.pairOf(route.name, route.upstream, endpoint);
    const from = second + random.next();
    let { medianMs, failShare } = route;
    if (fault?.kind === 'fault') ({ medianMs = medianMs, failShare } = fault);
    else failShare /= 2;
    let ms = medianMs * slower * ((this.#latencies.get(route) as Float64Array)[random.integer(quantiles)] as number);
    for (const { to, from: begun, ...one } of pauses)
      if (one.kind === 'pause' && one.endpoint === endpoint && from > begun && from < to) ms += (to - from) * 1000;
    const client = this.#client();
    const drawn = random.next();
    const isFailed = drawn < failShare;
    if (fault !== undefined)
      this.#countFault(fault, isFailed || (fault.kind === 'fault' && fault.medianMs !== undefined));
    if (isFailed) return this.#traffic.add(pair, 'failed', from, ms, client);
    const other = random.next();
    if (other < route.declinedShare) return this.#traffic.add(pair, 'declined', from, ms / 2, client);
    if (other < route.declinedShare + route.abandonedShare) return this.#abandon(pair, from, ms, client);
    if (other > 1 - brokenShare) {
      const kind = random.next() < 0.5 ? 'reset_before_response' : 'response_head_timeout';
      return this.#traffic.add(pair, kind, from, kind === 'reset_before_response' ? ms : 30_000, client);
    }
    if (other > 1 - brokenShare - hiddenShare) this.#traffic.addHidden(pair);
    this.#traffic.add(pair, 'answered', from, ms, client);
  }

  /** At various times: before the response begins, or while it comes. */
  #abandon(pair: ReturnType<DayTraffic['pairOf']>, from: number, ms: number, client: number): void {
    const afterMs = 1200 * Math.exp(1.3 * this.#normal());
    if (afterMs < ms) this.#traffic.add(pair, 'abandoned', from, afterMs, client);
    else this.#traffic.addAborted(pair, ms, afterMs, client);
  }

  #playClient(one: Extract<Happening, { kind: 'client' | 'abandon' }>, second: number): void {
    const route = this.#routes.get(one.route) as DayRoute;
    const serving = this.#serving(route.upstream);
    for (let count = this.#poisson(one.perS); count > 0; count--) {
      const endpoint = this.#random.pick(serving);
      const pair = this.#traffic.pairOf(route.name, route.upstream, endpoint);
      const drawn = (this.#latencies.get(route) as Float64Array)[this.#random.integer(quantiles)] as number;
      const ms = route.medianMs * drawn * this.#slowerAt(route.upstream, endpoint, second);
      const from = second + this.#random.next();
      const client = Math.floor(one.from);
      if (one.kind === 'abandon') this.#traffic.add(pair, 'abandoned', from, one.afterMs, client);
      else
        this.#traffic.add(pair, one.isDeclined ? 'declined' : 'answered', from, one.isDeclined ? ms / 2 : ms, client);
    }
  }

  #client(): number {
    return 1_000_000 + Math.floor(clients * this.#random.next() ** 2);
  }

  #serving(upstream: string): readonly number[] {
    const all = Array.from({ length: dayUpstreams[upstream] as number }, (_, endpoint) => endpoint);
    const serving = all.filter((endpoint) => this.#stateOf(upstream, endpoint) === 'healthy');
    return serving.length === 0 ? all : serving;
  }

  #stateOf(upstream: string, endpoint: number): string {
    for (const one of this.#now)
      if (one.kind === 'out' && one.upstream === upstream && one.endpoint === endpoint) return one.state;
    return 'healthy';
  }

  /** Times the median of each route. */
  #slowerAt(upstream: string, endpoint: number, second: number): number {
    const { from, to } = this.#drift.get(upstream) as { from: number; to: number };
    let times = (from + ((to - from) * (second % 3600)) / 3600) * (0.85 + 0.3 * shareOfCycle('people', second));
    for (const one of this.#now) {
      if (one.kind !== 'slower' || one.upstream !== upstream) continue;
      if (one.endpoint !== undefined && one.endpoint !== endpoint) continue;
      times *= one.fadeS === undefined ? one.times : 1 + (one.times - 1) * Math.exp((one.from - second) / one.fadeS);
    }
    return times;
  }

  #watched(upstream: string): WatchedUpstream {
    const endpoints = Array.from({ length: dayUpstreams[upstream] ?? 0 }, (_, endpoint) => ({
      ...{ id: this.#traffic.nameOf(upstream, endpoint), name: null, state: this.#stateOf(upstream, endpoint) },
      ...{ reason: 'answered 200', checkCause: null, advice: null },
    }));
    return { application: upstream, endpoints };
  }

  #compare(upstream: string, siblings: SiblingOutliers, second: number, ms: number): void {
    const ids = this.#serving(upstream).map((endpoint) => this.#traffic.nameOf(upstream, endpoint));
    const beginsFor = defaultComparison.beginningMs / 1000;
    const beginning = new Set(ids.filter((id) => second - (this.#startedAt.get(id) ?? -Infinity) < beginsFor));
    const found = siblings.find({ ...defaultComparison, endpoints: new Set(ids), beginning }, ms as Instant);
    if (found === null) return;
    const { lateMs: _, ...outlier } = found;
    this.#ejections.push({ ...this.#found(second), outlier });
    siblings.forget(found.endpoint);
  }

  #opened(
    {
      upstream,
      family,
      requests,
      failed,
      attemptsFailed,
      routes,
      suspects,
      lateness,
    }: ReturnType<IncidentTracker['list']>[number],
    second: number,
  ): void {
    const fault = this.#now.find((one) => one.kind === 'fault' && this.#routes.get(one.route)?.upstream === upstream);
    if (fault !== undefined) {
      const found = this.#faults.get(fault);
      if (found !== undefined) found.afterS ??= second + 1 - fault.from;
      return;
    }
    const late =
      lateness === undefined
        ? ''
        : `; half take ${lateness.nowMs} ms, usually ${lateness.usualMs} ms, late from ${lateness.limitMs} ms`;
    const where = routes.map(({ route, failed: count }) => `${route} ${count}`).join(', ');
    const text = `${failed} of ${requests} requests, ${attemptsFailed} attempts: ${where}${late}; ${suspects[0]?.name ?? 'not_known'}`;
    this.#incidents.push({ ...this.#found(second), upstream, family, text });
  }

  #countFault(fault: Happening, isFailed: boolean): void {
    const found = this.#faults.get(fault);
    if (found === undefined || found.afterS !== null) return;
    found.requests += 1;
    if (isFailed) found.failed += 1;
  }

  #found(second: number): Found {
    const meanwhile = this.#now.filter(({ kind }) => kind !== 'deployed' && kind !== 'replaced').map(happeningText);
    return { second, when: dayTime(second), meanwhile };
  }

  /** How many of events that come independently: by Knuth's multiplication, or the normal distribution. */
  #poisson(mean: number): number {
    if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.#normal()));
    const limit = Math.exp(-mean);
    let count = 0;
    for (let product = this.#random.next(); product > limit; product *= this.#random.next()) count += 1;
    return count;
  }
}

const notPlayed = { afterS: null, requests: 0, failed: 0 };
const nothing = { exchanges: [], outcomes: [], staleReusesFailed: 0 };

/** Many draws of exp(σ·normal), from which each request takes one. */
function lognormal(sigma: number, random: SeededRandom): Float64Array {
  return Float64Array.from({ length: quantiles }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    return Math.exp(sigma * normal);
  });
}

function deployed(application: string, at: number): Event {
  return {
    ...{ epoch: 'days', seq: 1, at, member: 'one', worker: null, revision: 2, from: null, to: null, actor: 'gateway' },
    ...{ kind: 'configuration_applied', subject: 'gateway', reason: 'The configuration was applied.' },
    evidence: { contentHash: 'b1', source: 'candor.yaml', changed: [`applications: ${application}`] },
  } as Event;
}
