import { addressText, type EndpointAddress, type EndpointId } from '../core/endpoint.ts';
import { explain } from '../core/explain.ts';
import { fail, type Failure, type Prohibition } from '../core/failure.ts';
import { clause } from '../core/failure-table/words.ts';
import type { NameSource } from '../core/name-resolver.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { type AddressBook, standingOf } from '../policy/address-book.ts';
import type { WatchedEndpoint } from '../upstream/watched-endpoint.ts';
import { type LiteralPlace, memberText, type NamedPlace, type Places, type TcpAddress } from './configured-places.ts';
import type { Destinations } from './destinations.ts';
import type { Member } from './name-members.ts';
import type { Resolver } from './resolver.ts';

/** An endpoint of a configured address, but for what only time can tell. */
export type SeenEndpoint = Omit<EndpointSnapshot, 'sinceInstant' | 'release' | 'exit'>;

/** What time has taught of configured addresses. */
export interface Known {
  readonly names: Pick<Resolver, 'bookOf' | 'failureOf'>;
  membersAt(place: NamedPlace): readonly Member[];
  watchedBy(watchKey: string): WatchedEndpoint | undefined;
}

/**
 * What there is to see at the addresses of one upstream: each as its check has it, those of a name one by one, and those
 * that nothing may be sent to with the reason why.
 */
export class SeenEndpoints {
  readonly #places: Places;
  readonly #destinations: Destinations;
  readonly #known: Known;

  constructor(places: Places, destinations: Destinations, known: Known) {
    this.#places = places;
    this.#destinations = destinations;
    this.#known = known;
  }

  /** As they are now, in the order of the configuration. */
  all(): readonly SeenEndpoint[] {
    return this.#places.all.flatMap((place) => (place.question === null ? [this.#literal(place)] : this.#named(place)));
  }

  #literal({ id, address, watchKey }: LiteralPlace): SeenEndpoint {
    if (address.kind === 'tcp' && this.#destinations.isOwn(address.host, address.port)) {
      return closed(id, address, 'unhealthy', prohibited(address, null, 'own_listener'));
    }
    return this.#open(id, address, watchKey);
  }

  #open(id: EndpointId, address: EndpointAddress, watchKey: string): SeenEndpoint {
    const endpoint = this.#known.watchedBy(watchKey);
    if (endpoint === undefined) return { id, address, state: 'unchecked', reason: 'it is not checked', checks: null };
    const { state, says: reason, rhythm: checks, cause } = endpoint;
    return cause === null
      ? { id, address, state, reason, checks }
      : { id, address, state, reason, checks, checkCause: cause };
  }

  #named(place: NamedPlace): readonly SeenEndpoint[] {
    const { names } = this.#known;
    const book = names.bookOf(place.question);
    const failure = names.failureOf(place.question);
    const members = this.#known.membersAt(place);
    const open = members.map((member) => this.#member(place, member, { source: book?.source ?? 'dns', failure }));
    const closedOnes = book === null ? [] : this.#closed(place, book);
    const others = open.length === 0 ? closedOnes : closedOnes.filter(({ id }) => !open.some((one) => one.id === id));
    if (open.length + others.length > 0) return [...open, ...others];
    return [unresolved(place, book, failure)];
  }

  #member(
    { address: { host, port } }: NamedPlace,
    { address: ip, otherWay, standing }: Member,
    { source, failure }: { readonly source: NameSource; readonly failure: Failure | null },
  ): SeenEndpoint {
    const places = this.#places;
    const address = { kind: 'tcp', host: ip, port } as const;
    const text = memberText({ kind: 'tcp', host, port }, ip);
    const id = places.idOf(text);
    const found = { name: host, ...(otherWay === null ? {} : { otherWay }) };
    if (standing === 'draining') return { id, address, ...found, ...this.#draining(host, address, source) };
    const { reason, ...seen } = this.#open(id, address, places.watchKey(text));
    const remark = remarkOn(host, standing, failure);
    const stale = remark === '' ? {} : ({ addressStale: true } as const);
    return { ...seen, ...found, ...stale, reason: `${reason}${remark}` };
  }

  #draining(
    name: string,
    address: TcpAddress,
    source: NameSource,
  ): Pick<SeenEndpoint, 'state' | 'reason' | 'checks' | 'failure'> {
    const draining = { state: 'draining', reason: `${name} leads elsewhere now`, checks: null } as const;
    const why = this.#destinations.prohibitionOf(address.host, address.port, source);
    if (why === null) return draining;
    const failure = prohibited(address, name, why);
    return { ...draining, reason: explain(failure), failure };
  }

  /** The addresses that the name leads to and that nothing is sent to. */
  #closed({ address: named }: NamedPlace, book: AddressBook): readonly SeenEndpoint[] {
    const { host, port } = named;
    return [...book.ipv4, ...book.ipv6].flatMap((ip) => {
      const why = this.#destinations.prohibitionOf(ip, port, book.source);
      if (why === null) return [];
      const address = { kind: 'tcp', host: ip, port } as const;
      const id = this.#places.idOf(memberText(named, ip));
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
