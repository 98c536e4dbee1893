import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type BreakerState, circuitBreakerName, type RouteBreakerSpec, type BreakerOutcomes } from './settings.ts';
import { addClient } from '../../core/counters.ts';
import type { AttemptFacts } from '../../core/exchange.ts';
import { shapeOf, specOf } from '#failures/failure-texts.ts';
import { fail, type Cause, type Failure } from '#failures/failure.ts';
import type { GatewayState } from '../../core/schemas/gateway-state.ts';
import type { FailureCount } from '../../core/failure-count.ts';
import { ProbePermit } from '../../core/probe-permit.ts';
import type { Semaphore } from '../../core/semaphores.ts';
import type { Clock, Instant } from '../../core/time.ts';
import type { AdmittedExchange, RequestGate, TurnWaiter } from '../../exchange/request-gate.ts';
import { StaleConnections } from '../../exchange/stale-connections.ts';

interface BreakerRoute {
  readonly id: string;
  readonly upstream: string;
}

/**
 * The circuit breaker of a route, as one worker sees it. The main thread decides about its state; the worker counts how the exchanges of the route end, refuses
 * requests while it is open, and lets a few at a time through while it is half-open: their permits are shared by all workers.
 */
class RouteBreaker implements RequestGate {
  readonly #clock: Clock;
  readonly #permits: Semaphore;
  readonly #onUrgent: () => void;
  readonly #stale = new StaleConnections();
  /** Requests that were let through while it was half-open. */
  readonly #probes = new Map<TurnWaiter, ProbePermit>();
  #route: BreakerRoute;
  #spec: RouteBreakerSpec;
  /** Null: closed. */
  #state: BreakerState | null = null;
  /** Since when it is in its state. A request that passed it before says nothing about this state. */
  #since: Instant;
  #outcomes: BreakerOutcomes | null = null;

  /** `onUrgent`: the main thread should not wait for the next regular report. */
  constructor(route: BreakerRoute, spec: RouteBreakerSpec, permits: Semaphore, clock: Clock, onUrgent: () => void) {
    this.#onUrgent = onUrgent;
    this.#route = route;
    this.#spec = spec;
    this.#permits = permits;
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** The breaker in another revision of the configuration. */
  configure(route: BreakerRoute, spec: RouteBreakerSpec): void {
    this.#route = route;
    this.#spec = spec;
  }

  /** The main thread has decided; null: it is closed. */
  update(state: BreakerState | null): void {
    if (state?.state !== this.#state?.state) {
      this.#since = this.#clock.now();
      this.#outcomes = null;
    }
    this.#state = state;
  }

  enter(waiter: TurnWaiter): 'admitted' | Failure {
    if (this.#state === null) return 'admitted';
    const now = this.#clock.now();
    if (this.#state.state === 'open') return this.#refusal(this.#state, this.#state.until - now);
    const { probesMax } = this.#spec;
    if (!this.#permits.tryAcquire(probesMax, now)) return this.#refusal(this.#state, 0);
    this.#probes.set(waiter, new ProbePermit(this.#clock, () => this.#permits.release(probesMax)));
    return 'admitted';
  }

  leave(waiter: TurnWaiter): void {
    this.#probes.get(waiter)?.giveBack();
    this.#probes.delete(waiter);
  }

  noteEnd(waiter: TurnWaiter, { attempts, startedAt, client }: AdmittedExchange, admittedAt: Instant): void {
    const attempt = attempts.at(-1);
    if (attempt === undefined || admittedAt < this.#since || this.#state?.state === 'open') return;
    if (this.#state !== null && !this.#probes.has(waiter)) return;
    this.#count(attempt, startedAt, client.address);
  }

  /** An endpoint that cannot be connected to says nothing about the route, and a client that leaves says nothing at all. */
  #count(attempt: AttemptFacts, startedAt: Instant, client: string): void {
    const { failure, status } = attempt;
    if (failure === null) {
      if (status === 0) return;
      if (attempt.reused) this.#stale.clear(attempt.endpoint);
      const isError = status >= 500 && this.#spec.countsServerErrors;
      return isError ? this.#countFailure(null, client) : this.#countSuccess(client);
    }
    if (!specOf(failure).countsAgainstHealth || shapeOf(failure) === 'unreachable') return;
    if (!this.#stale.excuses(attempt, startedAt)) this.#countFailure(failure.cause, client);
  }

  #countSuccess(client: string): void {
    const outcomes = this.#current();
    outcomes.successes++;
    outcomes.consecutiveFailures = 0;
    outcomes.answeredBy = client;
    if (outcomes.state === 'half_open') this.#onUrgent();
  }

  /** `cause`: null of a response with a 5xx status. */
  #countFailure(cause: Cause | null, client: string): void {
    const outcomes = this.#current();
    outcomes.failures++;
    outcomes.consecutiveFailures++;
    addClient((outcomes.failedClients ??= []), client);
    if (cause === null) outcomes.serverErrors++;
    else addCause(outcomes.causes, cause);
    this.#onUrgent();
  }

  #current(): BreakerOutcomes {
    const state = this.#state === null ? 'closed' : 'half_open';
    this.#outcomes ??= {
      state,
      successes: 0,
      failures: 0,
      consecutiveFailures: 0,
      serverErrors: 0,
      causes: [],
      failedClients: null,
      answeredBy: '',
    };
    return this.#outcomes;
  }

  get condition(): NonNullable<GatewayState['breaker']> {
    return { state: this.#state?.state ?? 'closed', reason: this.#state?.reason ?? null };
  }

  /** How exchanges have ended since the last call; null: none has. */
  take(): BreakerOutcomes | null {
    const taken = this.#outcomes;
    this.#outcomes = null;
    return taken;
  }

  /** No route has it any more. Requests in flight go on. */
  close(): void {
    this.#permits.close();
  }

  #refusal({ reason }: BreakerState, leftMs: number): Failure {
    const { id: route, upstream } = this.#route;
    const retryAfterS = Math.max(1, Math.ceil(leftMs / 1000));
    return fail('circuit_open', 'route', { upstream, route, reason, retryAfterS });
  }
}

function addCause(causes: FailureCount[], cause: Cause): void {
  const known = causes.find((one) => one.cause === cause);
  if (known === undefined) causes.push({ cause, count: 1 });
  else known.count++;
}

interface BreakerPart extends FeaturePart {
  readonly breaker: RouteBreaker;
}

/** The same breaker from one revision of the configuration to the next. */
export const circuitBreaker = workerFeature<RouteBreakerSpec, BreakerPart>({
  name: circuitBreakerName,
  prepare(scope, spec, ports, previous) {
    const route = { id: scope.id, upstream: scope.upstream ?? '' };
    const { clock } = ports;
    const breaker =
      previous?.breaker ??
      new RouteBreaker(route, spec, ports.semaphores(() => {}).requests, clock, () => ports.onUrgent());
    return {
      breaker,
      hooks: { gate: breaker },
      judgesFailures: true,
      activate: () => breaker.configure(route, spec),
      discard: () => previous === null && breaker.close(),
      close: () => breaker.close(),
      report: () => breaker.take(),
      onState: (state) => breaker.update(state as BreakerState | null),
      condition: () => ({ breaker: breaker.condition }),
    };
  },
});
