import { BlockList, isIP } from 'node:net';
import type { FilterContext } from '../../core/filter.ts';
import type { KeyKind, KeyPart } from './settings.ts';

/** Addresses whose network is known, since each request asks. */
const rememberedMax = 4096;

/** Something of addresses that is computed once for each of those that ask often. */
function remembered<T>(of: (address: string) => T): (address: string) => T {
  const known = new Map<string, T>();
  return (address) => {
    const found = known.get(address);
    if (found !== undefined) return found;
    if (known.size >= rememberedMax) known.clear();
    const value = of(address);
    known.set(address, value);
    return value;
  };
}

export function networkReader(ipv4Prefix: number, ipv6Prefix: number): (address: string) => string {
  const network = remembered((address) => networkOf(address, ipv4Prefix, ipv6Prefix));
  // Of most clients the address is the network.
  return ipv4Prefix < 32 ? network : (address) => (address.includes(':') ? network(address) : address);
}

/** The network that counts as one client: '192.0.2.7', '192.0.2.0/24', '2001:db8:1:2::/64'. */
function networkOf(address: string, ipv4Prefix: number, ipv6Prefix: number): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const version = isIP(plain);
  if (version === 4) return ipv4Prefix === 32 ? plain : ipv4Network(plain, ipv4Prefix);
  return version === 6 ? ipv6Network(plain, ipv6Prefix) : address;
}

function ipv4Network(address: string, prefix: number): string {
  const word = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const kept = Math.floor(word / 2 ** (32 - prefix)) * 2 ** (32 - prefix);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join('.')}/${prefix}`;
}

function ipv6Network(address: string, prefix: number): string {
  const [head = '', tail] = withoutDots(address).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, behind] = [groups(head), groups(tail ?? '')];
  const zeros = new Array<string>(Math.max(0, 8 - before.length - behind.length)).fill('0');
  const words = [...before, ...zeros, ...behind].map((group) => Number.parseInt(group, 16));
  const kept = words.map((word, at) => {
    const bits = Math.min(16, Math.max(0, prefix - at * 16));
    return word & ~(2 ** (16 - bits) - 1) & 0xffff;
  });
  const text = kept
    .slice(0, Math.ceil(prefix / 16))
    .map((word) => word.toString(16))
    .join(':');
  return prefix > 112 ? `${text}/${prefix}` : `${text}::/${prefix}`;
}

/** A dotted end as two groups. */
function withoutDots(address: string): string {
  const [dotted, a, b, c, d] = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address) ?? [];
  if (dotted === undefined) return address;
  const groups = [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)];
  return address.slice(0, -dotted.length) + groups.map((group) => group.toString(16)).join(':');
}

export function inNetworks(networks: readonly string[]): ((address: string) => boolean) | null {
  if (networks.length === 0) return null;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const isIpv6 = isIP(address) === 6;
    list.addSubnet(address, prefix === undefined ? (isIpv6 ? 128 : 32) : Number(prefix), isIpv6 ? 'ipv6' : 'ipv4');
  }
  return remembered((address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
  });
}

interface KeyReader {
  /** Null: the request has none. */
  readonly of: (exchange: FilterContext) => string | null;
  /** The value may be a secret: a session, an API key. */
  readonly isHidden: boolean;
}

/** How a part of a key is read. An empty value is none: otherwise it would be a further client. */
export function keyReader(part: KeyPart, network: (address: string) => string, route: string): KeyReader {
  const [kind, ...rest] = part.split('.');
  const name = rest.join('.');
  switch (kind as KeyKind) {
    case 'address':
      return { of: ({ client }) => network(client.address), isHidden: false };
    case 'route':
      return { of: () => route, isHidden: false };
    case 'user':
      return { of: ({ user }) => (user === null ? null : user.name), isHidden: false };
    case 'header':
      return { of: ({ variables }) => variables.header(name) || null, isHidden: true };
    case 'cookie':
      return { of: ({ variables }) => variables.cookie(name) || null, isHidden: true };
    case 'claim':
      return {
        of: ({ user }) => (user !== null && Object.hasOwn(user.claims, name) ? claimText(user.claims[name]) : null),
        isHidden: false,
      };
  }
}

function claimText(claim: unknown): string | null {
  if (claim === undefined || claim === null) return null;
  return typeof claim === 'string' ? claim || null : JSON.stringify(claim);
}
