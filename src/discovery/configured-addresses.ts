import { isIP } from 'node:net';
import type { EndpointSpec, UpstreamSpec } from '../core/upstream-spec.ts';
import { addressText, type EndpointAddress, type EndpointId, hostPort, type UpstreamId } from '../core/endpoint.ts';
import type { NameQuestion } from '../core/name-resolver.ts';
import { familiesOf } from '../policy/dns-cache.ts';

export type TcpAddress = Extract<EndpointAddress, { kind: 'tcp' }>;

/** An entry of the configuration that needs no lookup: an IP address and port, or a unix socket. */
export interface LiteralAddress {
  readonly id: EndpointId;
  readonly position: number;
  readonly address: EndpointAddress;
  readonly placing: Placing;
}

/** What the configuration says of an entry besides its address. */
type Placing = Pick<EndpointSpec, 'weight' | 'priority'>;

/** An entry of the configuration with a host name. */
export interface NamedAddress {
  /** Of the endpoint that stands for the name while the name has no address. */
  readonly id: EndpointId;
  readonly position: number;
  readonly address: TcpAddress;
  readonly placing: Placing;
  readonly question: NameQuestion;
  /** Identifies the addresses of the name. A reload that changes the family begins with an empty set. */
  readonly addressSetKey: string;
}

/** The entries of an upstream that are literal. An entry that is there twice counts once, as in `namedAddressesOf`. */
export function literalAddressesOf(spec: UpstreamSpec): readonly LiteralAddress[] {
  return entriesOf(spec).filter(({ address }) => !isName(address));
}

/** The entries of an upstream that are names, with the lookup that each needs. */
export function namedAddressesOf(
  spec: UpstreamSpec,
  servers: readonly string[],
  limitMs: number,
): readonly NamedAddress[] {
  const families = familiesOf(spec.family);
  return entriesOf(spec).flatMap(({ id, position, address, placing }) => {
    if (!isName(address)) return [];
    const question = { name: address.host, families, servers, limitMs };
    return [{ id, position, address, placing, question, addressSetKey: `${id}/${spec.family}` }];
  });
}

function entriesOf({ id, endpoints }: UpstreamSpec): readonly LiteralAddress[] {
  const byText = new Map(endpoints.map((endpoint) => [addressText(endpoint.address), endpoint]));
  return [...byText].map(([text, { address, ...placing }], position) => {
    return { id: endpointIdOf(id, text), position, address, placing };
  });
}

export function endpointIdOf(upstream: UpstreamId, text: string): EndpointId {
  return `${upstream}/${text}` as EndpointId;
}

/** `app.internal/10.0.0.1:3000` */
export function resolvedAddressText({ host, port }: TcpAddress, ip: string): string {
  return `${host}/${hostPort(ip, port)}`;
}

function isName(address: EndpointAddress): address is TcpAddress {
  return address.kind === 'tcp' && isIP(address.host) === 0;
}
