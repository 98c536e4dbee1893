import { type AttemptFacts, type EndedExchange, upstreamOfAttempt } from '../core/exchange.ts';
import { shapeOf, specOf, specOfCause } from '#failures/failure-texts.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import { addClient, type CountedClient } from '../core/counters.ts';
import type { EndpointState } from '../core/endpoint.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { parseRetryAfter } from '../policy/retry-backoff.ts';
import { endedAtOf, isClientDeadline, isFailedCall } from '../record/exchange-shape.ts';
import { wasTried } from '../upstream/refusal.ts';
import { latencyCellOf, latencyCells } from '../core/latency-cells.ts';
import { StaleConnections } from '../exchange/stale-connections.ts';

/** Failures that are held, of all routes; what comes beyond this counts at once. */
const heldMax = 4096;

/** A failure that has been held for longer than this says nothing about the endpoint any more. */
const heldMs = 30_000;

/** Failures of a route at one endpoint, of which it is not known yet whose they are. */
interface HeldFailures {
  readonly upstream: string;
  readonly endpoint: string;
  readonly state: EndpointState;
  readonly since: number;
  count: number;
  readonly clients: CountedClient[];
}

/**
 * A route with a circuit breaker may fail at every endpoint: that is no reason to take the endpoints from the other routes. Its failures count against an endpoint
 * once the route has succeeded at another one. Connections that could not be made are the endpoint's in any case.
 */
class RouteFailures {
  readonly #hasBreaker: (route: string) => boolean;
  /** By route, then by endpoint. */
  readonly #held = new Map<string, Map<string, HeldFailures>>();
  #count = 0;

  constructor(hasBreaker: (route: string) => boolean) {
    this.#hasBreaker = hasBreaker;
  }

  /** Whether the failure does not count against its endpoint yet. */
  hold({ route, upstream, startedAt, client }: EndedExchange, attempt: AttemptFacts): boolean {
    const { endpoint, endpointState: state, failure } = attempt;
    if (failure === null || !this.#hasBreaker(route) || shapeOf(failure) === 'unreachable') return false;
    if (this.#count >= heldMax) return false;
    const held = this.#held.get(route) ?? new Map<string, HeldFailures>();
    this.#held.set(route, held);
    const known = held.get(endpoint);
    const of = known?.state === state ? known : { upstream, endpoint, state, since: startedAt, count: 0, clients: [] };
    of.count++;
    addClient(of.clients, client.address);
    held.set(endpoint, of);
    if (known === undefined) this.#count++;
    return true;
  }

  /** The route has succeeded at `endpoint`: returns the failures that it had at others. */
  releasedBy({ route, startedAt }: EndedExchange, endpoint: string): readonly HeldFailures[] {
    const held = this.#count === 0 ? undefined : this.#held.get(route);
    if (held === undefined) return none;
    this.#held.delete(route);
    this.#count -= held.size;
    return [...held.values()].filter((one) => one.endpoint !== endpoint && startedAt - one.since <= heldMs);
  }
}

const none: readonly HeldFailures[] = [];

type OutcomeCell = EndpointOutcomes &
  Required<
    Pick<
      EndpointOutcomes,
      | 'heldMs'
      | 'latencies'
      | 'latencyMsMin'
      | 'latencyMsMax'
      | 'answeredIdleMs'
      | 'connectMsMin'
      | 'connects'
      | 'connectsAgain'
      | 'answeredBy'
      | 'failedClients'
      | 'errorClients'
    >
  >;

/** Pairs of endpoint and state between two reports. Outcomes beyond this are not counted: then only checks decide. */
const cellsMax = 4096;

/**
 * Counts in a worker the outcomes of attempts at each endpoint, until a batch takes the counts to main. An exchange that
 * succeeds costs one look at the cell that was used last.
 */
export class OutcomeCounts {
  #cells: OutcomeCell[] = [];
  /** The cell of each endpoint that was used last; an endpoint has others only if its state has changed. */
  #current = new Map<string, OutcomeCell>();
  #last: OutcomeCell | null = null;
  #hasUrgent = false;
  readonly #stale = new StaleConnections();
  readonly #ofRoutes: RouteFailures;

  /** `hasBreaker`: whether the route has a circuit breaker of its own. */
  constructor(hasBreaker: (route: string) => boolean = () => false) {
    this.#ofRoutes = new RouteFailures(hasBreaker);
  }

  count(exchange: EndedExchange): void {
    const { attempts } = exchange;
    for (let index = 0; index < attempts.length; index++) this.#countOne(exchange, attempts[index] as AttemptFacts);
  }

  #countOne(exchange: EndedExchange, attempt: AttemptFacts): void {
    const { failure } = attempt;
    // The client left before the endpoint showed whether it works.
    if (failure === null && attempt.status === 0) return;
    // No connection was tried, so this says nothing new about the endpoint.
    if (failure !== null && !wasTried(failure)) return;
    const cell = this.#cellOf(upstreamOfAttempt(exchange, attempt), attempt);
    if (cell === null) return;
    if (failure === null) {
      cell.successes += 1;
      if (attempt.status >= 500 || isFailedCall(exchange, attempt)) {
        cell.serverErrors += 1;
        addClient((cell.errorClients ??= []), exchange.client.address);
        noteFailed(cell, exchange);
      } else if (attempt.status === tooManyRequests) noteRateLimit(cell, attempt, exchange.startedWall);
      const latencyMs = attempt.headMs - attempt.startedMs;
      cell.latencyMs += latencyMs;
      const { queuedMs = -1 } = attempt;
      cell.heldMs += attempt.endedMs - (queuedMs >= 0 ? queuedMs : attempt.startedMs);
      cell.latencies[latencyCellOf(latencyMs)]! += 1;
      if (latencyMs < cell.latencyMsMin) cell.latencyMsMin = latencyMs;
      if (latencyMs > cell.latencyMsMax) cell.latencyMsMax = latencyMs;
      if (attempt.idleMs > cell.answeredIdleMs) cell.answeredIdleMs = attempt.idleMs;
      if (!attempt.reused) noteConnect(cell, attempt);
      cell.consecutiveFailures = 0;
      cell.consecutiveUnreachable = 0;
      cell.answeredBy = exchange.client.address;
      if (attempt.reused) this.#stale.clear(attempt.endpoint);
      for (const held of this.#ofRoutes.releasedBy(exchange, attempt.endpoint)) this.#countHeld(held);
      return;
    }
    noteFailed(cell, exchange);
    if (waitedInVain.has(failure.cause)) noteIdle((cell.silentIdleMs ??= []), attempt);
    else if (attempt.reused && endedEarly.has(failure.cause)) noteIdle((cell.resetIdleMs ??= []), attempt);
    const { countsAgainstHealth } = specOf(failure);
    addCause(cell, failure, !countsAgainstHealth && specOfCause(failure.cause).countsAgainstHealth);
    this.#hasUrgent = true;
    if (!countsAgainstHealth || this.#stale.excuses(attempt, exchange.startedAt)) return;
    if (this.#ofRoutes.hold(exchange, attempt)) return;
    cell.failures += 1;
    cell.consecutiveFailures += 1;
    if (shapeOf(failure) === 'unreachable') cell.consecutiveUnreachable += 1;
    else {
      cell.consecutiveUnreachable = 0;
      addClient((cell.failedClients ??= []), exchange.client.address);
    }
  }

  /** Failures that count now: the route succeeds elsewhere. */
  #countHeld({ upstream, count, clients, ...attempt }: HeldFailures): void {
    const cell = this.#cellOf(upstream, { endpoint: attempt.endpoint, endpointState: attempt.state });
    if (cell === null) return;
    this.#hasUrgent = true;
    cell.failures += count;
    cell.consecutiveFailures += count;
    cell.failedClients = [...(cell.failedClients ?? []), ...clients];
    cell.consecutiveUnreachable = 0;
  }

  #cellOf(
    upstream: string,
    { endpoint, endpointState: state }: Pick<AttemptFacts, 'endpoint' | 'endpointState'>,
  ): OutcomeCell | null {
    const last = this.#last;
    if (last !== null && last.endpoint === endpoint && last.state === state) return last;
    const current = this.#current.get(endpoint);
    const cell = current?.state === state ? current : this.#secondCellOf(upstream, endpoint, state);
    this.#last = cell;
    return cell;
  }

  #secondCellOf(upstream: string, endpoint: string, state: EndpointState): OutcomeCell | null {
    let cell = this.#current.has(endpoint)
      ? this.#cells.find((one) => one.endpoint === endpoint && one.state === state)
      : undefined;
    if (cell === undefined) {
      if (this.#cells.length >= cellsMax) return null;
      cell = newCell(upstream, endpoint, state);
      this.#cells.push(cell);
      // Main waits for the outcome of a probation.
      if (isUnusual(state)) this.#hasUrgent = true;
    }
    this.#current.set(endpoint, cell);
    return cell;
  }

  /** Whether the main thread should not wait for the next regular report. */
  get hasUrgent(): boolean {
    return this.#hasUrgent;
  }

  /** All counts since the last call. */
  take(): EndpointOutcomes[] {
    return this.#cells.length === 0 ? [] : this.#replace(this.#cells, []);
  }

  /**
   * Counts that main needs soon: of endpoints that fail, or whose state is not the usual one. The others go with the
   * next `take`. Measured with 200 endpoints: as many outcomes with each of 80 batches per second took more of the main
   * thread than everything else together.
   */
  takeUrgent(): EndpointOutcomes[] {
    if (!this.#hasUrgent) return [];
    return this.#replace(
      this.#cells.filter(isUrgent),
      this.#cells.filter((cell) => !isUrgent(cell)),
    );
  }

  #replace(taken: OutcomeCell[], left: OutcomeCell[]): EndpointOutcomes[] {
    this.#cells = left;
    this.#current = new Map(left.map((cell) => [cell.endpoint, cell]));
    this.#last = null;
    this.#hasUrgent = false;
    return taken;
  }
}

function noteFailed(cell: EndpointOutcomes, exchange: EndedExchange): void {
  cell.firstFailedAt ??= endedAtOf(exchange);
  cell.firstStartedAt = Math.min(exchange.startedWall, cell.firstStartedAt ?? Infinity);
}

/** Nothing of a response came. */
const waitedInVain: ReadonlySet<Cause> = new Set(['response_head_timeout', 'attempt_timeout', 'exchange_timeout']);
const endedEarly: ReadonlySet<Cause> = new Set(['closed_before_response', 'reset_before_response', 'send_failed']);
const idleTimesMax = 32;

function noteIdle(known: number[], { reused, idleMs }: AttemptFacts): void {
  if (known.length < idleTimesMax) known.push(reused ? idleMs : 0);
}

/** A packet that opens a connection is sent again after a second, and then after two, four and so on. */
const sentAgainMs = 900;

function noteConnect(cell: OutcomeCell, { startedMs, queuedMs = -1, dnsMs, connectedMs }: AttemptFacts): void {
  if (!(connectedMs >= 0)) return;
  const ms = connectedMs - Math.max(startedMs, queuedMs, dnsMs);
  if (ms < cell.connectMsMin) cell.connectMsMin = ms;
  cell.connects += 1;
  if (ms >= sentAgainMs) cell.connectsAgain += 1;
}

const tooManyRequests = 429;

/** A 429 without Retry-After says less: nothing tells when another request would be welcome. */
function noteRateLimit(cell: EndpointOutcomes, { retryAfter = null }: AttemptFacts, wallMs: number): void {
  const restMs = parseRetryAfter(retryAfter, null, wallMs);
  if (restMs === null) return;
  cell.rateLimited += 1;
  cell.restMs = Math.max(cell.restMs, restMs);
}

function newCell(upstream: string, endpoint: string, state: EndpointState): OutcomeCell {
  return {
    upstream,
    endpoint,
    state,
    causes: [],
    successes: 0,
    serverErrors: 0,
    rateLimited: 0,
    restMs: 0,
    failures: 0,
    consecutiveFailures: 0,
    consecutiveUnreachable: 0,
    latencyMs: 0,
    heldMs: 0,
    latencies: new Array<number>(latencyCells).fill(0),
    latencyMsMin: Infinity,
    latencyMsMax: 0,
    answeredIdleMs: 0,
    connectMsMin: Infinity,
    connects: 0,
    connectsAgain: 0,
    answeredBy: '',
    failedClients: null,
    errorClients: null,
  };
}

function isUnusual(state: EndpointState): boolean {
  return state !== 'healthy' && state !== 'unchecked';
}

function isUrgent({ state, causes, failures }: EndpointOutcomes): boolean {
  return causes.length > 0 || failures > 0 || isUnusual(state);
}

function addCause(cell: EndpointOutcomes, failure: Failure, isExcused: boolean): void {
  const { cause } = failure;
  const byClient = isClientDeadline(failure);
  const known = cell.causes.find(
    (one) => one.cause === cause && (one.excused === true) === isExcused && (one.byClient === true) === byClient,
  );
  if (known !== undefined) known.count += 1;
  else
    cell.causes.push({
      ...{ cause, count: 1 },
      ...(isExcused ? { excused: true } : {}),
      ...(byClient ? { byClient } : {}),
    });
}
