import type { Configuration, UpstreamSpec } from '../core/configuration.ts';
import {
  addressText,
  type EndpointId,
  type EndpointState,
  type InstanceExit,
  type UpstreamId,
} from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import type { LiveInstance } from '../deploy/instance.ts';
import type { Supervisor } from '../deploy/supervisor.ts';
import { TextRedactor } from '../record/redact.ts';
import { WatchedEndpoint, type WatchPorts } from '../upstream/watched-endpoint.ts';

export interface BoardParts {
  readonly clock: Clock;
  readonly watch: WatchPorts;
  readonly events: EventSink;
  readonly supervisor: Supervisor;
  /** Called after the endpoints of one upstream have changed. */
  readonly onChange: (upstream: UpstreamId) => void;
}

interface Remembered {
  readonly state: EndpointState;
  readonly sinceInstant: number;
}

/**
 * What main knows of every endpoint: configured addresses by their checks, instances by the supervisor. Workers
 * get it as snapshots and deltas; nothing is decided here about a request.
 */
export class EndpointBoard {
  readonly #parts: BoardParts;
  #upstreams: readonly UpstreamSpec[] = [];
  readonly #watched = new Map<string, WatchedEndpoint>();
  /** What was last known of those endpoints that there are, by upstream. */
  readonly #remembered = new Map<UpstreamId, ReadonlyMap<EndpointId, Remembered>>();

  constructor(parts: BoardParts) {
    this.#parts = parts;
  }

  /** Begins to watch what `configuration` would have watched, beside what is watched already. */
  prepare(configuration: Configuration): void {
    this.#watchAll(configuration);
  }

  /** Watches the endpoints of `configuration`, and no others. Those that stay keep their state. */
  watch(configuration: Configuration): void {
    this.#upstreams = configuration.upstreams;
    const wanted = this.#watchAll(configuration);
    for (const [key, endpoint] of this.#watched) {
      if (wanted.has(key)) continue;
      endpoint.stop();
      this.#watched.delete(key);
    }
    this.#forgetGoneUpstreams();
    for (const spec of this.#upstreams) this.#note(spec);
  }

  #watchAll({ upstreams }: Configuration): ReadonlySet<string> {
    const watched = new Set<string>();
    for (const upstream of upstreams) {
      for (const { address } of upstream.endpoints)
        watched.add(this.#watchOne(upstream, addressText(address), address));
    }
    return watched;
  }

  #watchOne(upstream: UpstreamSpec, text: string, address: UpstreamSpec['endpoints'][number]['address']): string {
    const { check, tls, id } = upstream;
    const key = `${id}/${text}/${JSON.stringify([check, tls])}`;
    if (check.kind === 'none' || this.#watched.has(key)) return key;
    const endpoint = new WatchedEndpoint({ address, tls, check }, this.#parts.watch, () => this.changed(id));
    this.#watched.set(key, endpoint);
    endpoint.start();
    return key;
  }

  /** Whether every check has come back once. */
  get settled(): boolean {
    return [...this.#watched.values()].every((endpoint) => endpoint.state !== 'unknown');
  }

  /** The endpoints of one upstream have changed: tells events, then who wants to know. */
  changed(upstream: UpstreamId): void {
    const spec = this.#upstreams.find(({ id }) => id === upstream);
    if (spec !== undefined) this.#note(spec);
    this.#parts.onChange(upstream);
  }

  /** The upstreams that are watched, or those of a configuration that is prepared. */
  upstreams(specs: readonly UpstreamSpec[] = this.#upstreams): readonly UpstreamSnapshot[] {
    return specs.map((spec) => {
      const { check: _check, endpoints: _endpoints, ...rest } = spec;
      return { ...rest, endpoints: this.#endpoints(spec) };
    });
  }

  /** Null for an upstream that is not in force. */
  endpoints(id: UpstreamId): readonly EndpointSnapshot[] | null {
    const spec = this.#upstreams.find((upstream) => upstream.id === id);
    return spec === undefined ? null : this.#endpoints(spec);
  }

  #endpoints(spec: UpstreamSpec): readonly EndpointSnapshot[] {
    const { id } = spec;
    if (spec.application !== null) {
      return this.#parts.supervisor.instances(spec.application).map((instance) => endpointOfInstance(id, instance));
    }
    return spec.endpoints.map(({ address }) => this.#configured(spec, address));
  }

  #configured(spec: UpstreamSpec, address: UpstreamSpec['endpoints'][number]['address']): EndpointSnapshot {
    const id = `${spec.id}/${addressText(address)}` as EndpointId;
    const { check, tls } = spec;
    const endpoint = this.#watched.get(`${id}/${JSON.stringify([check, tls])}`);
    const state = endpoint === undefined ? 'unchecked' : endpoint.state;
    const reason = endpoint === undefined ? 'it is not checked' : endpoint.says;
    const sinceInstant = this.#sinceOf(spec.id, id, state);
    const checks = endpoint?.rhythm ?? null;
    return { id, address, state, reason, sinceInstant, checks, release: null, exit: null };
  }

  #sinceOf(upstream: UpstreamId, id: EndpointId, state: EndpointState): number {
    const known = this.#remembered.get(upstream)?.get(id);
    return known?.state === state ? known.sinceInstant : this.#parts.clock.now();
  }

  /** Compares the endpoints of an upstream with what was known of them, and tells each change of state once. */
  #note(spec: UpstreamSpec): void {
    const before = this.#remembered.get(spec.id) ?? new Map<EndpointId, Remembered>();
    const now = new Map<EndpointId, Remembered>();
    for (const endpoint of this.#endpoints(spec)) {
      const { id, state, sinceInstant } = endpoint;
      const known = before.get(id);
      now.set(id, { state, sinceInstant });
      if (known?.state !== state) this.#tell(endpoint, known?.state ?? null, checkName(spec));
    }
    this.#remembered.set(spec.id, now);
  }

  #tell({ id, address, state, reason }: EndpointSnapshot, from: EndpointState | null, check: string): void {
    // Where nothing was known before, that it is still unknown is no news.
    if (from === null && (state === 'unknown' || state === 'unchecked' || state === 'starting')) return;
    const evidence = { address: addressText(address), check };
    this.#parts.events.tell({ kind: 'endpoint_state', subject: `endpoint:${id}`, from, to: state, reason, evidence });
  }

  #forgetGoneUpstreams(): void {
    const wanted = new Set(this.#upstreams.map(({ id }) => id));
    for (const id of this.#remembered.keys()) if (!wanted.has(id)) this.#remembered.delete(id);
  }

  stop(): void {
    for (const endpoint of this.#watched.values()) endpoint.stop();
    this.#watched.clear();
  }
}

function endpointOfInstance(upstream: UpstreamId, instance: LiveInstance): EndpointSnapshot {
  const { address, state, sinceInstant, release } = instance;
  const id = `${upstream}/${instance.id}/${addressText(address)}` as EndpointId;
  // What an application printed goes into answers and records from here on: never with its credentials.
  const reason = redactor.redact(instance.reason);
  const exit = instance.exit === null ? null : redactedExit(instance.exit);
  return { id, address, state, reason, sinceInstant, checks: null, release, exit };
}

const redactor = new TextRedactor();

function redactedExit(exit: InstanceExit): InstanceExit {
  return exit.lastLine === null ? exit : { ...exit, lastLine: redactor.redact(exit.lastLine) };
}

function checkName({ application, check }: UpstreamSpec): string {
  return application === null ? check.kind : 'readiness';
}
