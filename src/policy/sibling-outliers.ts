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

/** How many times likelier than chance: one false verdict in ten thousand comparisons. */
const likelihoodMin = 1e4;

/** By how much the odds of an event may be greater at an outlier: the alternatives, equally likely. */
const oddsRatios = [2, 4, 8, 15, 30, 60, 120, 200] as const;

/** What is told of awaited responses is true for so long: workers tell it four times a second. */
const awaitedMs = 700;

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

class Pair {
  readonly route: string;
  readonly endpoint: string;
  readonly #slices: readonly Slice[][] = widths.map(() => []);
  readonly #awaited = new Map<number, { readonly at: Instant; readonly attempts: readonly AttemptOfClient[] }>();

  constructor(route: string, endpoint: string) {
    this.route = route;
    this.endpoint = endpoint;
  }

  add(counted: RouteTraffic, worker: number, now: Instant): void {
    for (const [index, width] of widths.entries()) addTo(this.#sliceAt(index, width, now), counted);
    if (counted.awaited.length > 0) this.#awaited.set(worker, { at: now, attempts: counted.awaited });
    else this.#awaited.delete(worker);
  }

  #sliceAt(index: number, { sliceMs, slices }: (typeof widths)[number], now: Instant): Slice {
    const number = Math.floor(now / sliceMs);
    const kept = this.#slices[index] as Slice[];
    const newest = kept.at(-1);
    if (newest?.number === number) return newest;
    const slice: Slice = {
      ...{ number, answered: 0, serverErrors: 0, failed: [], slow: [] },
      latencies: new Array<number>(latencyCells).fill(0),
    };
    kept.push(slice);
    while ((kept[0] as Slice).number <= number - slices) kept.shift();
    return slice;
  }

  slices(index: number, now: Instant): readonly Slice[] {
    const { sliceMs, slices } = widths[index] as (typeof widths)[number];
    const oldest = Math.floor(now / sliceMs) - slices;
    return (this.#slices[index] as Slice[]).filter(({ number }) => number > oldest);
  }

  awaited(now: Instant): readonly AttemptOfClient[] {
    const all: AttemptOfClient[] = [];
    for (const { at, attempts } of this.#awaited.values()) if (now - at <= awaitedMs) all.push(...attempts);
    return all;
  }
}

function addTo(slice: Slice, { answered, serverErrors, latencies, failed, slow }: RouteTraffic): void {
  slice.answered += answered;
  slice.serverErrors += serverErrors;
  for (let at = 0; at < latencies.length; at += 2)
    (slice.latencies[latencies[at] as number] as number) += latencies[at + 1] as number;
  slice.failed.push(...failed.slice(0, Math.max(0, clientsKept - slice.failed.length)));
  slice.slow.push(...slow.slice(0, Math.max(0, clientsKept - slice.slow.length)));
}

/** The attempts of one pair in a window. */
interface Counted {
  readonly pair: Pair;
  readonly answered: number;
  readonly serverErrors: number;
  readonly latencies: readonly number[];
  readonly slices: readonly Slice[];
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
      if (this.#pairs.size >= pairsMax) this.#pairs.clear();
      pair = new Pair(counted.route, counted.endpoint);
      this.#pairs.set(key, pair);
    }
    pair.add(counted, worker, now);
    if (counted.serverErrors + counted.slow.length + counted.awaited.length > 0) this.#eventAt = now;
  }

  /** The worst one; null: none differs. */
  find(siblings: Siblings, now: Instant): SiblingOutlier | null {
    if (siblings.endpoints.size < 2 || this.#eventAt === null || now - this.#eventAt > 60_000) return null;
    for (let index = 0; index < widths.length; index++) {
      const routes = this.#routesOf(siblings, index, now);
      const found = [...siblings.endpoints].flatMap((endpoint) =>
        siblings.events.flatMap((event) => this.#judge({ endpoint, event, index }, routes, siblings, now) ?? []),
      );
      const [worst] = found.sort((a, b) => b.likelihood - a.likelihood);
      if (worst !== undefined) return worst.outlier;
    }
    return null;
  }

  #routesOf({ endpoints }: Siblings, index: number, now: Instant): readonly (readonly Counted[])[] {
    const routes = new Map<string, Counted[]>();
    for (const pair of this.#pairs.values()) {
      if (!endpoints.has(pair.endpoint)) continue;
      const slices = pair.slices(index, now);
      const sum = (of: (slice: Slice) => number): number => slices.reduce((all, slice) => all + of(slice), 0);
      const counted = {
        ...{ pair, slices, latencies: latenciesOf(slices) },
        answered: sum(({ answered }) => answered),
        serverErrors: sum(({ serverErrors }) => serverErrors),
      };
      const known = routes.get(pair.route);
      if (known === undefined) routes.set(pair.route, [counted]);
      else known.push(counted);
    }
    return [...routes.values()].filter(({ length }) => length > 1);
  }

  #judge(
    { endpoint, event, index }: { readonly endpoint: string; readonly event: SiblingEvent; readonly index: number },
    routes: readonly (readonly Counted[])[],
    { beginning, byClient }: Siblings,
    now: Instant,
  ): { readonly outlier: SiblingOutlier; readonly likelihood: number } | null {
    if (event === 'late' && beginning.has(endpoint)) return null;
    const compared: Compared[] = [];
    const lateMs = new Map<string, number>();
    for (const route of routes) {
      const own = route.find(({ pair }) => pair.endpoint === endpoint);
      const others = route.filter(({ pair }) => pair.endpoint !== endpoint);
      if (own === undefined || others.length === 0) continue;
      if (event === 'late') {
        const limitMs = lateLimitMs(others);
        if (limitMs === null) continue;
        lateMs.set(own.pair.route, limitMs);
        compared.push(compareLate(own, others, limitMs, byClient, now));
      } else compared.push(compareErrors(own, others, byClient));
    }
    const sum = (of: (one: Compared) => number): number => compared.reduce((all, one) => all + of(one), 0);
    const [events, attempts] = [sum((one) => one.events), sum((one) => one.attempts)];
    const elsewhere = { events: sum((one) => one.eventsElsewhere), attempts: sum((one) => one.attemptsElsewhere) };
    const independent = sum((one) => one.independent);
    if (independent < eventsMin || elsewhere.attempts < attemptsElsewhereMin) return null;
    if (events < shareMin * attempts || events / attempts < (shareTimes * elsewhere.events) / elsewhere.attempts)
      return null;
    if (!isOfSeveralClients(compared.flatMap(({ clients }) => clients))) return null;
    const likelihood = likelihoodOf(compared);
    if (likelihood < likelihoodMin) return null;
    const { sliceMs, slices } = widths[index] as (typeof widths)[number];
    const windowMs = sliceMs * slices;
    return { likelihood, outlier: { endpoint, event, events, attempts, elsewhere, windowMs, lateMs } };
  }
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
  readonly clients: readonly number[];
}

function compareErrors(own: Counted, others: readonly Counted[], byClient: boolean): Compared {
  return compare(own, others, byClient, {
    eventsOf: ({ serverErrors }) => serverErrors,
    attemptsOf: ({ answered }) => answered,
    clientsOf: ({ slices }) => slices.flatMap(({ failed }) => failed.map(({ client }) => client)),
  });
}

function compareLate(
  own: Counted,
  others: readonly Counted[],
  limitMs: number,
  byClient: boolean,
  now: Instant,
): Compared {
  const isLate = ({ ms }: AttemptOfClient): boolean => ms > limitMs;
  const awaitedOf = ({ pair }: Counted): readonly AttemptOfClient[] => pair.awaited(now).filter(isLate);
  return compare(own, others, byClient, {
    eventsOf: (one) => countAbove(one.latencies, limitMs) + awaitedOf(one).length,
    attemptsOf: (one) => one.answered + awaitedOf(one).length,
    clientsOf: (one) =>
      [...one.slices.flatMap(({ slow }) => slow.filter(isLate)), ...awaitedOf(one)].map(({ client }) => client),
  });
}

interface CountsOf {
  readonly eventsOf: (one: Counted) => number;
  readonly attemptsOf: (one: Counted) => number;
  readonly clientsOf: (one: Counted) => number[];
}

function compare(own: Counted, others: readonly Counted[], byClient: boolean, of: CountsOf): Compared {
  const { eventsOf, attemptsOf, clientsOf } = of;
  const independentOf = (one: Counted): number => (byClient ? new Set(clientsOf(one)).size : eventsOf(one));
  return {
    ...{ events: eventsOf(own), attempts: attemptsOf(own) },
    ...{ eventsElsewhere: sumOf(others, eventsOf), attemptsElsewhere: sumOf(others, attemptsOf) },
    ...{ independent: independentOf(own), independentElsewhere: sumOf(others, independentOf) },
    clients: clientsOf(own),
  };
}

/** Null: the others have answered too few requests of the route. */
function lateLimitMs(others: readonly Counted[]): number | null {
  if (sumOf(others, ({ answered }) => answered) < knownMin) return null;
  const cells = new Array<number>(latencyCells).fill(0);
  for (const { latencies } of others)
    for (let cell = 0; cell < latencyCells; cell++) (cells[cell] as number) += latencies[cell] as number;
  const p90 = latencyQuantileMs(cells, 0.9);
  return p90 === null ? null : Math.round(lateTimes * p90 + latePlusMs);
}

function latenciesOf(slices: readonly Slice[]): number[] {
  const cells = new Array<number>(latencyCells).fill(0);
  for (const { latencies } of slices)
    for (let cell = 0; cell < latencyCells; cell++) (cells[cell] as number) += latencies[cell] as number;
  return cells;
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
