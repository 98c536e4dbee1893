import type { Configuration, UpstreamSpec } from '../core/configuration.ts';
import { addressText, type EndpointId, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import { explain } from '../core/explain.ts';
import type { InstanceTraffic } from '../core/live-instance.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import type { ListeningAddresses } from './destinations.ts';
import { EndpointChecks } from './endpoint-checks.ts';
import type { EndpointSource, EndpointSourceFactory, SourceContext, SourceEndpoint } from './endpoint-source.ts';
import type { WatchPorts } from './watched-endpoint.ts';

export interface EndpointRegistryParts {
  readonly watch: WatchPorts;
  readonly sources: readonly EndpointSourceFactory[];
  /** Where this gateway itself listens now. */
  readonly listeners: () => ListeningAddresses;
  readonly events: EventSink;
  /** Called after the endpoints of one upstream have changed. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** A check of an endpoint has ended; `refused`: nothing listened there. */
  readonly onChecked: (endpoint: EndpointId, refused: boolean) => void;
}

/**
 * What the main thread knows of every endpoint: where it is, from its source, and how it is, from its checks or its source.
 * Workers get it as snapshots and deltas; nothing is decided here about a request.
 */
export class EndpointRegistry {
  readonly #parts: EndpointRegistryParts;
  readonly #sources: readonly EndpointSource[];
  readonly #checks: EndpointChecks;
  #active: readonly UpstreamSpec[] = [];
  #prepared: readonly UpstreamSpec[] = [];
  #isStopped = false;
  /**
   * The endpoints of each upstream as they were at its last change. Frequent callers ask here: putting them together for each
   * outcome of a request took the main thread half a core at 4,000 requests per second and 200 endpoints.
   */
  readonly #known = new Map<UpstreamId, ReadonlyMap<EndpointId, EndpointSnapshot>>();

  constructor(parts: EndpointRegistryParts) {
    this.#parts = parts;
    const { watch, listeners, onChecked } = parts;
    this.#checks = new EndpointChecks({ watch, onChange: (upstream) => this.#healthChanged(upstream), onChecked });
    const context: SourceContext = {
      clock: watch.clock,
      listeners,
      onChange: (upstream) => this.#endpointsChanged(upstream),
      isReady: (spec, endpoint) => this.#checks.isReady(spec, endpoint),
    };
    this.#sources = parts.sources.map((create) => create(context));
  }

  /** Begins to find and check what `configuration` has, beside the active one. Does nothing after `stop`. */
  prepare(configuration: Configuration): void {
    if (this.#isStopped) return;
    for (const source of this.#sources) source.prepare(configuration);
    this.#prepared = configuration.upstreams;
    this.#watchAll();
  }

  /** Watches the endpoints of `configuration`, and no others. Those that stay keep their state. Does nothing after `stop`. */
  activate(configuration: Configuration): void {
    if (this.#isStopped) return;
    for (const source of this.#sources) source.activate(configuration);
    [this.#active, this.#prepared] = [configuration.upstreams, []];
    this.#watchAll();
    const wanted = new Set(this.#active.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!wanted.has(id)) this.#known.delete(id);
    for (const spec of this.#active) this.#updateKnown(spec);
  }

  /** A request was refused a connection by the endpoint: its checks find out. */
  suspect(endpoint: EndpointId): void {
    this.#checks.suspect(endpoint);
  }

  /** Requests at an endpoint have ended. Ignored where the endpoint is gone. */
  noteTraffic(upstream: UpstreamId, id: EndpointId, traffic: InstanceTraffic): void {
    const endpoint = this.#known.get(upstream)?.get(id);
    if (endpoint === undefined) return;
    for (const source of this.#sources) source.onTraffic?.(upstream, endpoint, traffic);
  }

  /** Whether every source has found its endpoints once, and every check has ended once. */
  get isSettled(): boolean {
    return this.#sources.every(({ isSettled }) => isSettled) && this.#checks.isSettled;
  }

  /** The upstreams of the active configuration, or of one that is prepared, as they are at this moment. */
  upstreams(specs: readonly UpstreamSpec[] = this.#active): readonly UpstreamSnapshot[] {
    return specs.map((spec) => {
      const { check: _check, endpoints: _endpoints, family: _family, ...rest } = spec;
      return { ...rest, endpoints: this.#snapshotsOf(spec) };
    });
  }

  /**
   * The endpoints of one upstream as they were at its last change. What has changed since is of no use to a request, such as
   * when a healthy endpoint was last checked. Null for an upstream that is not active.
   */
  endpoints(id: UpstreamId): ReadonlyMap<EndpointId, EndpointSnapshot> | null {
    return this.#known.get(id) ?? null;
  }

  /** For good: a reload that learns of the end late begins nothing anew. */
  stop(): void {
    this.#isStopped = true;
    this.#checks.stop();
    for (const source of this.#sources) source.stop();
  }

  /** For a source. */
  #endpointsChanged(upstream: UpstreamId): void {
    if (!this.#isStopped) this.#watch(upstream);
    this.#report(upstream);
  }

  /** For the checks. */
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
    { position: _position, health, prohibition: prohibited, remark = '', ...found }: SourceEndpoint,
    known: EndpointSnapshot | undefined,
  ): EndpointSnapshot {
    const view = health === 'checked' ? this.#checkedView(spec, found.id, prohibited, remark) : health;
    const now = this.#parts.watch.clock.now();
    const sinceInstant = known?.state === view.state ? known.sinceInstant : now;
    return { sinceInstant, release: null, exit: null, checks: null, ...found, ...view };
  }

  #checkedView(
    spec: UpstreamSpec,
    id: EndpointId,
    prohibited: EndpointSnapshot['failure'],
    remark: string,
  ): CheckedView {
    if (prohibited !== undefined) return { state: 'unhealthy', reason: explain(prohibited), failure: prohibited };
    const watched = this.#checks.find(spec, id);
    if (watched === undefined) return { state: 'unchecked', reason: `it is not checked${remark}` };
    const { state, reason, schedule: checks, cause } = watched;
    const view = { state, reason: `${reason}${remark}`, checks };
    return cause === null ? view : { ...view, checkCause: cause };
  }

  /** Compares the endpoints of an upstream with what was known of them, and emits each change of state once. */
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
    // The first state of an endpoint is reported where it tells something.
    if (from === null && (state === 'unknown' || state === 'unchecked' || state === 'starting')) return;
    const evidence = { address: addressText(address), check };
    this.#parts.events.emit({ kind: 'endpoint_state', subject: `endpoint:${id}`, from, to: state, reason, evidence });
  }
}

type CheckedView = Pick<EndpointSnapshot, 'state' | 'reason' | 'failure' | 'checkCause'> &
  Partial<Pick<EndpointSnapshot, 'checks'>>;

function checkName({ application, check }: UpstreamSpec): string {
  return application === null ? check.kind : 'readiness';
}
