import type { Configuration, UpstreamSpec } from '../core/configuration.ts';
import { addressText, type EndpointId, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import type { LiveInstance } from '../deploy/instance.ts';
import type { Supervisor } from '../deploy/supervisor.ts';
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
  state: EndpointState;
  reason: string;
  sinceInstant: number;
}

/**
 * What main knows of every endpoint: configured addresses by their checks, instances by the supervisor. Workers
 * get it as snapshots and deltas; nothing is decided here about a request.
 */
export class EndpointBoard {
  readonly #parts: BoardParts;
  #upstreams: readonly UpstreamSpec[] = [];
  readonly #watched = new Map<string, WatchedEndpoint>();
  readonly #remembered = new Map<string, Remembered>();

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
    this.#parts.onChange(upstream);
  }

  /** The upstreams that are watched, or those of a configuration that is prepared. */
  upstreams(specs: readonly UpstreamSpec[] = this.#upstreams): readonly UpstreamSnapshot[] {
    return specs.map((spec) => {
      const { check: _check, endpoints: _endpoints, ...rest } = spec;
      return { ...rest, endpoints: this.#endpoints(spec) };
    });
  }

  endpoints(id: UpstreamId): readonly EndpointSnapshot[] {
    const spec = this.#upstreams.find((upstream) => upstream.id === id);
    return spec === undefined ? [] : this.#endpoints(spec);
  }

  #endpoints(spec: UpstreamSpec): readonly EndpointSnapshot[] {
    const { id } = spec;
    if (spec.application !== null) {
      return this.#parts.supervisor.instances(spec.application).map((instance) => this.#instance(id, instance));
    }
    return spec.endpoints.map(({ address }) => this.#configured(spec, address));
  }

  #configured(spec: UpstreamSpec, address: UpstreamSpec['endpoints'][number]['address']): EndpointSnapshot {
    const text = addressText(address);
    const id = `${spec.id}/${text}` as EndpointId;
    const { check, tls } = spec;
    const endpoint = this.#watched.get(`${id}/${JSON.stringify([check, tls])}`);
    const state = endpoint === undefined ? 'unchecked' : endpoint.state;
    const reason = endpoint === undefined ? 'it is not checked' : endpoint.says;
    const sinceInstant = this.#remember(id, text, state, reason, check.kind);
    const nextCheckMs = check.kind === 'none' ? null : check.intervalMs;
    return { id, address, state, reason, sinceInstant, nextCheckMs, release: null, exit: null };
  }

  #instance(upstream: UpstreamId, instance: LiveInstance): EndpointSnapshot {
    const { address, state, reason, sinceInstant, release, exit } = instance;
    const id = `${upstream}/${instance.id}/${addressText(address)}` as EndpointId;
    this.#remember(id, addressText(address), state, reason, 'readiness');
    return { id, address, state, reason, sinceInstant, nextCheckMs: null, release, exit };
  }

  /** Tells a change of state as an event, once. Returns when the state began. */
  #remember(id: EndpointId, address: string, state: EndpointState, reason: string, check: string): number {
    const before = this.#remembered.get(id);
    if (before?.state === state) {
      before.reason = reason;
      return before.sinceInstant;
    }
    const sinceInstant = this.#parts.clock.now();
    this.#remembered.set(id, { state, reason, sinceInstant });
    // Where nothing was known before, that it is still unknown is no news.
    if (before !== undefined || (state !== 'unknown' && state !== 'unchecked' && state !== 'starting')) {
      const from = before?.state ?? null;
      const evidence = { address, check };
      this.#parts.events.tell({ kind: 'endpoint_state', subject: `endpoint:${id}`, from, to: state, reason, evidence });
    }
    return sinceInstant;
  }

  stop(): void {
    for (const endpoint of this.#watched.values()) endpoint.stop();
    this.#watched.clear();
  }
}
