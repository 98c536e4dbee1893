import { networkInterfaces } from 'node:os';
import type { Configuration, ListenerSpec, UpstreamSpec } from '../core/configuration.ts';
import { addressText, type EndpointAddress, type EndpointId, type UpstreamId } from '../core/endpoint.ts';
import { explain } from '../core/explain.ts';
import { fail, type Failure, type Prohibition } from '../core/failure.ts';
import { clause } from '../core/failure-table/words.ts';
import type { NameQuestion, NameSource } from '../core/name-resolver.ts';
import { ownListener } from '../core/own-listener.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import { type AddressBook, standingOf, waysOf } from '../policy/address-book.ts';
import { DestinationGuard } from '../policy/prohibited-address.ts';
import { WatchedEndpoint, type WatchPorts } from '../upstream/watched-endpoint.ts';
import { type LiteralPlace, memberText, type NamedPlace, Places, type TcpAddress } from './configured-places.ts';
import { type Member, NameMembers } from './name-members.ts';
import type { Resolver } from './resolver.ts';

export interface ConfiguredParts {
  readonly clock: Clock;
  readonly watch: WatchPorts;
  readonly names: Resolver;
  /** Where this gateway itself listens now. */
  readonly listeners: () => readonly Pick<ListenerSpec, 'host' | 'port'>[];
  /** What is known of one of the endpoints of an upstream has changed. */
  readonly onChange: (upstream: UpstreamId) => void;
}

/** An endpoint of a configured address, but for what only time can tell. */
export type SeenEndpoint = Omit<EndpointSnapshot, 'sinceInstant' | 'release' | 'exit'>;

/** What else of a configuration its upstreams need here, and their addresses. */
interface Surroundings {
  readonly guard: DestinationGuard;
  readonly listeners: Configuration['listeners'];
  readonly places: Places;
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
  readonly #members = new Map<string, NameMembers>();

  constructor(parts: ConfiguredParts) {
    this.#parts = parts;
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

  endpointsOf(spec: UpstreamSpec): readonly SeenEndpoint[] {
    const seen: SeenEndpoint[] = [];
    for (const place of this.#placesOf(spec).all) {
      if (place.question === null) seen.push(this.#literal(spec, place));
      else seen.push(...this.#named(spec, place));
    }
    return seen;
  }

  stop(): void {
    for (const endpoint of this.#watched.values()) endpoint.stop();
    for (const members of this.#members.values()) members.stop();
    this.#watched.clear();
    this.#members.clear();
    this.#parts.names.stop();
  }

  #surround({ upstreams, routes, listeners, dns }: Configuration): readonly UpstreamSpec[] {
    const guard = new DestinationGuard(dns);
    for (const spec of upstreams) {
      const limits = routes.flatMap(({ action, timeouts }) =>
        action.kind === 'upstream' && action.upstream === spec.id ? [timeouts.dnsMs] : [],
      );
      const lookupMs = limits.length === 0 ? lookupDefaultMs : Math.min(...limits);
      this.#surroundings.set(spec, { guard, listeners, places: new Places(spec, dns.servers, lookupMs) });
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
    const may = (ip: string): boolean => this.#prohibitionOf(spec, ip, place.address.port, book.source) === null;
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

  #prohibitionOf(spec: UpstreamSpec, ip: string, port: number, source: NameSource): Prohibition | null {
    return this.#isOwn(spec, ip, port) ? 'own_listener' : this.#around(spec).guard.judge(ip, source);
  }

  #isOwn(spec: UpstreamSpec, host: string, port: number): boolean {
    const target = { host, port };
    if (ownListener(target, this.#around(spec).listeners, addressesOfThisMachine) !== null) return true;
    return ownListener(target, this.#parts.listeners(), addressesOfThisMachine) !== null;
  }

  // Checks.

  #watchLiteral(spec: UpstreamSpec, { address, watchKey }: LiteralPlace): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    this.#watchOne(spec, watchKey, { address, tls, check });
  }

  #watchMember(spec: UpstreamSpec, { address }: NamedPlace, member: Member): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    const { address: ip, otherWay } = member;
    const { host, port } = address;
    const target = { address: { kind: 'tcp', host: ip, port }, name: host, otherWay, tls, check } as const;
    this.#watchOne(spec, this.#placesOf(spec).watchKey(memberText(address, ip)), target);
  }

  #watchOne({ id }: UpstreamSpec, key: string, target: WatchedEndpoint['target']): void {
    const known = this.#watched.get(key);
    if (known !== undefined) {
      known.target = target;
      return;
    }
    const endpoint = new WatchedEndpoint(target, this.#parts.watch, () => this.#changed(id));
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
    const wanted = new Set([...this.#inForce, ...this.#prepared].flatMap((spec) => this.#watchKeys(spec)));
    for (const [key, endpoint] of this.#watched) {
      if (wanted.has(key)) continue;
      endpoint.stop();
      this.#watched.delete(key);
    }
  }

  #watchKeys(spec: UpstreamSpec): readonly string[] {
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

  // What is seen of them.

  #literal(spec: UpstreamSpec, { id, address, watchKey }: LiteralPlace): SeenEndpoint {
    if (address.kind === 'tcp' && this.#isOwn(spec, address.host, address.port)) {
      return closed(id, address, 'unhealthy', prohibited(address, null, 'own_listener'));
    }
    return this.#open(id, address, watchKey);
  }

  #open(id: EndpointId, address: EndpointAddress, watchKey: string): SeenEndpoint {
    const endpoint = this.#watched.get(watchKey);
    if (endpoint === undefined) return { id, address, state: 'unchecked', reason: 'it is not checked', checks: null };
    const { state, says: reason, rhythm: checks, cause } = endpoint;
    return cause === null
      ? { id, address, state, reason, checks }
      : { id, address, state, reason, checks, checkCause: cause };
  }

  #named(spec: UpstreamSpec, place: NamedPlace): readonly SeenEndpoint[] {
    const { names } = this.#parts;
    const book = names.bookOf(place.question);
    const failure = names.failureOf(place.question);
    const members = this.#membersAt(place);
    const open = members.map((member) => this.#member(spec, place, member, { source: book?.source ?? 'dns', failure }));
    const closedOnes = book === null ? [] : this.#closed(spec, place, book);
    const others = open.length === 0 ? closedOnes : closedOnes.filter(({ id }) => !open.some((one) => one.id === id));
    if (open.length + others.length > 0) return [...open, ...others];
    return [unresolved(place, book, failure)];
  }

  #member(
    spec: UpstreamSpec,
    { address: { host, port } }: NamedPlace,
    { address: ip, otherWay, standing }: Member,
    { source, failure }: { readonly source: NameSource; readonly failure: Failure | null },
  ): SeenEndpoint {
    const places = this.#placesOf(spec);
    const address = { kind: 'tcp', host: ip, port } as const;
    const text = memberText({ kind: 'tcp', host, port }, ip);
    const id = places.idOf(text);
    const found = { name: host, ...(otherWay === null ? {} : { otherWay }) };
    if (standing === 'draining') return { id, address, ...found, ...this.#draining(spec, host, address, source) };
    const { reason, ...seen } = this.#open(id, address, places.watchKey(text));
    const remark = remarkOn(host, standing, failure);
    const stale = remark === '' ? {} : ({ addressStale: true } as const);
    return { ...seen, ...found, ...stale, reason: `${reason}${remark}` };
  }

  #draining(
    spec: UpstreamSpec,
    name: string,
    address: TcpAddress,
    source: NameSource,
  ): Pick<SeenEndpoint, 'state' | 'reason' | 'checks' | 'failure'> {
    const draining = { state: 'draining', reason: `${name} leads elsewhere now`, checks: null } as const;
    const why = this.#prohibitionOf(spec, address.host, address.port, source);
    if (why === null) return draining;
    const failure = prohibited(address, name, why);
    return { ...draining, reason: explain(failure), failure };
  }

  /** The addresses that the name leads to and that nothing is sent to. */
  #closed(spec: UpstreamSpec, { address: named }: NamedPlace, book: AddressBook): readonly SeenEndpoint[] {
    const { host, port } = named;
    return [...book.ipv4, ...book.ipv6].flatMap((ip) => {
      const why = this.#prohibitionOf(spec, ip, port, book.source);
      if (why === null) return [];
      const address = { kind: 'tcp', host: ip, port } as const;
      const id = this.#placesOf(spec).idOf(memberText(named, ip));
      return [{ ...closed(id, address, 'unhealthy', prohibited(address, host, why)), name: host }];
    });
  }
}

function unresolved({ id, address }: NamedPlace, book: AddressBook | null, why: Failure | null): SeenEndpoint {
  const isPending = book === null || standingOf(book) === 'resolving';
  const failure = why ?? fail('dns_not_found', 'dns', { name: address.host, rcode: 'NODATA' });
  const seen = closed(id, address, isPending ? 'unknown' : 'unhealthy', failure);
  return isPending ? { ...seen, reason: 'its name is still being looked up' } : seen;
}

/** What is to be said of an address beside its check: that the name server no longer vouches for it. */
function remarkOn(name: string, standing: Member['standing'], failure: Failure | null): string {
  if (failure !== null) return `; the address is the last one known: ${clause(explain(failure))}`;
  return standing === 'kept' ? `; ${name} leads elsewhere now, where nothing is ready yet` : '';
}

function closed(
  id: EndpointId,
  address: EndpointAddress,
  state: 'unhealthy' | 'unknown',
  failure: Failure,
): SeenEndpoint {
  return { id, address, failure, state, reason: explain(failure), checks: null };
}

function prohibited(address: EndpointAddress, name: string | null, prohibition: Prohibition): Failure {
  return fail('destination_prohibited', 'route', { address: addressText(address), name, prohibition });
}

function addressesOfThisMachine(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
