import type { Configuration } from '../core/configuration.ts';
import type { Launcher } from '../core/launch.ts';
import type { ExchangeCount } from '../core/counters.ts';
import type { EventSink } from '../core/event.ts';
import {
  type FeatureMessages,
  type FeatureScope,
  type FeatureSemaphores,
  type FeatureSpecs,
  type FeatureState,
  type FeatureStates,
  featureStatesBytesMax,
  partKey,
} from '../core/feature.ts';
import type { Random } from '../core/random.ts';
import type { BoundCounters, SemaphoreHandle } from '../core/semaphores.ts';
import type { Clock } from '../core/time.ts';
import { featureLauncher } from '../features/launch.ts';
import type { MainFeature, MainFeaturePorts, MainPart, ReleaseFolders, ScopedSpec } from '../features/main-feature.ts';

interface FeaturesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly stateFolder: string | null;
  readonly connector: MainFeaturePorts['connector'];
  readonly checker: MainFeaturePorts['checker'];
  readonly endpoints: MainFeaturePorts['endpoints'];
  readonly applications: MainFeaturePorts['applications'];
  readonly counted: (key: string) => ReturnType<MainFeaturePorts['counted']>;
  readonly waiting: MainFeaturePorts['waiting'];
  readonly launchChanged: MainFeaturePorts['launchChanged'];
  /** Tells all workers. */
  readonly send: (feature: string, states: FeatureMessages) => void;
  /** Observes what the launcher starts. Absent: nothing does. */
  readonly observed?: (launcher: Launcher) => Launcher;
}

/** The parts of features in the main thread. */
export class Features {
  readonly #features: readonly MainFeature[];
  readonly #parts = new Map<string, MainPart>();
  readonly #published = new Map<string, FeatureMessages>();
  readonly #send: FeaturesParts['send'];
  /** What features do to each start of a program of an application. */
  readonly launcher: Launcher;

  constructor(
    features: readonly MainFeature[],
    { send, counted, observed = (launcher) => launcher, ...shared }: FeaturesParts,
  ) {
    this.#features = features;
    this.#send = send;
    for (const { name, start } of features) {
      const publish = (states: FeatureMessages): void => {
        this.#published.set(name, states);
        send(name, states);
      };
      const ports = { ...shared, publish, counted: (scope: FeatureScope) => counted(partKey(name, scope)) };
      if (start !== undefined) this.#parts.set(name, start(ports));
    }
    this.launcher = observed(
      featureLauncher(
        [...this.#parts].flatMap(([name, { launch }]) => (launch === undefined ? [] : [{ name, launch }])),
      ),
    );
  }

  /** The configuration is in force. */
  use(configuration: Configuration): void {
    for (const { name } of this.#features) this.#parts.get(name)?.use(scopesOf(configuration, name));
  }

  /** Routes or upstreams of a snapshot, with the specs that workers get. */
  forWorkers<T extends { readonly features?: FeatureSpecs }>(scopes: readonly T[]): readonly T[] {
    const parts = [...this.#parts].filter(([, part]) => part.forWorkers !== undefined);
    const given = (one: T): T => {
      const own = parts.flatMap(([name, part]) => {
        const spec = one.features?.[name];
        return spec === undefined ? [] : [[name, part.forWorkers?.(spec) ?? spec] as const];
      });
      return own.length === 0 ? one : { ...one, features: { ...one.features, ...Object.fromEntries(own) } };
    };
    return scopes.map(given);
  }

  /** From a worker's batch. */
  onReports(reports: Readonly<Record<string, FeatureMessages>>, worker: number): void {
    for (const [name, ofScopes] of Object.entries(reports)) this.#parts.get(name)?.onReports?.(ofScopes, worker);
  }

  onWorkerGone(worker: number): void {
    for (const part of this.#parts.values()) part.onWorkerGone?.(worker);
  }

  /** From a worker's batch. */
  onExchanges(exchanges: readonly ExchangeCount[]): void {
    for (const part of this.#parts.values()) part.onExchanges?.(exchanges);
  }

  /** Tells all workers again: one has just started. */
  sendAgain(): void {
    for (const [name, states] of this.#published) this.#send(name, states);
  }

  /** Their sections of the status, by key. */
  status(): object {
    return Object.assign({}, ...[...this.#parts.values()].map((part) => part.status?.() ?? {}));
  }

  /** Asks the part of a feature; null: it has none. */
  ask(feature: string, request: object, actor: string): ReturnType<NonNullable<MainPart['ask']>> | null {
    return this.#parts.get(feature)?.ask?.(request, actor) ?? null;
  }

  /** To how many routes of the upstream features answer requests themselves, because they fail. */
  refusedRoutes(upstream: string): number {
    return [...this.#parts.values()].reduce((sum, part) => sum + (part.refusedRoutes?.(upstream) ?? 0), 0);
  }

  /** Ids of routes that features have closed for maintenance. */
  closedRoutes(): ReadonlySet<string> {
    return new Set([...this.#parts.values()].flatMap((part) => part.closedRoutes?.() ?? []));
  }

  /** For the process that takes over. */
  export(): FeatureStates {
    return this.#exported((part) => part.export?.() ?? null);
  }

  /** For the process that has taken over: what has come since. */
  exportMore(): FeatureStates {
    return this.#exported((part) => part.exportMore?.() ?? null);
  }

  #exported(stateOf: (part: MainPart) => FeatureState | null): FeatureStates {
    let left = featureStatesBytesMax;
    const states = [...this.#parts].flatMap(([name, part]) => {
      const state = stateOf(part);
      if (state === null || state.bytes.length > left) return [];
      left -= state.bytes.length;
      return [[name, state] as const];
    });
    return Object.fromEntries(states);
  }

  /** From the process before this one; before the first `use`. */
  import(states: FeatureStates): void {
    for (const [name, state] of Object.entries(states)) this.#parts.get(name)?.import?.(state);
  }

  importMore(states: FeatureStates): void {
    for (const [name, state] of Object.entries(states)) this.#parts.get(name)?.importMore?.(state);
  }

  onReleaseFolders(application: string, folders: ReleaseFolders): void {
    for (const part of this.#parts.values()) part.onReleaseFolders?.(application, folders);
  }

  /** The first reason; null: there is none. */
  async refuses(application: string, folder: string): Promise<string | null> {
    for (const part of this.#parts.values()) {
      const reason = (await part.refuses?.(application, folder)) ?? null;
      if (reason !== null) return reason;
    }
    return null;
  }

  /** Other releases of applications may be in force. */
  onReleases(): void {
    for (const part of this.#parts.values()) part.onReleases?.();
  }

  /** Another process takes over, or this one ends. */
  async pause(): Promise<void> {
    await Promise.all([...this.#parts.values()].flatMap((part) => part.pause?.() ?? []));
  }

  async resume(): Promise<void> {
    await Promise.all([...this.#parts.values()].flatMap((part) => part.resume?.() ?? []));
  }

  /** Ends the programs that features run. */
  async finish(ending: Parameters<NonNullable<MainPart['finish']>>[0]): Promise<void> {
    await Promise.all([...this.#parts.values()].flatMap((part) => part.finish?.(ending) ?? []));
  }

  /** The part of a feature; null: it has none. */
  partOf(name: string): MainPart | null {
    return this.#parts.get(name) ?? null;
  }

  stop(): void {
    for (const part of this.#parts.values()) part.stop?.();
  }

  async close(hasSuccessor: boolean): Promise<void> {
    await Promise.all([...this.#parts.values()].flatMap((part) => part.close?.(hasSuccessor) ?? []));
  }
}

/** The scopes of a configuration that have the feature. */
function scopesOf({ routes, upstreams, applications, features: ofFile }: Configuration, name: string): ScopedSpec[] {
  const found: ScopedSpec[] = [];
  const add = (scope: FeatureScope, features: FeatureSpecs | undefined): void => {
    const spec = features?.[name];
    if (spec !== undefined) found.push({ scope, spec });
  };
  for (const { id, action, features } of routes)
    add({ kind: 'route', id, upstream: action.kind === 'upstream' ? action.upstream : null }, features);
  for (const { id, features } of upstreams) add({ kind: 'upstream', id, upstream: id }, features);
  // A worker has the features of its application, and is no scope of its own.
  for (const { id, of, features } of applications)
    if (of === undefined) add({ kind: 'application', id, upstream: null }, features);
  add({ kind: 'file', id: '', upstream: null }, ofFile);
  return found;
}

/** The semaphores that all workers share for the features of a configuration. */
export class SharedSemaphores {
  readonly #features: readonly MainFeature[];
  readonly #counters: BoundCounters | null;

  constructor(features: readonly MainFeature[], counters: BoundCounters | null) {
    this.#features = features;
    this.#counters = counters;
  }

  /**
   * All are in use only right after reloads with other scopes, while requests of earlier revisions are in flight: those that get none count in each
   * worker.
   */
  of(configuration: Configuration): FeatureSemaphores {
    const found: Record<string, SemaphoreHandle> = {};
    for (const key of this.#keysOf(configuration)) {
      const handle = this.#counters?.allocateBound(key) ?? null;
      if (handle !== null) found[key] = handle;
    }
    return found;
  }

  /** Others are not used any more, once their permits are released. */
  keepOnly(configuration: Configuration): void {
    this.#counters?.keepOnlyBounds(new Set(this.#keysOf(configuration)));
  }

  #keysOf(configuration: Configuration): string[] {
    return this.#features.flatMap(({ name, sharesSemaphores }) =>
      sharesSemaphores === undefined
        ? []
        : scopesOf(configuration, name)
            .filter(({ spec }) => sharesSemaphores(spec))
            .map(({ scope }) => partKey(name, scope)),
    );
  }
}
