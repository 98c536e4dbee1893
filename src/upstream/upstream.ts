import { AwaitedResponses } from '../core/awaited-responses.ts';
import { type Cause, fail, type Failure } from '#failures/failure.ts';
import { endpointConditionsMax } from '../core/gateway-state.ts';
import type { EndpointCondition } from '../core/schemas/gateway-state.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import { healthyInMs } from '../policy/health.ts';
import { RetryBudget } from '../policy/retry-budget.ts';
import type {
  AroundBalancer,
  BalancedEndpoint,
  Balancer,
  CreateBalancer,
  OuterBalancer,
  RequestFacts,
} from '../policy/balancer.ts';
import { CanaryBalancer } from '../policy/canary-balancer.ts';
import type { CanaryMatch } from '../policy/canary-match.ts';
import { PriorityBalancer } from '../policy/priority-balancer.ts';
import { ReleaseBalancer } from '../policy/release-balancer.ts';
import { configuredBalancers } from './balancers.ts';
import type { ReadyWaiter } from '../core/stream.ts';
import { after, type Instant } from '../core/time.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import { eligibleOf, isReadyState } from '../policy/eligible-endpoints.ts';
import { earliestReturn } from '../policy/outage.ts';
import { type Readiness, ReadyQueue } from './ready-queue.ts';
import { LiveEndpoint } from './endpoint.ts';
import type { UpstreamPorts } from './ports.ts';
import { RequestContext } from './request-context.ts';

/** Without checks nothing tells when an endpoint will be back; a client that retries after this is neither rude nor slow. */
const retryAfterDefaultS = 5;

/** Where all endpoints refused connections again within this time, they have not accepted any meanwhile. */
const sameOutageMs = 5000;

/**
 * A named group of interchangeable endpoints, as this worker knows it. The balancer is told which endpoints may be picked
 * when one of them changes, which is rare, so that a pick, which is not, has nothing to work out.
 */
export class LiveUpstream {
  readonly id: string;
  #spec: UpstreamSnapshot;
  readonly #ports: UpstreamPorts;
  readonly #budget: RetryBudget;
  #endpoints = new Map<string, LiveEndpoint>();
  #eligible: readonly LiveEndpoint[] = [];
  readonly #balancerOf: (upstream: UpstreamSnapshot) => CreateBalancer;
  #createBalancer: CreateBalancer;
  #outer: OuterBalancer | null;
  #aroundEach: AroundBalancer | null;
  #canary: CanaryMatch | null;
  #balancer: Balancer<LiveEndpoint>;
  /** Two releases share the requests. */
  #isSplit = false;
  readonly #context: RequestContext<LiveEndpoint>;
  /** Endpoints that get one request at a time; null where there are none, which is nearly always. */
  #onProbation: readonly LiveEndpoint[] | null = null;
  readonly #readyQueue: ReadyQueue;
  /** Since when no endpoint is ready, or since when the upstream exists; null while one is ready. */
  #notReadySince: Instant | null;
  /** An endpoint has passed a check, or accepted a connection. An unchecked one may never have been there. */
  #wasReady = false;
  /** Since when, and until when at least, all endpoints that may be picked have refused connections. */
  #refusal: { since: Instant; until: Instant } | null = null;
  /** Endpoints that get no new requests, and whose last request has not been reported to main as ended. */
  #draining: LiveEndpoint[] = [];

  /** `outer`: of a feature, as is `aroundEach` for the balancer of each priority; null: none picks endpoints. `canary`: of which requests a release is that is for some alone. */
  constructor(
    spec: UpstreamSnapshot,
    ports: UpstreamPorts,
    outer: OuterBalancer | null = null,
    aroundEach: AroundBalancer | null = null,
    canary: CanaryMatch | null = null,
  ) {
    this.id = spec.id;
    this.#spec = spec;
    this.#ports = ports;
    this.#budget = new RetryBudget(ports.clock.now());
    this.#notReadySince = ports.clock.now();
    this.#readyQueue = new ReadyQueue(ports.clock, ports.counts, {
      readiness: () => this.#readiness(),
      earliestReturn: () => this.#earliestReturn(),
    });
    this.#balancerOf = ports.balancerOf ?? configuredBalancers(ports.random);
    this.#createBalancer = this.#balancerOf(spec);
    this.#outer = outer;
    this.#aroundEach = aroundEach;
    this.#canary = canary;
    this.#balancer = this.#newBalancer();
    this.#context = new RequestContext(ports.clock);
    this.update(spec);
  }

  get application(): string {
    return this.#spec.application ?? '';
  }

  get attemptsMax(): number {
    return this.#spec.attemptsMax;
  }

  get secure(): boolean {
    return this.#spec.tls !== null;
  }

  update(spec: UpstreamSnapshot, outer = this.#outer, aroundEach = this.#aroundEach, canary = this.#canary): void {
    this.#spec = spec;
    const create = this.#balancerOf(spec);
    const isSame = outer === this.#outer && aroundEach === this.#aroundEach && canary === this.#canary;
    if (create !== this.#createBalancer || !isSame) {
      this.#createBalancer = create;
      this.#outer = outer;
      this.#aroundEach = aroundEach;
      this.#canary = canary;
      this.#balancer = this.#newBalancer();
    }
    this.updateEndpoints(spec.endpoints);
  }

  #newBalancer(): Balancer<LiveEndpoint> {
    const create = this.#createBalancer;
    const around = this.#aroundEach;
    const ofEach = around === null ? create : <E extends BalancedEndpoint>() => around(create<E>());
    const byPriority = (): Balancer<LiveEndpoint> => new PriorityBalancer<LiveEndpoint>(ofEach);
    const outerOf = (inner: Balancer<LiveEndpoint>): Balancer<LiveEndpoint> => this.#outer?.around(inner) ?? inner;
    if (!this.#isSplit) return outerOf(byPriority());
    const all = outerOf(new ReleaseBalancer(byPriority, this.#ports.random));
    return this.#canary === null ? all : new CanaryBalancer(all, outerOf(byPriority()), this.#canary);
  }

  updateEndpoints(specs: UpstreamSnapshot['endpoints']): void {
    const before = this.#endpoints;
    const leaving = this.#draining.filter(({ state }) => state === 'gone');
    this.#endpoints = new Map();
    for (const spec of specs) {
      const known = before.get(spec.id);
      known?.update(spec, this.#spec);
      this.#endpoints.set(spec.id, known ?? new LiveEndpoint(spec, this.#spec, this.#ports));
    }
    for (const [id, endpoint] of before) {
      if (this.#endpoints.has(id)) continue;
      endpoint.retire();
      leaving.push(endpoint);
    }
    this.#sort(leaving);
  }

  /** These endpoints have changed; the others are as they were. When one is added, main sends all of them instead. */
  changeEndpoints(specs: UpstreamSnapshot['endpoints']): void {
    for (const spec of specs) this.#endpoints.get(spec.id)?.update(spec, this.#spec);
    this.#sort(this.#draining.filter(({ state }) => state === 'gone'));
  }

  #sort(leaving: readonly LiveEndpoint[]): void {
    const endpoints = [...this.#endpoints.values()];
    this.#eligible = eligibleOf(endpoints, this.#spec.triesUnhealthy === true);
    const isSplit = endpoints.some(({ share }) => share !== undefined);
    if (isSplit !== this.#isSplit) {
      this.#isSplit = isSplit;
      this.#balancer = this.#newBalancer();
    }
    this.#balancer.update(this.#eligible, this.#staying(endpoints));
    this.#draining = [...leaving, ...endpoints.filter(({ state }) => state === 'draining')];
    const onProbation = probationOf(endpoints, this.#eligible);
    this.#onProbation = onProbation.length === 0 ? null : onProbation;
    this.#noteReadiness();
    this.#readyQueue.look();
  }

  /** Endpoints that get no requests but those of their sessions. An instance that drains is about to be stopped. */
  #staying(endpoints: readonly LiveEndpoint[]): readonly LiveEndpoint[] {
    if (this.#outer === null) return none;
    const { keepsDraining } = this.#outer;
    return endpoints.filter((endpoint) => {
      const { state, failure, weight, share, isInstance } = endpoint;
      if (isReadyState(endpoint)) return weight === 0 && share !== 0;
      return state === 'draining' && keepsDraining && failure === null && !isInstance;
    });
  }

  /** An endpoint for the next attempt: one not tried yet where there is one. Null when none may be chosen. */
  choose(tried: readonly LiveEndpoint[], request: RequestFacts): LiveEndpoint | null {
    const chosen = this.#privateTo(request) ?? this.#pickFor(tried, request);
    // A request that waits for an endpoint asks again.
    if (chosen !== null && tried.length === 0) this.#budget.earn();
    return chosen;
  }

  /** The endpoint with which the client's connection has a private one: no other one knows its user, also for a retry. */
  #privateTo({ client }: RequestFacts): LiveEndpoint | null {
    if (!this.#ports.owners.has(client.connection)) return null;
    for (const endpoint of this.#endpoints.values())
      if (endpoint.hasPrivate(client) && (isReadyState(endpoint) || this.#eligible.includes(endpoint))) return endpoint;
    return null;
  }

  #pickFor(tried: readonly LiveEndpoint[], request: RequestFacts): LiveEndpoint | null {
    if (this.#onProbation !== null && !this.#hasSession(tried, request)) {
      // If probation waited until the balancer picks the endpoint, it could last an hour.
      const free = this.#onProbation.find(
        (endpoint) => !tried.includes(endpoint) && endpoint.tryProbation(request.route),
      );
      if (free !== undefined) return free;
    }
    const picked = this.#balance(tried, request);
    // `hasRoom` first: an idle connection answers the question for nearly all requests. A retry needs a new connection.
    const needsNoOther = picked === null || (picked.hasRoom && tried.length === 0);
    return needsNoOther || this.#spec.whenNoneReady === undefined ? picked : this.#acceptingOr(picked, tried, request);
  }

  #hasSession(tried: readonly LiveEndpoint[], request: RequestFacts): boolean {
    if (this.#outer === null) return false;
    const context = this.#context;
    context.set(request, tried);
    const has = this.#balancer.hasSession?.(context) === true;
    context.clear();
    return has;
  }

  #balance(tried: readonly LiveEndpoint[], request: RequestFacts): LiveEndpoint | null {
    const context = this.#context;
    context.set(request, tried);
    const picked = this.#balancer.pick(context);
    context.clear();
    return picked;
  }

  /** `picked`, or another endpoint if it refuses connections; null if all of them do, and requests wait for one. */
  #acceptingOr(picked: LiveEndpoint, tried: readonly LiveEndpoint[], request: RequestFacts): LiveEndpoint | null {
    if (!picked.refuses()) return picked;
    const refusing = this.#eligible.filter((endpoint) => endpoint.refuses());
    const accepting = this.#balance([...tried, picked, ...refusing], request);
    if (accepting !== null && !accepting.refuses()) return accepting;
    this.#noteRefusal(this.#ports.clock.now());
    return this.mayReturn() ? null : picked;
  }

  /** Requests that find all endpoints refusing within a few seconds of each other are of the same outage. */
  #noteRefusal(now: Instant): void {
    const known = this.#refusal;
    if (known === null || now - known.until > sameOutageMs) this.#refusal = { since: now, until: now };
    else known.until = now;
  }

  #noteReadiness(): void {
    this.#wasReady ||= this.#eligible.some(({ state }) => state === 'healthy');
    if (this.#eligible.some(isReadyState)) this.#notReadySince = null;
    else this.#notReadySince ??= this.#ports.clock.now();
  }

  #readiness(): Readiness {
    const accepting = this.#eligible.filter((endpoint) => !endpoint.refuses(Infinity));
    if (accepting.length > 0) return accepting.some(({ takesMore }) => takesMore) ? 'ready' : 'full';
    if (this.#eligible.some((endpoint) => !endpoint.refuses())) return 'one';
    return this.mayReturn() ? 'not_yet' : 'hopeless';
  }

  /** Whether an endpoint may be ready in time for a request that begins to wait for it now. */
  mayReturn(): boolean {
    const { whenNoneReady } = this.#spec;
    return whenNoneReady !== undefined && this.#mayReturnWithin(whenNoneReady.waitMs);
  }

  #mayReturnWithin(ms: number): boolean {
    return this.#earliestReturn() <= after(this.#ports.clock.now(), ms);
  }

  #earliestReturn(): Instant {
    const now = this.#ports.clock.now();
    const endpoints = [...this.#endpoints.values()];
    const refusing = this.#refusal !== null && now - this.#refusal.until <= sameOutageMs ? this.#refusal.since : now;
    this.#wasReady ||= endpoints.some(({ hasAccepted }) => hasAccepted);
    return earliestReturn({ now, since: this.#notReadySince ?? refusing, wasReady: this.#wasReady, endpoints });
  }

  /** Lets a request wait until an endpoint may get it; null if it is not to wait, or if too many wait. */
  waitUntilReady(waiter: ReadyWaiter, waitedMs: number): { cancel(): void } | null {
    const { whenNoneReady } = this.#spec;
    if (whenNoneReady === undefined || this.#readyQueue.length >= whenNoneReady.waitersMax) return null;
    const leftMs = whenNoneReady.waitMs - waitedMs;
    return leftMs > 0 && this.#mayReturnWithin(leftMs) ? this.#readyQueue.join(waiter, leftMs) : null;
  }

  /** Whether another attempt would go somewhere else. */
  hasOther(tried: readonly LiveEndpoint[]): boolean {
    return this.#eligible.some((endpoint) => !tried.includes(endpoint));
  }

  get hasTwoReleases(): boolean {
    return this.#isSplit;
  }

  /** The one with the fewest requests: balancers have none of a release that gets no share of them. */
  previous(): LiveEndpoint | null {
    let least: LiveEndpoint | null = null;
    for (const endpoint of this.#endpoints.values()) {
      if (endpoint.runs?.arm?.name !== 'old' || !isReadyState(endpoint)) continue;
      if (least === null || endpoint.load < least.load) least = endpoint;
    }
    return least;
  }

  mayRetry(): boolean {
    return this.#budget.spend(this.#ports.clock.now());
  }

  /** Ids of the endpoints that are draining or gone and have no request in flight any more: each once. */
  takeDrained(): readonly string[] {
    if (this.#draining.length === 0) return [];
    const drained = this.#draining.filter(({ load }) => load === 0);
    this.#draining = this.#draining.filter(({ load }) => load > 0);
    return drained.map(({ id }) => id);
  }

  /** Whether `takeDrained` may still return an endpoint. */
  get isDraining(): boolean {
    return this.#draining.length > 0;
  }

  /** Why none may be chosen. */
  unavailable(): Failure {
    const endpoints = [...this.#endpoints.values()];
    // Where nothing may be sent to any of them, the reason for that is the answer: no check can change it.
    const remaining = endpoints.filter(({ state, failure }) => state !== 'draining' || failure !== null);
    const failures = remaining.map(({ failure }) => failure);
    const [failure = null] = failures;
    if (failure !== null && !failures.includes(null)) return failure;
    const { id: upstream, application } = this;
    const starting = endpoints.find((endpoint) => endpoint.state === 'starting');
    const retryAfterS = this.#retryAfterS(endpoints);
    if (starting !== undefined && endpoints.every((endpoint) => endpoint.state === 'starting')) {
      const sinceMs = Math.round(this.#ports.clock.now() - starting.sinceInstant);
      const found = foundOf(starting);
      return fail('instance_starting', 'route', { upstream, application, sinceMs, retryAfterS, ...found });
    }
    // An application that runs has an instance at every time, be it one that has ended.
    const stopped = endpoints.length === 0 && application !== '' ? { stopped: application } : null;
    const reason = stopped === null ? reasonsOf(endpoints) : `no instance of the application ${application} runs`;
    const evidence = { upstream, endpoints: endpoints.length, reason, retryAfterS, ...foundOfAll(endpoints) };
    if (remaining.length > 0 && remaining.every(isBroken)) {
      return fail('circuit_open', 'route', { upstream, endpoints: remaining.length, reason, retryAfterS });
    }
    const drained = drainedOf(endpoints);
    if (drained !== null) return fail('no_endpoint_ready', 'route', { ...evidence, drained });
    if (stopped !== null) return fail('no_endpoint_ready', 'route', { ...evidence, ...stopped });
    const endpointCause = causeOfAll(endpoints);
    return fail('no_endpoint_ready', 'route', endpointCause === null ? evidence : { ...evidence, endpointCause });
  }

  /** The earliest time at which checks can bring an endpoint back, or after which a program runs again. */
  #retryAfterS(endpoints: readonly LiveEndpoint[]): number {
    const now = this.#ports.clock.now();
    const schedules = endpoints.map(({ checks }) => checks).filter((checks) => checks !== null);
    if (schedules.length === 0) {
      const starts = endpoints.map(({ finding }) => finding?.startsAtInstant ?? now);
      return Math.max(retryAfterDefaultS, starts.length === 0 ? 0 : Math.ceil((Math.min(...starts) - now) / 1000));
    }
    return Math.max(1, Math.ceil(Math.min(...schedules.map((checks) => healthyInMs(checks, now))) / 1000));
  }

  /** Adds the requests that wait here until an endpoint is ready, for a connection to one, or for their response to begin. Returns the last. */
  addWaiting(all: WaitingRequests[]): AwaitedResponses {
    const at = `upstream ${this.id}`;
    const { length, oldestSince } = this.#readyQueue;
    if (oldestSince !== null) all.push({ at, for: 'endpoint', count: length, sinceInstant: oldestSince });
    let count = 0;
    let sinceInstant: Instant | null = null;
    for (const { waiting, waitingSince } of this.#endpoints.values()) {
      if (waitingSince === null) continue;
      count += waiting;
      if (sinceInstant === null || waitingSince < sinceInstant) sinceInstant = waitingSince;
    }
    if (sinceInstant !== null) all.push({ at, for: 'connection', count, sinceInstant });
    const awaited = new AwaitedResponses(this.#ports.clock.now());
    for (const endpoint of this.#endpoints.values()) endpoint.addAwaited(awaited);
    if (awaited.count === 0) return awaited;
    all.push({
      ...{ at, for: 'response', count: awaited.count },
      ...{ sinceInstant: awaited.oldest, newestInstant: awaited.newest },
    });
    return awaited;
  }

  /** Closes idle connections. */
  closeIdle(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.closeIdle();
  }

  /** Of the endpoints with these ids. Where none of them is there any more, such as after a restart, and without ids: of the first ones. */
  conditions(ids: readonly string[]): readonly EndpointCondition[] {
    const all = [...this.#endpoints.values()];
    const named = all.filter(({ id }) => ids.includes(id));
    const shown = named.length === 0 ? all.slice(0, endpointConditionsMax) : named;
    return shown.map(({ condition }) => condition);
  }

  /** How many endpoints there are, and how many of them nothing speaks against. */
  get readiness(): { readonly ready: number; readonly total: number } {
    const { size: total } = this.#endpoints;
    let ready = 0;
    for (const endpoint of this.#endpoints.values()) if (isReadyState(endpoint) && !endpoint.isRefusing) ready += 1;
    return { ready, total };
  }

  /** Whether nothing speaks against one of its endpoints. */
  get isReady(): boolean {
    for (const endpoint of this.#endpoints.values()) if (isReadyState(endpoint) && !endpoint.isRefusing) return true;
    return false;
  }

  /** Requests of this worker that wait until an endpoint is ready. */
  get waiting(): number {
    return this.#readyQueue.length;
  }

  /** Removes all endpoints. Requests in flight there finish. */
  close(): void {
    this.updateEndpoints([]);
  }
}

/** What the checks of an instance that is not ready see, as evidence. */
function foundOf({ finding }: LiveEndpoint): { last?: string; fix?: string; lasting?: true; exits?: number } {
  if (finding === null) return {};
  const { reason, fix, lasting, exits } = finding;
  return {
    last: reason,
    ...(fix === null ? {} : { fix }),
    ...(lasting ? { lasting } : {}),
    ...(exits === undefined ? {} : { exits }),
  };
}

/** The same for all endpoints, where one fix helps all of them. */
function foundOfAll(endpoints: readonly LiveEndpoint[]): ReturnType<typeof foundOf> {
  const [first] = endpoints;
  if (first === undefined) return {};
  const isShared = endpoints.every(({ finding }) => finding !== null && finding.fix === first.finding?.fix);
  return isShared ? foundOf(first) : {};
}

/** A name may lead to hundreds of addresses; a reader has seen enough after these. */
const reasonsMax = 8;

function reasonsOf(endpoints: readonly LiveEndpoint[]): string {
  const shown = endpoints.slice(0, reasonsMax).map((endpoint) => `${endpoint.address}: ${endpoint.reason}`);
  const rest = endpoints.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}

/** What the last check of each endpoint met; null where checks differ, or where one is not known. */
function causeOfAll(endpoints: readonly LiveEndpoint[]): Cause | null {
  const [cause = null, ...others] = endpoints.map(({ failure, checkCause }) => failure?.cause ?? checkCause);
  return others.every((other) => other === cause) ? cause : null;
}

/** Where an operator has drained all of them: the change of the first one, as `candor restore` takes it; otherwise null. */
function drainedOf(endpoints: readonly LiveEndpoint[]): string | null {
  const [first] = endpoints;
  return first === undefined || !endpoints.every(({ isDrainedByOperator }) => isDrainedByOperator)
    ? null
    : `drain:${first.nameInOverlay}`;
}

/** Its circuit breaker keeps requests away. */
function isBroken({ state }: LiveEndpoint): boolean {
  return state === 'circuit_open' || state === 'half_open';
}

/** Endpoints that are to be given one request at a time: not those that would get no requests if they were healthy. */
function probationOf(endpoints: readonly LiveEndpoint[], eligible: readonly LiveEndpoint[]): readonly LiveEndpoint[] {
  const first = Math.min(...eligible.map(({ priority }) => priority));
  return endpoints.filter(({ state, weight, priority }) => {
    return (state === 'probation' || state === 'half_open') && weight > 0 && priority <= first;
  });
}

const none: readonly never[] = [];
