import { isIP } from 'node:net';

/**
 * The host of a `Host` header or of the authority of a target, without its port, in the normal form that URLs
 * have: lowercase, IPv6 in brackets. Null if it is not a valid host.
 */
export function hostOfAuthority(authority: string): string | null {
  // A URL can have more than a host and a port, but a Host header cannot.
  if (authority === '' || /[^\w.:[\]-]/.test(authority)) return null;
  const hostname = URL.parse(`http://${authority}`)?.hostname;
  return hostname === undefined || hostname === '' ? null : hostname;
}

/** The address of a socket in the same form. A listener for both families shows 192.0.2.1 as '::ffff:192.0.2.1'. */
export function hostOfAddress(address: string): string {
  const plain = plainAddress(address);
  return isIP(plain) === 6 ? (URL.parse(`http://[${plain}]`)?.hostname ?? `[${plain}]`) : plain;
}

/** An address without its zone; an IPv4-mapped address as IPv4. */
function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** The network that counts as one requester: an IPv4 address, or the first 64 bits of an IPv6 address. */
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
