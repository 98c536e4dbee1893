import type { Configuration } from '../core/configuration.ts';
import type { ListenerSpec } from '../core/listener-spec.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { ApplicationId, EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { NameResolver } from '../core/name-resolver.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import type { EndpointSnapshot, UpstreamDelta, UpstreamSnapshot } from '../core/snapshot.ts';
import type { LiveInstance, SupervisedInstances } from '../core/live-instance.ts';
import type { EndpointCertificate } from '../core/tls-server.ts';
import type { EndpointCounters } from '../core/semaphores.ts';
import type { CheckContext } from './watched-endpoint.ts';
import { ApplicationSource, instanceEndpointId } from './application-source.ts';
import { DnsSource } from './dns-source.ts';
import { EndpointRegistry } from './endpoint-registry.ts';
import {
  type EndpointSourceFactory,
  Destinations,
  type EndpointSource,
  type SourceContext,
  type SourceEndpoint,
} from './endpoint-source.ts';
import { EndpointDeltas, type EndpointDelta, EndpointSince } from './endpoint-deltas.ts';
import { drainSignalOf } from '../features/drain-signal/settings.ts';
import { endpointBreakerOf } from '../features/circuit-breaker/settings.ts';
import { outlierDetectionOf } from '../features/outlier-detection/settings.ts';
import { DrainRequests } from './drain-requests.ts';
import { OutlierDetector } from './outlier-detector.ts';
import { type SlowStartSpec, slowStartName } from '../features/slow-start/settings.ts';
import { stickyName } from '../features/sticky/settings.ts';
import { defaultComparison, type OutlierSettings, outlierSettingsOf } from '../policy/outlier-settings.ts';
import { triedAllTheSame } from '../policy/eligible-endpoints.ts';
import { triedReason } from './outlier-reasons.ts';
import { fail } from '#failures/failure.ts';
import { type LiteralAddress, literalAddressesOf } from './configured-addresses.ts';
import { prohibitedFailure } from './named-endpoints.ts';

interface StaticUpstream {
  readonly destinations: Destinations;
  readonly addresses: readonly LiteralAddress[];
}

/** Addresses and unix sockets as they stand in the configuration. They change with a reload only. */
export class StaticSource implements EndpointSource {
  readonly isSettled = true;
  readonly #context: SourceContext;
  readonly #upstreams = new WeakMap<UpstreamSpec, StaticUpstream>();

  constructor(context: SourceContext) {
    this.#context = context;
  }

  prepare(configuration: Configuration): void {
    const destinations = new Destinations(configuration, this.#context.listeners);
    for (const spec of configuration.upstreams) {
      this.#upstreams.set(spec, { destinations, addresses: literalAddressesOf(spec) });
    }
  }

  activate(configuration: Configuration): void {
    this.prepare(configuration);
  }

  endpointsOf(spec: UpstreamSpec): readonly SourceEndpoint[] {
    const upstream = this.#upstreams.get(spec);
    if (upstream === undefined) return [];
    return upstream.addresses.map((literal) => endpointOf(literal, upstream.destinations));
  }

  stop(): void {}
}

function endpointOf({ id, position, address, placing }: LiteralAddress, destinations: Destinations): SourceEndpoint {
  const endpoint = { id, position, address, ...placing, health: 'checked' } as const;
  if (address.kind !== 'tcp' || !destinations.isOwn(address.host, address.port)) return endpoint;
  return { ...endpoint, prohibition: prohibitedFailure(address, null, 'own_listener') };
}

interface EndpointsParts {
  readonly checkContext: CheckContext;
  /** The effect of looking up names. */
  readonly names: NameResolver;
  /** A lookup ended with a code that no entry of the failure table fits. */
  readonly onUnclassified: () => void;
  readonly events: EventSink;
  readonly shared: EndpointCounters;
  readonly instances: SupervisedInstances;
  /** Sources besides those of the configuration. */
  readonly sources?: readonly EndpointSourceFactory[];
  /** The active configuration. */
  readonly configuration: () => Configuration;
  readonly revision: () => number;
  readonly listeners: () => readonly Pick<ListenerSpec, 'host' | 'port'>[];
  /** Sends a delta to all workers. */
  readonly send: (delta: UpstreamDelta) => void;
  /** A check has seen the certificate of an endpoint. */
  readonly onServerCertificate?: (seen: EndpointCertificate) => void;
  /** The state of an endpoint has changed, or its reason. */
  readonly onChange: () => void;
  /** What operators have changed: weights and drains. */
  readonly adjust: (endpoints: readonly EndpointSnapshot[]) => readonly EndpointSnapshot[];
}

/**
 * The endpoints as workers receive them: from their sources and checks, adjusted by their traffic, each with its
 * shared counters. Workers receive the endpoints that have changed, and nothing where a request would meet the same.
 */
export class Endpoints {
  readonly registry: EndpointRegistry;
  readonly #parts: EndpointsParts;
  readonly #outliers: OutlierDetector;
  readonly #drains: DrainRequests;
  readonly #allocator: EndpointSemaphoreAllocator;
  readonly #deltas = new EndpointDeltas();
  readonly #since = new EndpointSince();
  /** Of the active configuration. */
  readonly #outlierSettings = new Map<UpstreamId, OutlierSettings>();

  constructor(parts: EndpointsParts) {
    this.#parts = parts;
    const { checkContext, events, listeners } = parts;
    const { clock, random } = checkContext;
    this.#allocator = new EndpointSemaphoreAllocator(parts.shared);
    this.registry = new EndpointRegistry({
      checkContext,
      sources: sourcesOf(parts),
      listeners,
      events,
      onChange: (upstream) => {
        this.#outliers.checksChanged(upstream);
        this.#sendChanges(upstream);
        parts.onChange();
      },
      onChecked: (endpoint, refused, certificate, drain) => {
        this.#noteDrain(endpoint, drain, refused);
        parts.shared.noteChecked(endpoint, refused);
        if (refused) this.#outliers.onRefusedCheck(endpoint);
        if (certificate !== null) parts.onServerCertificate?.({ endpoint, certificate });
      },
    });
    this.#drains = new DrainRequests({
      clock,
      events,
      endpoints: (upstream) => this.registry.endpoints(upstream),
      checksReceive: (upstream) => this.#specOf(upstream)?.check.kind === 'http',
      onChange: (upstream) => this.#sendChanges(upstream),
    });
    this.#outliers = new OutlierDetector({
      clock,
      random,
      events,
      checked: (upstream) => this.registry.endpoints(upstream),
      checkOf: (upstream) => this.#checkOf(upstream),
      overridden: (endpoints) => this.#overridden(endpoints),
      onChange: (upstream) => this.#sendChanges(upstream),
      settingsOf: (upstream) => this.#outlierSettingsOf(upstream),
    });
  }

  #outlierSettingsOf(upstream: UpstreamId): OutlierSettings {
    const known = this.#outlierSettings.get(upstream);
    if (known !== undefined) return known;
    const spec = this.#specOf(upstream);
    const { features, balance } = spec ?? {};
    const settings = outlierSettingsOf(outlierDetectionOf(features), endpointBreakerOf(features), {
      ...defaultComparison,
      beginningMs: Math.max(
        defaultComparison.beginningMs,
        (features?.[slowStartName] as SlowStartSpec | undefined)?.rampMs ?? 0,
      ),
      byClient: balance?.kind === 'hash' || features?.[stickyName] !== undefined,
    });
    this.#outlierSettings.set(upstream, settings);
    return settings;
  }

  #checkOf(upstream: UpstreamId): string {
    const spec = this.#parts.configuration().upstreams.find(({ id }) => id === upstream);
    return spec === undefined || spec.application !== null ? 'readiness' : spec.check.kind;
  }

  /** The endpoints of the active configuration at this moment, or those of a prepared one. */
  upstreams(specs?: Configuration['upstreams']): readonly UpstreamSnapshot[] {
    return this.registry
      .upstreams(specs)
      .map((one) => ({ ...one, endpoints: this.#forWorkers(one, this.#judged(one.endpoints)) }));
  }

  /** By traffic, by themselves, and by operators. */
  #judged(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    return this.#overridden(this.#outliers.adjust(endpoints));
  }

  #overridden(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    return this.#parts.adjust(this.#drains.adjust(endpoints));
  }

  #forWorkers(
    { id, triesUnhealthy }: Pick<UpstreamSpec, 'id' | 'triesUnhealthy'>,
    judged: readonly EndpointSnapshot[],
  ): readonly EndpointSnapshot[] {
    return this.#allocator.of(id, this.#since.adjust(id, withTriedReasons(judged, triesUnhealthy === true)));
  }

  /** `configuration` is active now. `sendChangesSince` must follow. */
  use(configuration: Configuration): void {
    this.#outlierSettings.clear();
    this.registry.activate(configuration);
    this.#drains.keepOnly(
      (upstream, id) =>
        drainSignalOf(this.#specOf(upstream)?.features) !== undefined &&
        this.registry.endpoints(upstream)?.has(id) === true,
    );
    this.#allocator.keepOnly(configuration.upstreams);
    this.#deltas.keepOnly(configuration.upstreams);
    this.#since.keepOnly(configuration.upstreams);
  }

  /** A readiness check of an instance has ended: workers learn whether anything listens there. */
  instanceChecked(application: ApplicationId, instance: LiveInstance, refused: boolean): void {
    for (const upstream of this.#parts.configuration().upstreams) {
      if (upstream.application !== application) continue;
      this.#parts.shared.noteChecked(instanceEndpointId(upstream.id, instance), refused);
    }
  }

  /** Endpoints that have refused connections, from a worker's batch. The requests that met it may go on for long: they wait, or are tried elsewhere. */
  onRefused(endpoints: readonly EndpointId[]): void {
    for (const endpoint of endpoints) this.registry.suspect(endpoint);
  }

  /** The outcomes of attempts, from a worker's batch. */
  onOutcomes(outcomes: readonly EndpointOutcomes[], routes: readonly RouteTraffic[] = [], worker = 0): void {
    for (const outcome of outcomes) this.#noteTraffic(outcome);
    this.#outliers.onOutcomes(outcomes, routes, worker);
  }

  #noteTraffic({ upstream, endpoint, successes, serverErrors, failures }: EndpointOutcomes): void {
    const id = endpoint as EndpointId;
    const traffic = { served: successes > serverErrors, failed: failures > 0 };
    this.registry.noteTraffic(upstream as UpstreamId, id, traffic);
  }

  /**
   * Sends what has changed since `upstreams` were put into a snapshot, which a worker has activated now: a change that came while the
   * snapshot was on its way to a worker was in no delta that this worker received. Sending everything instead, 1,000 endpoints, kept
   * each worker busy for some milliseconds after each reload.
   */
  sendChangesSince(upstreams: readonly UpstreamSnapshot[]): void {
    this.#deltas.keepOnly([]);
    for (const { id, endpoints } of upstreams) this.#deltas.all(id, endpoints);
    for (const { id } of this.#parts.configuration().upstreams) this.#sendChanges(id);
  }

  #specOf(upstream: UpstreamId): UpstreamSpec | undefined {
    return this.#parts.configuration().upstreams.find(({ id }) => id === upstream);
  }

  #noteDrain(endpoint: EndpointId, drain: string | null | undefined, refused: boolean): void {
    const upstream = this.#parts
      .configuration()
      .upstreams.find(({ id }) => this.registry.endpoints(id)?.has(endpoint) === true);
    if (upstream !== undefined) this.#drains.onChecked(upstream.id, endpoint, drain, refused);
  }

  /** A worker has seen a response of an endpoint that wants no new requests. */
  onDrainSignal(upstream: UpstreamId, endpoint: EndpointId): void {
    this.#drains.onResponse(upstream, endpoint);
    this.registry.expectEnd(endpoint);
  }

  /** See `OutlierDetector.endPause`. */
  endPause(endpoint: EndpointId): boolean {
    return this.#outliers.endPause(endpoint);
  }

  /** Operators have changed a weight, or drain an endpoint. */
  overlayChanged(): void {
    for (const { id } of this.#parts.configuration().upstreams) this.#sendChanges(id);
  }

  #sendChanges(upstream: UpstreamId): void {
    const endpoints = this.registry.endpoints(upstream);
    // An upstream of a configuration that is only prepared.
    const spec = this.#specOf(upstream);
    if (endpoints === null || spec === undefined) return;
    this.#outliers.review(upstream);
    const judged = this.#judged([...endpoints.values()]);
    this.#since.note(upstream, judged, this.#parts.checkContext.clock.now());
    const delta = this.#deltas.changesOf(upstream, this.#forWorkers(spec, judged));
    if (delta !== null) this.#send(upstream, delta);
  }

  #send(upstream: UpstreamId, delta: EndpointDelta): void {
    this.#parts.send({ revision: this.#parts.revision(), upstream, ...delta });
  }

  stop(): void {
    this.registry.stop();
    this.#outliers.stop();
    this.#drains.stop();
  }
}

/** Where endpoints come from. A new kind of source is a file, and a line here. */
function sourcesOf({ checkContext, names, events, onUnclassified, instances, sources = [] }: EndpointsParts) {
  const { random } = checkContext;
  const own: readonly EndpointSourceFactory[] = [
    (context) => new StaticSource(context),
    (context) => new DnsSource({ random, names, events, onUnclassified }, context),
    (context) => new ApplicationSource(instances, context),
  ];
  return [...own, ...sources];
}

/** Where no endpoint is healthy, the reason of one that gets requests all the same must not say that it gets none. */
function withTriedReasons(
  endpoints: readonly EndpointSnapshot[],
  triesUnhealthy: boolean,
): readonly EndpointSnapshot[] {
  const tried = new Set(triedAllTheSame(endpoints, triesUnhealthy));
  if (tried.size === 0) return endpoints;
  return endpoints.map((endpoint) =>
    tried.has(endpoint) ? { ...endpoint, reason: `${endpoint.reason}; ${triedReason}` } : endpoint,
  );
}

/** Endpoints come and go with lookups and deploys, which take seconds. */
const retryAfterS = 10;

/** Gives each endpoint the shared cells in which all workers count its connections. */
export class EndpointSemaphoreAllocator {
  readonly #shared: EndpointCounters;
  /** The endpoints that workers were last sent. */
  readonly #known = new Map<UpstreamId, readonly EndpointId[]>();

  constructor(shared: EndpointCounters) {
    this.#shared = shared;
  }

  /** Forgets other upstreams. The cells of their endpoints are free once all permits are released. */
  keepOnly(upstreams: readonly { readonly id: UpstreamId }[]): void {
    const wanted = new Set(upstreams.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!wanted.has(id)) this.#known.delete(id);
  }

  /** The endpoints of an upstream with their cells, as they are sent to workers. */
  of(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    const known = this.#known.get(upstream);
    if (known?.length !== endpoints.length || endpoints.some(({ id }, index) => id !== known[index])) {
      this.#known.set(
        upstream,
        endpoints.map(({ id }) => id),
      );
      this.#shared.keepOnly(new Set([...this.#known.values()].flat()));
    }
    return endpoints.map((endpoint) => this.#withSemaphores(upstream, endpoint));
  }

  /** An endpoint without cells is unhealthy: connections that are not counted could not be limited. */
  #withSemaphores(upstream: UpstreamId, endpoint: EndpointSnapshot): EndpointSnapshot {
    const semaphores = this.#shared.allocate(endpoint.id);
    if (semaphores !== null) return { ...endpoint, semaphores };
    const limit = this.#shared.endpointsMax;
    const reason = `the gateway counts connections to ${limit} endpoints at most, and this is one more`;
    const failure = fail('too_many_endpoints', 'route', { upstream, limit, retryAfterS });
    return { ...endpoint, state: 'unhealthy', reason, failure };
  }
}
