import type { HealthCheckReport } from '../core/health-check-report.ts';
import type { Configuration } from '../core/configuration.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import { addressText, type EndpointId, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import { explain } from '#failures/failure-texts.ts';
import type { InstanceTraffic } from '../core/live-instance.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import type {
  ListeningAddresses,
  EndpointSource,
  EndpointSourceFactory,
  SourceContext,
  SourceEndpoint,
} from './endpoint-source.ts';
import { EndpointChecks, type OnEndpointChecked } from './endpoint-checks.ts';
import type { CheckContext } from './watched-endpoint.ts';

interface EndpointRegistryParts {
  /** The clock and the other functions that checks need. */
  readonly checkContext: CheckContext;
  readonly sources: readonly EndpointSourceFactory[];
  /** The addresses at which this gateway itself listens now. */
  readonly listeners: () => ListeningAddresses;
  readonly events: EventSink;
  /** Called after the endpoints of one upstream have changed. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** Called when a check of an endpoint has ended. */
  readonly onChecked: OnEndpointChecked;
}

/**
 * What the main thread knows about every endpoint: its address, from its source, and its state, from its checks or its source.
 * Workers get this as snapshots and deltas. The registry decides nothing about a single request.
 */
export class EndpointRegistry {
  readonly #parts: EndpointRegistryParts;
  readonly #sources: readonly EndpointSource[];
  readonly #checks: EndpointChecks;
  #active: readonly UpstreamSpec[] = [];
  #prepared: readonly UpstreamSpec[] = [];
  #isStopped = false;
  /**
   * The endpoints of each upstream as they were at its last change: a cache for frequent callers. Building the list of endpoints
   * for the result of each request took half a core of the main thread at 4,000 requests per second and 200 endpoints.
   */
  readonly #known = new Map<UpstreamId, ReadonlyMap<EndpointId, EndpointSnapshot>>();

  constructor(parts: EndpointRegistryParts) {
    this.#parts = parts;
    const { checkContext, listeners, onChecked } = parts;
    this.#checks = new EndpointChecks({
      checkContext,
      onChange: (upstream) => this.#healthChanged(upstream),
      onChecked,
    });
    const context: SourceContext = {
      clock: checkContext.clock,
      listeners,
      onChange: (upstream) => this.#endpointsChanged(upstream),
      isReady: (spec, endpoint) => this.#checks.isReady(spec, endpoint),
    };
    this.#sources = parts.sources.map((create) => create(context));
  }

  /** Begins to find and check the endpoints of `configuration`, in addition to those of the active one. Does nothing after `stop`. */
  prepare(configuration: Configuration): void {
    if (this.#isStopped) return;
    for (const source of this.#sources) source.prepare(configuration);
    this.#prepared = configuration.upstreams;
    this.#watchAll();
  }

  /** Watches only the endpoints of `configuration`. Endpoints that were watched before keep their state. Does nothing after `stop`. */
  activate(configuration: Configuration): void {
    if (this.#isStopped) return;
    for (const source of this.#sources) source.activate(configuration);
    [this.#active, this.#prepared] = [configuration.upstreams, []];
    this.#watchAll();
    const wanted = new Set(this.#active.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!wanted.has(id)) this.#known.delete(id);
    for (const spec of this.#active) this.#updateKnown(spec);
  }

  /** The endpoint has said in a response that it wants no new requests. */
  expectEnd(id: EndpointId): void {
    this.#checks.expectEnd(id);
  }

  /** The endpoint has refused the connection of a request: checks the endpoint now. */
  suspect(id: EndpointId): void {
    this.#checks.suspect(id);
    for (const [upstream, known] of this.#known) {
      const endpoint = known.get(id);
      if (endpoint === undefined) continue;
      for (const source of this.#sources) source.onTraffic?.(upstream, endpoint, refusedTraffic);
    }
  }

  /** Reports requests that have ended at an endpoint. Ignored if the endpoint has been removed. */
  noteTraffic(upstream: UpstreamId, id: EndpointId, traffic: InstanceTraffic): void {
    const endpoint = this.#known.get(upstream)?.get(id);
    if (endpoint === undefined) return;
    for (const source of this.#sources) source.onTraffic?.(upstream, endpoint, traffic);
  }

  /** Whether every source has found its endpoints, and every endpoint has been checked at least once. */
  get isSettled(): boolean {
    return this.#sources.every(({ isSettled }) => isSettled) && this.#checks.isSettled;
  }

  /** The present state of `specs`: upstreams of the active configuration, or of a configuration that is being prepared. */
  upstreams(specs: readonly UpstreamSpec[] = this.#active): readonly UpstreamSnapshot[] {
    return specs.map((spec) => {
      const { check: _check, endpoints: _endpoints, family: _family, ...rest } = spec;
      return { ...rest, endpoints: this.#snapshotsOf(spec) };
    });
  }

  /**
   * The endpoints of one upstream as they were at the last change that matters for requests. Smaller changes, for example the
   * time at which a healthy endpoint was last checked, are not included. Null if the upstream is not active.
   */
  endpoints(id: UpstreamId): ReadonlyMap<EndpointId, EndpointSnapshot> | null {
    return this.#known.get(id) ?? null;
  }

  /** What the health document of an endpoint says of parts that do not work; null: nothing, or it has none. */
  adviceOf(upstream: UpstreamId, id: EndpointId): string | null {
    const spec = this.#active.find((one) => one.id === upstream);
    return spec === undefined ? null : (this.#checks.find(spec, id)?.advice ?? null);
  }

  /** What the last check of an endpoint has sent and got; null: it has not been checked, or its application checks it. */
  lastCheckOf(upstream: UpstreamId, id: EndpointId): HealthCheckReport | null {
    const spec = this.#active.find((one) => one.id === upstream);
    return spec === undefined ? null : (this.#checks.find(spec, id)?.lastCheck ?? null);
  }

  /** Stops sources and checks for good. If a reload is still running, it starts no more of them: its `prepare` and `activate` do nothing. */
  stop(): void {
    this.#isStopped = true;
    this.#checks.stop();
    for (const source of this.#sources) source.stop();
  }

  /** Called by a source when endpoints of an upstream have changed. */
  #endpointsChanged(upstream: UpstreamId): void {
    if (!this.#isStopped) this.#watch(upstream);
    this.#report(upstream);
  }

  /** Called by the checks when the state of an endpoint has changed. Its source may then offer other endpoints. */
  #healthChanged(upstream: UpstreamId): void {
    let endpointsChanged = false;
    for (const source of this.#sources)
      endpointsChanged = source.onHealthChanged?.(upstream) === true || endpointsChanged;
    if (endpointsChanged) this.#watch(upstream);
    this.#report(upstream);
  }

  #report(upstream: UpstreamId): void {
    const spec = this.#active.find(({ id }) => id === upstream);
    if (spec !== undefined) this.#updateKnown(spec);
    this.#parts.onChange(upstream);
  }

  #watchAll(): void {
    const upstreams = new Set([...this.#active, ...this.#prepared].map(({ id }) => id));
    for (const id of upstreams) this.#watch(id);
    this.#checks.keepOnly(upstreams);
  }

  #watch(upstream: UpstreamId): void {
    const specs = [...this.#active, ...this.#prepared].filter(({ id }) => id === upstream);
    const endpoints = specs.flatMap((spec) => this.#endpointsOf(spec).map((endpoint) => [spec, endpoint] as const));
    this.#checks.watch(upstream, endpoints);
  }

  #endpointsOf(spec: UpstreamSpec): readonly SourceEndpoint[] {
    const endpoints = this.#sources.flatMap((source) => source.endpointsOf(spec));
    return endpoints.sort((one, other) => one.position - other.position);
  }

  #snapshotsOf(spec: UpstreamSpec): readonly EndpointSnapshot[] {
    const known = this.#known.get(spec.id);
    return this.#endpointsOf(spec).map((endpoint) => this.#snapshotOf(spec, endpoint, known?.get(endpoint.id)));
  }

  #snapshotOf(
    spec: UpstreamSpec,
    { position: _position, health, prohibition, remark = '', ...found }: SourceEndpoint,
    known: EndpointSnapshot | undefined,
  ): EndpointSnapshot {
    // Either checks decide about the state, or the source reports it.
    const view = health === 'checked' ? this.#checkedView(spec, found.id, prohibition, remark) : health;
    const now = this.#parts.checkContext.clock.now();
    const sinceInstant = known?.state === view.state ? known.sinceInstant : now;
    return { sinceInstant, release: null, exit: null, checks: null, ...found, ...view };
  }

  #checkedView(
    spec: UpstreamSpec,
    id: EndpointId,
    prohibition: EndpointSnapshot['failure'],
    remark: string,
  ): CheckedView {
    if (prohibition !== undefined) return { state: 'unhealthy', reason: explain(prohibition), failure: prohibition };
    const watched = this.#checks.find(spec, id);
    if (watched === undefined) return { state: 'unchecked', reason: `it is not checked${remark}` };
    const { state, reason, schedule: checks, cause, finding } = watched;
    const view = {
      state,
      reason: `${reason}${remark}`,
      checks,
      ...(watched.mayStay ? { mayStay: true as const } : {}),
      ...(finding === null ? {} : { finding }),
    };
    return cause === null ? view : { ...view, checkCause: cause };
  }

  /** Updates what is known about the endpoints of an upstream, and emits an event for each endpoint whose state has changed. */
  #updateKnown(spec: UpstreamSpec): void {
    const before = this.#known.get(spec.id);
    const now = new Map<EndpointId, EndpointSnapshot>();
    for (const endpoint of this.#snapshotsOf(spec)) {
      const known = before?.get(endpoint.id);
      now.set(endpoint.id, endpoint);
      if (known?.state !== endpoint.state) this.#emitState(endpoint, known?.state ?? null, checkName(spec));
    }
    this.#known.set(spec.id, now);
  }

  #emitState({ id, address, state, reason }: EndpointSnapshot, from: EndpointState | null, check: string): void {
    // The first state of an endpoint is reported only if it is the result of a check or of its source.
    if (from === null && (state === 'unknown' || state === 'unchecked' || state === 'starting')) return;
    const evidence = { address: addressText(address), check };
    this.#parts.events.emit({ kind: 'endpoint_state', subject: `endpoint:${id}`, from, to: state, reason, evidence });
  }
}

type CheckedView = Pick<EndpointSnapshot, 'state' | 'reason' | 'failure' | 'finding' | 'checkCause' | 'mayStay'> &
  Partial<Pick<EndpointSnapshot, 'checks'>>;

const refusedTraffic: InstanceTraffic = { served: false, failed: true, refused: true };

function checkName({ application, check }: UpstreamSpec): string {
  return application === null ? check.kind : 'readiness';
}
