/** The part of a feature in a worker thread. */
import type { BodyLimits } from '../core/body-limit.ts';
import type { Deadlines } from '../core/deadline.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { FeatureScope } from '../core/feature.ts';
import type { Filter } from '../core/filter.ts';
import type { GatewayState } from '../core/schemas/gateway-state.ts';
import type { PoolClasses } from '../core/pool-classes.ts';
import type { Random } from '../core/random.ts';
import type { Recording } from '../core/recording.ts';
import type { RequestPriority } from '../core/route-spec.ts';
import type { BoundSemaphores } from '../core/semaphores.ts';
import type { AskUpstream } from '../core/subrequest.ts';
import type { Clock } from '../core/time.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import type { ResponseHeadersOf } from '../exchange/ports.ts';
import type { ScriptOf } from '../exchange/ports.ts';
import type { RequestGate } from '../exchange/request-gate.ts';
import type { ResponseValues } from '../core/response-values.ts';
import type { RetryPolicy } from '../exchange/retry-policy.ts';
import type { AnsweredTargets } from '../policy/answered-targets.ts';
import type { AroundBalancer, OuterBalancer } from '../policy/balancer.ts';
import type { CanaryMatch } from '../policy/canary-match.ts';

/** Where exchanges of a scope meet the feature. A route has null for what none of its features fills. */
export interface FeatureHooks {
  readonly filters?: readonly Filter[];
  /** What requests must pass before an endpoint is chosen. */
  readonly gate?: RequestGate;
  /** Of an upstream. Another object replaces the balancer, with what it has learnt. */
  readonly balancer?: OuterBalancer;
  /** Likewise, around the balancer of each priority of an upstream. */
  readonly priorityBalancer?: AroundBalancer;
  /** Which requests a release gets that is for some alone. Another object replaces the balancer. */
  readonly canary?: CanaryMatch;
  /** Whose turn comes first where requests wait at a gate. */
  readonly priority?: RequestPriority;
  readonly retry?: RetryPolicy;
  readonly bodyLimits?: BodyLimits;
  readonly recording?: Recording;
  /** Of an upstream: what its new release has not is asked of the one before, while that runs. */
  readonly asksPrevious?: true;
  /** Changes values of headers in responses of endpoints. */
  readonly responseValues?: ResponseValues;
  /** Names of headers, in lower case, that requests of clients lose. */
  readonly requestHeadersRemoved?: readonly string[];
  /** Names of headers, in lower case, that responses of endpoints lose. */
  readonly responseHeadersRemoved?: readonly string[];
  /** On all responses of the route, also those that the gateway makes itself. One feature alone. */
  readonly responseHeaders?: RequestedHeaders;
  /** The route is for checks of load balancers: they come in clear text, and while an operator has closed all routes. */
  readonly answersChecks?: true;
  /** The program that a request is for, for endpoints that are asked by CGI variables. */
  readonly script?: ScriptOf;
  /** Is told how each exchange has ended. */
  readonly onEnded?: (exchange: EndedExchange) => void;
}

/** Headers that depend on the request. What endpoints say under these names is removed. */
export interface RequestedHeaders {
  readonly names: readonly string[];
  /** What it writes as Vary, lowercase: the route's own line that says the same is left out. */
  readonly vary?: string;
  readonly write: ResponseHeadersOf;
}

/** A feature of one scope in one revision of the configuration. */
export interface FeaturePart {
  readonly hooks: FeatureHooks;
  /** The revision is in force. Until then nobody can observe the part. */
  activate?(): void;
  /** The revision will never be in force. */
  discard?(): void;
  /** The next revision in force does not have the feature in this scope; exchanges of this one may go on. */
  close?(): void;
  /** What the main thread is to know since the last call, structured-cloneable; null: nothing. */
  report?(): object | null;
  /** What the part in the main thread has published; null: nothing of this scope. */
  onState?(state: object | null): void;
  /** It learns by itself whether a failure is its route's and not the endpoint's. */
  readonly judgesFailures?: boolean;
  /** What records of failed exchanges say of it. */
  condition?(): Pick<GatewayState, 'breaker' | 'queues'>;
  /** Requests that wait in it, in this worker; null: none. */
  waiting?(): WaitingRequests | null;
}

/** What a part may use. */
export interface FeaturePorts {
  /** The number of the worker, as the main thread knows it. */
  readonly worker: number;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly random: Random;
  /** Those of this scope, which all workers share where the feature's part in the main thread asks for it. Another revision may have others: `previous` is null then. */
  semaphores(onAvailable: () => void): BoundSemaphores;
  /** The threads of Node's pool, which all features of all workers share. */
  readonly pool: PoolClasses;
  /** What the worker has answered well: what is missing of it was not asked for by mistake. */
  readonly answered: AnsweredTargets;
  /** Asks an upstream on the gateway's own behalf. Not before the revision is in force, which has the upstream. */
  readonly ask: AskUpstream;
  /** The main thread should not wait for the next regular report. */
  onUrgent(): void;
}

export interface WorkerFeature<S extends object = object, P extends FeaturePart = FeaturePart> {
  readonly name: string;
  /** Loads what `prepare` needs, such as a library, by `import()`: a worker without the feature does without. Once, before the first `prepare`; if it rejects, the worker cannot be used. */
  load?(): Promise<unknown>;
  /** The same for what one spec alone needs; null: everything is there. Before each `prepare`. */
  loadFor?(spec: S): Promise<unknown> | null;
  /**
   * The part of a scope in the next revision of the configuration; `previous` is that of the revision in force, whose state it goes on with.
   * Nothing that others can observe changes before `activate`.
   */
  prepare(scope: FeatureScope, spec: S, ports: FeaturePorts, previous: P | null): P;
}

type PrepareOfOne = Parameters<WorkerFeature<never, never>['prepare']>;

/** A feature whose code is loaded where a configuration has it: most workers do without. */
export function lazyWorkerFeature<L>(
  name: string,
  load: () => Promise<L>,
  prepare: (loaded: L, ...of: PrepareOfOne) => FeaturePart,
): WorkerFeature {
  let loaded: L | null = null;
  return {
    name,
    async load() {
      loaded = await load();
    },
    prepare(...of) {
      if (loaded === null) throw new Error(`${name} is loaded before it is prepared`);
      return prepare(loaded, ...(of as PrepareOfOne));
    },
  };
}

/** The feature, as a registry has it: only `prepare` knows its spec. */
export function workerFeature<S extends object, P extends FeaturePart>(feature: WorkerFeature<S, P>): WorkerFeature {
  return feature as unknown as WorkerFeature;
}
