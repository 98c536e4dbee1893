import { isIP } from 'node:net';

/**
 * A host as it stands in a `Host` field or in the authority of a target, without its port, in the one form that URLs
 * give it: lowercase, IPv6 in brackets. Null where it is none.
 */
export function hostOfAuthority(authority: string): string | null {
  // A URL has places for more than a host, and none of them belongs here.
  if (authority === '' || /[^\w.:[\]-]/.test(authority)) return null;
  const hostname = URL.parse(`http://${authority}`)?.hostname;
  return hostname === undefined || hostname === '' ? null : hostname;
}

/** An address of a socket in the same form. '::ffff:192.0.2.1' is 192.0.2.1, told by a listener for both families. */
export function hostOfAddress(address: string): string {
  const plain = plainAddress(address);
  return isIP(plain) === 6 ? (URL.parse(`http://[${plain}]`)?.hostname ?? `[${plain}]`) : plain;
}

/** Without the zone, and as IPv4 where it is. */
export function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Who counts as one: an IPv4 address, or the 64 bits that a single network of IPv6 has for itself. */
export function neighbourhoodOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [front = '', back] = plain.split('::');
  const groups = front === '' ? [] : front.split(':');
  if (back !== undefined) {
    const tail = back === '' ? 0 : back.split(':').length;
    while (groups.length + tail < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}

export function isLiteral(host: string): boolean {
  return host.startsWith('[') || isIP(host) === 4;
}
