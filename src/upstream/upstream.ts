import { type Cause, fail, type Failure } from '../core/failure.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import { healthyInMs } from '../policy/health.ts';
import { RetryBudget } from '../policy/retry-budget.ts';
import { chooseOfTwo } from '../policy/two-choices.ts';
import { LiveEndpoint } from './endpoint.ts';
import type { UpstreamPorts } from './ports.ts';

/** Without checks nothing says when it will be better; asking again after this is neither rude nor slow. */
const retryAfterDefaultS = 5;

/**
 * A named group of interchangeable endpoints, as this worker knows it. Those that may be chosen stand in an
 * array that is rebuilt when a state changes, which is rare; choosing, which is not, only reads it.
 */
export class LiveUpstream {
  readonly id: string;
  #spec: UpstreamSnapshot;
  readonly #ports: UpstreamPorts;
  readonly #budget: RetryBudget;
  #endpoints = new Map<string, LiveEndpoint>();
  #eligible: readonly LiveEndpoint[] = [];
  /** Those that get one request at a time; null where there are none, which is nearly always. */
  #onProbation: readonly LiveEndpoint[] | null = null;
  /** Those that get no new requests, and of which it has not been told yet that they have no other left. */
  #draining: LiveEndpoint[] = [];

  constructor(spec: UpstreamSnapshot, ports: UpstreamPorts) {
    this.id = spec.id;
    this.#spec = spec;
    this.#ports = ports;
    this.#budget = new RetryBudget(ports.clock.now());
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

  update(spec: UpstreamSnapshot): void {
    this.#spec = spec;
    this.updateEndpoints(spec.endpoints);
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

  /** Some of them have changed; the others are as they were. Of one that is not known all will be told. */
  changeEndpoints(specs: UpstreamSnapshot['endpoints']): void {
    for (const spec of specs) this.#endpoints.get(spec.id)?.update(spec, this.#spec);
    this.#sort(this.#draining.filter(({ state }) => state === 'gone'));
  }

  #sort(leaving: readonly LiveEndpoint[]): void {
    const endpoints = [...this.#endpoints.values()];
    this.#eligible = eligibleOf(endpoints);
    this.#draining = [...leaving, ...endpoints.filter(({ state }) => state === 'draining')];
    const onProbation = endpoints.filter(({ state }) => state === 'probation');
    this.#onProbation = onProbation.length === 0 ? null : onProbation;
  }

  /** An endpoint for the next attempt: one not tried yet where there is one. Null when none may be chosen. */
  choose(tried: readonly LiveEndpoint[]): LiveEndpoint | null {
    if (tried.length === 0) this.#budget.earn();
    if (this.#onProbation !== null) {
      // A trial that waits for the least loaded would be over in an hour: who is free to be tried goes first.
      const free = this.#onProbation.find((endpoint) => !tried.includes(endpoint) && endpoint.tryProbation());
      if (free !== undefined) return free;
    }
    if (tried.length === 0) return this.#chooseOf(this.#eligible);
    const fresh = this.#eligible.filter((endpoint) => !tried.includes(endpoint));
    return this.#chooseOf(fresh.length > 0 ? fresh : this.#eligible);
  }

  /** The less loaded of two. Other workers may have filled it: then one of those where a request need not wait. */
  #chooseOf(endpoints: readonly LiveEndpoint[]): LiveEndpoint | null {
    const chosen = chooseOfTwo(endpoints, this.#ports.random);
    if (chosen === null || chosen.hasRoom) return chosen;
    const roomy = endpoints.filter(({ hasRoom }) => hasRoom);
    return chooseOfTwo(roomy, this.#ports.random) ?? chosen;
  }

  /** Whether another attempt would go somewhere else. */
  hasOther(tried: readonly LiveEndpoint[]): boolean {
    return this.#eligible.some((endpoint) => !tried.includes(endpoint));
  }

  mayRetry(): boolean {
    return this.#budget.spend(this.#ports.clock.now());
  }

  /** Ids of the endpoints that are draining or gone, and on which nothing is under way any more: each once. */
  takeDrained(): readonly string[] {
    if (this.#draining.length === 0) return [];
    const drained = this.#draining.filter(({ load }) => load === 0);
    this.#draining = this.#draining.filter(({ load }) => load > 0);
    return drained.map(({ id }) => id);
  }

  /** Whether `takeDrained` may still have something to tell. */
  get isDraining(): boolean {
    return this.#draining.length > 0;
  }

  /** Why none may be chosen. */
  unavailable(): Failure {
    const endpoints = [...this.#endpoints.values()];
    // Where nothing can be sent to any of them, what stands in the way is the answer, and no check can change it.
    const remaining = endpoints.filter(({ state, failure }) => state !== 'draining' || failure !== null);
    const failures = remaining.map(({ failure }) => failure);
    const [failure = null] = failures;
    if (failure !== null && !failures.includes(null)) return failure;
    const upstream = this.id;
    const starting = endpoints.find((endpoint) => endpoint.state === 'starting');
    const retryAfterS = this.#retryAfterS(endpoints);
    if (starting !== undefined && endpoints.every((endpoint) => endpoint.state === 'starting')) {
      const sinceMs = Math.round(this.#ports.clock.now() - starting.sinceInstant);
      const found = foundOf(starting);
      const { application } = this;
      return fail('instance_starting', 'route', { upstream, application, sinceMs, retryAfterS, ...found });
    }
    const why = reasonsOf(endpoints);
    const evidence = { upstream, endpoints: endpoints.length, why, retryAfterS, ...foundOfAll(endpoints) };
    const endpointCause = causeOfAll(endpoints);
    return fail('no_endpoint_ready', 'route', endpointCause === null ? evidence : { ...evidence, endpointCause });
  }

  /** When checks can bring the first endpoint back: an answer before that would be a guess. */
  #retryAfterS(endpoints: readonly LiveEndpoint[]): number {
    const now = this.#ports.clock.now();
    const rhythms = endpoints.map(({ checks }) => checks).filter((checks) => checks !== null);
    if (rhythms.length === 0) return retryAfterDefaultS;
    return Math.max(1, Math.ceil(Math.min(...rhythms.map((checks) => healthyInMs(checks, now))) / 1000));
  }

  /** Closes the connections that wait for an exchange. */
  closeIdle(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.closeIdle();
  }

  /** No endpoint is left. What is under way on them may end. */
  close(): void {
    this.updateEndpoints([]);
  }
}

/** What is known of an instance that is not ready, as evidence. */
function foundOf({ finding }: LiveEndpoint): { last?: string; fix?: string; lasting?: true } {
  if (finding === null) return {};
  const { says: reason, fix, lasting } = finding;
  return { last: reason, ...(fix === null ? {} : { fix }), ...(lasting ? { lasting } : {}) };
}

/** The same where one thing is to be done about all of them. */
function foundOfAll(endpoints: readonly LiveEndpoint[]): ReturnType<typeof foundOf> {
  const [first] = endpoints;
  if (first === undefined) return {};
  const isShared = endpoints.every(({ finding }) => finding !== null && finding.fix === first.finding?.fix);
  return isShared ? foundOf(first) : {};
}

/** A name may lead to hundreds of addresses, and whoever reads this has seen enough after these. */
const reasonsMax = 8;

function reasonsOf(endpoints: readonly LiveEndpoint[]): string {
  const shown = endpoints.slice(0, reasonsMax).map((endpoint) => `${endpoint.address}: ${endpoint.reason}`);
  const rest = endpoints.length - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('; ');
}

/** What the last check of every one met; null where they differ, or where nothing is known of one. */
function causeOfAll(endpoints: readonly LiveEndpoint[]): Cause | null {
  const [cause = null, ...others] = endpoints.map(({ failure, checkCause }) => failure?.cause ?? checkCause);
  return others.every((other) => other === cause) ? cause : null;
}

/**
 * Healthy ones, and those that nobody checks. While there is none: those on trial, those that are out by their
 * traffic although their checks pass, and those whose first check is not back. The record says which it was.
 */
function eligibleOf(endpoints: readonly LiveEndpoint[]): readonly LiveEndpoint[] {
  const ready = endpoints.filter(({ state }) => state === 'healthy' || state === 'unchecked');
  if (ready.length > 0) return ready;
  const possible = endpoints.filter(({ failure }) => failure === null);
  return possible.filter(({ state }) => state === 'probation' || state === 'ejected' || state === 'unknown');
}
