import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Configuration, ListenerSpec, UpstreamSpec } from '../core/configuration.ts';
import { addressText, type EndpointAddress, type EndpointId, hostPort, type UpstreamId } from '../core/endpoint.ts';
import { explain } from '../core/explain.ts';
import { fail, type Failure, type Prohibition } from '../core/failure.ts';
import { clause } from '../core/failure-table/words.ts';
import type { NameQuestion, NameSource } from '../core/name-resolver.ts';
import { ownListener } from '../core/own-listener.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import { familiesOf, standingOf, waysOf } from '../policy/address-book.ts';
import { DestinationGuard } from '../policy/prohibited-address.ts';
import { WatchedEndpoint, type WatchPorts } from '../upstream/watched-endpoint.ts';
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

/** What else of a configuration its upstreams need here. */
interface Surroundings {
  readonly guard: DestinationGuard;
  readonly servers: readonly string[];
  readonly listeners: Configuration['listeners'];
  readonly lookupMs: number;
}

type TcpAddress = Extract<EndpointAddress, { kind: 'tcp' }>;

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
    for (const { id, endpoints } of this.#inForce) if (endpoints.some(isNamed)) this.#parts.onChange(id);
    // Whoever waits for what is prepared looks again at any change.
    for (const { id, endpoints } of this.#prepared) if (endpoints.some(isNamed)) this.#parts.onChange(id);
  }

  endpointsOf(spec: UpstreamSpec): readonly SeenEndpoint[] {
    const seen = new Map<EndpointId, SeenEndpoint>();
    for (const { address } of spec.endpoints) {
      const each = isName(address) ? this.#named(spec, address) : [this.#literal(spec, address)];
      for (const endpoint of each) seen.set(endpoint.id, endpoint);
    }
    return [...seen.values()];
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
      this.#surroundings.set(spec, { guard, servers: dns.servers, listeners, lookupMs });
    }
    return upstreams;
  }

  #around(spec: UpstreamSpec): Surroundings {
    const found = this.#surroundings.get(spec);
    if (found === undefined) throw new Error(`upstream ${spec.id} belongs to a configuration that was prepared`);
    return found;
  }

  // Names.

  #questions(spec: UpstreamSpec): readonly NameQuestion[] {
    return spec.endpoints.flatMap(({ address }) => (isName(address) ? [this.#question(spec, address)] : []));
  }

  #question(spec: UpstreamSpec, { host }: TcpAddress): NameQuestion {
    const { servers, lookupMs } = this.#around(spec);
    return { name: host, families: familiesOf(spec.family), servers, limitMs: lookupMs };
  }

  #memberKeys(spec: UpstreamSpec): readonly string[] {
    return spec.endpoints.flatMap(({ address }) => (isName(address) ? [memberKey(spec, address)] : []));
  }

  #membersOf(spec: UpstreamSpec, address: TcpAddress): NameMembers {
    const key = memberKey(spec, address);
    const known = this.#members.get(key);
    if (known !== undefined) return known;
    const made = new NameMembers(this.#parts.clock, () => this.#changed(spec.id));
    this.#members.set(key, made);
    return made;
  }

  /** Takes in what names lead to now, and sees to it that every address is checked. */
  #reconcile(spec: UpstreamSpec): void {
    for (const { address } of spec.endpoints) {
      if (!isName(address)) this.#watchLiteral(spec, address);
      else this.#reconcileName(spec, address);
    }
  }

  #reconcileName(spec: UpstreamSpec, address: TcpAddress): void {
    const book = this.#parts.names.bookOf(this.#question(spec, address));
    if (book === null || standingOf(book) === 'resolving') return;
    const members = this.#membersOf(spec, address);
    const may = (ip: string): boolean => this.#prohibitionOf(spec, ip, address.port, book.source) === null;
    members.update(waysOf(book, spec.family, may), may);
    for (const member of members.all) if (member.standing !== 'draining') this.#watchMember(spec, address, member);
    this.#release(spec, address);
  }

  #release(spec: UpstreamSpec, address: TcpAddress): void {
    this.#members.get(memberKey(spec, address))?.release((member) => {
      const watched = this.#watched.get(watchKey(spec, nameText(address, member)));
      return watched === undefined ? spec.check.kind === 'none' : watched.state === 'healthy';
    });
  }

  #prohibitionOf(spec: UpstreamSpec, ip: string, port: number, source: NameSource): Prohibition | null {
    return this.#isOwn(spec, ip, port) ? 'own_listener' : this.#around(spec).guard.judge(ip, source);
  }

  #isOwn(spec: UpstreamSpec, host: string, port: number): boolean {
    const listeners = [...this.#around(spec).listeners, ...this.#parts.listeners()];
    return ownListener({ host, port }, listeners, addressesOfThisMachine) !== null;
  }

  // Checks.

  #watchLiteral(spec: UpstreamSpec, address: EndpointAddress): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    this.#watchOne(spec, addressText(address), { address, tls, check });
  }

  #watchMember(spec: UpstreamSpec, { host, port }: TcpAddress, member: Member): void {
    const { check, tls } = spec;
    if (check.kind === 'none') return;
    const { address: ip, otherWay } = member;
    const target = { address: { kind: 'tcp', host: ip, port }, name: host, otherWay, tls, check } as const;
    this.#watchOne(spec, nameText({ host, port }, member), target);
  }

  #watchOne(spec: UpstreamSpec, text: string, target: WatchedEndpoint['target']): void {
    const { id } = spec;
    const known = this.#watched.get(watchKey(spec, text));
    if (known !== undefined) {
      known.target = target;
      return;
    }
    const endpoint = new WatchedEndpoint(target, this.#parts.watch, () => this.#changed(id));
    this.#watched.set(watchKey(spec, text), endpoint);
    endpoint.start();
  }

  /** What checks say of an upstream has changed, so that addresses may go which were only kept. */
  #changed(id: UpstreamId): void {
    for (const spec of [...this.#inForce, ...this.#prepared]) {
      if (spec.id !== id) continue;
      for (const { address } of spec.endpoints) if (isName(address)) this.#release(spec, address);
    }
    this.#stopUnwanted();
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
    return spec.endpoints.flatMap(({ address }) => {
      if (!isName(address)) return [watchKey(spec, addressText(address))];
      const members = this.#members.get(memberKey(spec, address))?.all ?? [];
      const checked = members.filter(({ standing }) => standing !== 'draining');
      return checked.map((member) => watchKey(spec, nameText(address, member)));
    });
  }

  // What is seen of them.

  #literal(spec: UpstreamSpec, address: EndpointAddress): SeenEndpoint {
    const id = `${spec.id}/${addressText(address)}` as EndpointId;
    if (address.kind === 'tcp' && this.#isOwn(spec, address.host, address.port)) {
      return closed(id, address, 'unhealthy', prohibited(address, null, 'own_listener'));
    }
    return this.#open(spec, id, address, addressText(address));
  }

  #open(spec: UpstreamSpec, id: EndpointId, address: EndpointAddress, text: string): SeenEndpoint {
    const endpoint = this.#watched.get(watchKey(spec, text));
    if (endpoint === undefined) return { id, address, state: 'unchecked', reason: 'it is not checked', checks: null };
    const { state, says: reason, rhythm: checks, cause } = endpoint;
    return { id, address, state, reason, checks, ...(cause === null ? {} : { checkCause: cause }) };
  }

  #named(spec: UpstreamSpec, address: TcpAddress): readonly SeenEndpoint[] {
    const members = this.#members.get(memberKey(spec, address))?.all ?? [];
    const open = members.map((member) => this.#member(spec, address, member));
    const closedOnes = this.#closed(spec, address).filter(({ id }) => !open.some((one) => one.id === id));
    if (open.length + closedOnes.length > 0) return [...open, ...closedOnes];
    return [this.#unresolved(spec, address)];
  }

  #member(spec: UpstreamSpec, { host, port }: TcpAddress, member: Member): SeenEndpoint {
    const { address: ip, otherWay, standing } = member;
    const text = nameText({ host, port }, member);
    const id = `${spec.id}/${text}` as EndpointId;
    const address = { kind: 'tcp', host: ip, port } as const;
    const found = { name: host, ...(otherWay === null ? {} : { otherWay }) };
    if (standing === 'draining') return { id, address, ...found, ...this.#draining(spec, { host, port }, ip) };
    const { reason, ...seen } = this.#open(spec, id, address, text);
    const remark = this.#remark(spec, { host, port }, standing);
    const stale = remark === '' ? {} : ({ addressStale: true } as const);
    return { ...seen, ...found, ...stale, reason: `${reason}${remark}` };
  }

  #draining(
    spec: UpstreamSpec,
    { host, port }: Pick<TcpAddress, 'host' | 'port'>,
    ip: string,
  ): Pick<SeenEndpoint, 'state' | 'reason' | 'checks' | 'failure'> {
    const draining = { state: 'draining', reason: `${host} leads elsewhere now`, checks: null } as const;
    const source = this.#parts.names.bookOf(this.#question(spec, { kind: 'tcp', host, port }))?.source ?? 'dns';
    const why = this.#prohibitionOf(spec, ip, port, source);
    if (why === null) return draining;
    const failure = prohibited({ kind: 'tcp', host: ip, port }, host, why);
    return { ...draining, reason: explain(failure), failure };
  }

  /** What is to be said of an address beside its check: that the name server no longer vouches for it. */
  #remark(spec: UpstreamSpec, address: Pick<TcpAddress, 'host' | 'port'>, standing: Member['standing']): string {
    const question = this.#question(spec, { kind: 'tcp', ...address });
    const failure = this.#parts.names.failureOf(question);
    if (failure !== null) return `; the address is the last one known: ${clause(explain(failure))}`;
    return standing === 'kept' ? `; ${address.host} leads elsewhere now, where nothing is ready yet` : '';
  }

  /** The addresses that the name leads to and that nothing is sent to. */
  #closed(spec: UpstreamSpec, { host, port }: TcpAddress): readonly SeenEndpoint[] {
    const book = this.#parts.names.bookOf(this.#question(spec, { kind: 'tcp', host, port }));
    if (book === null) return [];
    return [...book.ipv4, ...book.ipv6].flatMap((ip) => {
      const why = this.#prohibitionOf(spec, ip, port, book.source);
      if (why === null) return [];
      const address = { kind: 'tcp', host: ip, port } as const;
      const id = `${spec.id}/${nameText({ host, port }, { address: ip })}` as EndpointId;
      return [{ ...closed(id, address, 'unhealthy', prohibited(address, host, why)), name: host }];
    });
  }

  #unresolved(spec: UpstreamSpec, address: TcpAddress): SeenEndpoint {
    const id = `${spec.id}/${addressText(address)}` as EndpointId;
    const question = this.#question(spec, address);
    const book = this.#parts.names.bookOf(question);
    const isPending = book === null || standingOf(book) === 'resolving';
    const { host: name } = address;
    const failure = this.#parts.names.failureOf(question) ?? fail('dns_not_found', 'dns', { name, rcode: 'NODATA' });
    const seen = closed(id, address, isPending ? 'unknown' : 'unhealthy', failure);
    return isPending ? { ...seen, reason: 'its name is still being looked up' } : seen;
  }
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

function isName(address: EndpointAddress): address is TcpAddress {
  return address.kind === 'tcp' && isIP(address.host) === 0;
}

function isNamed({ address }: UpstreamSpec['endpoints'][number]): boolean {
  return isName(address);
}

/** Two families of one name are two sets of endpoints: a reload that changes the choice begins with the other set. */
function memberKey({ id, family }: UpstreamSpec, { host, port }: TcpAddress): string {
  return `${id}/${hostPort(host, port)}/${family}`;
}

/** `app.internal/10.0.0.1:3000` */
function nameText({ host, port }: Pick<TcpAddress, 'host' | 'port'>, { address }: Pick<Member, 'address'>): string {
  return `${host}/${hostPort(address, port)}`;
}

function watchKey({ id, check, tls }: UpstreamSpec, text: string): string {
  return `${id}/${text}/${JSON.stringify([check, tls])}`;
}
