import { countedClient, type CountedParty } from '../core/counted-client.ts';
import type { AwaitedResponses } from '../core/awaited-responses.ts';
import {
  acceptedKey,
  answerKey,
  declinedForm,
  deniedForm,
  divertedForm,
  elsewhereCell,
  formOfClientError,
  lostForm,
  madeCell,
  noContentKind,
  optionsAnswerKey,
  refusedForms,
  sizeCells,
  strayForm,
  unknownClientForm,
  surplusForm,
  unaskedForm,
  unclosedForm,
  unreadableForm,
  unsafeKey,
  upgradeKey,
  withdrawnForm,
} from '../core/content-kind.ts';
import { newcomerCells } from '../core/newcomer-cells.ts';
import { isUnclosedJson } from '../core/content-flaw.ts';
import { AnsweredClients } from '../policy/answered-clients.ts';
import { AnsweredTargets } from '../policy/answered-targets.ts';
import { PathPatterns } from './path-patterns.ts';
import { type AttemptFacts, type EndedExchange, upstreamOfAttempt } from '../core/exchange.ts';
import { latencyCellOf, latencyCells } from '../core/latency-cells.ts';
import {
  answerParts,
  type AttemptOfClient,
  clientHash,
  filledCells,
  type PatternAnswers,
  type RouteTraffic,
  slowMs,
} from '../core/route-traffic.ts';
import type { FailureCount } from '../core/failure-count.ts';
import { wasTried } from '../upstream/refusal.ts';
import type { Failure } from '#failures/failure.ts';
import { shapeOf, specOf } from '#failures/failure-texts.ts';
import { isFailedCall } from '../record/exchange-shape.ts';

/** Pairs of route and endpoint; those beyond are not counted, and their endpoints not compared. */
const pairsMax = 1024;

/** Attempts that are reported with their clients, for each pair and batch: of those that failed, that were slow, and that are awaited. */
const clientsMax = 8;
const awaitedMax = 64;
const slowOfPatternMax = 4;

/** Ways to answer that are told apart, for each pair and batch; of those beyond, forms alone: a client that asks for many pages hides nothing else. */
const answersMax = 20;

/** Path patterns of a pair in a batch; those beyond are not compared. */
const patternsMax = 64;

/** Pairs that one batch takes, so that it stays below 64 KiB; the others wait for the next one. */
const takenBytes = 60_000;
/**
 * The most that these take: a pair and a pattern with latencies in every cell but without what follows, a client of a pair (both numbers as doubles, which the
 * compiler decides), and on average a number of an answer.
 */
const [bytesOfPair, bytesOfPattern, bytesOfClient, bytesOfNumber] = [500, 280, 34, 5];

interface Pattern {
  readonly answers: number[];
  /** As in `PatternAnswers`. */
  readonly newcomers: number[];
  readonly latencies: number[];
  readonly slow: AttemptOfClient[];
}

interface Pair extends Pick<RouteTraffic, 'route' | 'upstream' | 'endpoint'> {
  readonly routeHash: number;
  answered: number;
  serverErrors: number;
  failures: number;
  readonly latencies: number[];
  /** As in `RouteTraffic`. */
  readonly answers: number[];
  readonly patterns: Map<string, Pattern>;
  readonly causes: FailureCount[];
  readonly failedClients: number[];
  readonly failed: AttemptOfClient[];
  readonly slow: AttemptOfClient[];
  readonly awaited: AttemptOfClient[];
  /** It has counts that no batch has taken. */
  isTouched: boolean;
  isUrgent: boolean;
}

/**
 * Counts in a worker the attempts of each route at each endpoint. An ordinary attempt costs two looks at a table and some steps in arrays. What was answered
 * counts also where the client has left since: it would choose by the head, which may tell the release, what is counted of which.
 */
export class RouteTrafficCounts {
  readonly #routes = new Map<string, Map<string, Pair>>();
  readonly #targets: AnsweredTargets;
  readonly #clients = new AnsweredClients();
  readonly #patterns = new PathPatterns();
  #touched: Pair[] = [];
  #size = 0;

  constructor(targets = new AnsweredTargets()) {
    this.#targets = targets;
  }

  count(exchange: EndedExchange): void {
    const { attempts, route } = exchange;
    for (let index = 0; index < attempts.length; index++) {
      const attempt = attempts[index] as AttemptFacts;
      const isSwitched = attempt.status === switchingProtocols;
      if (attempt.failure !== null && index === 0) this.#countFirst(exchange, attempt, attempt.failure);
      const isFailed = attempt.failure !== null && !isSwitched && isOfRoute(attempt.failure);
      if (!isFailed && !isAnswered(attempt)) continue;
      const pair = this.#pairOf(route, upstreamOfAttempt(exchange, attempt), attempt.endpoint);
      if (pair === null) continue;
      if (isFailed) countFailure(pair);
      else if (isSwitched) addAnswer(pair.answers, acceptedKey, clientHash(exchange.client.address));
      else this.#countOne(pair, exchange, attempt);
    }
  }

  #countFirst(exchange: EndedExchange, attempt: AttemptFacts, failure: Failure): void {
    if (!wasTried(failure) || !specOf(failure).countsAgainstHealth) return;
    const pair = this.#pairOf(exchange.route, upstreamOfAttempt(exchange, attempt), attempt.endpoint);
    if (pair === null) return;
    const known = pair.causes.find(({ cause }) => cause === failure.cause);
    if (known === undefined) pair.causes.push({ cause: failure.cause, count: 1 });
    else known.count += 1;
    const client = clientHash(exchange.client.address);
    if (pair.failedClients.length < clientsMax && !pair.failedClients.includes(client)) pair.failedClients.push(client);
  }

  #countOne(pair: Pair, exchange: EndedExchange, attempt: AttemptFacts): void {
    const ms = headWaitMs(attempt);
    pair.answered += 1;
    if (attempt.endpointState !== 'healthy' && attempt.endpointState !== 'unchecked') pair.isUrgent = true;
    (pair.latencies[latencyCellOf(ms)] as number) += 1;
    if (attempt.status >= 500 || isFailedCall(exchange, attempt)) {
      pair.serverErrors += 1;
      if (pair.failed.length < clientsMax)
        pair.failed.push({ client: clientHash(countedClient(exchange)), ms: Math.round(ms) });
    }
    if (exchange.endKind !== 'generated') this.#countAnswer(pair, exchange, attempt);
    if (ms > slowMs) noteSlow(pair.slow, exchange, Math.round(ms), clientsMax);
  }

  /** A route answers in few ways. */
  #countAnswer(pair: Pair, exchange: EndedExchange, attempt: AttemptFacts): void {
    const { method, client, target } = exchange;
    const status = refusedCallStatus(exchange, attempt) ?? attempt.status;
    const { contentKind = noContentKind, bytesFromEndpoint = 0, isEncoded = false, redirectCell } = attempt;
    // The end has not come, and with it the size.
    if (attempt.failure !== null && status < 300) return;
    if (method === 'OPTIONS') return this.#countOptions(pair, status, client.address);
    const flawed = flawOf(attempt);
    const plain = answerKey(status, method, contentKind, bytesFromEndpoint, isEncoded, flawed);
    if (plain < 0) return;
    const key = answerKey(status, method, contentKind, bytesFromEndpoint, isEncoded, flawed, redirectCell);
    const by = clientHash(client.address);
    if (attempt.needsHttp1 === true) return addAnswer(pair.answers, upgradeKey + (key % unsafeKey), by);
    const lane = key < unsafeKey ? 0 : 1;
    const isNewcomer =
      status < 400 ? this.#clients.add(pair.routeHash + lane, by) : !this.#clients.has(pair.routeHash + lane, by);
    const isDenied = key % unsafeKey === deniedForm * sizeCells;
    const isUnknownClient = isDenied && isNewcomer && !this.#clients.has(pair.routeHash + 1 - lane, by);
    const name = this.#patterns.of(target, status < 400);
    const turned = this.#turnedForm(exchange, status, name, isNewcomer, redirectCell);
    const answered = isUnknownClient ? laneOf(key) + unknownClientForm * sizeCells : key;
    const other = laneOf(key) + turned * sizeCells;
    addAnswer(pair.answers, turned > 0 ? other + (key % sizeCells) : answered, by);
    const answer = turned > 0 ? other : redirectCell === madeCell ? key : plain;
    const hasSurplus = attempt.surplusBytes !== undefined && attempt.surplusBytes > 0;
    const pattern = this.#patternOf(pair, name);
    if (pattern === null) return;
    if (isNewcomer) noteNewcomer(pattern.newcomers, answer, status < 400, lane);
    addAnswer(pattern.answers, hasSurplus ? laneOf(answer) + surplusForm * sizeCells : answer, by);
    const ms = headWaitMs(attempt);
    (pattern.latencies[latencyCellOf(ms)] as number) += 1;
    if (ms > slowMs) noteSlow(pattern.slow, exchange, Math.round(ms), slowOfPatternMax);
  }

  /**
   * The form of another answer than before to what was answered well; 0: it is none. A path without numbers that takes requests with POST is a function: usual
   * clients need no others to show that it is gone. What they send there may be wrong (4xx).
   */
  #turnedForm(
    { method, target, endedAt }: EndedExchange,
    status: number,
    pattern: string,
    isNewcomer: boolean,
    redirectCell = 0,
  ): number {
    const isCall = method === 'POST' && !/[#*]/.test(pattern);
    if (method !== 'GET' && !isCall) return 0;
    if (status < 300) {
      this.#targets.add(target, isCall);
      return 0;
    }
    if (status === notFound || status === gone) {
      const isLost = isCall ? !isNewcomer && this.#targets.hasCall(target) : this.#targets.isLost(target, endedAt);
      return isLost ? lostForm : 0;
    }
    if (isNewcomer || status === notModified || redirectCell === madeCell) return 0;
    if (status >= 400 && (isCall || formOfClientError(status) !== declinedForm)) return 0;
    if (!(isCall ? this.#targets.hasCall(target) : this.#targets.has(target))) return 0;
    if (status >= 400) return withdrawnForm;
    return !isCall && redirectCell >= elsewhereCell ? strayForm : divertedForm;
  }

  /** Where browsers are not let, they send nothing that would fail. */
  #countOptions(pair: Pair, status: number, address: string): void {
    const key = optionsAnswerKey(status);
    if (key >= 0) addAnswer(pair.answers, key, clientHash(address));
  }

  #patternOf({ patterns }: Pair, name: string): Pattern | null {
    let pattern = patterns.get(name);
    if (pattern === undefined && patterns.size < patternsMax) patterns.set(name, (pattern = newPattern()));
    return pattern ?? null;
  }

  /** Adds the attempts whose responses have not begun for long; call before `take`. */
  addAwaited({ slow }: AwaitedResponses, upstream: string): void {
    for (const { route, endpoint, client, ms } of slow) {
      const pair = this.#pairOf(route, upstream, endpoint);
      if (pair !== null && pair.awaited.length < awaitedMax)
        pair.awaited.push({ client: clientHash(client), ms: Math.round(ms) });
    }
  }

  /** The counts since the last call. */
  take(): RouteTraffic[] {
    if (this.#size >= pairsMax) this.#dropUnused();
    return this.#taken(firstOf(this.#touched));
  }

  /** Those of endpoints whose state is not the usual one: main waits for them. */
  takeUrgent(): RouteTraffic[] {
    return this.#taken(firstOf(this.#touched.filter(({ isUrgent }) => isUrgent)));
  }

  #taken(pairs: readonly Pair[]): RouteTraffic[] {
    if (pairs.length === 0) return [];
    const taken = pairs.map(countsOf);
    for (const pair of pairs) clear(pair);
    this.#touched = this.#touched.filter(({ isTouched }) => isTouched);
    return taken;
  }

  #pairOf(route: string, upstream: string, endpoint: string): Pair | null {
    let endpoints = this.#routes.get(route);
    if (endpoints === undefined) this.#routes.set(route, (endpoints = new Map()));
    let pair = endpoints.get(endpoint);
    if (pair === undefined) {
      if (this.#size >= pairsMax) return null;
      pair = newPair(route, upstream, endpoint);
      endpoints.set(endpoint, pair);
      this.#size += 1;
    }
    if (!pair.isTouched) {
      pair.isTouched = true;
      this.#touched.push(pair);
    }
    return pair;
  }

  /** Endpoints come and go: pairs without counts give up their entries. */
  #dropUnused(): void {
    for (const endpoints of this.#routes.values())
      for (const [endpoint, { isTouched }] of endpoints) if (!isTouched && endpoints.delete(endpoint)) this.#size -= 1;
  }
}

const [switchingProtocols, notModified, notFound, gone] = [101, 304, 404, 410];

/** A connection that does not come about says nothing of the route. */
const isOfRoute = (failure: Failure): boolean =>
  specOf(failure).countsAgainstHealth && shapeOf(failure) !== 'unreachable';

const isAnswered = ({ failure, status, headMs }: AttemptFacts): boolean =>
  failure === null ? status > 0 : headMs >= 0;

/** Main hears of failures at once, and of their routes with them. */
function countFailure(pair: Pair): void {
  pair.failures += 1;
  pair.isUrgent = true;
}

/** gRPC statuses by which a call is refused, and those of HTTP that say the same: of a call that does not find its thing, 404 would say that the call is not there. */
const refusedCalls: ReadonlyMap<number, number> = new Map([
  ...([3, 5, 9, 11] as const).map((status) => [status, 400] as const),
  ...([6, 10] as const).map((status) => [status, 409] as const),
  ...([
    [7, 403],
    [8, 429],
    [16, 401],
  ] as const),
]);

function refusedCallStatus({ grpcStatus, attempts }: EndedExchange, attempt: AttemptFacts): number | null {
  if ((grpcStatus ?? 0) <= 0 || attempt !== attempts.at(-1)) return null;
  return refusedCalls.get(grpcStatus ?? 0) ?? null;
}

const laneOf = (key: number): number => key - (key % unsafeKey);

/** A form of flawed content; 0: none. */
function flawOf({
  isUnreadable = false,
  isUnasked = false,
  isEncoded = false,
  contentKind = noContentKind,
  lastByte,
}: AttemptFacts): number {
  if (isUnasked) return unaskedForm;
  if (isUnreadable) return unreadableForm;
  return lastByte !== undefined && !isEncoded && isUnclosedJson(contentKind, lastByte) ? unclosedForm : 0;
}

/** From the start of an attempt to its head, without the time in which the client sent its body: a client that uploads slowly makes no application slow. */
function headWaitMs({ startedMs, queuedMs = -1, connectedMs, tlsMs, sentMs, headMs }: AttemptFacts): number {
  const uploadMs = sentMs - Math.max(startedMs, queuedMs, connectedMs, tlsMs);
  return headMs - startedMs - Math.max(0, uploadMs);
}

function noteNewcomer(newcomers: number[], answer: number, isGood: boolean, lane: 0 | 1): void {
  if (!isGood && !refusedForms.has(Math.floor((answer % unsafeKey) / sizeCells))) return;
  if (newcomers.length === 0) newcomers.push(0, 0, 0, 0);
  (newcomers[newcomerCells[isGood ? 'good' : 'refused'][lane]] as number) += 1;
}

function addAnswer(answers: number[], key: number, client: number): void {
  let at = indexOfAnswer(answers, key);
  if (at === answers.length) {
    const added = at < answerParts * answersMax ? key : key - (key % sizeCells);
    at = indexOfAnswer(answers, added);
    if (at === answers.length) answers.push(added, 0, 0);
  }
  (answers[at + 1] as number) += 1;
  (answers[at + 2] as number) |= 1 << (client & 31);
}

function indexOfAnswer(answers: readonly number[], key: number): number {
  let at = 0;
  while (at < answers.length && answers[at] !== key) at += answerParts;
  return at;
}

/** The slowest ones are kept. */
function noteSlow(slow: AttemptOfClient[], party: CountedParty, ms: number, most: number): void {
  if (slow.length < most) return void slow.push({ client: clientHash(countedClient(party)), ms });
  let least = 0;
  for (let index = 1; index < slow.length; index++)
    if ((slow[index] as AttemptOfClient).ms < (slow[least] as AttemptOfClient).ms) least = index;
  if ((slow[least] as AttemptOfClient).ms < ms) slow[least] = { client: clientHash(countedClient(party)), ms };
}

/** As many as one batch takes. */
function firstOf(pairs: readonly Pair[]): readonly Pair[] {
  let [count, bytes] = [0, 0];
  for (const pair of pairs) {
    bytes += bytesOf(pair);
    if (count > 0 && bytes > takenBytes) break;
    count += 1;
  }
  return pairs.slice(0, count);
}

function bytesOf({ answers, patterns, failedClients, failed, slow, awaited }: Pair): number {
  const clients = failedClients.length + failed.length + slow.length + awaited.length;
  let bytes = bytesOfPair + bytesOfNumber * answers.length + bytesOfClient * clients;
  for (const [name, pattern] of patterns)
    bytes +=
      bytesOfPattern +
      name.length +
      bytesOfNumber * (pattern.answers.length + pattern.newcomers.length) +
      bytesOfClient * pattern.slow.length;
  return bytes;
}

const patternOf = ([pattern, { answers, newcomers, latencies, slow }]: [string, Pattern]): PatternAnswers => ({
  ...{ pattern, answers, latencies: filledCells(latencies) },
  ...(newcomers.length === 0 ? {} : { newcomers }),
  ...(slow.length === 0 ? {} : { slow }),
});

const newPattern = (): Pattern => ({
  ...{ answers: [], newcomers: [], slow: [] },
  latencies: new Array<number>(latencyCells).fill(0),
});

function newPair(route: string, upstream: string, endpoint: string): Pair {
  return {
    ...{
      route,
      routeHash: clientHash(route),
      upstream,
      endpoint,
      answered: 0,
      serverErrors: 0,
      failures: 0,
      isTouched: false,
      isUrgent: false,
    },
    latencies: new Array<number>(latencyCells).fill(0),
    ...{ answers: [], patterns: new Map(), causes: [] },
    ...{ failedClients: [], failed: [], slow: [], awaited: [] },
  };
}

function countsOf({ route, upstream, endpoint, answered, serverErrors, ...pair }: Pair): RouteTraffic {
  const { failures, causes, failedClients, latencies, answers, patterns, failed, slow, awaited } = pair;
  return {
    ...{ route, upstream, endpoint, answered, serverErrors },
    ...(failures === 0 ? {} : { failures }),
    latencies: filledCells(latencies),
    ...(causes.length === 0 ? {} : { causes: causes.slice(), failedClients: failedClients.slice() }),
    ...(patterns.size === 0 ? {} : { patterns: [...patterns].map(patternOf) }),
    ...{ answers: answers.slice(), failed: failed.slice(), slow: slow.slice(), awaited: awaited.slice() },
  };
}

function clear(pair: Pair): void {
  pair.isTouched = false;
  pair.isUrgent = false;
  pair.answered = 0;
  pair.serverErrors = 0;
  pair.failures = 0;
  pair.latencies.fill(0);
  pair.answers.length = 0;
  pair.patterns.clear();
  pair.causes.length = 0;
  pair.failedClients.length = 0;
  pair.failed.length = 0;
  pair.slow.length = 0;
  pair.awaited.length = 0;
}
