import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../test/properties.ts';
import { parseProxyProtocol, proxyHeaderBytesMax, type ProxyHeader } from './proxy-protocol.ts';

const signature = '\r\n\r\n\0\r\nQUIT\n';
const ipv4 = '\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x34\x00\x50';
const ipv6 = `\x20\x01\x0d\xb8${'\0'.repeat(11)}\x01${'\0'.repeat(16)}\x12\x34\x00\x50`;

const mapped = `${'\0'.repeat(10)}\xff\xff\xcb\x00\x71\x07${'\0'.repeat(16)}\x12\x34\x00\x50`;

function parse(text: string): ProxyHeader {
  const bytes = Buffer.from(text, 'latin1');
  return parseProxyProtocol(bytes, 0, bytes.length);
}

function version2(command: string, family: string, rest: string, length = rest.length): string {
  return `${signature}${command}${family}${String.fromCharCode(length >> 8, length & 0xff)}${rest}`;
}

const taken: readonly (readonly [what: string, text: string, source: { address: string; port: number } | null])[] = [
  ['version 1, TCP4', 'PROXY TCP4 192.0.2.1 10.0.0.1 4660 80\r\n', { address: '192.0.2.1', port: 4660 }],
  ['version 1, TCP6', 'PROXY TCP6 2001:db8::1 ::1 4660 80\r\n', { address: '2001:db8::1', port: 4660 }],
  ['version 1, UNKNOWN', 'PROXY UNKNOWN\r\n', null],
  ['version 1, UNKNOWN with more', 'PROXY UNKNOWN ffff:f...f:ffff ::1 65535 65535\r\n', null],
  ['version 2, TCP over IPv4', version2('\x21', '\x11', ipv4), { address: '192.0.2.1', port: 4660 }],
  ['version 2, TCP over IPv6', version2('\x21', '\x21', ipv6), { address: '2001:db8::1', port: 4660 }],
  [
    'version 1, an address in another spelling',
    'PROXY TCP6 2001:0DB8::02 ::1 1 2\r\n',
    { address: '2001:db8::2', port: 1 },
  ],
  ['version 1, IPv4 within IPv6', 'PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n', { address: '203.0.113.7', port: 1 }],
  ['version 2, IPv4 within IPv6', version2('\x21', '\x21', mapped), { address: '203.0.113.7', port: 4660 }],
  ['version 2 with extensions', version2('\x21', '\x11', `${ipv4}\x04\0\x01x`), { address: '192.0.2.1', port: 4660 }],
  ['version 2, LOCAL', version2('\x20', '\0', ''), null],
  ['version 2, UNSPEC', version2('\x21', '\0', ''), null],
  ['version 2, UNIX', version2('\x21', '\x31', '\0'.repeat(216)), null],
];

const refused: readonly (readonly [what: string, text: string])[] = [
  ['a request', 'GET / HTTP/1.1\r\n'],
  ['a family of version 1 that does not match', 'PROXY TCP4 ::1 ::1 1 2\r\n'],
  ['another family', 'PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n'],
  ['a port above 65535', 'PROXY TCP4 192.0.2.1 10.0.0.1 65536 80\r\n'],
  ['a port with a leading zero', 'PROXY TCP4 192.0.2.1 10.0.0.1 080 80\r\n'],
  ['two spaces', 'PROXY TCP4  192.0.2.1 10.0.0.1 1 2\r\n'],
  ['a word too many', 'PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n'],
  ['an address that is none', 'PROXY TCP4 999.0.2.1 10.0.0.1 1 2\r\n'],
  ['a bare CR', 'PROXY TCP4 192.0.2.1 10.0.0.1 1 2\rx'],
  ['a line without end', `PROXY TCP4 ${'1'.repeat(200)}`],
  ['another signature', '\r\n\r\n\0\r\nQUIX'],
  ['version 3', version2('\x31', '\x11', ipv4)],
  ['another command', version2('\x22', '\x11', ipv4)],
  ['addresses too short', version2('\x21', '\x11', ipv4.slice(1))],
  ['addresses of IPv6 too short', version2('\x21', '\x21', ipv4)],
  ['a header over the limit', version2('\x21', '\x11', ipv4, proxyHeaderBytesMax - 16 + 1)],
];

describe('parseProxyProtocol', () => {
  for (const [what, text, source] of taken) {
    it(`takes ${what}, and nothing behind it`, () => {
      assert.deepEqual(parse(`${text}GET /`), { state: 'done', consumed: text.length, source });
    });
    it(`awaits more of ${what}`, () => {
      for (let length = 0; length < text.length; length++)
        assert.equal(parse(text.slice(0, length)).state, 'partial', `${length}`);
    });
  }
  for (const [what, text] of refused) it(`refuses ${what}`, () => assert.equal(parse(text).state, 'refused'));

  for (const bytes of [proxyHeaderBytesMax - 1, proxyHeaderBytesMax])
    it(`takes a header of ${bytes} bytes, most of them TLVs`, () => {
      const text = version2('\x21', '\x11', ipv4.padEnd(bytes - 16, '\x05'));
      const source = { address: '192.0.2.1', port: 4660 };
      assert.deepEqual(parse(`${text}GET /`), { state: 'done', consumed: bytes, source });
      assert.equal(parse(text.slice(0, -1)).state, 'partial');
    });

  it('reads from where it is told', () => {
    const bytes = Buffer.from(`xx${version2('\x21', '\x11', ipv4)}`, 'latin1');
    assert.equal(parseProxyProtocol(bytes.subarray(1), 1, bytes.length - 1).state, 'done');
  });

  it('writes IPv6 addresses that are not mapped as RFC 5952 has them', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const address = groups.map((word) => String.fromCharCode(word >> 8, word & 0xff)).join('');
        const header = parse(version2('\x21', '\x21', `${address}${'\0'.repeat(16)}\0\x01\0\x02`));
        const expected = new URL(`http://[${groups.map((word) => word.toString(16)).join(':')}]/`).hostname.slice(
          1,
          -1,
        );
        // An IPv4 client of a listener for both families is told by its IPv4 address: address-text.ts, with tests of its own.
        const isMapped = groups.slice(0, 5).every((word) => word === 0) && groups[5] === 0xffff;
        fc.pre(!isMapped);
        assert.equal(header.state === 'done' ? header.source?.address : null, expected);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom('', 'PROXY ', signature, `${signature}\x21\x11`),
        (rest, start) => {
          parse(start + Buffer.from(rest).toString('latin1'));
        },
      ),
    );
  });
});
