import type { Configuration, UpstreamSpec } from '../core/configuration.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { NameQuestion } from '../core/name-resolver.ts';
import type { Clock } from '../core/time.ts';
import { resolutionStateOf, resolvedAddressesOf } from '../policy/dns-cache.ts';
import { type TroubledCount, WatchedEndpoint, type WatchPorts } from './watched-endpoint.ts';
import {
  type LiteralAddress,
  resolvedAddressText,
  type NamedAddress,
  ConfiguredAddresses,
} from './configured-addresses.ts';
import { Destinations, type ListeningAddresses } from './destinations.ts';
import { type TrackedAddress, TrackedAddresses } from './tracked-addresses.ts';
import type { Resolver } from './resolver.ts';
import { type EndpointObservations, type EndpointView, EndpointViews } from './endpoint-views.ts';

export interface ConfiguredEndpointsParts {
  readonly clock: Clock;
  readonly watch: WatchPorts;
  readonly names: Resolver;
  /** Where this gateway itself listens now. */
  readonly listeners: () => ListeningAddresses;
  /** What is known of one of the endpoints of an upstream has changed. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** A check of an endpoint has come back; `refused`: nothing listened there. */
  readonly onChecked: (endpoint: EndpointId, refused: boolean) => void;
}

/** What else of a configuration its upstreams need here, and their addresses. */
interface UpstreamContext {
  readonly destinations: Destinations;
  readonly addresses: ConfiguredAddresses;
  readonly views: EndpointViews;
}

/** Where no route leads to an upstream, nobody waits for its names either. */
const lookupDefaultMs = 5000;

/**
 * The endpoints that the configuration has, as they are now: literal addresses and sockets as they stand there, names
 * by what they lead to, and all of them by their checks. Knows the configuration in force and one that is prepared.
 */
export class ConfiguredEndpoints {
  readonly #parts: ConfiguredEndpointsParts;
  #active: readonly UpstreamSpec[] = [];
  #prepared: readonly UpstreamSpec[] = [];
  readonly #contexts = new WeakMap<UpstreamSpec, UpstreamContext>();
  readonly #watched = new Map<string, WatchedEndpoint>();
  /** The same by endpoint, for what traffic says of one. */
  readonly #watchKeys = new Map<EndpointId, string>();
  readonly #troubled: TroubledCount = { troubled: 0 };
  readonly #resolvedAddresses = new Map<string, TrackedAddresses>();
  readonly #observations: EndpointObservations;

  constructor(parts: ConfiguredEndpointsParts) {
    this.#parts = parts;
    this.#observations = {
      names: parts.names,
      resolvedAddressesOf: (configured) => this.#resolvedAddressesOf(configured),
      watchedBy: (watchKey) => this.#watched.get(watchKey),
    };
  }

  /** Begins to look up and to check what `configuration` would have, beside what there is already. */
  prepare(configuration: Configuration): void {
    this.#prepared = this.#createContexts(configuration);
    this.#parts.names.watch(this.#prepared.flatMap((spec) => this.#questions(spec)));
    for (const spec of this.#prepared) this.#reconcile(spec);
  }

  /** These endpoints, and no others. */
  use(configuration: Configuration): void {
    this.prepare(configuration);
    [this.#active, this.#prepared] = [this.#prepared, []];
    this.#parts.names.keepOnly(this.#active.flatMap((spec) => this.#questions(spec)));
    const wanted = new Set(this.#active.flatMap((spec) => this.#addressSetKeys(spec)));
    for (const [key, members] of this.#resolvedAddresses) {
      if (wanted.has(key)) continue;
      members.stop();
      this.#resolvedAddresses.delete(key);
    }
    this.#stopUnwanted();
  }

  /** Whether each name has been looked up once, and each check has come back once. */
  get settled(): boolean {
    return this.#parts.names.settled && [...this.#watched.values()].every(({ state }) => state !== 'unknown');
  }

  /** For the resolver: what is known of a name has changed. */
  namesChanged(): void {
    for (const spec of [...this.#active, ...this.#prepared]) this.#reconcile(spec);
    this.#stopUnwanted();
    // Whoever waits for what is prepared looks again at any change.
    for (const spec of [...this.#active, ...this.#prepared]) {
      if (this.#addressesOf(spec).named.length > 0) this.#parts.onChange(spec.id);
    }
  }

  /** A request was refused a connection there. */
  suspect(endpoint: EndpointId): void {
    const key = this.#watchKeys.get(endpoint);
    if (key !== undefined) this.#watched.get(key)?.suspect();
  }

  endpointsOf(spec: UpstreamSpec): readonly EndpointView[] {
    return this.#contextOf(spec).views.all();
  }

  stop(): void {
    for (const endpoint of this.#watched.values()) endpoint.stop();
    for (const members of this.#resolvedAddresses.values()) members.stop();
    this.#watched.clear();
    this.#resolvedAddresses.clear();
    this.#parts.names.stop();
  }

  #createContexts(configuration: Configuration): readonly UpstreamSpec[] {
    const { upstreams, routes, dns } = configuration;
    const destinations = new Destinations(configuration, this.#parts.listeners);
    for (const spec of upstreams) {
      const limits = routes.flatMap(({ action, timeouts }) =>
        action.kind === 'upstream' && action.upstream === spec.id ? [timeouts.dnsMs] : [],
      );
      const lookupMs = limits.length === 0 ? lookupDefaultMs : Math.min(...limits);
      const addresses = new ConfiguredAddresses(spec, dns.servers, lookupMs);
      const seen = new EndpointViews(addresses, destinations, this.#observations);
      this.#contexts.set(spec, { destinations, addresses, views: seen });
    }
    return upstreams;
  }

  #contextOf(spec: UpstreamSpec): UpstreamContext {
    const found = this.#contexts.get(spec);
    if (found === undefined) throw new Error(`upstream ${spec.id} belongs to a configuration that was prepared`);
    return found;
  }

  #addressesOf(spec: UpstreamSpec): ConfiguredAddresses {
    return this.#contextOf(spec).addresses;
  }

  // Names.

  #questions(spec: UpstreamSpec): readonly NameQuestion[] {
    return this.#addressesOf(spec).named.map(({ question }) => question);
  }

  #addressSetKeys(spec: UpstreamSpec): readonly string[] {
    return this.#addressesOf(spec).named.map(({ addressSetKey: memberKey }) => memberKey);
  }

  #resolvedAddressesIn(spec: UpstreamSpec, key: string): TrackedAddresses {
    const known = this.#resolvedAddresses.get(key);
    if (known !== undefined) return known;
    const made = new TrackedAddresses(this.#parts.clock, () => this.#changed(spec.id));
    this.#resolvedAddresses.set(key, made);
    return made;
  }

  /** Takes in what names lead to now, and sees to it that every address is checked. */
  #reconcile(spec: UpstreamSpec): void {
    for (const configured of this.#addressesOf(spec).all) {
      if (configured.question === null) this.#watchLiteral(spec, configured);
      else this.#reconcileName(spec, configured);
    }
  }

  #reconcileName(spec: UpstreamSpec, configured: NamedAddress): void {
    const entry = this.#parts.names.entryOf(configured.question);
    if (entry === null || resolutionStateOf(entry) === 'resolving') return;
    const members = this.#resolvedAddressesIn(spec, configured.addressSetKey);
    const { destinations } = this.#contextOf(spec);
    const isAllowed = (ip: string): boolean =>
      destinations.prohibitionOf(ip, configured.address.port, entry.source) === null;
    members.update(resolvedAddressesOf(entry, spec.family, isAllowed), isAllowed);
    for (const member of members.all) if (member.state !== 'draining') this.#watchResolved(spec, configured, member);
    this.#release(spec, configured);
  }

  /** Returns whether addresses were let go that were only kept. */
  #release(spec: UpstreamSpec, { address, addressSetKey: memberKey }: NamedAddress): boolean {
    const members = this.#resolvedAddresses.get(memberKey);
    if (members === undefined) return false;
    return members.release((member) => {
      const watched = this.#watched.get(this.#addressesOf(spec).watchKey(resolvedAddressText(address, member.address)));
      return watched === undefined ? spec.check.kind === 'none' : watched.state === 'healthy';
    });
  }

  // Checks.

  #watchLiteral(spec: UpstreamSpec, { id, address, watchKey }: LiteralAddress): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    this.#watchOne(spec, { id, key: watchKey }, { address, tls, check });
  }

  #watchResolved(spec: UpstreamSpec, { address }: NamedAddress, member: TrackedAddress): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    const { address: ip, secondAddress } = member;
    const { host, port } = address;
    const target = {
      address: { kind: 'tcp', host: ip, port },
      name: host,
      secondAddress,
      tls,
      check,
    } as const;
    const text = resolvedAddressText(address, ip);
    const addresses = this.#addressesOf(spec);
    this.#watchOne(spec, { id: addresses.idOf(text), key: addresses.watchKey(text) }, target);
  }

  #watchOne(
    { id: upstream }: UpstreamSpec,
    { id, key }: { readonly id: EndpointId; readonly key: string },
    target: WatchedEndpoint['target'],
  ): void {
    this.#watchKeys.set(id, key);
    const known = this.#watched.get(key);
    if (known !== undefined) {
      known.target = target;
      return;
    }
    const listener = {
      onChange: () => this.#changed(upstream),
      onChecked: (refused: boolean) => this.#parts.onChecked(id, refused),
    };
    const endpoint = new WatchedEndpoint(target, this.#parts.watch, listener, this.#troubled);
    this.#watched.set(key, endpoint);
    endpoint.start();
  }

  /** What checks say of an upstream has changed, so that addresses may go which were only kept. */
  #changed(id: UpstreamId): void {
    let released = false;
    for (const spec of [...this.#active, ...this.#prepared]) {
      if (spec.id !== id) continue;
      for (const configured of this.#addressesOf(spec).named) released = this.#release(spec, configured) || released;
    }
    if (released) this.#stopUnwanted();
    this.#parts.onChange(id);
  }

  #stopUnwanted(): void {
    const wanted = new Set([...this.#active, ...this.#prepared].flatMap((spec) => this.#keysOf(spec)));
    for (const [key, endpoint] of this.#watched) {
      if (wanted.has(key)) continue;
      endpoint.stop();
      this.#watched.delete(key);
    }
    for (const [id, key] of this.#watchKeys) if (!this.#watched.has(key)) this.#watchKeys.delete(id);
  }

  #keysOf(spec: UpstreamSpec): readonly string[] {
    const addresses = this.#addressesOf(spec);
    return addresses.all.flatMap((configured) => {
      if (configured.question === null) return [configured.watchKey];
      const checked = this.#resolvedAddressesOf(configured).filter(({ state }) => state !== 'draining');
      return checked.map(({ address: ip }) => addresses.watchKey(resolvedAddressText(configured.address, ip)));
    });
  }

  #resolvedAddressesOf({ addressSetKey: memberKey }: NamedAddress): readonly TrackedAddress[] {
    return this.#resolvedAddresses.get(memberKey)?.all ?? [];
  }
}
