import type { Cause } from '#failures/failure.ts';
import { answerKey, contentKindOfText } from '../../src/core/content-kind.ts';
import { addClient, type ExchangeCount } from '../../src/core/counters.ts';
import { latencyCellOf, latencyCells } from '../../src/core/latency-cells.ts';
import type { EndpointOutcomes } from '../../src/core/outcome.ts';
import { type AttemptOfClient, filledCells, type RouteTraffic, slowMs } from '../../src/core/route-traffic.ts';
import { bucketOf } from '../../src/record/counters.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';

/** As many as workers report of each pair and batch (`worker/route-traffic-counts.ts`). */
const clientsMax = 8;

const json = contentKindOfText('application/json');

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
const shareOfPatterns = [0.7, 0.9, 0.98, 1];

interface Pattern {
  readonly answers: Map<number, [count: number, clients: number]>;
  readonly cells: number[];
  readonly slow: AttemptOfClient[];
}

/** One route at one endpoint. */
class Pair {
  readonly route: string;
  readonly upstream: string;
  readonly endpoint: string;
  answered = 0;
  serverErrors = 0;
  readonly cells = new Array<number>(latencyCells).fill(0);
  readonly failed: AttemptOfClient[] = [];
  readonly slow: AttemptOfClient[] = [];
  awaited: AttemptOfClient[] = [];
  readonly answers = new Map<number, [count: number, clients: number]>();
  readonly #patterns = new Map<number, Pattern>();
  #turn = 0;

  constructor(route: string, upstream: string, endpoint: string) {
    this.route = route;
    this.upstream = upstream;
    this.endpoint = endpoint;
  }

  /** Half of the content is JSON of one size, the other half a third more. */
  addAnswer(isDeclined: boolean, ms: number, client: number): void {
    const bytes = client % 2 === 0 ? 3000 : 4000;
    const key = answerKey(isDeclined ? 404 : 200, 'GET', json, bytes, false);
    const pattern = this.#patternNow();
    for (const answers of [this.answers, pattern.answers]) {
      const [count, clients] = answers.get(key) ?? [0, 0];
      answers.set(key, [count + 1, clients | (1 << (client & 31))]);
    }
    const cell = latencyCellOf(ms);
    pattern.cells[cell] = (pattern.cells[cell] as number) + 1;
    if (ms > slowMs && pattern.slow.length < clientsMax / 2) pattern.slow.push({ client, ms });
  }

  /** Their order is the same each time: the fractions of multiples of the golden ratio. */
  #patternNow(): Pattern {
    const drawn = (this.#turn++ * 0.618034) % 1;
    const number = shareOfPatterns.findIndex((share) => drawn < share);
    let pattern = this.#patterns.get(number);
    if (pattern === undefined)
      this.#patterns.set(
        number,
        (pattern = { answers: new Map(), cells: new Array<number>(latencyCells).fill(0), slow: [] }),
      );
    return pattern;
  }

  take(): RouteTraffic {
    const { route, upstream, endpoint, answered, serverErrors, awaited } = this;
    const taken = {
      ...{ route, upstream, endpoint, answered, serverErrors, awaited, latencies: filledCells(this.cells) },
      ...{ failed: this.failed.slice(), slow: this.slow.slice() },
      answers: answersOf(this.answers),
      patterns: [...this.#patterns].map(([number, one]) => ({
        ...{
          pattern: `/${number}`,
          answers: answersOf(one.answers),
          latencies: filledCells(one.cells),
          slow: one.slow,
        },
      })),
    };
    this.#patterns.clear();
    this.answers.clear();
    this.answered = this.serverErrors = this.failed.length = this.slow.length = 0;
    this.cells.fill(0);
    this.awaited = [];
    return taken;
  }
}

const addressOf = (client: number): string => `10.0.${client >> 8}.${client & 255}`;

const answersOf = (answers: Pattern['answers']): readonly number[] =>
  [...answers].flatMap(([key, [count, clients]]) => [key, count, clients]);

/** What workers count in a second of the simulated days. */
export class DayTraffic {
  readonly #pairs = new Map<string, Pair>();
  readonly #touched = new Set<Pair>();
  readonly #exchanges = new Map<string, ExchangeCount>();
  readonly #outcomes = new Map<string, EndpointOutcomes>();
  #awaited: Awaited[] = [];
  requests = 0;

  pairOf(route: string, upstream: string, endpoint: number): Pair {
    const key = `${route} ${endpoint}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) this.#pairs.set(key, (pair = new Pair(route, upstream, `${upstream}/${endpoint + 1}`)));
    return pair;
  }

  /** A request that began at `from`, in seconds; its response begins, or its client leaves, after `ms`. */
  add(pair: Pair, kind: Kind, from: number, ms: number, client: number): void {
    if (ms > 1000) this.#awaited.push({ pair, from, ms, kind, client });
    else this.#end(pair, kind, ms, client);
  }

  /** The client left after the response had begun. */
  addAborted(pair: Pair, headMs: number, ms: number, client: number): void {
    this.#head(pair, headMs, client, false);
    const count = this.#exchange(pair.upstream, pair.route, 'aborted', ms);
    addClient((count.clients ??= []), addressOf(client));
  }

  addStreams(route: string, upstream: string, count: number): void {
    for (let one = 0; one < count; one++) this.#exchange(upstream, route, 'stream', 50_000);
  }

  /** An attempt failed, and another one answered. */
  addHidden(pair: Pair): void {
    this.#cause(this.#outcomesOf(pair), 'reset_before_response');
  }

  #end(pair: Pair, kind: Kind, ms: number, client: number): void {
    const count = this.#exchange(pair.upstream, pair.route, kind, ms);
    if (kind === 'abandoned') return void addClient((count.clients ??= []), addressOf(client));
    if (kind === 'answered') count.client = addressOf(client);
    if (kind === 'reset_before_response' || kind === 'response_head_timeout') this.#cause(this.#outcomesOf(pair), kind);
    else this.#head(pair, ms, client, kind === 'failed');
    if (kind === 'answered' || kind === 'declined') pair.addAnswer(kind === 'declined', ms, client);
  }

  #cause(outcomes: EndpointOutcomes, cause: Cause): void {
    outcomes.failures += 1;
    outcomes.causes.push({ cause, count: 1 });
  }

  #head(pair: Pair, ms: number, client: number, isFailed: boolean): void {
    this.#touched.add(pair);
    pair.answered += 1;
    const cell = latencyCellOf(ms);
    pair.cells[cell] = (pair.cells[cell] as number) + 1;
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
    if (!isFailed) return;
    outcomes.serverErrors += 1;
    pair.serverErrors += 1;
    if (pair.failed.length < clientsMax) pair.failed.push({ client, ms });
  }

  #exchange(upstream: string, route: string, kind: Kind, ms: number): ExchangeCount {
    this.requests += 1;
    const key = `${route} ${kind}`;
    let count = this.#exchanges.get(key);
    if (count === undefined) this.#exchanges.set(key, (count = sampleCount({ upstream, route, ...labels[kind] })));
    count.count += 1;
    count.durationMsMax = Math.max(count.durationMsMax === Infinity ? 0 : count.durationMsMax, ms);
    const bucket = bucketOf(ms);
    count.durations[bucket] = (count.durations[bucket] as number) + 1;
    return count;
  }

  #outcomesOf({ upstream, endpoint }: Pair): EndpointOutcomes {
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
    return [...pairs].map(([{ route, upstream, endpoint }, awaited]) => ({
      ...{ route, upstream, endpoint, awaited, answered: 0, serverErrors: 0, latencies: [], failed: [], slow: [] },
    }));
  }

  /** Responses that are awaited until news come, which are now. */
  answerAll(route: string, share: number, drawn: () => number): void {
    this.#awaited = this.#awaited.filter(({ pair, from, client, kind }) => {
      if (pair.route !== route || drawn() >= share) return true;
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
    const counted = {
      exchanges: [...this.#exchanges.values()],
      outcomes: [...this.#outcomes.values()],
      routes: [...this.#touched].map((pair) => pair.take()),
    };
    this.#exchanges.clear();
    this.#outcomes.clear();
    this.#touched.clear();
    return counted;
  }
}
