import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { canonicalAddress } from './address-text.ts';
import { parseProxyProtocol } from './proxy-protocol.ts';
import { type AnnouncedConnection, proxyHeader } from './write-proxy-protocol.ts';

const ipv4: AnnouncedConnection = { address: '192.0.2.1', port: 4660, to: '10.0.0.1', toPort: 80 };
const ipv6: AnnouncedConnection = { address: '2001:db8::1', port: 4660, to: '::1', toPort: 80 };
const signature = '0d0a0d0a000d0a515549540a';
const mapped = (ipv4Hex: string): string => `00000000000000000000ffff${ipv4Hex}`;

const text = (connection: AnnouncedConnection | null): string => Buffer.from(proxyHeader('v1', connection)).toString();
const hex = (connection: AnnouncedConnection | null): string =>
  Buffer.from(proxyHeader('v2', connection)).toString('hex').replace(signature, '');

const written: readonly (readonly [what: string, connection: AnnouncedConnection | null, v1: string, v2: string])[] = [
  ['IPv4', ipv4, 'PROXY TCP4 192.0.2.1 10.0.0.1 4660 80\r\n', '2111000cc00002010a00000112340050'],
  [
    'IPv6',
    ipv6,
    'PROXY TCP6 2001:db8::1 ::1 4660 80\r\n',
    `2121002420010db80000000000000000000000010000000000000000000000000000000112340050`,
  ],
  [
    'a client of IPv4 whose proxy came over IPv6',
    { ...ipv4, to: '::1', port: 0 },
    'PROXY TCP6 ::ffff:192.0.2.1 ::1 0 80\r\n',
    `21210024${mapped('c0000201')}0000000000000000000000000000000100000050`,
  ],
  [
    'a client of IPv6 whose proxy came over IPv4',
    { ...ipv6, to: '10.0.0.1' },
    'PROXY TCP6 2001:db8::1 ::ffff:10.0.0.1 4660 80\r\n',
    `2121002420010db8000000000000000000000001${mapped('0a000001')}12340050`,
  ],
  [
    'link-local addresses without their zones',
    { ...ipv6, address: 'fe80::1%eth0', to: 'fe80::2%eth0' },
    'PROXY TCP6 fe80::1 fe80::2 4660 80\r\n',
    '21210024fe800000000000000000000000000001fe80000000000000000000000000000212340050',
  ],
  ['a client without an address', { ...ipv4, address: 'unknown' }, 'PROXY UNKNOWN\r\n', '21000000'],
  ['the gateway itself', null, 'PROXY UNKNOWN\r\n', '20000000'],
];

describe('proxyHeader', () => {
  for (const [what, connection, v1, v2] of written)
    it(`writes ${what}`, () => assert.deepEqual([text(connection), hex(connection)], [v1, v2]));

  it('writes what parseProxyProtocol reads', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6().map(canonicalAddress));
    const port = fc.integer({ min: 0, max: 65_535 });
    const connection = fc.record({ address, port, to: address, toPort: port });
    fc.assert(
      fc.property(connection, fc.constantFrom('v1' as const, 'v2' as const), (announced, version) => {
        const header = proxyHeader(version, announced);
        const source = { address: announced.address, port: announced.port };
        const expected = { state: 'done', consumed: header.length, source };
        assert.deepEqual(parseProxyProtocol(header, 0, header.length), expected);
      }),
    );
  });
});
