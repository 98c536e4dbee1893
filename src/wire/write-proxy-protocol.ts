import type { ProxyProtocolVersion } from '../core/upstream-spec.ts';
import { isIpAddress } from './address.ts';
import { ipv6Groups } from './address-text.ts';

/** A client's connection to the gateway. */
export interface AnnouncedConnection {
  /** The client's. A text that is not an IP address is announced as unknown. */
  readonly address: string;
  /** 0 where it is not known, as for a client that only a header names. */
  readonly port: number;
  /** Where it has connected. */
  readonly to: string;
  readonly toPort: number;
}

/**
 * The header with which a connection to an endpoint begins (HAProxy, "The PROXY protocol", §2): `parseProxyProtocol` reads it.
 * `connection` null: the gateway speaks for itself, as in a health check.
 *
 * Both addresses must be of one family. Where a trusted peer of the other family has named the client, the address of IPv4 is
 * written as IPv6 (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2).
 */
export function proxyHeader(version: ProxyProtocolVersion, connection: AnnouncedConnection | null): Uint8Array {
  const plain = connection === null ? null : withoutZones(connection);
  const isKnown = plain !== null && isIpAddress(plain.address) && isIpAddress(plain.to);
  if (version === 'v1') return Buffer.from(isKnown ? line1(plain) : 'PROXY UNKNOWN\r\n', 'latin1');
  // A client whose address is unknown is still a client: PROXY with no family. Only the gateway itself is LOCAL.
  if (!isKnown) return header2(plain === null ? 0x20 : 0x21, 0x00, []);
  return isIpv4(plain) ? header2(0x21, 0x11, ipv4Rest(plain)) : header2(0x21, 0x21, ipv6Rest(plain));
}

/** 'fe80::1%eth0': the zone means something on this machine alone. */
function withoutZones(connection: AnnouncedConnection): AnnouncedConnection {
  const plain = (address: string): string => address.replace(/%.*$/, '');
  return { ...connection, address: plain(connection.address), to: plain(connection.to) };
}

function isIpv4({ address, to }: AnnouncedConnection): boolean {
  return !address.includes(':') && !to.includes(':');
}

function line1(connection: AnnouncedConnection): string {
  const { address, port, to, toPort } = connection;
  if (isIpv4(connection)) return `PROXY TCP4 ${address} ${to} ${port} ${toPort}\r\n`;
  return `PROXY TCP6 ${ipv6TextOf(address)} ${ipv6TextOf(to)} ${port} ${toPort}\r\n`;
}

function ipv6TextOf(address: string): string {
  return address.includes(':') ? address : `::ffff:${address}`;
}

function header2(versionAndCommand: number, family: number, rest: readonly number[]): Uint8Array {
  const head = [versionAndCommand, family, ...twoBytes(rest.length)];
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from([...head, ...rest])]);
}

function ipv4Rest({ address, port, to, toPort }: AnnouncedConnection): readonly number[] {
  const bytes = (text: string): readonly number[] => text.split('.').map(Number);
  return [...bytes(address), ...bytes(to), ...twoBytes(port), ...twoBytes(toPort)];
}

function ipv6Rest({ address, port, to, toPort }: AnnouncedConnection): readonly number[] {
  const bytes = (text: string): readonly number[] => ipv6Groups(ipv6TextOf(text)).flatMap(twoBytes);
  return [...bytes(address), ...bytes(to), ...twoBytes(port), ...twoBytes(toPort)];
}

function twoBytes(number: number): readonly number[] {
  return [number >> 8, number & 0xff];
}
