import {
  answerKey,
  contentKindOfText,
  redirectForm,
  refusedForms,
  sizeCells,
  unsafeKey,
} from '../../src/core/content-kind.ts';
import { newcomerCells } from '../../src/core/newcomer-cells.ts';
import type { ExchangeCount } from '../../src/core/counters.ts';
import { latencyCellOf } from '../../src/core/latency-cells.ts';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import { clientHash, type PatternAnswers, type RouteTraffic, slowMs } from '../../src/core/route-traffic.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import { bucketOf } from '../../src/record/counters.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';

/** Requests of one kind. */
export interface PlayedFlow {
  readonly name: string;
  readonly route: string;
  readonly method?: string;
  /** The pattern of its path; by default it is that of its name. */
  readonly path?: string;
  readonly perS: number;
  /** Half of them take no longer. */
  readonly medianMs?: number;
  /** Of the logarithm of what they take; 0.35 by default. */
  readonly sigma?: number;
  /** How many clients send it, and the number of the first; 40 from 0 by default. */
  readonly clients?: number;
  readonly firstClient?: number;
}

export interface FlowRequest {
  readonly flow: string;
  /** 0 or 1. */
  readonly endpoint: number;
  /** Seconds since the outage began, negative before it. */
  readonly at: number;
  readonly client: number;
  /** From 0 to 1, for shares. */
  readonly drawn: number;
}

/** What one request meets. Nothing given: all is as usual. */
export interface FlowMet {
  readonly answer?: number;
  /** Its pattern, where it asks for another path. */
  readonly path?: string;
  readonly route?: string;
  readonly moreMs?: number;
  /** So many times as long as usual, before that is added. */
  readonly times?: number;
  /** From its head until it is complete. */
  readonly bodyMs?: number;
  readonly bytes?: number;
  readonly isFailed?: boolean;
  /** The client leaves without a response, or in the middle of one. */
  readonly leftAfterMs?: number;
  readonly cutAfterMs?: number;
}

export interface FlowPlay {
  readonly flows: readonly PlayedFlow[];
  readonly meets: (request: FlowRequest) => FlowMet;
  /** Requests of a flow each second, where it is not `perS`. */
  readonly rateOf?: (flow: PlayedFlow, at: number) => number;
  readonly seconds?: number;
  readonly seed?: number;
  /** Each request goes to an endpoint by chance; by default it does. */
  readonly sendsByChance?: boolean;
  /** As main does: a second is judged when the first batch of the next one is counted. */
  readonly isJudgedLate?: true;
}

interface FlowsPlayed {
  /** After the first second of the outage; null: never. */
  readonly openedAfterS: number | null;
  /** As it was when it opened, and ten seconds later. */
  readonly atFirst: LiveIncident | null;
  readonly later: LiveIncident | null;
}

interface Ended {
  readonly flow: PlayedFlow;
  readonly request: FlowRequest;
  readonly met: FlowMet;
  readonly ms: number;
  /** Until its head. */
  readonly headMs: number;
  /** Of the client; it is known when its request has ended. */
  isNewcomer: boolean;
}

/** So long all is as usual. */
const beginS = 75;
const laterS = 10;
const json = contentKindOfText('application/json');
const endpoints = [0, 1].map((index) => ({
  ...{ id: endpointOf(index), name: null, state: 'healthy', reason: 'checked', checkCause: null, advice: null },
}));

/** Plays requests of several kinds to two endpoints of one upstream, in simulated time. */
export function playFlows({
  flows,
  meets,
  rateOf,
  seconds = 115,
  seed = 1,
  sendsByChance = true,
  isJudgedLate,
}: FlowPlay): FlowsPlayed {
  const random = new SeededRandom(seed);
  const tracker = new IncidentTracker(0);
  const known = new Set<string>();
  const left: (Ended & { readonly until: number })[] = [];
  let openedAt: number | null = null;
  let atFirst: LiveIncident | null = null;
  for (let second = 1; second <= beginS + seconds; second++) {
    const ended: Ended[] = [];
    const at = second - beginS - 1;
    for (const flow of flows)
      for (let count = poisson(rateOf?.(flow, at) ?? flow.perS, random); count > 0; count--) {
        const client = (flow.firstClient ?? 0) + random.integer(flow.clients ?? 40);
        const request = { flow: flow.name, endpoint: random.integer(2), at, client, drawn: random.next() };
        const met = meets(request);
        const usualMs = (flow.medianMs ?? 12) * Math.exp((flow.sigma ?? 0.35) * normal(random));
        const headMs = usualMs * (met.times ?? 1) + (met.moreMs ?? 0);
        const afterMs = met.leftAfterMs ?? met.cutAfterMs ?? headMs + (met.bodyMs ?? 0);
        const one = { flow, request, met, ms: afterMs, headMs, isNewcomer: false };
        if (afterMs < 1000) ended.push(one);
        else left.push({ ...one, until: second + Math.floor(afterMs / 1000) });
      }
    for (let index = left.length - 1; index >= 0; index--)
      if ((left[index] as (typeof left)[number]).until <= second) ended.push(...left.splice(index, 1));
    for (const one of ended) one.isNewcomer = isNewcomer(one, known);
    const whole = ended.filter(({ met }) => met.leftAfterMs === undefined && met.cutAfterMs === undefined);
    tracker.note(
      {
        ...{ exchanges: exchangesOf(ended), outcomes: outcomesOf(whole) },
        ...{ routes: trafficOf(whole), staleReusesFailed: 0 },
      },
      second * 1000 + (isJudgedLate ? 0 : 999),
    );
    const watched = () => ({ application: 'shop', endpoints, ...(sendsByChance ? { sendsByChance } : {}) });
    const changes = tracker.judge((isJudgedLate ? second : second + 1) * 1000, watched);
    const opened = changes.find(({ kind }) => kind === 'opened');
    if (opened !== undefined && openedAt === null) [openedAt, atFirst] = [second, opened.incident];
    if (openedAt !== null && second === openedAt + laterS)
      return { openedAfterS: openedAt - beginS, atFirst, later: tracker.list((second + 1) * 1000)[0] ?? null };
  }
  return { openedAfterS: openedAt === null ? null : openedAt - beginS, atFirst, later: null };
}

function endpointOf(index: number): string {
  return `shop/127.0.0.1:${3001 + index}`;
}

const addressOf = (client: number): string => `192.0.${client >> 8}.${client & 255}`;
const hashOf = (client: number): number => clientHash(addressOf(client));
const routeOf = ({ flow, met }: Ended): string => met.route ?? flow.route;

function keyOf({ flow: { method = 'GET' }, request: { client }, met }: Ended): number {
  return met.answer ?? answerKey(200, method, json, client % 2 === 0 ? 3000 : 4000, false);
}

const laneOf = (one: Ended): 0 | 1 => (keyOf(one) < unsafeKey ? 0 : 1);

function isNewcomer(one: Ended, known: Set<string>): boolean {
  const client = `${routeOf(one)} ${laneOf(one)} ${one.request.client}`;
  if (known.has(client)) return false;
  if (Math.floor((keyOf(one) % unsafeKey) / sizeCells) <= redirectForm) known.add(client);
  return true;
}

function trafficOf(ended: readonly Ended[]): readonly RouteTraffic[] {
  return [...Map.groupBy(ended, (one) => `${routeOf(one)} ${one.request.endpoint}`).values()].map((own) => {
    const [first] = own as [Ended];
    const well = own.filter(({ met }) => met.isFailed !== true);
    const slow = own.filter(({ headMs }) => headMs > slowMs).toSorted((a, b) => b.headMs - a.headMs);
    return {
      ...{ route: routeOf(first), upstream: 'shop', endpoint: endpointOf(first.request.endpoint) },
      ...{ answered: own.length, serverErrors: own.length - well.length },
      ...{ latencies: latenciesOf(own), answers: answersOf(well), patterns: patternsOf(well) },
      ...{ slow: slow.slice(0, 8).map(attemptOf), failed: [], awaited: [] },
    };
  });
}

function patternsOf(well: readonly Ended[]): readonly PatternAnswers[] {
  return [...Map.groupBy(well, ({ flow, met }) => met.path ?? flow.path ?? `/${flow.name}`)].map(([pattern, own]) => ({
    ...{ pattern, answers: answersOf(own), latencies: latenciesOf(own), ...newcomersOf(own) },
    slow: own
      .filter(({ headMs }) => headMs > slowMs)
      .slice(0, 4)
      .map(attemptOf),
  }));
}

/** As workers do: those of clients that had no good answer on the route before. */
function newcomersOf(own: readonly Ended[]): Pick<PatternAnswers, 'newcomers'> {
  const newcomers = [0, 0, 0, 0];
  for (const one of own) {
    if (!one.isNewcomer) continue;
    const form = Math.floor((keyOf(one) % unsafeKey) / sizeCells);
    const cells = newcomerCells[form <= redirectForm ? 'good' : 'refused'];
    if (form <= redirectForm || refusedForms.has(form)) (newcomers[cells[laneOf(one)]] as number) += 1;
  }
  return newcomers.some((count) => count > 0) ? { newcomers } : {};
}

const attemptOf = ({ request: { client }, headMs: ms }: Ended) => ({ client: hashOf(client), ms });
const latenciesOf = (own: readonly Ended[]): number[] => own.flatMap(({ headMs }) => [latencyCellOf(headMs), 1]);
const answersOf = (own: readonly Ended[]): number[] =>
  own.flatMap((one) => [keyOf(one), 1, 1 << (hashOf(one.request.client) & 31)]);

function exchangesOf(ended: readonly Ended[]): readonly ExchangeCount[] {
  const kindOf = ({ met }: Ended): string =>
    met.isFailed === true
      ? 'failed'
      : met.leftAfterMs !== undefined
        ? 'left'
        : met.cutAfterMs === undefined
          ? ''
          : 'cut';
  return [...Map.groupBy(ended, (one) => `${routeOf(one)} ${kindOf(one)}`).values()].map((own) => {
    const [first] = own as [Ended];
    const kind = kindOf(first);
    const counted = sampleCount({ upstream: 'shop', route: routeOf(first), count: own.length, ...shapes[kind] });
    counted.durations.fill(0);
    for (const { ms } of own) (counted.durations[bucketOf(ms)] as number) += 1;
    counted.durationMsMax = Math.max(...own.map(({ ms }) => ms));
    counted.bytesOut = own.reduce((sum, { met: { bytes = 4000 } }) => sum + bytes, 0);
    counted.durationMsSum = own.reduce((sum, { ms }) => sum + ms, 0);
    const clients = Map.groupBy(own, ({ request }) => addressOf(request.client));
    if (kind === '') counted.client = addressOf((own.at(-1) as Ended).request.client);
    else counted.clients = [...clients].map(([client, all]) => ({ client, count: all.length }));
    return counted;
  });
}

const shapes: Readonly<Record<string, Partial<ExchangeCount>>> = {
  failed: { statusClass: '5xx', shape: 'app_error', whose: 'application' },
  left: { statusClass: 'none', shape: 'client_abort', end: 'abandoned', whose: 'client' },
  cut: { statusClass: '2xx', shape: 'client_abort', end: 'abandoned', whose: 'client' },
};

function outcomesOf(ended: readonly Ended[]): readonly EndpointOutcomes[] {
  return [...Map.groupBy(ended, ({ request }) => request.endpoint)].map(([endpoint, own]) => ({
    ...{ upstream: 'shop', endpoint: endpointOf(endpoint), state: 'healthy', causes: [], failures: 0, restMs: 0 },
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
