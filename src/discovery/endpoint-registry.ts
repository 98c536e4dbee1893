import type { Configuration, ListenerSpec, UpstreamSpec } from '../core/configuration.ts';
import {
  addressText,
  type EndpointId,
  type EndpointState,
  type InstanceExit,
  type UpstreamId,
} from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { NameResolver } from '../core/name-resolver.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import type { LiveInstance, SupervisedInstances } from '../core/live-instance.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';
import type { WatchPorts } from './watched-endpoint.ts';
import { ConfiguredEndpoints } from './configured-endpoints.ts';
import { Resolver } from './resolver.ts';

export interface EndpointRegistryParts {
  readonly clock: Clock;
  readonly watch: WatchPorts;
  /** The effect of looking up names. */
  readonly names: NameResolver;
  /** A lookup ended with a code that no entry of the failure table fits. */
  readonly onUnclassified: () => void;
  /** Where this gateway itself listens now. */
  readonly listeners: () => readonly Pick<ListenerSpec, 'host' | 'port'>[];
  readonly events: EventSink;
  readonly supervisor: Pick<SupervisedInstances, 'instances'>;
  /** Called after the endpoints of one upstream have changed. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** A check of an endpoint has come back; `refused`: nothing listened there. */
  readonly onChecked: (endpoint: EndpointId, refused: boolean) => void;
}

/**
 * What main knows of every endpoint: configured addresses by their names and checks, instances by the supervisor.
 * Workers get it as snapshots and deltas; nothing is decided here about a request.
 */
export class EndpointRegistry {
  readonly #parts: EndpointRegistryParts;
  readonly #configured: ConfiguredEndpoints;
  #upstreams: readonly UpstreamSpec[] = [];
  #stopped = false;
  /**
   * The endpoints that there are, as they were when last one of their upstream changed. Whoever asks often asks here:
   * to put them together for each outcome of a request took main half a core at 4,000 requests per second and 200
   * endpoints.
   */
  readonly #known = new Map<UpstreamId, ReadonlyMap<EndpointId, EndpointSnapshot>>();

  constructor(parts: EndpointRegistryParts) {
    this.#parts = parts;
    const { clock, watch, events, listeners, onChecked } = parts;
    const names = new Resolver({
      clock,
      random: watch.random,
      names: parts.names,
      events,
      onChange: () => this.#configured.namesChanged(),
      onUnclassified: parts.onUnclassified,
    });
    const onChange = (id: UpstreamId): void => this.changed(id);
    this.#configured = new ConfiguredEndpoints({ clock, watch, names, listeners, onChange, onChecked });
  }

  /** Begins to watch what `configuration` would have watched, beside what is watched already. Nothing after `stop`. */
  prepare(configuration: Configuration): void {
    if (this.#stopped) return;
    this.#configured.prepare(configuration);
  }

  /** Watches the endpoints of `configuration`, and no others. Those that stay keep their state. Nothing after `stop`. */
  watch(configuration: Configuration): void {
    if (this.#stopped) return;
    this.#upstreams = configuration.upstreams;
    this.#configured.use(configuration);
    this.#forgetGoneUpstreams();
    for (const spec of this.#upstreams) this.#note(spec);
  }

  /** A request was refused a connection there: its checks are to find out. */
  suspect(endpoint: EndpointId): void {
    this.#configured.suspect(endpoint);
  }

  /** Whether every name has been looked up once, and every check has come back once. */
  get settled(): boolean {
    return this.#configured.settled;
  }

  /** The endpoints of one upstream have changed: tells events, then who wants to know. */
  changed(upstream: UpstreamId): void {
    const spec = this.#upstreams.find(({ id }) => id === upstream);
    if (spec !== undefined) this.#note(spec);
    this.#parts.onChange(upstream);
  }

  /** The upstreams that are watched, or those of a configuration that is prepared, as they are at this moment. */
  upstreams(specs: readonly UpstreamSpec[] = this.#upstreams): readonly UpstreamSnapshot[] {
    return specs.map((spec) => {
      const { check: _check, endpoints: _endpoints, family: _family, ...rest } = spec;
      return { ...rest, endpoints: this.#endpoints(spec) };
    });
  }

  /**
   * Those of one upstream as they were at its last change, which is what `changed` has told; what has changed since is
   * of no use to a request, such as when a healthy one was last checked. Null for an upstream that is not in force.
   */
  endpoints(id: UpstreamId): ReadonlyMap<EndpointId, EndpointSnapshot> | null {
    return this.#known.get(id) ?? null;
  }

  #endpoints(spec: UpstreamSpec): readonly EndpointSnapshot[] {
    const { id } = spec;
    if (spec.application !== null) {
      return this.#parts.supervisor.instances(spec.application).map((instance) => endpointOfInstance(id, instance));
    }
    const known = this.#known.get(id);
    const now = this.#parts.clock.now();
    return this.#configured.endpointsOf(spec).map((seen) => {
      const before = known?.get(seen.id);
      const sinceInstant = before?.state === seen.state ? before.sinceInstant : now;
      return { ...seen, sinceInstant, release: null, exit: null };
    });
  }

  /** Compares the endpoints of an upstream with what was known of them, and tells each change of state once. */
  #note(spec: UpstreamSpec): void {
    const before = this.#known.get(spec.id);
    const now = new Map<EndpointId, EndpointSnapshot>();
    for (const endpoint of this.#endpoints(spec)) {
      const known = before?.get(endpoint.id);
      now.set(endpoint.id, endpoint);
      if (known?.state !== endpoint.state) this.#emitState(endpoint, known?.state ?? null, checkName(spec));
    }
    this.#known.set(spec.id, now);
  }

  #emitState({ id, address, state, reason }: EndpointSnapshot, from: EndpointState | null, check: string): void {
    // Where nothing was known before, that it is still unknown is no news.
    if (from === null && (state === 'unknown' || state === 'unchecked' || state === 'starting')) return;
    const evidence = { address: addressText(address), check };
    this.#parts.events.emit({ kind: 'endpoint_state', subject: `endpoint:${id}`, from, to: state, reason, evidence });
  }

  #forgetGoneUpstreams(): void {
    const wanted = new Set(this.#upstreams.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!wanted.has(id)) this.#known.delete(id);
  }

  /** For good: a reload that hears of the end late begins nothing anew. */
  stop(): void {
    this.#stopped = true;
    this.#configured.stop();
  }
}

export function endpointIdOf(upstream: UpstreamId, { id, address }: Pick<LiveInstance, 'id' | 'address'>): EndpointId {
  return `${upstream}/${id}/${addressText(address)}` as EndpointId;
}

function endpointOfInstance(upstream: UpstreamId, instance: LiveInstance): EndpointSnapshot {
  const { address, state, sinceInstant, release } = instance;
  const id = endpointIdOf(upstream, instance);
  // What an application printed goes into answers and records from here on: never with its credentials.
  const reason = redactor.redact(instance.reason);
  const exit = instance.exit === null ? null : redactedExit(instance.exit);
  const { finding } = instance;
  const found = finding === null ? {} : { finding: { ...finding, says: redactor.redact(finding.says) } };
  return { id, instance: instance.id, address, state, reason, ...found, sinceInstant, checks: null, release, exit };
}

const redactor = new TextRedactor();

function redactedExit(exit: InstanceExit): InstanceExit {
  return exit.lastLine === null ? exit : { ...exit, lastLine: redactor.redact(exit.lastLine) };
}

function checkName({ application, check }: UpstreamSpec): string {
  return application === null ? check.kind : 'readiness';
}
