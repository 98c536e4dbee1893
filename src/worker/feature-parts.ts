import { fail } from '#failures/failure.ts';
import { failWith } from '#failures/result.ts';
import type { BodyLimits } from '../core/body-limit.ts';
import type { EndedExchange } from '../core/exchange.ts';
import {
  type FeatureMessages,
  type FeatureScope,
  type FeatureSemaphores,
  type FeatureSpecs,
  partKey,
  scopeKey,
} from '../core/feature.ts';
import { AnsweredTargets } from '../policy/answered-targets.ts';
import type { Filter } from '../core/filter.ts';
import type { GatewayState, QueueState } from '../core/schemas/gateway-state.ts';
import { localBoundSemaphores } from '../core/local-semaphore.ts';
import { PoolClasses } from '../core/pool-classes.ts';
import type { RequestPriority } from '../core/route-spec.ts';
import type { Recording } from '../core/recording.ts';
import type { AskUpstream } from '../core/subrequest.ts';
import type { SemaphoreSource } from '../core/semaphores.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import type { ScriptOf } from '../exchange/ports.ts';
import type { RouteBounds } from '../exchange/request-gate.ts';
import type { ResponseValues } from '../core/response-values.ts';
import type { RetryPolicy } from '../exchange/retry-policy.ts';
import type {
  FeaturePart,
  FeaturePorts,
  FeatureHooks,
  RequestedHeaders,
  WorkerFeature,
} from '../features/worker-feature.ts';

interface FeaturePartsPorts extends Pick<FeaturePorts, 'clock' | 'deadlines' | 'random'> {
  /** Absent: there is no upstream. */
  readonly ask?: AskUpstream;
  readonly semaphores: SemaphoreSource;
  /** Absent: there is one. */
  readonly worker?: number;
  readonly onUrgent?: () => void;
  readonly answered?: AnsweredTargets;
  /** How many threads can run at once; absent: one. */
  readonly cores?: number;
}

interface PartsPorts extends FeaturePartsPorts {
  readonly pool: PoolClasses;
  readonly answered: AnsweredTargets;
}

interface KnownPart {
  readonly feature: string;
  readonly scope: FeatureScope;
  /** Which of the shared semaphores it has: a part that gets others begins anew, as permits of the old ones are in use. */
  readonly semaphores: string;
  readonly part: FeaturePart;
}

type Parts = ReadonlyMap<string, KnownPart>;

/**
 * The parts that the features of the routes and upstreams have in this worker. A part of the next revision of the configuration goes on with the
 * state of that in force, and has no effect until the revision is.
 */
export class FeatureParts {
  readonly #features: readonly WorkerFeature[];
  readonly #ports: PartsPorts;
  /** By `partKey`. */
  #active: Parts = new Map();
  #ended: ReadonlyMap<string, readonly ((exchange: EndedExchange) => void)[]> = new Map();
  /** What the main thread has published last, by feature. */
  readonly #states = new Map<string, FeatureMessages>();
  /** Features that have loaded what they need. */
  readonly #loaded = new Set<WorkerFeature>();
  #isUrgent = false;

  constructor(features: readonly WorkerFeature[], ports: FeaturePartsPorts) {
    this.#features = features;
    const { semaphores, cores = 1, clock } = ports;
    const pool = new PoolClasses((index, onAvailable) => semaphores.pool(index, onAvailable), cores, clock);
    const answered = ports.answered ?? new AnsweredTargets();
    this.#ports = { ...ports, pool, answered, onUrgent: () => (this.#isUrgent = true) };
  }

  /** Loads what the features of these scopes need; null: everything is there. Before they are prepared. */
  load(scopes: readonly { readonly features?: FeatureSpecs }[]): Promise<void> | null {
    const missing = this.#features.filter(
      (feature) =>
        feature.load !== undefined &&
        !this.#loaded.has(feature) &&
        scopes.some(({ features }) => features?.[feature.name] !== undefined),
    );
    const loading = missing.map((feature) => this.#load(feature));
    for (const feature of this.#features)
      for (const { features } of feature.loadFor === undefined ? [] : scopes) {
        const spec = features?.[feature.name];
        const ofSpec = spec === undefined ? null : (feature.loadFor?.(spec) ?? null);
        if (ofSpec !== null) loading.push(this.#whenLoaded(feature, ofSpec));
      }
    return loading.length === 0 ? null : Promise.all(loading).then(() => {});
  }

  async #load(feature: WorkerFeature): Promise<void> {
    await this.#whenLoaded(feature, feature.load?.());
    this.#loaded.add(feature);
  }

  async #whenLoaded(feature: WorkerFeature, loading: Promise<unknown> | undefined): Promise<void> {
    try {
      await loading;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`the feature ${feature.name} cannot be loaded: ${why}`, { cause: error });
    }
  }

  /** Those of the next revision, which has these shared semaphores. */
  prepare(shared: FeatureSemaphores = {}): PendingParts {
    return new PendingParts(this.#features, this.#ports, shared, this.#active);
  }

  /** The revision is in force. */
  activate(next: PendingParts): void {
    const before = this.#active;
    this.#active = next.parts;
    for (const { part } of next.parts.values()) part.activate?.();
    for (const [key, { semaphores, part }] of before)
      if (next.parts.get(key)?.semaphores !== semaphores) part.close?.();
    this.#ended = next.ended();
    for (const [feature, states] of this.#states) this.onStates(feature, states);
  }

  /** The main thread has published the state of all scopes of a feature. */
  onStates(feature: string, states: FeatureMessages): void {
    this.#states.set(feature, states);
    for (const known of this.#active.values()) {
      if (known.feature === feature) known.part.onState?.(states[scopeKey(known.scope)] ?? null);
    }
  }

  /** Whether the main thread should not wait for the next regular report. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  /** What the parts report since the last call, by feature; null: nothing. */
  take(): Readonly<Record<string, FeatureMessages>> | null {
    this.#isUrgent = false;
    let reports: Record<string, Record<string, object>> | null = null;
    for (const { feature, scope, part } of this.#active.values()) {
      const report = part.report?.() ?? null;
      if (report === null) continue;
      reports ??= {};
      (reports[feature] ??= {})[scopeKey(scope)] = report;
    }
    return reports;
  }

  /** An exchange of this route has ended. */
  ended(exchange: EndedExchange): void {
    if (this.#ended.size === 0) return;
    for (const onEnded of this.#ended.get(exchange.route) ?? []) onEnded(exchange);
  }

  /** Whether a part finds out which failures are those of the route. */
  judgesFailuresOf(route: string): boolean {
    return this.#of([{ kind: 'route', id: route }]).some(({ judgesFailures }) => judgesFailures === true);
  }

  /** What records of failed exchanges of these scopes say. */
  conditionsOf(scopes: readonly Pick<FeatureScope, 'kind' | 'id'>[]): Pick<GatewayState, 'breaker' | 'queues'> {
    const found: { breaker?: NonNullable<GatewayState['breaker']>; queues: QueueState[] } = { queues: [] };
    for (const part of this.#of(scopes)) {
      const { breaker, queues = [] } = part.condition?.() ?? {};
      if (breaker !== undefined) found.breaker = breaker;
      found.queues.push(...queues);
    }
    return found;
  }

  waiting(): WaitingRequests[] {
    return [...this.#active.values()].flatMap(({ part }) => part.waiting?.() ?? []);
  }

  #of(scopes: readonly Pick<FeatureScope, 'kind' | 'id'>[]): FeaturePart[] {
    return scopes.flatMap((scope) =>
      this.#features.flatMap(({ name }) => this.#active.get(partKey(name, scope))?.part ?? []),
    );
  }
}

/** The parts of a revision that is not in force yet. */
export class PendingParts {
  readonly #features: readonly WorkerFeature[];
  readonly #ports: PartsPorts;
  readonly #shared: FeatureSemaphores;
  readonly #before: Parts;
  readonly #parts = new Map<string, KnownPart>();

  constructor(features: readonly WorkerFeature[], ports: PartsPorts, shared: FeatureSemaphores, before: Parts) {
    this.#features = features;
    this.#ports = ports;
    this.#shared = shared;
    this.#before = before;
  }

  get parts(): Parts {
    return this.#parts;
  }

  /** The parts of a route or an upstream, in the order of the features. Each part is prepared once. */
  of(scope: FeatureScope, specs: FeatureSpecs | undefined): readonly FeatureHooks[] {
    if (specs === undefined) return [];
    return this.#features
      .filter(({ name }) => specs[name] !== undefined)
      .map((feature) => this.#partOf(feature, scope, specs[feature.name] as object).hooks);
  }

  #partOf(feature: WorkerFeature, scope: FeatureScope, spec: object): FeaturePart {
    const key = partKey(feature.name, scope);
    const prepared = this.#parts.get(key);
    if (prepared !== undefined) return prepared.part;
    const handle = this.#shared[key];
    const semaphores = handle === undefined ? '' : `${handle.index} ${handle.generation}`;
    const before = this.#before.get(key);
    const { clock, deadlines, random, pool, answered, ask = noUpstream, onUrgent = () => {}, worker = 0 } = this.#ports;
    const ports: FeaturePorts = {
      ...{ worker, clock, deadlines, random, pool, answered, ask, onUrgent },
      semaphores: (onAvailable) =>
        handle === undefined ? localBoundSemaphores() : this.#ports.semaphores.bound(handle, onAvailable),
    };
    const part = feature.prepare(scope, spec, ports, before?.semaphores === semaphores ? before.part : null);
    this.#parts.set(key, { feature: feature.name, scope, semaphores, part });
    return part;
  }

  /** Who is told of ended exchanges, by route. */
  ended(): ReadonlyMap<string, readonly ((exchange: EndedExchange) => void)[]> {
    const found = new Map<string, ((exchange: EndedExchange) => void)[]>();
    for (const { scope, part } of this.#parts.values()) {
      const { onEnded } = part.hooks;
      if (onEnded === undefined || scope.kind !== 'route') continue;
      found.set(scope.id, [...(found.get(scope.id) ?? []), onEnded]);
    }
    return found;
  }

  /** The revision will not be in force. */
  discard(): void {
    for (const { part } of this.#parts.values()) part.discard?.();
  }
}

const noUpstream: AskUpstream = ({ upstream }) =>
  Promise.resolve(failWith(fail('configuration_fault', 'route', { what: `there is no upstream ${upstream}` })));

/** What the features of a route and then those of its upstream fill; null or empty where none of them fills anything. */
export interface RouteHooks {
  readonly filters: readonly Filter[];
  /** Null: requests of the route are never refused because the gateway is overloaded. */
  readonly priority: RequestPriority | null;
  readonly bounds: RouteBounds | null;
  readonly retry: RetryPolicy | null;
  readonly bodyLimits: BodyLimits | null;
  readonly recording: Recording | null;
  readonly asksPrevious: boolean;
  readonly asksForGateway: boolean;
  readonly requestHeadersRemoved: readonly string[];
  readonly responseValues: readonly ResponseValues[] | null;
  readonly responseHeadersRemoved: readonly string[];
  readonly responseHeaders: RequestedHeaders | null;
  readonly answersChecks: boolean;
  readonly script: ScriptOf | null;
}

export const noHooks: RouteHooks = {
  ...{ filters: [], priority: 'normal', bounds: null, retry: null, bodyLimits: null, recording: null },
  ...{ asksPrevious: false, asksForGateway: false, requestHeadersRemoved: [], responseHeadersRemoved: [] },
  ...{ responseValues: null, responseHeaders: null, answersChecks: false, script: null },
};

export function routeHooks(ofRoute: readonly FeatureHooks[], ofUpstream: readonly FeatureHooks[]): RouteHooks {
  if (ofRoute.length + ofUpstream.length === 0) return noHooks;
  const all = [...ofRoute, ...ofUpstream];
  const bounds = all.flatMap(({ gate }) => gate ?? []);
  const responseValues = all.flatMap((hooks) => hooks.responseValues ?? []);
  const priority = onlyOne(ofRoute, 'priority') ?? 'normal';
  return {
    filters: all.flatMap(({ filters = [] }) => filters),
    priority,
    bounds: bounds.length === 0 ? null : { bounds, priority },
    retry: onlyOne(all, 'retry'),
    bodyLimits: onlyOne(ofRoute, 'bodyLimits'),
    recording: onlyOne(ofRoute, 'recording'),
    asksPrevious: ofUpstream.some(({ asksPrevious }) => asksPrevious === true),
    asksForGateway: false,
    requestHeadersRemoved: all.flatMap(({ requestHeadersRemoved = [] }) => requestHeadersRemoved),
    responseValues: responseValues.length === 0 ? null : responseValues,
    responseHeadersRemoved: all.flatMap(({ responseHeadersRemoved = [] }) => responseHeadersRemoved),
    responseHeaders: onlyOne(ofRoute, 'responseHeaders'),
    answersChecks: ofRoute.some(({ answersChecks }) => answersChecks === true),
    script: onlyOne(ofRoute, 'script'),
  };
}

/** A hook that one feature alone can have. A second feature that fills it needs a rule how both go together, which is written here. */
export function onlyOne<K extends keyof FeatureHooks>(
  hooks: readonly FeatureHooks[],
  name: K,
): NonNullable<FeatureHooks[K]> | null {
  const [filled, another] = hooks.filter((one) => one[name] !== undefined);
  if (another !== undefined) throw new Error(`two features of one route or upstream fill the hook ${name}`);
  return filled?.[name] ?? null;
}
