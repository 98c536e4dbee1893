import type { Configuration } from '../core/configuration.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { HealthChecker } from '../core/health-checker.ts';
import type { SupervisedInstances } from '../core/live-instance.ts';
import type { EndpointCounters } from '../core/semaphores.ts';
import { after, type Clock } from '../core/time.ts';
import { endpointIdOf } from './configured-addresses.ts';
import type { EndpointSource, SourceContext, SourceEndpoint } from './endpoint-source.ts';

/** A configuration with these upstreams, as far as discovery reads it. */
export function configurationOf(...upstreams: readonly Partial<UpstreamSpec>[]): Configuration {
  const defaults = { application: null, family: 'ipv4', tls: null, check: { kind: 'none' }, endpoints: [] };
  return {
    upstreams: upstreams.map((upstream) => ({ ...defaults, ...upstream })),
    dns: { servers: [], allow: [], deny: [] },
    routes: [],
    listeners: [],
  } as unknown as Configuration;
}

export const noInstances: SupervisedInstances = {
  instances: () => [],
  noteTraffic: () => undefined,
  onChange: () => () => undefined,
};

/** A checker without connections: a TCP connection to a host succeeds a moment later where the host is in `up`. */
export function createFakeChecker(clock: Clock, up: ReadonlySet<string>, checked: string[] = []): HealthChecker {
  return {
    check: ({ address }, onResult) => {
      const host = address.kind === 'tcp' ? address.host : address.path;
      checked.push(host);
      const evidence = { address: host };
      const result = (): void =>
        up.has(host)
          ? onResult({ kind: 'connected', address: host })
          : onResult({
              kind: 'failed',
              failure: { cause: 'connect_refused', stage: 'connect', evidence },
              firstBytes: new Uint8Array(0),
            });
      return clock.schedule(after(clock.now(), 1), result, undefined);
    },
  };
}

/** Counters of endpoints that nothing limits. */
export function createFakeCounters(): EndpointCounters {
  let index = 0;
  return {
    endpointsMax: Number.MAX_SAFE_INTEGER,
    allocate: () => ({ index: index++, generation: 0 }),
    keepOnly: () => undefined,
    noteChecked: () => undefined,
  };
}

type ListedEndpoint = Omit<SourceEndpoint, 'id' | 'position'>;

/** A list that the test changes: what a source of containers or of a catalogue of services does. */
export class ListSource implements EndpointSource {
  isSettled = true;
  /** What the registry asked of the source, in order. */
  readonly calls: string[] = [];
  readonly #upstream: UpstreamId;
  readonly #context: SourceContext;
  readonly #endpoints = new Map<string, ListedEndpoint>();

  constructor(upstream: UpstreamId, context: SourceContext) {
    this.#upstream = upstream;
    this.#context = context;
  }

  /** Adds an endpoint, or changes the one with this name. */
  set(name: string, host: string, changes: Partial<ListedEndpoint> = {}): void {
    this.#endpoints.set(name, { address: { kind: 'tcp', host, port: 3000 }, health: 'checked', ...changes });
    this.#context.onChange(this.#upstream);
  }

  drain(name: string): void {
    const endpoint = this.#endpoints.get(name);
    if (endpoint === undefined) return;
    this.#endpoints.set(name, { ...endpoint, health: { state: 'draining', reason: 'its container is to stop' } });
    this.#context.onChange(this.#upstream);
  }

  remove(name: string): void {
    this.#endpoints.delete(name);
    this.#context.onChange(this.#upstream);
  }

  idOf(name: string): EndpointId {
    return endpointIdOf(this.#upstream, name);
  }

  prepare(): void {
    this.calls.push('prepare');
  }

  activate(): void {
    this.calls.push('activate');
  }

  endpointsOf({ id }: UpstreamSpec): readonly SourceEndpoint[] {
    if (id !== this.#upstream) return [];
    return [...this.#endpoints].map(([name, endpoint]) => ({ id: this.idOf(name), position: 0, ...endpoint }));
  }

  stop(): void {
    this.calls.push('stop');
  }
}
