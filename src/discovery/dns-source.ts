import type { Configuration } from '../core/configuration.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { NameQuestion, NameResolver } from '../core/name-resolver.ts';
import type { Random } from '../core/random.ts';
import { upstreamsOf } from '../core/route-spec.ts';
import { resolutionStateOf, resolvedAddressesOf } from '../policy/dns-cache.ts';
import { endpointIdOf, type NamedAddress, namedAddressesOf, resolvedAddressText } from './configured-addresses.ts';
import { Destinations, type EndpointSource, type SourceContext, type SourceEndpoint } from './endpoint-source.ts';
import { namedEndpoints } from './named-endpoints.ts';
import { Resolver } from './resolver.ts';
import { TrackedAddresses } from './tracked-addresses.ts';

interface DnsSourceParts {
  readonly random: Random;
  /** The effect of looking up names. */
  readonly names: NameResolver;
  readonly events: EventSink;
  /** A lookup ended with a code that no entry of the failure table fits. */
  readonly onUnclassified: () => void;
}

interface DnsUpstream {
  readonly destinations: Destinations;
  readonly names: readonly NamedAddress[];
}

/** For an upstream that no route leads to, so that none limits the time of a lookup. */
const lookupDefaultMs = 5000;

/**
 * The addresses that names of the configuration resolve to, one endpoint for each. Names are looked up ahead of requests; an
 * address that a name has left stays until another one is ready (`tracked-addresses.ts`).
 */
export class DnsSource implements EndpointSource {
  readonly #parts: DnsSourceParts;
  readonly #context: SourceContext;
  readonly #resolver: Resolver;
  #active: readonly UpstreamSpec[] = [];
  #prepared: readonly UpstreamSpec[] = [];
  readonly #upstreams = new WeakMap<UpstreamSpec, DnsUpstream>();
  /** By name, upstream and family. An active and a prepared configuration share them. */
  readonly #addresses = new Map<string, TrackedAddresses>();

  constructor(parts: DnsSourceParts, context: SourceContext) {
    this.#parts = parts;
    this.#context = context;
    const { random, names, events, onUnclassified } = this.#parts;
    const onChange = (): void => this.#namesChanged();
    this.#resolver = new Resolver({ clock: context.clock, random, names, events, onChange, onUnclassified });
  }

  prepare(configuration: Configuration): void {
    this.#prepared = this.#read(configuration);
    this.#resolver.watch(this.#questionsOf(this.#prepared));
    for (const spec of this.#prepared) this.#update(spec);
  }

  activate(configuration: Configuration): void {
    this.prepare(configuration);
    [this.#active, this.#prepared] = [this.#prepared, []];
    this.#resolver.keepOnly(this.#questionsOf(this.#active));
    const wanted = new Set(
      this.#active.flatMap((spec) => this.#namesOf(spec).map(({ addressSetKey }) => addressSetKey)),
    );
    for (const [key, addresses] of this.#addresses) {
      if (wanted.has(key)) continue;
      addresses.stop();
      this.#addresses.delete(key);
    }
  }

  /** Whether each name has been looked up once. */
  get isSettled(): boolean {
    return this.#resolver.settled;
  }

  endpointsOf(spec: UpstreamSpec): readonly SourceEndpoint[] {
    const upstream = this.#upstreams.get(spec);
    if (upstream === undefined) return [];
    return upstream.names.flatMap((named) =>
      namedEndpoints(spec.id, named, {
        entry: this.#resolver.entryOf(named.question),
        failure: this.#resolver.failureOf(named.question),
        addresses: this.#addresses.get(named.addressSetKey)?.all ?? [],
        destinations: upstream.destinations,
      }),
    );
  }

  /** An address that only waited for another one to be ready may drain now. */
  onHealthChanged(upstream: UpstreamId): boolean {
    let hasReleased = false;
    for (const spec of this.#known) {
      if (spec.id !== upstream) continue;
      for (const named of this.#namesOf(spec)) hasReleased = this.#release(spec, named) || hasReleased;
    }
    return hasReleased;
  }

  stop(): void {
    for (const addresses of this.#addresses.values()) addresses.stop();
    this.#addresses.clear();
    this.#resolver.stop();
  }

  get #known(): readonly UpstreamSpec[] {
    return [...this.#active, ...this.#prepared];
  }

  /** The upstreams of a configuration that have names. */
  #read(configuration: Configuration): readonly UpstreamSpec[] {
    const { upstreams, routes, dns } = configuration;
    const destinations = new Destinations(configuration, this.#context.listeners);
    const limits = new Map<string, number>();
    for (const { action, timeouts } of routes) {
      for (const id of upstreamsOf(action)) limits.set(id, Math.min(limits.get(id) ?? Infinity, timeouts.dnsMs));
    }
    for (const spec of upstreams) {
      const lookupMs = limits.get(spec.id) ?? lookupDefaultMs;
      this.#upstreams.set(spec, { destinations, names: namedAddressesOf(spec, dns.servers, lookupMs) });
    }
    return upstreams.filter((spec) => this.#namesOf(spec).length > 0);
  }

  #namesOf(spec: UpstreamSpec): readonly NamedAddress[] {
    return this.#upstreams.get(spec)?.names ?? [];
  }

  #questionsOf(specs: readonly UpstreamSpec[]): readonly NameQuestion[] {
    return specs.flatMap((spec) => this.#namesOf(spec).map(({ question }) => question));
  }

  #namesChanged(): void {
    for (const spec of this.#known) this.#update(spec);
    for (const spec of this.#known) this.#context.onChange(spec.id);
  }

  /** Takes over what the names of an upstream resolve to now. */
  #update(spec: UpstreamSpec): void {
    for (const named of this.#namesOf(spec)) this.#updateName(spec, named);
  }

  #updateName(spec: UpstreamSpec, named: NamedAddress): void {
    const entry = this.#resolver.entryOf(named.question);
    const destinations = this.#upstreams.get(spec)?.destinations;
    if (entry === null || destinations === undefined || resolutionStateOf(entry) === 'resolving') return;
    const { port } = named.address;
    const isAllowed = (ip: string): boolean => destinations.prohibitionOf(ip, port, entry.source) === null;
    this.#trackedFor(spec, named).update(resolvedAddressesOf(entry, spec.family, isAllowed), isAllowed);
    this.#release(spec, named);
  }

  #trackedFor({ id }: UpstreamSpec, { addressSetKey }: NamedAddress): TrackedAddresses {
    const known = this.#addresses.get(addressSetKey);
    if (known !== undefined) return known;
    const { clock, onChange } = this.#context;
    const created = new TrackedAddresses(clock, () => onChange(id));
    this.#addresses.set(addressSetKey, created);
    return created;
  }

  /** Returns whether an address has begun to drain that was only kept. */
  #release(spec: UpstreamSpec, { address, addressSetKey }: NamedAddress): boolean {
    const idOf = (ip: string): EndpointId => endpointIdOf(spec.id, resolvedAddressText(address, ip));
    const addresses = this.#addresses.get(addressSetKey);
    return addresses?.release((tracked) => this.#context.isReady(spec, idOf(tracked.address))) ?? false;
  }
}
