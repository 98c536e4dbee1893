import type { Configuration, UpstreamSpec } from '../core/configuration.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { NameQuestion } from '../core/name-resolver.ts';
import type { Clock } from '../core/time.ts';
import { standingOf, waysOf } from '../policy/address-book.ts';
import { type TroubledCount, WatchedEndpoint, type WatchPorts } from '../upstream/watched-endpoint.ts';
import { type LiteralPlace, memberText, type NamedPlace, Places } from './configured-places.ts';
import { Destinations, type ListeningPlaces } from './destinations.ts';
import { type Member, NameMembers } from './name-members.ts';
import type { Resolver } from './resolver.ts';
import { type Known, type SeenEndpoint, SeenEndpoints } from './seen-endpoints.ts';

export interface ConfiguredParts {
  readonly clock: Clock;
  readonly watch: WatchPorts;
  readonly names: Resolver;
  /** Where this gateway itself listens now. */
  readonly listeners: () => ListeningPlaces;
  /** What is known of one of the endpoints of an upstream has changed. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** A check of an endpoint has come back; `refused`: nothing listened there. */
  readonly onChecked: (endpoint: EndpointId, refused: boolean) => void;
}

/** What else of a configuration its upstreams need here, and their addresses. */
interface Surroundings {
  readonly destinations: Destinations;
  readonly places: Places;
  readonly seen: SeenEndpoints;
}

/** Where no route leads to an upstream, nobody waits for its names either. */
const lookupDefaultMs = 5000;

/**
 * The endpoints that the configuration has, as they are now: literal addresses and sockets as they stand there, names
 * by what they lead to, and all of them by their checks. Knows the configuration in force and one that is prepared.
 */
export class ConfiguredEndpoints {
  readonly #parts: ConfiguredParts;
  #inForce: readonly UpstreamSpec[] = [];
  #prepared: readonly UpstreamSpec[] = [];
  readonly #surroundings = new WeakMap<UpstreamSpec, Surroundings>();
  readonly #watched = new Map<string, WatchedEndpoint>();
  /** The same by endpoint, for what traffic says of one. */
  readonly #watchKeys = new Map<EndpointId, string>();
  readonly #troubled: TroubledCount = { troubled: 0 };
  readonly #members = new Map<string, NameMembers>();
  readonly #known: Known;

  constructor(parts: ConfiguredParts) {
    this.#parts = parts;
    this.#known = {
      names: parts.names,
      membersAt: (place) => this.#membersAt(place),
      watchedBy: (watchKey) => this.#watched.get(watchKey),
    };
  }

  /** Begins to look up and to check what `configuration` would have, beside what there is already. */
  prepare(configuration: Configuration): void {
    this.#prepared = this.#surround(configuration);
    this.#parts.names.watch(this.#prepared.flatMap((spec) => this.#questions(spec)));
    for (const spec of this.#prepared) this.#reconcile(spec);
  }

  /** These endpoints, and no others. */
  use(configuration: Configuration): void {
    this.prepare(configuration);
    [this.#inForce, this.#prepared] = [this.#prepared, []];
    this.#parts.names.keepOnly(this.#inForce.flatMap((spec) => this.#questions(spec)));
    const wanted = new Set(this.#inForce.flatMap((spec) => this.#memberKeys(spec)));
    for (const [key, members] of this.#members) {
      if (wanted.has(key)) continue;
      members.stop();
      this.#members.delete(key);
    }
    this.#stopUnwanted();
  }

  /** Whether each name has been looked up once, and each check has come back once. */
  get settled(): boolean {
    return this.#parts.names.settled && [...this.#watched.values()].every(({ state }) => state !== 'unknown');
  }

  /** For the resolver: what is known of a name has changed. */
  namesChanged(): void {
    for (const spec of [...this.#inForce, ...this.#prepared]) this.#reconcile(spec);
    this.#stopUnwanted();
    // Whoever waits for what is prepared looks again at any change.
    for (const spec of [...this.#inForce, ...this.#prepared]) {
      if (this.#placesOf(spec).named.length > 0) this.#parts.onChange(spec.id);
    }
  }

  /** A request was refused a connection there. */
  suspect(endpoint: EndpointId): void {
    const key = this.#watchKeys.get(endpoint);
    if (key !== undefined) this.#watched.get(key)?.suspect();
  }

  endpointsOf(spec: UpstreamSpec): readonly SeenEndpoint[] {
    return this.#around(spec).seen.all();
  }

  stop(): void {
    for (const endpoint of this.#watched.values()) endpoint.stop();
    for (const members of this.#members.values()) members.stop();
    this.#watched.clear();
    this.#members.clear();
    this.#parts.names.stop();
  }

  #surround(configuration: Configuration): readonly UpstreamSpec[] {
    const { upstreams, routes, dns } = configuration;
    const destinations = new Destinations(configuration, this.#parts.listeners);
    for (const spec of upstreams) {
      const limits = routes.flatMap(({ action, timeouts }) =>
        action.kind === 'upstream' && action.upstream === spec.id ? [timeouts.dnsMs] : [],
      );
      const lookupMs = limits.length === 0 ? lookupDefaultMs : Math.min(...limits);
      const places = new Places(spec, dns.servers, lookupMs);
      const seen = new SeenEndpoints(places, destinations, this.#known);
      this.#surroundings.set(spec, { destinations, places, seen });
    }
    return upstreams;
  }

  #around(spec: UpstreamSpec): Surroundings {
    const found = this.#surroundings.get(spec);
    if (found === undefined) throw new Error(`upstream ${spec.id} belongs to a configuration that was prepared`);
    return found;
  }

  #placesOf(spec: UpstreamSpec): Places {
    return this.#around(spec).places;
  }

  // Names.

  #questions(spec: UpstreamSpec): readonly NameQuestion[] {
    return this.#placesOf(spec).named.map(({ question }) => question);
  }

  #memberKeys(spec: UpstreamSpec): readonly string[] {
    return this.#placesOf(spec).named.map(({ memberKey }) => memberKey);
  }

  #membersOf(spec: UpstreamSpec, key: string): NameMembers {
    const known = this.#members.get(key);
    if (known !== undefined) return known;
    const made = new NameMembers(this.#parts.clock, () => this.#changed(spec.id));
    this.#members.set(key, made);
    return made;
  }

  /** Takes in what names lead to now, and sees to it that every address is checked. */
  #reconcile(spec: UpstreamSpec): void {
    for (const place of this.#placesOf(spec).all) {
      if (place.question === null) this.#watchLiteral(spec, place);
      else this.#reconcileName(spec, place);
    }
  }

  #reconcileName(spec: UpstreamSpec, place: NamedPlace): void {
    const book = this.#parts.names.bookOf(place.question);
    if (book === null || standingOf(book) === 'resolving') return;
    const members = this.#membersOf(spec, place.memberKey);
    const { destinations } = this.#around(spec);
    const may = (ip: string): boolean => destinations.prohibitionOf(ip, place.address.port, book.source) === null;
    members.update(waysOf(book, spec.family, may), may);
    for (const member of members.all) if (member.standing !== 'draining') this.#watchMember(spec, place, member);
    this.#release(spec, place);
  }

  /** Returns whether addresses were let go that were only kept. */
  #release(spec: UpstreamSpec, { address, memberKey }: NamedPlace): boolean {
    const members = this.#members.get(memberKey);
    if (members === undefined) return false;
    return members.release((member) => {
      const watched = this.#watched.get(this.#placesOf(spec).watchKey(memberText(address, member.address)));
      return watched === undefined ? spec.check.kind === 'none' : watched.state === 'healthy';
    });
  }

  // Checks.

  #watchLiteral(spec: UpstreamSpec, { id, address, watchKey }: LiteralPlace): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    this.#watchOne(spec, { id, key: watchKey }, { address, tls, check });
  }

  #watchMember(spec: UpstreamSpec, { address }: NamedPlace, member: Member): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    const { address: ip, otherWay } = member;
    const { host, port } = address;
    const target = { address: { kind: 'tcp', host: ip, port }, name: host, otherWay, tls, check } as const;
    const text = memberText(address, ip);
    const places = this.#placesOf(spec);
    this.#watchOne(spec, { id: places.idOf(text), key: places.watchKey(text) }, target);
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
    for (const spec of [...this.#inForce, ...this.#prepared]) {
      if (spec.id !== id) continue;
      for (const place of this.#placesOf(spec).named) released = this.#release(spec, place) || released;
    }
    if (released) this.#stopUnwanted();
    this.#parts.onChange(id);
  }

  #stopUnwanted(): void {
    const wanted = new Set([...this.#inForce, ...this.#prepared].flatMap((spec) => this.#keysOf(spec)));
    for (const [key, endpoint] of this.#watched) {
      if (wanted.has(key)) continue;
      endpoint.stop();
      this.#watched.delete(key);
    }
    for (const [id, key] of this.#watchKeys) if (!this.#watched.has(key)) this.#watchKeys.delete(id);
  }

  #keysOf(spec: UpstreamSpec): readonly string[] {
    const places = this.#placesOf(spec);
    return places.all.flatMap((place) => {
      if (place.question === null) return [place.watchKey];
      const checked = this.#membersAt(place).filter(({ standing }) => standing !== 'draining');
      return checked.map(({ address: ip }) => places.watchKey(memberText(place.address, ip)));
    });
  }

  #membersAt({ memberKey }: NamedPlace): readonly Member[] {
    return this.#members.get(memberKey)?.all ?? [];
  }
}
