import { countAbove, latencyCells, latencyQuantileMs } from '../core/latency-cells.ts';
import type { AttemptOfClient, RouteTraffic } from '../core/route-traffic.ts';
import type { Instant } from '../core/time.ts';

/** By what an endpoint differs from the others on the same routes. */
export type SiblingEvent = 'server_error' | 'late';

/** An endpoint that differs from the others of its upstream on the same routes. */
export interface SiblingOutlier {
  readonly endpoint: string;
  readonly event: SiblingEvent;
  readonly events: number;
  readonly attempts: number;
  /** Of the other endpoints, on the same routes in the same time. */
  readonly elsewhere: { readonly events: number; readonly attempts: number };
  readonly windowMs: number;
  /** On which nearly all of these events were. */
  readonly routes: readonly string[];
  /** By route, what took longer is late there. */
  readonly lateMs: ReadonlyMap<string, number>;
}

/** Who is compared. */
export interface Siblings {
  /** Those that get requests. */
  readonly endpoints: ReadonlySet<string>;
  /** Of those, the ones that just began are not called late: caches are cold, code is not compiled. */
  readonly beginning: ReadonlySet<string>;
  readonly events: readonly SiblingEvent[];
  /** Clients stay at an endpoint, so that one of them could make it look bad: not requests count, but clients. */
  readonly byClient: boolean;
}

/** Busy upstreams are judged by ten seconds; those with fewer requests by a minute. */
const widths = [
  { sliceMs: 1000, slices: 10 },
  { sliceMs: 6000, slices: 10 },
] as const;

/** Late is what takes longer than this many times the others' p90 on the route, and so much more. */
const lateTimes = 3;
const latePlusMs = 100;

/** Attempts of the others on a route, by which its p90 is known. */
const knownMin = 5;

const eventsMin = 5;
const attemptsElsewhereMin = 20;
/** Of the endpoint's attempts. */
const shareMin = 0.1;
/** Times the share of the others. */
const shareTimes = 5;
const clientsMin = 3;

/** A pause of a second or two, such as for garbage, is over when it is seen: responses are late for longer, and still. */
const lateForMs = 3000;

/** A single late response among more than so few is chance. */
const fewOfSlice = 4;
const lateOfSliceMin = 2;

/** How many times likelier than chance: one false verdict in ten thousand comparisons. */
const likelihoodMin = 1e4;

/** By how much the odds of an event may be greater at an outlier: the alternatives, equally likely. */
const oddsRatios = [2, 4, 8, 15, 30, 60, 120, 200] as const;

/** What is told of awaited responses is true for so long: workers tell it four times a second. */
const awaitedMs = 700;

/** The longer window. */
const idleMs = 60_000;

/** Pairs of route and endpoint of one upstream; others are not compared. */
const pairsMax = 1024;

interface Slice {
  readonly number: number;
  answered: number;
  serverErrors: number;
  readonly latencies: number[];
  readonly failed: AttemptOfClient[];
  readonly slow: AttemptOfClient[];
}

/** Clients of the attempts of one pair and slice that are remembered. */
const clientsKept = 64;

/** The slices of a width that are not over, and the sum of their latencies. */
class Window {
  readonly slices: Slice[] = [];
  readonly latencies = new Array<number>(latencyCells).fill(0);
  readonly #width: (typeof widths)[number];

  constructor(width: (typeof widths)[number]) {
    this.#width = width;
  }

  add({ answered, serverErrors, latencies, failed, slow }: RouteTraffic, now: Instant): void {
    const slice = this.#sliceAt(now);
    slice.answered += answered;
    slice.serverErrors += serverErrors;
    for (let at = 0; at < latencies.length; at += 2) {
      const [cell, count] = [latencies[at], latencies[at + 1]] as [number, number];
      (slice.latencies[cell] as number) += count;
      (this.latencies[cell] as number) += count;
    }
    for (const one of failed) if (slice.failed.length < clientsKept) slice.failed.push(one);
    for (const one of slow) if (slice.slow.length < clientsKept) slice.slow.push(one);
  }

  #sliceAt(now: Instant): Slice {
    const number = Math.floor(now / this.#width.sliceMs);
    const newest = this.slices.at(-1);
    if (newest?.number === number) return newest;
    const latencies = this.forget(now)?.fill(0) ?? new Array<number>(latencyCells).fill(0);
    const slice: Slice = { number, answered: 0, serverErrors: 0, failed: [], slow: [], latencies };
    this.slices.push(slice);
    return slice;
  }

  /** Forgets what is over. Returns a list that is not used any more; null: nothing is over. */
  forget(now: Instant): number[] | null {
    const oldest = Math.floor(now / this.#width.sliceMs) - this.#width.slices;
    let old: number[] | null = null;
    while (this.slices.length > 0 && (this.slices[0] as Slice).number <= oldest) {
      old = (this.slices.shift() as Slice).latencies;
      for (let cell = 0; cell < latencyCells; cell++) (this.latencies[cell] as number) -= old[cell] as number;
    }
    return old;
  }
}

class Pair {
  readonly route: string;
  readonly endpoint: string;
  readonly #windows = widths.map((width) => new Window(width));
  readonly #awaited = new Map<number, { readonly at: Instant; readonly attempts: readonly AttemptOfClient[] }>();

  #lastAt: Instant;

  constructor(route: string, endpoint: string, now: Instant) {
    this.route = route;
    this.endpoint = endpoint;
    this.#lastAt = now;
  }

  /** No window has anything of it. */
  isIdle(now: Instant): boolean {
    return now - this.#lastAt > idleMs;
  }

  add(counted: RouteTraffic, worker: number, now: Instant): void {
    this.#lastAt = now;
    for (const window of this.#windows) window.add(counted, now);
    if (counted.awaited.length > 0) this.#awaited.set(worker, { at: now, attempts: counted.awaited });
    else this.#awaited.delete(worker);
  }

  /** What the window has. */
  counted(index: number, now: Instant): Counted {
    const window = this.#windows[index] as Window;
    window.forget(now);
    const sum = new Counted(window.latencies);
    for (const slice of window.slices) sum.addSlice(slice);
    for (const { at, attempts } of this.#awaited.values()) if (now - at <= awaitedMs) sum.awaited.push(...attempts);
    return sum;
  }
}

/** Attempts of one route in a window, at one endpoint or at all. */
class Counted {
  answered = 0;
  serverErrors = 0;
  readonly awaited: AttemptOfClient[] = [];
  readonly slices: Slice[] = [];
  /** Of all endpoints: those of each. */
  readonly #each: Counted[] = [];
  #latencies: readonly number[] | null;

  /** `latencies`: of one endpoint; null: of all, which are added. */
  constructor(latencies: readonly number[] | null) {
    this.#latencies = latencies;
  }

  addSlice(slice: Slice): void {
    this.answered += slice.answered;
    this.serverErrors += slice.serverErrors;
    this.slices.push(slice);
  }

  add(other: Counted): void {
    for (const slice of other.slices) this.addSlice(slice);
    this.awaited.push(...other.awaited);
    this.#each.push(other);
  }

  /** Nearly all endpoints have too few slow attempts for a comparison, so that this is not needed. Call it when all is added. */
  get latencies(): readonly number[] {
    if (this.#latencies !== null) return this.#latencies;
    const sum = new Array<number>(latencyCells).fill(0);
    for (const { latencies } of this.#each)
      for (let cell = 0; cell < latencyCells; cell++) (sum[cell] as number) += latencies[cell] as number;
    return (this.#latencies = sum);
  }
}

/** One endpoint on one route, and the whole route. */
interface OnRoute {
  readonly route: string;
  readonly own: Counted;
  readonly all: Counted;
  /** Every endpoint of the route. */
  readonly each: readonly Counted[];
}

/**
 * Finds the endpoint of an upstream that answers 5xx, or late, where the others do not on the same routes: no check sees that, and no threshold fits all applications.
 *
 * Where nothing is wrong with an endpoint, an event of a route falls on it with its share of the route's attempts. The likelihood ratio of "its odds are
 * ρ times those of the others" is averaged over several ρ (a mixture, Robbins 1970), so that none has to be guessed. What one client causes is not the endpoint's.
 */
export class SiblingOutliers {
  readonly #pairs = new Map<string, Pair>();
  #eventAt: Instant | null = null;

  add(counted: RouteTraffic, worker: number, now: Instant): void {
    const key = `${counted.route}\n${counted.endpoint}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      // Endpoints come and go.
      for (const [name, one] of this.#pairs) if (one.isIdle(now)) this.#pairs.delete(name);
      if (this.#pairs.size >= pairsMax) return;
      pair = new Pair(counted.route, counted.endpoint, now);
      this.#pairs.set(key, pair);
    }
    pair.add(counted, worker, now);
    if (counted.serverErrors + counted.slow.length + counted.awaited.length > 0) this.#eventAt = now;
  }

  /** What the endpoint did until now says nothing of it any more. */
  forget(endpoint: string): void {
    for (const [name, pair] of this.#pairs) if (pair.endpoint === endpoint) this.#pairs.delete(name);
  }

  /** The worst one; null: none differs. */
  find(siblings: Siblings, now: Instant): SiblingOutlier | null {
    if (siblings.endpoints.size < 2 || this.#eventAt === null || now - this.#eventAt > idleMs) return null;
    for (const [index, width] of widths.entries()) {
      const found = [...this.#countedBy(siblings, index, now)].flatMap(([endpoint, routes]) =>
        siblings.events.flatMap((event) => {
          const judged = judge({ endpoint, event, windowMs: width.sliceMs * width.slices }, routes, siblings);
          if (judged === null || (event === 'late' && !isStillLate(routes, judged.outlier, width, now))) return [];
          return [judged];
        }),
      );
      const [worst] = found.sort((a, b) => b.likelihood - a.likelihood);
      if (worst !== undefined) return worst.outlier;
    }
    return null;
  }

  /** By endpoint, its routes that others serve too. */
  #countedBy({ endpoints }: Siblings, index: number, now: Instant): ReadonlyMap<string, readonly OnRoute[]> {
    const routes = new Map<string, { readonly all: Counted; readonly each: Counted[]; readonly names: string[] }>();
    for (const pair of this.#pairs.values()) {
      if (!endpoints.has(pair.endpoint)) continue;
      let known = routes.get(pair.route);
      if (known === undefined) routes.set(pair.route, (known = { all: new Counted(null), each: [], names: [] }));
      const own = pair.counted(index, now);
      known.all.add(own);
      known.each.push(own);
      known.names.push(pair.endpoint);
    }
    const byEndpoint = new Map<string, OnRoute[]>();
    for (const [route, { all, each, names }] of routes) {
      if (each.length < 2) continue;
      for (const [at, own] of each.entries()) {
        const endpoint = names[at] as string;
        const known = byEndpoint.get(endpoint);
        if (known === undefined) byEndpoint.set(endpoint, [{ route, own, all, each }]);
        else known.push({ route, own, all, each });
      }
    }
    return byEndpoint;
  }
}

function judge(
  { endpoint, event, windowMs }: Pick<SiblingOutlier, 'endpoint' | 'event' | 'windowMs'>,
  routes: readonly OnRoute[],
  { beginning, byClient }: Siblings,
): { readonly outlier: SiblingOutlier; readonly likelihood: number } | null {
  if (event === 'late' && beginning.has(endpoint)) return null;
  // Nearly all endpoints have too few.
  if (sumOf(routes, (one) => mostEvents(one, event)) < eventsMin) return null;
  const compared: Compared[] = [];
  const byRoute = new Map<string, number>();
  const lateMs = new Map<string, number>();
  for (const one of routes) {
    const limitMs = event === 'late' ? lateLimitMs(one) : 0;
    if (limitMs === null) continue;
    if (event === 'late') lateMs.set(one.route, limitMs);
    const found = compare(one, byClient, event === 'late' ? laterThan(limitMs) : errors);
    compared.push(found);
    byRoute.set(one.route, found.events);
  }
  const [events, attempts] = [sumOf(compared, (one) => one.events), sumOf(compared, (one) => one.attempts)];
  const elsewhere = {
    events: sumOf(compared, (one) => one.eventsElsewhere),
    attempts: sumOf(compared, (one) => one.attemptsElsewhere),
  };
  const independent = sumOf(compared, (one) => one.independent);
  if (independent < eventsMin || elsewhere.attempts < attemptsElsewhereMin) return null;
  if (events < shareMin * attempts || events / attempts < (shareTimes * elsewhere.events) / elsewhere.attempts)
    return null;
  if (!isOfSeveralClients(compared.flatMap(({ clients }) => clients()))) return null;
  const likelihood = likelihoodOf(compared);
  if (likelihood < likelihoodMin) return null;
  return {
    likelihood,
    outlier: { endpoint, event, events, attempts, elsewhere, windowMs, lateMs, routes: mostOf(byRoute) },
  };
}

/** The names that have at least half as many as the one with most. */
export function mostOf(counts: ReadonlyMap<string, number>): readonly string[] {
  const most = Math.max(0, ...counts.values());
  return [...counts].flatMap(([name, count]) => (count > 0 && count * 2 >= most ? [name] : []));
}

/** Many are late in several slices, of which one is among the newest, or have taken as long as that. Those that wait now do so since they began. */
function isStillLate(
  routes: readonly OnRoute[],
  { lateMs }: Pick<SiblingOutlier, 'lateMs'>,
  { sliceMs, slices }: (typeof widths)[number],
  now: Instant,
): boolean {
  const newest = Math.floor(now / sliceMs);
  const [late, all] = [new Array<number>(slices).fill(0), new Array<number>(slices).fill(0)];
  let longOnes = 0;
  for (const { route, own } of routes) {
    const limitMs = lateMs.get(route) ?? Infinity;
    for (const { slow } of own.slices) for (const { ms } of slow) if (ms > limitMs && ms >= lateForMs) longOnes += 1;
    for (const { number, answered, latencies } of own.slices) {
      (all[newest - number] as number) += answered;
      (late[newest - number] as number) += countAbove(latencies, limitMs);
    }
    for (const { ms } of own.awaited) {
      if (ms <= limitMs) continue;
      const since = Math.min(slices - 1, newest - Math.floor((now - ms) / sliceMs));
      for (let back = 0; back <= since; back++) {
        (all[back] as number) += 1;
        (late[back] as number) += 1;
      }
    }
  }
  const isLate = late.map((count, back) => {
    const answered = all[back] as number;
    return count >= (answered > fewOfSlice ? lateOfSliceMin : 1) && count >= shareMin * answered;
  });
  // A pause that is shorter than so many slices touches one more, and two pauses may come within the window.
  const lateSlices = longestRun(isLate.filter((_, back) => (all[back] as number) > 0));
  const isLong = longOnes >= eventsMin || lateSlices > Math.max(2, lateForMs / sliceMs);
  return isLong && isLate.slice(0, 3).some(Boolean);
}

/** How many in a row. */
function longestRun(all: readonly boolean[]): number {
  let [longest, run] = [0, 0];
  for (const one of all) {
    run = one ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** As many as there can be, at little cost: a route without slow attempts, of which some are known with their clients, has no late ones. */
function mostEvents(one: OnRoute, event: SiblingEvent): number {
  const { serverErrors, slices, awaited } = one.own;
  if (event === 'server_error') return serverErrors;
  if (awaited.length === 0 && !slices.some(({ slow }) => slow.length > 0)) return 0;
  const limitMs = lateLimitMs(one);
  return limitMs === null ? 0 : laterThan(limitMs).eventsOf(one.own);
}

/** One route: events and attempts of the endpoint and of the others. */
interface Compared {
  readonly events: number;
  readonly attempts: number;
  readonly eventsElsewhere: number;
  readonly attemptsElsewhere: number;
  /** Events that say something each: where clients stay at an endpoint, one of each client. */
  readonly independent: number;
  readonly independentElsewhere: number;
  /** Of some of the endpoint's events. */
  readonly clients: () => readonly number[];
}

/** What is an event, and what is an attempt. */
interface CountsOf {
  readonly eventsOf: (one: Counted) => number;
  readonly attemptsOf: (one: Counted) => number;
  readonly clientsOf: (one: Counted) => number[];
}

const clientOf = ({ client }: AttemptOfClient): number => client;

const errors: CountsOf = {
  eventsOf: ({ serverErrors }) => serverErrors,
  attemptsOf: ({ answered }) => answered,
  clientsOf: ({ slices }) => slices.flatMap(({ failed }) => failed.map(clientOf)),
};

function laterThan(limitMs: number): CountsOf {
  const isLate = ({ ms }: AttemptOfClient): boolean => ms > limitMs;
  const awaitedOf = ({ awaited }: Counted): number => awaited.reduce((sum, one) => sum + (isLate(one) ? 1 : 0), 0);
  return {
    eventsOf: (one) => countAbove(one.latencies, limitMs) + awaitedOf(one),
    attemptsOf: (one) => one.answered + awaitedOf(one),
    clientsOf: ({ slices, awaited }) =>
      [...slices.flatMap(({ slow }) => slow), ...awaited].filter(isLate).map(clientOf),
  };
}

function compare({ own, all, each }: OnRoute, byClient: boolean, of: CountsOf): Compared {
  const { eventsOf, attemptsOf, clientsOf } = of;
  const [events, attempts] = [eventsOf(own), attemptsOf(own)];
  const eventsElsewhere = eventsOf(all) - events;
  const distinct = (one: Counted): number => new Set(clientsOf(one)).size;
  return {
    ...{ events, attempts, eventsElsewhere, attemptsElsewhere: attemptsOf(all) - attempts },
    independent: byClient ? distinct(own) : events,
    independentElsewhere: byClient ? sumOf(each, (one) => (one === own ? 0 : distinct(one))) : eventsElsewhere,
    clients: () => clientsOf(own),
  };
}

/** By what the others take. Null: they have answered too few requests of the route. */
function lateLimitMs({ own, all }: OnRoute): number | null {
  if (all.answered - own.answered < knownMin) return null;
  const p90 = latencyQuantileMs(
    all.latencies.map((count, cell) => count - (own.latencies[cell] as number)),
    0.9,
  );
  return p90 === null ? null : Math.round(lateTimes * p90 + latePlusMs);
}

/** Not of one that can cause them, or of two. */
function isOfSeveralClients(clients: readonly number[]): boolean {
  const counts = new Map<number, number>();
  for (const client of clients) counts.set(client, (counts.get(client) ?? 0) + 1);
  return counts.size >= clientsMin && Math.max(...counts.values()) * 2 <= clients.length;
}

function likelihoodOf(compared: readonly Compared[]): number {
  let sum = 0;
  for (const ratio of oddsRatios) {
    let log = 0;
    for (const { independent, independentElsewhere, attempts, attemptsElsewhere } of compared) {
      const share = attempts / Math.max(1, attempts + attemptsElsewhere);
      log += independent * Math.log(ratio) - (independent + independentElsewhere) * Math.log1p(share * (ratio - 1));
    }
    sum += Math.exp(log);
  }
  return sum / oddsRatios.length;
}

const sumOf = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((sum, one) => sum + of(one), 0);
