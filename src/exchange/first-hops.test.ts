import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClientFacts } from '../core/exchange.ts';
import type { HttpVersion } from '../core/message.ts';
import { PairHeaders, pairsWritten } from '../core/pair-headers.ts';
import { writeForwarding } from '../wire/forwarded.ts';
import { cdnLoopValue, viaValue } from '../wire/hops.ts';
import { FirstHops } from './first-hops.ts';
import type { RouteHop } from './ports.ts';

function hopOf(token: string, key = 'key'): RouteHop {
  const member = `shop; route=${token}`;
  return { token, key, member, line: Buffer.from(`CDN-Loop: ${member}\r\n`) };
}

const routes = [hopOf('aB'), hopOf('cDe')] as const;

interface FirstHop {
  readonly client: ClientFacts;
  readonly version: HttpVersion;
  readonly authority: string;
  readonly hopName: string;
  readonly hop: RouteHop;
}

function writtenBy(lines: FirstHops, { client, version, authority, hopName, hop }: FirstHop): PairHeaders {
  return pairsWritten((sink) => lines.write(sink, client, version, authority, hopName, hop));
}

function clientAt(address: string, scheme: 'http' | 'https'): ClientFacts {
  return {
    address,
    port: 5000,
    peerAddress: address,
    trusted: false,
    scheme,
    peerScheme: scheme,
    tls: null,
    connection: { localAddress: '192.0.2.100', localPort: 8080 },
    listener: 'http',
    recordCache: null,
  };
}

/** As `ForwardedRequest` writes them for a request that has a way behind it. */
function longWay({ client, version, authority, hopName, hop }: FirstHop): PairHeaders {
  return pairsWritten((sink) => {
    sink.header('Via', viaValue(null, version, hopName));
    writeForwarding(sink, new PairHeaders([]), client, authority);
    sink.header('CDN-Loop', cdnLoopValue(null, hop.member));
  });
}

describe('FirstHops', () => {
  const hops: FirstHop[] = [];
  for (const address of ['192.0.2.1', '2001:db8::1'])
    for (const scheme of ['http', 'https'] as const)
      for (const version of ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2'] as const)
        for (const authority of ['a.example', 'b.example:8080', '', `${'x'.repeat(300)}.example`])
          for (const hopName of ['shop', 'shop two'])
            for (const hop of routes)
              hops.push({ client: clientAt(address, scheme), version, authority, hopName, hop });

  it('writes what a request is told that has a way behind it, whatever was written before', () => {
    const lines = new FirstHops();
    for (const hop of [...hops, ...hops.toReversed(), ...hops.flatMap((one) => [one, one])])
      assert.deepEqual(writtenBy(lines, hop).pairs, longWay(hop).pairs, `${hop.client.address} ${hop.authority}`);
  });

  it('takes no request for the one before it that differs in one thing alone', () => {
    const first: FirstHop = {
      client: clientAt('192.0.2.1', 'http'),
      version: 'HTTP/1.1',
      authority: 'a',
      hopName: 'shop',
      hop: routes[0],
    };
    const others: FirstHop[] = [
      { ...first, client: clientAt('192.0.2.2', 'http') },
      { ...first, client: clientAt('192.0.2.1', 'https') },
      { ...first, version: 'HTTP/1.0' },
      { ...first, authority: 'b' },
      { ...first, hopName: 'shop two' },
      { ...first, hop: routes[1] },
      { ...first, hop: hopOf('eF', 'another') },
    ];
    for (const other of others) {
      const lines = new FirstHops();
      writtenBy(lines, first);
      assert.deepEqual(writtenBy(lines, other).pairs, longWay(other).pairs);
    }
  });

  it('goes on when it has met more clients than it keeps', () => {
    const lines = new FirstHops();
    for (let number = 0; number < 3000; number++) {
      const hop = { ...(hops[0] as FirstHop), client: clientAt(`10.0.${number >> 8}.${number & 255}`, 'http') };
      const written = writtenBy(lines, hop);
      assert.equal(written.get('x-forwarded-for'), hop.client.address);
    }
  });
});
