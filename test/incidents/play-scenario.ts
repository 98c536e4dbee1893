import type { ExchangeCount } from '../../src/core/counters.ts';
import type { Event } from '../../src/core/event.ts';
import type { EndKind } from '../../src/core/exchange.ts';
import type { Cause } from '#failures/failure.ts';
import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import type { Shape, Whose } from '#failures/shape.ts';
import { ScenarioParties } from './scenario-parties.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import type { IncidentChange } from '../../src/incidents/incident-change.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import type { DirectLook, WatchedUpstream } from '../../src/incidents/watched-upstream.ts';
import type { LiveIncident, SuspectKind } from '../../src/core/live-incident.ts';
import { bucketOf } from '../../src/record/counters.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';
import type { CountedFailure as AnyFailure } from '../../src/incidents/upstream-failures.ts';

/** What happens to a gateway, second by second. Times are seconds since its start. */
export interface PlayedScenario {
  readonly seconds: number;
  /** By id; the first one is meant where a step names none. */
  readonly upstreams: Readonly<Record<string, ScenarioUpstream>>;
  readonly steps: readonly ScenarioStep[];
  /** What the gateway meets when it looks at the endpoint of an incident that has opened; absent: it does not look. */
  readonly look?: DirectLook;
}

/** With what should be said of it. */
export interface IncidentScenario extends PlayedScenario {
  readonly name: string;
  /** The cause that should be named first; null: there is no incident. */
  readonly expect: SuspectKind | null;
}

export interface ScenarioUpstream {
  /** Its endpoints are called ID/1, ID/2, … */
  readonly endpoints: number;
  /** Of two endpoints, the share of requests that the first one gets; absent: all get as many. */
  readonly firstShare?: number;
  /** Requests each second. */
  readonly rate: number;
  /** Half of the successful responses take less than this. */
  readonly medianMs: number;
  /** 99 of 100 take less than this. */
  readonly p99Ms: number;
  /** The application that the gateway runs there; its instances are APPLICATION/1, … */
  readonly application?: string;
  /** What stands out at its processes; absent: nothing. */
  readonly processes?: WatchedUpstream['processes'];
  /** The name in DNS that the endpoints come from. */
  readonly dnsName?: string;
  readonly routes?: readonly string[];
}

export type ScenarioStep =
  | {
      /** Requests fail. */
      readonly from: number;
      readonly to: number;
      readonly fail: CountedFailure;
      /** Of the requests that reach these endpoints; 1: all. */
      readonly share: number;
      /** Numbers of endpoints; absent: all. */
      readonly endpoints?: readonly number[];
      readonly upstream?: string;
      readonly routes?: readonly string[];
      /** The share of them that another attempt answers, so that the client sees nothing of it. */
      readonly retried?: number;
      /** How long a failed request takes; absent: no time. */
      readonly tookMs?: number;
      /** The connection was reused, and the endpoint was closing it. */
      readonly stale?: boolean;
    }
  | {
      readonly from: number;
      readonly to: number;
      readonly rate: number;
      /** Of these requests, those that are retries of clients after a failure; absent: none. */
      readonly clientRetries?: number;
      readonly upstream?: string;
    }
  | {
      readonly from: number;
      readonly to: number;
      readonly medianMs: number;
      readonly p99Ms: number;
      readonly upstream?: string;
    }
  | {
      /** An endpoint is in another state than healthy. */
      readonly from: number;
      readonly to: number;
      readonly state: string;
      readonly reason: string;
      /** What the check failed with; absent: the response was not the expected one. */
      readonly checkCause?: Cause;
      readonly endpoints?: readonly number[];
      readonly upstream?: string;
    }
  | {
      /** The health document says that something does not work. */
      readonly from: number;
      readonly to: number;
      readonly advice: string;
      readonly endpoints?: readonly number[];
      readonly upstream?: string;
    }
  | {
      /** An event of the gateway; keys that are absent are filled in. */
      readonly at: number;
      readonly event: ScenarioEvent;
    };

type ScenarioEvent = Pick<Event, 'kind' | 'subject'> &
  Partial<Pick<Event, 'from' | 'to' | 'reason' | 'actor' | 'revision'>> & { readonly evidence?: object };

export interface ScenarioResult {
  readonly changes: readonly (IncidentChange & { readonly second: number })[];
  readonly incidents: readonly LiveIncident[];
  /** When the third request failed, besides those that always fail; null without so many. */
  readonly onset: number | null;
  /** Every failure besides those that always come, in their order. */
  readonly failed: readonly FailedRequest[];
}

interface FailedRequest {
  /** Seconds since the start. */
  readonly at: number;
  readonly upstream: string;
  readonly shape: Shape;
}

const ticksPerSecond = 4;

/** Plays a scenario, with requests at random moments. */
export function playScenario(scenario: PlayedScenario, seed: number): ScenarioResult {
  const random = new SeededRandom(seed);
  const wall = 1_795_000_000_000;
  const tracker = new IncidentTracker(wall);
  const parties = new ScenarioParties();
  const changes: (IncidentChange & { second: number })[] = [];
  const failed: FailedRequest[] = [];
  const upstreams = Object.entries(scenario.upstreams).map(([id, upstream]) => ({
    ...{ id, upstream, routes: upstream.routes ?? [`/${id}`], all: allStepsOf(scenario, id) },
    // Written once: a request looks up its endpoint by its id, which a new text would make dear.
    endpoints: Array.from({ length: Math.max(2, upstream.endpoints) + 1 }, (_, number) => `${id}/${number}`),
  }));
  for (let tick = 0; tick < scenario.seconds * ticksPerSecond; tick++) {
    const second = tick / ticksPerSecond;
    const traffic = new Traffic(parties);
    parties.ms = second * 1000;
    for (const played of upstreams) {
      const { id, upstream, all } = played;
      const rated = rateAt(all, second);
      const count = poisson((rated?.rate ?? upstream.rate) / ticksPerSecond, random);
      const steps = stepsOf(all, second, second + 1 / ticksPerSecond);
      traffic.retriedShare = rated?.clientRetries ?? 0;
      for (let each = 0; each < count; each++) {
        const moment = second + random.next() / ticksPerSecond;
        traffic.wallMs = wall + moment * 1000;
        const step = request(steps, played, moment, traffic, random);
        if (step !== null && !isBackground(step, scenario))
          failed.push({ at: moment, upstream: id, shape: shapeOfKind(step.fail) });
      }
    }
    for (const step of scenario.steps) {
      if ('event' in step && step.at >= second && step.at < second + 1 / ticksPerSecond)
        tracker.onEvent(eventOf(step.event, wall + step.at * 1000), step.at * 1000);
    }
    const ms = (second + 1 / ticksPerSecond) * 1000;
    tracker.note(traffic.counted(), ms - 1);
    for (const change of tracker.judge(ms, (upstream) => watchedAt(scenario, upstream, second))) {
      changes.push({ ...change, second: ms / 1000 });
      if (change.kind === 'opened') tracker.onLook(change.incident.id, scenario.look ?? null, null);
    }
  }
  failed.sort((one, other) => one.at - other.at);
  return { changes, incidents: tracker.list(scenario.seconds * 1000), onset: failed[2]?.at ?? null, failed };
}

type RateStep = Extract<ScenarioStep, { readonly rate: unknown }>;

/** The step that sets the rate at a moment. */
function rateAt(steps: readonly TimedStep[], second: number): RateStep | undefined {
  return steps.findLast((step): step is RateStep => 'rate' in step && second < step.to && second >= step.from);
}

/** Failures that were there before and stay. */
function isBackground({ from, to, share }: FailStep, { seconds }: PlayedScenario): boolean {
  return from <= 5 && to >= seconds / 3 && share < 0.01;
}

type FailStep = Extract<ScenarioStep, { readonly fail: unknown }>;

/** Sends one request. Returns the step by which an attempt of it failed; null: none. */
function request(
  steps: readonly TimedStep[],
  { id, upstream, routes, endpoints }: PlayedUpstream,
  moment: number,
  traffic: Traffic,
  random: SeededRandom,
): FailStep | null {
  const route = routes[Math.floor(random.next() * routes.length)] as string;
  const drawn = random.next();
  const { firstShare } = upstream;
  const endpoint = firstShare === undefined ? 1 + Math.floor(drawn * upstream.endpoints) : drawn < firstShare ? 1 : 2;
  const idOf = (number: number): string => endpoints[number] ?? `${id}/${number}`;
  let { medianMs, p99Ms } = upstream;
  for (const step of steps) {
    if (moment < step.from || moment >= step.to) continue;
    if ('medianMs' in step) ({ medianMs, p99Ms } = step);
    if (!('fail' in step) || !concerns(step.endpoints, endpoint)) continue;
    if (step.routes !== undefined && !step.routes.includes(route)) continue;
    if (random.next() >= step.share) continue;
    const isRetried = random.next() < (step.retried ?? 0);
    const reaches = !isWithoutAttempt(step.fail);
    if (reaches) traffic.failed(id, idOf(endpoint), step.fail);
    if (isRetried) {
      traffic.answered(id, idOf((endpoint % upstream.endpoints) + 1), route, durationOf(medianMs, p99Ms, random));
    } else {
      const whose = traffic.parties.whoseOf(step.fail, idOf(endpoint), upstream.application ?? null);
      traffic.unanswered(id, route, step.fail, whose, step.tookMs ?? 1);
      if (step.stale === true) traffic.stale += 1;
    }
    return step;
  }
  traffic.answered(id, idOf(endpoint), route, durationOf(medianMs, p99Ms, random));
  return null;
}

type CountedFailure = Exclude<AnyFailure, 'late_response' | 'changed_response'>;

type TimedStep = Exclude<ScenarioStep, { readonly event: unknown }>;

interface PlayedUpstream {
  readonly id: string;
  readonly upstream: ScenarioUpstream;
  readonly routes: readonly string[];
  /** By their numbers. */
  readonly endpoints: readonly string[];
}

function allStepsOf(scenario: PlayedScenario, id: string): readonly TimedStep[] {
  const first = Object.keys(scenario.upstreams)[0];
  return scenario.steps.filter((step): step is TimedStep => !('event' in step) && (step.upstream ?? first) === id);
}

/** The steps at a moment, or at any between two. */
function stepsOf(steps: readonly TimedStep[], second: number, before = second): readonly TimedStep[] {
  return steps.filter(({ from, to }) => second < to && (second >= from || before > from));
}

const concerns = (endpoints: readonly number[] | undefined, endpoint: number): boolean =>
  endpoints === undefined || endpoints.includes(endpoint);

/** No endpoint was chosen, or none has failed: a client left, or sent what no endpoint gets. */
const isWithoutAttempt = (kind: CountedFailure): boolean =>
  ['refused_by_gateway', 'client_abort'].includes(shapeOfKind(kind));

const shapeOfKind = (kind: CountedFailure): Shape =>
  kind === 'app_error' ? 'app_error' : shapeOfType(specOfCause(kind).type);

/** Of the response that the client gets; 'none': it has left. */
function statusClassOf(kind: CountedFailure): '4xx' | '5xx' | 'none' {
  if (kind === 'app_error') return '5xx';
  const { status } = specOfCause(kind);
  if (typeof status !== 'number') return '4xx';
  return status === 0 ? 'none' : status < 500 ? '4xx' : '5xx';
}

function watchedAt(scenario: PlayedScenario, id: string, second: number): WatchedUpstream {
  const upstream = scenario.upstreams[id];
  if (upstream === undefined) return { application: null, endpoints: [] };
  const steps = stepsOf(allStepsOf(scenario, id), second);
  const endpoints = Array.from({ length: upstream.endpoints }, (_, index) => {
    const own = steps.filter((step) => ('endpoints' in step ? concerns(step.endpoints, index + 1) : true));
    const state = own.findLast((step) => 'state' in step);
    const advice = own.findLast((step) => 'advice' in step);
    return {
      id: `${id}/${index + 1}`,
      name: upstream.dnsName ?? null,
      state: state !== undefined && 'state' in state ? state.state : 'healthy',
      reason: state !== undefined && 'state' in state ? state.reason : 'answered 200',
      checkCause: (state !== undefined && 'state' in state ? state.checkCause : undefined) ?? null,
      advice: advice !== undefined && 'advice' in advice ? advice.advice : null,
    };
  });
  return { application: upstream.application ?? null, endpoints, processes: upstream.processes ?? [] };
}

function eventOf(event: ScenarioEvent, at: number): Event {
  const filled = {
    epoch: 'scenario',
    seq: 1,
    at,
    member: 'one',
    worker: null,
    revision: 2,
    from: null,
    to: null,
    reason: 'It happened.',
    evidence: {},
    actor: 'gateway',
  };
  return { ...filled, ...event } as Event;
}

/** What workers would count. */
class Traffic {
  stale = 0;
  /** Of the requests that follow, so many are retries of clients, spread evenly. */
  retriedShare = 0;
  #retried = 0;
  /** When the next request ends. */
  wallMs = 0;
  readonly parties: ScenarioParties;
  readonly #exchanges = new Map<string, ExchangeCount>();
  /** Those of answered requests, by upstream and route: most requests are answered. */
  readonly #answered = new Map<string, Map<string, ExchangeCount>>();
  readonly #outcomes = new Map<string, EndpointOutcomes>();

  constructor(parties: ScenarioParties) {
    this.parties = parties;
  }

  counted(): { exchanges: ExchangeCount[]; outcomes: EndpointOutcomes[]; staleReusesFailed: number } {
    return {
      exchanges: [...this.#exchanges.values()],
      outcomes: [...this.#outcomes.values()],
      staleReusesFailed: this.stale,
    };
  }

  answered(upstream: string, endpoint: string, route: string, ms: number): void {
    let routes = this.#answered.get(upstream);
    if (routes === undefined) this.#answered.set(upstream, (routes = new Map<string, ExchangeCount>()));
    let count = routes.get(route);
    if (count === undefined) routes.set(route, (count = this.#countOf(upstream, route, 'none', null)));
    this.#add(count, ms);
    this.#outcomesOf(upstream, endpoint).successes += 1;
    this.parties.answered(endpoint);
  }

  unanswered(upstream: string, route: string, kind: CountedFailure, whose: Whose, ms: number): void {
    this.#add(this.#countOf(upstream, route, kind, whose), ms);
  }

  failed(upstream: string, endpoint: string, kind: CountedFailure): void {
    const outcomes = this.#outcomesOf(upstream, endpoint);
    outcomes.firstFailedAt = Math.min(this.wallMs, outcomes.firstFailedAt ?? Infinity);
    if (kind === 'app_error') {
      outcomes.successes += 1;
      outcomes.serverErrors += 1;
      return;
    }
    outcomes.failures += 1;
    const known = outcomes.causes.find(({ cause }) => cause === kind);
    if (known === undefined) outcomes.causes.push({ cause: kind, count: 1 });
    else known.count += 1;
  }

  #countOf(upstream: string, route: string, kind: CountedFailure | 'none', whose: Whose | null): ExchangeCount {
    const key = `${upstream} ${route} ${kind} ${whose}`;
    let count = this.#exchanges.get(key);
    if (count === undefined) {
      count = sampleCount({
        route,
        upstream,
        statusClass: kind === 'none' ? '2xx' : statusClassOf(kind),
        shape: kind === 'none' ? 'none' : shapeOfKind(kind),
        cause: kind === 'none' || kind === 'app_error' ? 'none' : kind,
        whose,
        end: endOf(kind),
      });
      this.#exchanges.set(key, count);
    }
    return count;
  }

  #add(count: ExchangeCount, ms: number): void {
    count.count += 1;
    this.#retried += this.retriedShare;
    if (this.#retried >= 1) {
      this.#retried -= 1;
      count.clientRetries = (count.clientRetries ?? 0) + 1;
    }
    count.firstEndedAt = Math.min(this.wallMs, count.firstEndedAt ?? Infinity);
    (count.durations[bucketOf(ms)] as number) += 1;
  }

  #outcomesOf(upstream: string, endpoint: string): EndpointOutcomes {
    const known = this.#outcomes.get(endpoint);
    if (known !== undefined) return known;
    const outcomes: EndpointOutcomes = {
      upstream,
      endpoint,
      state: 'healthy',
      successes: 0,
      serverErrors: 0,
      rateLimited: 0,
      restMs: 0,
      failures: 0,
      consecutiveFailures: 0,
      consecutiveUnreachable: 0,
      latencyMs: 0,
      causes: [],
    };
    this.#outcomes.set(endpoint, outcomes);
    return outcomes;
  }
}

function endOf(kind: CountedFailure | 'none'): EndKind {
  if (kind === 'none' || kind === 'app_error') return 'forwarded';
  return statusClassOf(kind) === 'none' ? 'abandoned' : 'generated';
}

/** How many of events that come independently, `mean` on average: by Knuth's multiplication. */
function poisson(mean: number, random: SeededRandom): number {
  let count = 0;
  for (let left = mean; left > 0; left -= 100) {
    const limit = Math.exp(-Math.min(left, 100));
    for (let product = random.next(); product > limit; product *= random.next()) count += 1;
  }
  return count;
}

/** Log-normal, by its median and its 99th percentile. */
function durationOf(medianMs: number, p99Ms: number, random: SeededRandom): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return medianMs * Math.exp((normal * Math.log(Math.max(1.01, p99Ms / medianMs))) / 2.326);
}
