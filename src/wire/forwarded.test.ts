import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { ClientFacts } from '../core/exchange.ts';
import type { MessageHeaders } from '../core/message.ts';
import {
  clientFromForwarded,
  forwardedElement,
  parseForwarded,
  portOf,
  prefixValue,
  writeForwarding,
} from './forwarded.ts';
import { HeadStorage } from './head-storage.ts';
import { RequestHeadParser } from './request-head.ts';
import { requestLimits } from './request-limits.test-support.ts';

function headersOf(...lines: readonly string[]): MessageHeaders {
  const bytes = Buffer.from(['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n'), 'latin1');
  const parser = new RequestHeadParser(requestLimits, new HeadStorage());
  parser.push(bytes, 0, bytes.length);
  return parser.head?.headers as MessageHeaders;
}

const ours = new Set(['10.0.0.1', '10.0.0.2', 'fd00::1']);
const trusted = (address: string): boolean => ours.has(address);

describe('clientFromForwarded', () => {
  const cases: readonly (readonly [
    what: string,
    lines: readonly string[],
    address: string | null,
    scheme: string | null,
  ])[] = [
    ['the one address', ['X-Forwarded-For: 192.0.2.1'], '192.0.2.1', null],
    ['the nearest that is not trusted', ['X-Forwarded-For: 1.1.1.1, 192.0.2.1, 10.0.0.1'], '192.0.2.1', null],
    ['the leftmost when all are trusted', ['X-Forwarded-For: 10.0.0.2, 10.0.0.1'], '10.0.0.2', null],
    ['over several lines', ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-For: 10.0.0.1'], '192.0.2.1', null],
    ['an address with a port', ['X-Forwarded-For: 192.0.2.1:4711'], '192.0.2.1', null],
    ['an IPv6 address, bare or not', ['X-Forwarded-For: 2001:db8::1, [fd00::1]:80'], '2001:db8::1', null],
    ['an IPv6 address in its one spelling', ['X-Forwarded-For: 2001:0DB8::0:1'], '2001:db8::1', null],
    ['IPv4 within IPv6 as what it is', ['X-Forwarded-For: [::ffff:192.0.2.1]:80'], '192.0.2.1', null],
    ['a trusted hop that is IPv4 within IPv6', ['X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.1'], '192.0.2.1', null],
    ['the last before rubbish', ['X-Forwarded-For: 1.1.1.1, <script>, 10.0.0.1'], '10.0.0.1', null],
    ['nobody when the nearest is rubbish', ['X-Forwarded-For: 1.1.1.1, unknown'], null, null],
    [
      'the scheme of the nearest',
      ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: http, HTTPS'],
      '192.0.2.1',
      'https',
    ],
    ['the one before an empty element', ['X-Forwarded-For: 192.0.2.1,'], '192.0.2.1', null],
    ['one among empty elements', ['X-Forwarded-For: , ,1.1.1.1,,192.0.2.1 , ,10.0.0.1,\t'], '192.0.2.1', null],
    ['nobody among empty elements alone', ['X-Forwarded-For: , ,'], null, null],
    ['an element of Forwarded among empty ones', ['Forwarded: , for=192.0.2.1,, for=10.0.0.1,'], '192.0.2.1', null],
    ['the last scheme that is one', ['X-Forwarded-Proto: https, ,'], null, 'https'],
    ['a scheme alone', ['X-Forwarded-Proto: https'], null, 'https'],
    ['no scheme of another kind', ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: javascript'], '192.0.2.1', null],
    ['the scheme of a WebSocket over TLS', ['X-Forwarded-Proto: wss'], null, 'https'],
    ['it in capitals', ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: http, WSS'], '192.0.2.1', 'https'],
    ['the scheme of a WebSocket in clear text', ['X-Forwarded-Proto: https, Ws'], null, 'http'],
    ['no scheme that only begins like one', ['X-Forwarded-Proto: wsss'], null, null],
    ['the scheme of a WebSocket in Forwarded', ['Forwarded: for=192.0.2.1;proto=WSS'], '192.0.2.1', 'https'],
    ['it in clear text in Forwarded', ['Forwarded: for=192.0.2.1;proto="ws"'], '192.0.2.1', 'http'],
    ['Forwarded', ['Forwarded: for=192.0.2.1;proto=https, for=10.0.0.1;proto=http'], '192.0.2.1', 'https'],
    ['Forwarded with IPv6 and port', ['Forwarded: For="[2001:db8::1]:4711"'], '2001:db8::1', null],
    ['X-Forwarded-For before Forwarded', ['Forwarded: for=1.1.1.1', 'X-Forwarded-For: 192.0.2.1'], '192.0.2.1', null],
    ['nobody behind an obfuscated name', ['Forwarded: for=_hidden'], null, null],
  ];
  for (const [what, lines, address, scheme] of cases) {
    it(`finds ${what}`, () => {
      const named = clientFromForwarded(headersOf(...lines), trusted);
      assert.deepEqual([named?.address ?? null, named?.scheme ?? null], [address, scheme]);
    });
  }

  it('says nothing where the headers say nothing, or nothing well-formed', () => {
    assert.equal(clientFromForwarded(headersOf(), trusted), null);
    assert.equal(clientFromForwarded(headersOf('Forwarded: for=192.0.2.1;;'), trusted), null);
  });

  it('never believes what stands to the left of a stranger', () => {
    const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '192.0.2.7', '198.51.100.9', 'fd00::1', '2001:db8::5');
    fc.assert(
      fc.property(
        fc.array(address, { minLength: 1, maxLength: 6 }),
        fc.array(address, { maxLength: 3 }),
        (chain, forged) => {
          const alone = clientFromForwarded(headersOf(`X-Forwarded-For: 203.0.113.1, ${chain.join(', ')}`), trusted);
          const more = clientFromForwarded(
            headersOf(`X-Forwarded-For: ${[...forged, '203.0.113.1', ...chain].join(', ')}`),
            trusted,
          );
          assert.deepEqual(more, alone);
        },
      ),
    );
  });

  it('is unreadable where an element has a parameter twice', () => {
    for (const value of [
      'for=203.0.113.9;for=10.0.0.1',
      'for=203.0.113.9;proto=http;FOR=203.0.113.9',
      'a=1;a=1, for=203.0.113.9',
    ])
      assert.equal(parseForwarded(value), null, value);
    assert.equal(parseForwarded('for=203.0.113.9;proto=http, for=10.0.0.1;proto=http')?.length, 2);
  });

  it('takes time that grows with the length of what it reads, no faster', () => {
    const value = `for="${'\\\\a'.repeat(8000)}`;
    assert.equal(parseForwarded(value), null);
    assert.equal(parseForwarded(`${' '.repeat(30_000)}x`), null);
  });
});

describe('writeForwarding', () => {
  const stranger: ClientFacts = {
    address: '192.0.2.1',
    port: 1,
    peerAddress: '192.0.2.1',
    trusted: false,
    scheme: 'http',
    peerScheme: 'http',
    tls: null,
    connection: { localAddress: '192.0.2.100', localPort: 8080 },
    listener: 'http',
    recordCache: null,
  };
  const peer: ClientFacts = { ...stranger, peerAddress: '10.0.0.1', trusted: true, scheme: 'https' };

  function written(client: ClientFacts, ...lines: readonly string[]): string[] {
    const out: string[] = [];
    const sink = {
      header: (name: string, value: string) => void out.push(`${name}: ${value}`),
      headerLines: () => assert.fail(),
    };
    writeForwarding(sink, headersOf(...lines), client, 'example.org:8080');
    return out;
  }

  it('sends no empty elements on', () => {
    const chain = (value: string): string => written(peer, `X-Forwarded-For: ${value}`)[0] as string;
    assert.equal(chain('192.0.2.1,'), 'X-Forwarded-For: 192.0.2.1, 10.0.0.1');
    assert.equal(chain(',, 192.0.2.1 , ,10.0.0.2,'), 'X-Forwarded-For: 192.0.2.1, 10.0.0.2, 10.0.0.1');
    assert.equal(chain(' , '), `X-Forwarded-For: ${peer.address}`);
    const ours = 'for=10.0.0.1;proto=http;host="example.org:8080"';
    const forwarded = (value: string): string => written(peer, `Forwarded: ${value}`).at(-1) as string;
    assert.equal(forwarded(',for=a,, for="b,,c",'), `Forwarded: for=a, for="b,,c", ${ours}`);
    assert.equal(forwarded(','), `Forwarded: ${ours}`);
  });

  it("replaces a stranger's word", () => {
    assert.deepEqual(
      written(
        stranger,
        'X-Forwarded-For: 1.1.1.1',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: bank',
        'X-Forwarded-Port: 1',
        'Forwarded: for=1.1.1.1',
      ),
      [
        'X-Forwarded-For: 192.0.2.1',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Host: example.org:8080',
        'X-Forwarded-Port: 8080',
      ],
    );
  });

  it("adds to a trusted peer's word", () => {
    assert.deepEqual(
      written(
        peer,
        'X-Forwarded-For: 192.0.2.1',
        'X-Forwarded-Host: shop',
        'X-Forwarded-Port: 443',
        'Forwarded: for=192.0.2.1',
      ),
      [
        'X-Forwarded-For: 192.0.2.1, 10.0.0.1',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: shop',
        'X-Forwarded-Port: 443',
        'Forwarded: for=192.0.2.1, for=10.0.0.1;proto=http;host="example.org:8080"',
      ],
    );
  });

  const ports: readonly [host: string, scheme: 'http' | 'https', port: string][] = [
    ['shop.example', 'http', '80'],
    ['shop.example', 'https', '443'],
    ['shop.example:8443', 'https', '8443'],
    ['[2001:db8::1]', 'http', '80'],
    ['[2001:db8::1]:8080', 'http', '8080'],
    ['shop.example:81, inner:82', 'http', '81'],
    ['shop.example, inner:82', 'http', '80'],
    ['', 'http', ''],
  ];
  for (const [host, scheme, port] of ports) {
    it(`finds the port of ${host} and ${scheme}`, () => {
      assert.equal(portOf(host, scheme), port);
    });
  }

  it('tells the port of the host that a trusted peer names, if it names no port', () => {
    assert.ok(written(peer, 'X-Forwarded-Host: shop').includes('X-Forwarded-Port: 443'));
    assert.ok(written(peer, 'X-Forwarded-Host: shop:444').includes('X-Forwarded-Port: 444'));
    assert.ok(written(peer).includes('X-Forwarded-Port: 8080'));
  });

  const prefixes: readonly [before: string | null, sent: string][] = [
    [null, '/api'],
    ['/shop', '/shop/api'],
    ['/shop/', '/shop/api'],
    ['/a, /b', '/a/b/api'],
    ['/, shop,', '/api'],
  ];
  for (const [before, sent] of prefixes) {
    it(`adds what a route removes to the prefix ${before ?? 'none'}`, () => {
      assert.equal(prefixValue(before, '/api'), sent);
    });
  }

  it('names the client where a trusted peer did not', () => {
    assert.equal(written(peer)[0], 'X-Forwarded-For: 192.0.2.1');
  });
});

it('writes an element of Forwarded as RFC 7239 has it', () => {
  assert.equal(forwardedElement('2001:db8::1', 'https', 'a'), 'for="[2001:db8::1]";proto=https;host="a"');
  assert.equal(forwardedElement('192.0.2.1', 'http', ''), 'for=192.0.2.1;proto=http');
  assert.equal(forwardedElement('', 'http', ''), 'for=unknown;proto=http');
});
