import type { UpstreamId } from '../core/endpoint.ts';
import { explain } from '#failures/failure-texts.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { clause } from '#failures/failure-table/formatting.ts';
import type { NameSource } from '../core/name-resolver.ts';
import { type DnsCacheEntry, resolutionStateOf } from '../policy/dns-cache.ts';
import { endpointIdOf, type NamedAddress, resolvedAddressText, type TcpAddress } from './configured-addresses.ts';
import type { Destinations } from './destinations.ts';
import type { ReportedHealth, SourceEndpoint } from './endpoint-source.ts';
import { prohibitedFailure } from './prohibited-endpoint.ts';
import type { TrackedAddress } from './tracked-addresses.ts';

/** What is known of one name. */
export interface NameFacts {
  /** Null before the name is looked up. */
  readonly entry: DnsCacheEntry | null;
  /** Why the name has no address, or why its addresses are stale. */
  readonly failure: Failure | null;
  readonly addresses: readonly TrackedAddress[];
  readonly destinations: Destinations;
}

/**
 * The endpoints of one name: its addresses, those of its addresses that nothing may be sent to, each with the reason; or one
 * that stands for the name while there are none.
 */
export function namedEndpoints(upstream: UpstreamId, named: NamedAddress, facts: NameFacts): readonly SourceEndpoint[] {
  const open = facts.addresses.map((tracked) => trackedEndpoint(upstream, named, tracked, facts));
  const openIds = new Set(open.map(({ id }) => id));
  const prohibited = prohibitedEndpoints(upstream, named, facts).filter(({ id }) => !openIds.has(id));
  if (open.length + prohibited.length > 0) return [...open, ...prohibited];
  return [unresolvedEndpoint(named, facts)];
}

function trackedEndpoint(
  upstream: UpstreamId,
  { address: named, position, placing }: NamedAddress,
  { address: ip, secondAddress, state }: TrackedAddress,
  { entry, failure, destinations }: NameFacts,
): SourceEndpoint {
  const { host, port } = named;
  const address = { kind: 'tcp', host: ip, port } as const;
  const id = endpointIdOf(upstream, resolvedAddressText(named, ip));
  const endpoint = {
    id,
    position,
    address,
    name: host,
    ...placing,
    ...(secondAddress === null ? {} : { secondAddress }),
  };
  if (state === 'draining') {
    return { ...endpoint, health: drainingHealth(host, address, entry?.source ?? 'dns', destinations) };
  }
  const remark = staleRemark(host, state, failure);
  return { ...endpoint, health: 'checked', ...(remark === null ? {} : { addressStale: true, remark }) };
}

function drainingHealth(
  name: string,
  address: TcpAddress,
  source: NameSource,
  destinations: Destinations,
): ReportedHealth {
  const prohibition = destinations.prohibitionOf(address.host, address.port, source);
  if (prohibition === null) return { state: 'draining', reason: `${name} resolves to other addresses now` };
  const failure = prohibitedFailure(address, name, prohibition);
  return { state: 'draining', reason: explain(failure), failure };
}

/** The addresses that the name resolves to and that nothing is sent to. */
function prohibitedEndpoints(
  upstream: UpstreamId,
  { address: named, position }: NamedAddress,
  { entry, destinations }: NameFacts,
): readonly SourceEndpoint[] {
  if (entry === null) return [];
  const { host, port } = named;
  return [...entry.ipv4, ...entry.ipv6].flatMap((ip) => {
    const prohibition = destinations.prohibitionOf(ip, port, entry.source);
    if (prohibition === null) return [];
    const address = { kind: 'tcp', host: ip, port } as const;
    const id = endpointIdOf(upstream, resolvedAddressText(named, ip));
    const failure = prohibitedFailure(address, host, prohibition);
    return [{ id, position, address, name: host, health: unhealthy(failure) }];
  });
}

function unresolvedEndpoint({ id, position, address }: NamedAddress, { entry, failure }: NameFacts): SourceEndpoint {
  const why = failure ?? fail('dns_not_found', 'dns', { name: address.host, rcode: 'NODATA' });
  const isPending = entry === null || resolutionStateOf(entry) === 'resolving';
  const pending = { state: 'unknown', reason: 'its name is still being looked up', failure: why } as const;
  return { id, position, address, health: isPending ? pending : unhealthy(why) };
}

function unhealthy(failure: Failure): ReportedHealth {
  return { state: 'unhealthy', reason: explain(failure), failure };
}

/** What the reason of a checked address says besides: that the name server does not give this address any more. */
function staleRemark(name: string, state: TrackedAddress['state'], failure: Failure | null): string | null {
  if (failure !== null) return `; the address is the last one known: ${clause(explain(failure))}`;
  return state === 'previous' ? `; ${name} resolves to other addresses now, of which none is ready yet` : null;
}
