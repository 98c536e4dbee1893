import { answerKey, contentKindOfText } from '../../src/core/content-kind.ts';
import type { ExchangeCount } from '../../src/core/counters.ts';
import { latencyCellOf } from '../../src/core/latency-cells.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import { type AttemptOfClient, type RouteTraffic, slowMs } from '../../src/core/route-traffic.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import { bucketOf } from '../../src/record/counters.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';

/** What one request meets. Nothing given: all is as usual. */
export interface Met {
  readonly moreMs?: number;
  /** Absent: JSON of the usual size. */
  readonly answer?: number;
  readonly isFailed?: boolean;
}

export interface ShopRequest {
  readonly route: string;
  /** 0 or 1. */
  readonly endpoint: number;
  /** Seconds since the outage began, with fractions. */
  readonly at: number;
  readonly client: number;
  /** From 0 to 1, for shares. */
  readonly drawn: number;
}

export interface ShopPlay {
  readonly meets: (request: ShopRequest) => Met;
  readonly seconds?: number;
  readonly seed?: number;
  /** Besides the usual ones, in each second; `client`: of that one, else of all. */
  readonly more?: { readonly perS: number; readonly routes: readonly string[]; readonly client?: number };
  /** Endpoints answer nothing before the outage, as those of a release. */
  readonly isNew?: boolean;
}

interface ShopPlayed {
  /** Of the requests until the incident opened. */
  readonly harmedShare: number;
  /** After the first request that met something; null: never. */
  readonly openedAfterS: number | null;
  readonly family: string;
}

interface Running {
  readonly request: ShopRequest;
  readonly met: Met;
  readonly from: number;
  readonly ms: number;
}

/** Requests each second, and half of them take no longer. */
const routes = {
  ...{ cart: [14, 10], api: [15, 12], checkout: [6, 15], search: [10, 22] },
  ...{ static: [6, 4], products: [10, 14], pages: [3, 8], reports: [0.4, 300] },
} as const satisfies Readonly<Record<string, readonly [perS: number, medianMs: number]>>;

export const allRoutes = Object.keys(routes);

/** So long all is as usual. */
const beginS = 90;
const clients = 400;
const json = contentKindOfText('application/json');

/** A shop of eight routes and two endpoints with 64 requests a second, in simulated time. */
export function playShop({ meets, seconds = 60, seed = 1, more, isNew = false }: ShopPlay): ShopPlayed {
  const random = new SeededRandom(seed);
  const tracker = new IncidentTracker(0);
  let running: Running[] = [];
  let [all, harmed] = [0, 0];
  let harmedFrom: number | null = null;
  for (let second = 1; second <= beginS + seconds; second++) {
    const isOn = second > beginS;
    for (const [route, [perS, medianMs]] of Object.entries(routes)) {
      const added = isOn && more?.routes.includes(route) === true ? poisson(more.perS, random) : 0;
      for (let count = poisson(perS, random) + added; count > 0; count--) {
        const from = second + random.next();
        const drawn = Math.floor(clients * random.next() ** 2);
        const client = count <= added ? (more?.client ?? drawn) : drawn;
        const endpoint = random.integer(2) + (isNew && isOn ? 2 : 0);
        const request = { route, endpoint, at: from - beginS - 1, client, drawn: random.next() };
        const met = isOn ? meets(request) : {};
        if (isOn) all += 1;
        if (Object.keys(met).length > 0) {
          harmed += 1;
          harmedFrom ??= second;
        }
        const ms = medianMs * Math.exp(0.35 * normal(random)) + (met.moreMs ?? 0);
        running.push({ request, met, from, ms });
      }
    }
    const awaited = running.filter(({ from, ms }) => from + ms / 1000 >= second + 0.25);
    for (const quarter of [0.25, 0.5, 0.75])
      tracker.note({ ...nothing, routes: awaitedAt(awaited, second + quarter) }, (second + quarter) * 1000);
    const ended = running.filter(({ from, ms }) => from + ms / 1000 < second + 1);
    running = running.filter((one) => !ended.includes(one));
    const traffic = [...endedTraffic(ended), ...awaitedAt(running, second + 1)];
    tracker.note(
      { exchanges: exchangesOf(ended), outcomes: outcomesOf(ended), routes: traffic, staleReusesFailed: 0 },
      second * 1000 + 999,
    );
    const changes = tracker.judge((second + 1) * 1000, () => ({ application: 'shop', endpoints: [] }));
    const opened = changes.find(({ kind }) => kind === 'opened');
    if (opened === undefined) continue;
    const openedAfterS = second + 1 - (harmedFrom ?? second + 1);
    return { harmedShare: harmed / Math.max(1, all), openedAfterS, family: opened.incident.family };
  }
  return { harmedShare: harmed / Math.max(1, all), openedAfterS: null, family: '' };
}

const nothing = { exchanges: [], outcomes: [], staleReusesFailed: 0 };

const pairOf = ({ request: { route, endpoint } }: Running): string => `${route} shop/${endpoint + 1}`;

function awaitedAt(running: readonly Running[], now: number): readonly RouteTraffic[] {
  const waiting = running.filter(({ from, ms }) => (now - from) * 1000 > slowMs && from + ms / 1000 > now);
  return byPair(waiting).map(([pair, own]) => ({
    ...trafficOf(pair),
    awaited: own.map(({ request, from }) => ({ client: request.client, ms: (now - from) * 1000 })),
  }));
}

function endedTraffic(ended: readonly Running[]): readonly RouteTraffic[] {
  return byPair(ended).map(([pair, own]) => {
    const slow = own.filter(({ ms }) => ms > slowMs).toSorted((a, b) => b.ms - a.ms);
    const failed = own.filter(({ met }) => met.isFailed === true);
    return {
      ...trafficOf(pair),
      ...{ answered: own.length, serverErrors: failed.length },
      latencies: own.flatMap(({ ms }) => [latencyCellOf(ms), 1]),
      answers: own.flatMap((one) => (one.met.isFailed === true ? [] : [keyOf(one), 1, 1 << (one.request.client & 31)])),
      ...{ slow: slow.slice(0, 8).map(attemptOf), failed: failed.slice(0, 8).map(attemptOf) },
    };
  });
}

const keyOf = ({ request: { client }, met }: Running): number =>
  met.answer ?? answerKey(200, 'GET', json, client % 2 === 0 ? 3000 : 4000, false);

const attemptOf = ({ request: { client }, ms }: Running): AttemptOfClient => ({ client, ms });

function byPair(all: readonly Running[]): readonly (readonly [pair: string, own: readonly Running[]])[] {
  return [...Map.groupBy(all, pairOf)];
}

function trafficOf(pair: string): RouteTraffic {
  const [route = '', endpoint = ''] = pair.split(' ');
  const none = { latencies: [], failed: [], slow: [], awaited: [] };
  return { route, upstream: 'shop', endpoint, answered: 0, serverErrors: 0, ...none };
}

function exchangesOf(ended: readonly Running[]): readonly ExchangeCount[] {
  return [...Map.groupBy(ended, ({ request, met }) => `${request.route} ${met.isFailed === true}`)].map(
    ([key, own]) => {
      const [route = '', isFailed] = key.split(' ');
      const failure = { statusClass: '5xx', shape: 'app_error', whose: 'application' } as const;
      const counted = sampleCount({
        upstream: 'shop',
        route,
        count: own.length,
        ...(isFailed === 'true' ? failure : {}),
      });
      counted.durations.fill(0);
      for (const { ms } of own) (counted.durations[bucketOf(ms)] as number) += 1;
      counted.durationMsMax = Math.max(...own.map(({ ms }) => ms));
      return counted;
    },
  );
}

function outcomesOf(ended: readonly Running[]): readonly EndpointOutcomes[] {
  return [...Map.groupBy(ended, ({ request }) => request.endpoint)].map(([endpoint, own]) => ({
    ...{ upstream: 'shop', endpoint: `shop/${endpoint + 1}`, state: 'healthy', causes: [], failures: 0, restMs: 0 },
    ...{ successes: own.length, serverErrors: own.filter(({ met }) => met.isFailed === true).length, rateLimited: 0 },
    ...{ consecutiveFailures: 0, consecutiveUnreachable: 0, latencyMs: own.reduce((sum, { ms }) => sum + ms, 0) },
  }));
}

function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** By Knuth's multiplication. */
function poisson(mean: number, random: SeededRandom): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count += 1;
  return count;
}
