import type { Configuration } from '../core/configuration.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import { type LiteralAddress, literalAddressesOf } from './configured-addresses.ts';
import { Destinations, type EndpointSource, type SourceContext, type SourceEndpoint } from './endpoint-source.ts';
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
