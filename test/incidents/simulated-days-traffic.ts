import type { Cause } from '#failures/failure.ts';
import { answerKey, contentKindOfText } from '../../src/core/content-kind.ts';
import { addClient, type ExchangeCount } from '../../src/core/counters.ts';
import { latencyCellOf } from '../../src/core/latency-cells.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import {
  answerParts,
  type AttemptOfClient,
  type PatternAnswers,
  type RouteTraffic,
  slowMs,
} from '../../src/core/route-traffic.ts';
import { bucketOf } from '../../src/record/counters.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';

/** As many as workers report of each pair and batch (`worker/route-traffic-counts.ts`). */
const clientsMax = 8;

const json = contentKindOfText('application/json');
const keyOf = (status: number, bytes: number): number => answerKey(status, 'GET', json, bytes, false);
/** Half of the content is JSON of one size, the other half a third more. */
const keys = { declined: keyOf(404, 3000), even: keyOf(200, 3000), odd: keyOf(200, 4000) };

type Kind =
  | 'answered'
  | 'aborted'
  | 'declined'
  | 'failed'
  | 'abandoned'
  | 'stream'
  | 'reset_before_response'
  | 'response_head_timeout';

const labels: Readonly<Record<Kind, Partial<ExchangeCount>>> = {
  answered: {},
  declined: { statusClass: '4xx' },
  failed: { statusClass: '5xx', shape: 'app_error', whose: 'application' },
  abandoned: { statusClass: 'none', shape: 'client_abort', cause: 'client_gone', whose: 'client', end: 'abandoned' },
  aborted: { shape: 'client_abort', cause: 'client_gone', whose: 'client', end: 'abandoned' },
  stream: { isLongLived: true },
  reset_before_response: {
    ...{ statusClass: '5xx', shape: 'reset', cause: 'reset_before_response', whose: 'application', end: 'generated' },
  },
  response_head_timeout: {
    ...{
      statusClass: '5xx',
      shape: 'too_slow',
      cause: 'response_head_timeout',
      whose: 'application',
      end: 'generated',
    },
  },
};

/** A request whose response takes longer than a second: it is counted when it ends, and reported while it is awaited. */
interface Awaited {
  readonly pair: Pair;
  readonly from: number;
  readonly ms: number;
  readonly kind: Kind;
  /** When the client leaves, if it does before the response begins. */
  readonly client: number;
}

/** Of the requests of a route, so many are for each of four kinds of paths. */
const shareOfPatterns = [0.7, 0.9, 0.98, 1] as const;

/** What the paths of one kind answered in a second. */
class Pattern {
  readonly pattern: string;
  answers: number[] = [];
  latencies: number[] = [];
  slow: AttemptOfClient[] = [];

  constructor(number: number) {
    this.pattern = `/${number}`;
  }

  take(): PatternAnswers {
    const { pattern, answers, latencies, slow } = this;
    this.answers = [];
    this.latencies = [];
    if (slow.length > 0) this.slow = [];
    return { pattern, answers, latencies, slow };
  }
}

/** Exchanges of one route in a second, by what became of them. */
class Route {
  readonly name: string;
  readonly upstream: string;
  readonly exchanges = new Map<Kind, ExchangeCount>();

  constructor(name: string, upstream: string) {
    this.name = name;
    this.upstream = upstream;
  }
}

/** One route at one endpoint. */
class Pair {
  readonly route: Route;
  readonly endpoint: string;
  answered = 0;
  serverErrors = 0;
  latencies: number[] = [];
  failed: AttemptOfClient[] = [];
  slow: AttemptOfClient[] = [];
  answers: number[] = [];
  readonly #patterns = shareOfPatterns.map((_, number) => new Pattern(number));
  /** In the order in which they came. */
  #used: Pattern[] = [];
  #turn = 0;

  constructor(route: Route, endpoint: string) {
    this.route = route;
    this.endpoint = endpoint;
  }

  addAnswer(isDeclined: boolean, ms: number, cell: number, client: number): void {
    const key = isDeclined ? keys.declined : client % 2 === 0 ? keys.even : keys.odd;
    const pattern = this.#patternNow();
    if (pattern.answers.length === 0) this.#used.push(pattern);
    addKey(this.answers, key, client);
    addKey(pattern.answers, key, client);
    addCell(pattern.latencies, cell);
    if (ms > slowMs && pattern.slow.length < clientsMax / 2) pattern.slow.push({ client, ms });
  }

  /** Their order is the same each time: the fractions of multiples of the golden ratio. */
  #patternNow(): Pattern {
    const drawn = (this.#turn++ * 0.618034) % 1;
    let number = 0;
    while (drawn >= (shareOfPatterns[number] as number)) number += 1;
    return this.#patterns[number] as Pattern;
  }

  take(): RouteTraffic {
    const { endpoint, answered, serverErrors, latencies, failed, slow, answers } = this;
    const { name: route, upstream } = this.route;
    const patterns = this.#used.map((one) => one.take());
    this.#used = [];
    this.answered = this.serverErrors = 0;
    this.latencies = [];
    this.answers = [];
    if (failed.length > 0) this.failed = [];
    if (slow.length > 0) this.slow = [];
    return {
      route,
      upstream,
      endpoint,
      answered,
      serverErrors,
      awaited: none,
      latencies,
      failed,
      slow,
      answers,
      patterns,
    };
  }
}

const none: readonly AttemptOfClient[] = [];

/** Counts an answer of a client in a list as `RouteTraffic.answers`. */
function addKey(answers: number[], key: number, client: number): void {
  let at = 0;
  while (at < answers.length && answers[at] !== key) at += answerParts;
  if (at === answers.length) answers.push(key, 0, 0);
  (answers[at + 1] as number) += 1;
  (answers[at + 2] as number) |= 1 << (client & 31);
}

/** The same of `RouteTraffic.latencies`, which has the smallest cell first. */
function addCell(filled: number[], cell: number): void {
  let at = 0;
  while (at < filled.length && (filled[at] as number) < cell) at += 2;
  if (filled[at] !== cell) {
    filled.push(0, 0);
    filled.copyWithin(at + 2, at, filled.length - 2);
    filled[at] = cell;
    filled[at + 1] = 0;
  }
  (filled[at + 1] as number) += 1;
}

const addresses = new Map<number, string>();

/** Of the same client it is the same string, which costs those that look it up nothing. */
function addressOf(client: number): string {
  let address = addresses.get(client);
  if (address === undefined) addresses.set(client, (address = `10.0.${client >> 8}.${client & 255}`));
  return address;
}

/** What workers count in a second of the simulated days. */
export class DayTraffic {
  readonly #pairs = new Map<string, (Pair | undefined)[]>();
  readonly #routes = new Map<string, Route>();
  /** How many instances a place has had, beyond the first. */
  readonly #instances = new Map<string, number>();
  #touched: Pair[] = [];
  #exchanges: ExchangeCount[] = [];
  readonly #outcomes = new Map<string, EndpointOutcomes>();
  #awaited: Awaited[] = [];
  requests = 0;

  pairOf(route: string, upstream: string, endpoint: number): Pair {
    let pairs = this.#pairs.get(route);
    if (pairs === undefined) this.#pairs.set(route, (pairs = []));
    return (pairs[endpoint] ??= new Pair(this.#routeOf(route, upstream), this.nameOf(upstream, endpoint)));
  }

  nameOf(upstream: string, endpoint: number): string {
    const place = `${upstream}/${endpoint + 1}`;
    const instance = this.#instances.get(place) ?? 0;
    return instance === 0 ? place : `${place}:${instance}`;
  }

  /** Another instance answers in its place. */
  replace(upstream: string, endpoint: number): void {
    const place = `${upstream}/${endpoint + 1}`;
    this.#instances.set(place, (this.#instances.get(place) ?? 0) + 1);
    for (const [route, pairs] of this.#pairs)
      if (this.#routes.get(route)?.upstream === upstream) pairs[endpoint] = undefined;
  }

  #routeOf(name: string, upstream: string): Route {
    let route = this.#routes.get(name);
    if (route === undefined) this.#routes.set(name, (route = new Route(name, upstream)));
    return route;
  }

  /** A request that began at `from`, in seconds; its response begins, or its client leaves, after `ms`. */
  add(pair: Pair, kind: Kind, from: number, ms: number, client: number): void {
    if (ms > 1000) this.#awaited.push({ pair, from, ms, kind, client });
    else this.#end(pair, kind, ms, client);
  }

  /** The client left after the response had begun. */
  addAborted(pair: Pair, headMs: number, ms: number, client: number): void {
    this.#head(pair, headMs, client, false);
    const count = this.#exchange(pair.route, 'aborted', ms);
    addClient((count.clients ??= []), addressOf(client));
  }

  addStreams(route: string, upstream: string, count: number): void {
    for (let one = 0; one < count; one++) this.#exchange(this.#routeOf(route, upstream), 'stream', 50_000);
  }

  /** An attempt failed, and another one answered. */
  addHidden(pair: Pair): void {
    this.#cause(this.#outcomesOf(pair), 'reset_before_response');
  }

  #end(pair: Pair, kind: Kind, ms: number, client: number): void {
    const count = this.#exchange(pair.route, kind, ms);
    if (kind === 'abandoned') return void addClient((count.clients ??= []), addressOf(client));
    if (kind === 'answered') count.client = addressOf(client);
    if (kind === 'reset_before_response' || kind === 'response_head_timeout') this.#cause(this.#outcomesOf(pair), kind);
    else {
      const cell = this.#head(pair, ms, client, kind === 'failed');
      if (kind !== 'failed') pair.addAnswer(kind === 'declined', ms, cell, client);
    }
  }

  #cause(outcomes: EndpointOutcomes, cause: Cause): void {
    outcomes.failures += 1;
    outcomes.causes.push({ cause, count: 1 });
  }

  /** Returns the cell of the time that it took. */
  #head(pair: Pair, ms: number, client: number, isFailed: boolean): number {
    if (pair.answered === 0) this.#touched.push(pair);
    pair.answered += 1;
    const cell = latencyCellOf(ms);
    addCell(pair.latencies, cell);
    if (ms > slowMs) {
      if (pair.slow.length < clientsMax) pair.slow.push({ client, ms });
      else {
        const least = pair.slow.reduce(
          (low, one, at) => (one.ms < (pair.slow[low] as AttemptOfClient).ms ? at : low),
          0,
        );
        if ((pair.slow[least] as AttemptOfClient).ms < ms) pair.slow[least] = { client, ms };
      }
    }
    const outcomes = this.#outcomesOf(pair);
    outcomes.successes += 1;
    outcomes.latencyMs += ms;
    if (!isFailed) return cell;
    outcomes.serverErrors += 1;
    pair.serverErrors += 1;
    if (pair.failed.length < clientsMax) pair.failed.push({ client, ms });
    return cell;
  }

  #exchange({ name, upstream, exchanges }: Route, kind: Kind, ms: number): ExchangeCount {
    this.requests += 1;
    let count = exchanges.get(kind);
    if (count === undefined) {
      exchanges.set(
        kind,
        (count = sampleCount({ upstream, route: name, durationMsMin: Infinity, durationMsMax: 0, ...labels[kind] })),
      );
      this.#exchanges.push(count);
    }
    count.count += 1;
    count.durationMsSum += ms;
    count.durationMsMin = Math.min(count.durationMsMin, ms);
    count.durationMsMax = Math.max(count.durationMsMax, ms);
    const bucket = bucketOf(ms);
    count.durations[bucket] = (count.durations[bucket] as number) + 1;
    return count;
  }

  #outcomesOf({ route: { upstream }, endpoint }: Pair): EndpointOutcomes {
    let outcomes = this.#outcomes.get(endpoint);
    if (outcomes !== undefined) return outcomes;
    outcomes = {
      ...{ upstream, endpoint, state: 'healthy', successes: 0, serverErrors: 0, rateLimited: 0, restMs: 0 },
      ...{ failures: 0, consecutiveFailures: 0, consecutiveUnreachable: 0, latencyMs: 0, causes: [] },
    };
    this.#outcomes.set(endpoint, outcomes);
    return outcomes;
  }

  /** What is awaited at a moment, by pair. Workers report it four times a second. */
  awaitedAt(seconds: number): readonly RouteTraffic[] {
    if (this.#awaited.length === 0) return [];
    const pairs = new Map<Pair, AttemptOfClient[]>();
    for (const { pair, from, ms, client, kind } of this.#awaited) {
      const age = (seconds - from) * 1000;
      if (age < slowMs || age >= ms || kind === 'stream') continue;
      const known = pairs.get(pair);
      if (known === undefined) pairs.set(pair, [{ client, ms: age }]);
      else known.push({ client, ms: age });
    }
    return [...pairs].map(([{ route, endpoint }, awaited]) => ({
      ...{ route: route.name, upstream: route.upstream, endpoint, awaited },
      ...{ answered: 0, serverErrors: 0, latencies: [], failed: [], slow: [] },
    }));
  }

  /** Responses that are awaited until news come, which are now. */
  answerAll(route: string, share: number, drawn: () => number): void {
    this.#awaited = this.#awaited.filter(({ pair, from, client, kind }) => {
      if (pair.route.name !== route || drawn() >= share) return true;
      this.#end(pair, kind, Math.max(1, (this.#now - from) * 1000), client);
      return false;
    });
  }

  #now = 0;

  /** Ends the second: `now` is the next one. */
  take(now: number): {
    readonly exchanges: readonly ExchangeCount[];
    readonly outcomes: readonly EndpointOutcomes[];
    readonly routes: readonly RouteTraffic[];
  } {
    this.#now = now;
    if (this.#awaited.length > 0)
      this.#awaited = this.#awaited.filter(({ pair, from, ms, kind, client }) => {
        if (from + ms / 1000 > now) return true;
        this.#end(pair, kind, ms, client);
        return false;
      });
    const exchanges = this.#exchanges;
    const outcomes = [...this.#outcomes.values()];
    const routes = this.#touched.map((pair) => pair.take());
    for (const route of this.#routes.values()) route.exchanges.clear();
    this.#exchanges = [];
    this.#outcomes.clear();
    this.#touched = [];
    return { exchanges, outcomes, routes };
  }
}
