import { addressText, type EndpointAddress, type EndpointId } from '../core/endpoint.ts';
import { explain } from '../core/explain.ts';
import { fail, type Failure, type Prohibition } from '../core/failure.ts';
import { clause } from '../core/failure-table/formatting.ts';
import type { NameSource } from '../core/name-resolver.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { type DnsCacheEntry, resolutionStateOf } from '../policy/dns-cache.ts';
import type { WatchedEndpoint } from './watched-endpoint.ts';
import {
  type LiteralAddress,
  resolvedAddressText,
  type NamedAddress,
  type ConfiguredAddresses,
  type TcpAddress,
} from './configured-addresses.ts';
import type { Destinations } from './destinations.ts';
import type { TrackedAddress } from './tracked-addresses.ts';
import type { Resolver } from './resolver.ts';

/** An endpoint of a configured address, but for what only time can tell. */
export type EndpointView = Omit<EndpointSnapshot, 'sinceInstant' | 'release' | 'exit'>;

/** What time has taught of configured addresses. */
export interface EndpointObservations {
  readonly names: Pick<Resolver, 'entryOf' | 'failureOf'>;
  resolvedAddressesOf(configured: NamedAddress): readonly TrackedAddress[];
  watchedBy(watchKey: string): WatchedEndpoint | undefined;
}

/**
 * What there is to see at the addresses of one upstream: each as its check has it, those of a name one by one, and those
 * that nothing may be sent to with the reason why.
 */
export class EndpointViews {
  readonly #addresses: ConfiguredAddresses;
  readonly #destinations: Destinations;
  readonly #observations: EndpointObservations;

  constructor(addresses: ConfiguredAddresses, destinations: Destinations, known: EndpointObservations) {
    this.#addresses = addresses;
    this.#destinations = destinations;
    this.#observations = known;
  }

  /** As they are now, in the order of the configuration. */
  all(): readonly EndpointView[] {
    return this.#addresses.all.flatMap((configured) =>
      configured.question === null ? [this.#literalView(configured)] : this.#namedViews(configured),
    );
  }

  #literalView({ id, address, watchKey }: LiteralAddress): EndpointView {
    if (address.kind === 'tcp' && this.#destinations.isOwn(address.host, address.port)) {
      return closedView(id, address, 'unhealthy', prohibitedFailure(address, null, 'own_listener'));
    }
    return this.#checkedView(id, address, watchKey);
  }

  #checkedView(id: EndpointId, address: EndpointAddress, watchKey: string): EndpointView {
    const endpoint = this.#observations.watchedBy(watchKey);
    if (endpoint === undefined) return { id, address, state: 'unchecked', reason: 'it is not checked', checks: null };
    const { state, reason, schedule: checks, cause } = endpoint;
    return cause === null
      ? { id, address, state, reason, checks }
      : { id, address, state, reason, checks, checkCause: cause };
  }

  #namedViews(configured: NamedAddress): readonly EndpointView[] {
    const { names } = this.#observations;
    const entry = names.entryOf(configured.question);
    const failure = names.failureOf(configured.question);
    const members = this.#observations.resolvedAddressesOf(configured);
    const open = members.map((member) =>
      this.#resolvedView(configured, member, { source: entry?.source ?? 'dns', failure }),
    );
    const closedOnes = entry === null ? [] : this.#prohibitedViews(configured, entry);
    const others = open.length === 0 ? closedOnes : closedOnes.filter(({ id }) => !open.some((one) => one.id === id));
    if (open.length + others.length > 0) return [...open, ...others];
    return [unresolvedView(configured, entry, failure)];
  }

  #resolvedView(
    { address: { host, port } }: NamedAddress,
    { address: ip, secondAddress, state }: TrackedAddress,
    { source, failure }: { readonly source: NameSource; readonly failure: Failure | null },
  ): EndpointView {
    const addresses = this.#addresses;
    const address = { kind: 'tcp', host: ip, port } as const;
    const text = resolvedAddressText({ kind: 'tcp', host, port }, ip);
    const id = addresses.idOf(text);
    const found = { name: host, ...(secondAddress === null ? {} : { secondAddress }) };
    if (state === 'draining') return { id, address, ...found, ...this.#drainingView(host, address, source) };
    const { reason, ...seen } = this.#checkedView(id, address, addresses.watchKey(text));
    const remark = staleRemark(host, state, failure);
    const stale = remark === '' ? {} : ({ addressStale: true } as const);
    return { ...seen, ...found, ...stale, reason: `${reason}${remark}` };
  }

  #drainingView(
    name: string,
    address: TcpAddress,
    source: NameSource,
  ): Pick<EndpointView, 'state' | 'reason' | 'checks' | 'failure'> {
    const draining = { state: 'draining', reason: `${name} leads elsewhere now`, checks: null } as const;
    const why = this.#destinations.prohibitionOf(address.host, address.port, source);
    if (why === null) return draining;
    const failure = prohibitedFailure(address, name, why);
    return { ...draining, reason: explain(failure), failure };
  }

  /** The addresses that the name leads to and that nothing is sent to. */
  #prohibitedViews({ address: named }: NamedAddress, entry: DnsCacheEntry): readonly EndpointView[] {
    const { host, port } = named;
    return [...entry.ipv4, ...entry.ipv6].flatMap((ip) => {
      const why = this.#destinations.prohibitionOf(ip, port, entry.source);
      if (why === null) return [];
      const address = { kind: 'tcp', host: ip, port } as const;
      const id = this.#addresses.idOf(resolvedAddressText(named, ip));
      return [{ ...closedView(id, address, 'unhealthy', prohibitedFailure(address, host, why)), name: host }];
    });
  }
}

function unresolvedView({ id, address }: NamedAddress, entry: DnsCacheEntry | null, why: Failure | null): EndpointView {
  const isPending = entry === null || resolutionStateOf(entry) === 'resolving';
  const failure = why ?? fail('dns_not_found', 'dns', { name: address.host, rcode: 'NODATA' });
  const seen = closedView(id, address, isPending ? 'unknown' : 'unhealthy', failure);
  return isPending ? { ...seen, reason: 'its name is still being looked up' } : seen;
}

/** What is to be said of an address beside its check: that the name server no longer vouches for it. */
function staleRemark(name: string, state: TrackedAddress['state'], failure: Failure | null): string {
  if (failure !== null) return `; the address is the last one known: ${clause(explain(failure))}`;
  return state === 'previous' ? `; ${name} leads elsewhere now, where nothing is ready yet` : '';
}

function closedView(
  id: EndpointId,
  address: EndpointAddress,
  state: 'unhealthy' | 'unknown',
  failure: Failure,
): EndpointView {
  return { id, address, failure, state, reason: explain(failure), checks: null };
}

function prohibitedFailure(address: EndpointAddress, name: string | null, prohibition: Prohibition): Failure {
  return fail('destination_prohibited', 'route', { address: addressText(address), name, prohibition });
}
