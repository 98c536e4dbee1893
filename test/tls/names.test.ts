import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { dnsAddresses, type DnsServer, startDnsServer } from '../../src/testing/dns-server.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { ReloadedGateway, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { NotingOrigin } from './noting-origin.ts';

// Which name is asked for (SNI), and which one the certificate must bear.

const authority = certificateAuthority(Date.now());
let dns: DnsServer;
before(async () => {
  dns = await startDnsServer();
  for (const name of ['app.test', 'other.test']) dns.on(name, dnsAddresses(30, '127.0.0.1'));
});
after(() => dns.stop());

interface Case {
  readonly what: string;
  readonly host: string;
  readonly tls?: string;
  readonly certified: readonly string[];
  readonly asked: string | null;
  readonly status: number;
}

const table: readonly Case[] = [
  { what: 'the name of the endpoint', host: 'app.test', certified: ['app.test'], asked: 'app.test', status: 200 },
  {
    what: 'a name without the dot at its end',
    host: 'app.test.',
    certified: ['app.test'],
    asked: 'app.test',
    status: 200,
  },
  { what: 'a name by a wildcard', host: 'app.test', certified: ['*.test'], asked: 'app.test', status: 502 },
  {
    what: 'the name that is written, in place of the endpoint’s',
    host: 'app.test',
    tls: 'server_name: www.shop.test',
    certified: ['*.shop.test'],
    asked: 'www.shop.test',
    status: 200,
  },
  { what: 'no other name', host: 'other.test', certified: ['app.test'], asked: 'other.test', status: 502 },
  { what: 'no address', host: '127.0.0.1', certified: ['127.0.0.1'], asked: null, status: 200 },
  { what: 'no IPv6 address', host: '[::1]', certified: ['::1'], asked: null, status: 200 },
  { what: 'no other address', host: '127.0.0.1', certified: ['127.0.0.2'], asked: null, status: 502 },
  {
    what: 'a name, where an address is written with one',
    host: '127.0.0.1',
    tls: 'server_name: app.test',
    certified: ['app.test'],
    asked: 'app.test',
    status: 200,
  },
  {
    what: 'an address that is written as the name',
    host: 'app.test',
    tls: 'server_name: 10.1.2.3',
    certified: ['10.1.2.3'],
    asked: null,
    status: 200,
  },
];

function yaml(host: string, port: number, tls: string, check = 'none'): string {
  return `
dns: { servers: ["${dns.address}"], allow: [127.0.0.0/8, "::1"] }
disclosure: operator
upstreams: { app: { endpoints: "https://${host}:${port}", check: ${check}, tls: { ca_file: ca.pem, ${tls} } } }
`;
}

const gateways = new ReloadedGateway({ files: { 'ca.pem': authority.certificate } });
after(() => gateways.stop());

async function withBoth(
  { host, tls = '', certified }: Case,
  check: string,
  play: (gateway: YamlGateway, origin: NotingOrigin) => Promise<void>,
): Promise<void> {
  const origin = new NotingOrigin(authority.issue({ names: certified }), null);
  await origin.listen(host === '[::1]' ? '::1' : '127.0.0.1');
  try {
    await play(await gateways.with(yaml(host, origin.port, tls, check)), origin);
  } finally {
    await origin.close();
  }
}

describe('a handshake asks for, and believes', () => {
  for (const each of table) {
    test(each.what, () =>
      withBoth(each, 'none', async (gateway, origin) => {
        const response = await gateway.get('/');
        assert.equal(response.status, each.status);
        // One that the client refuses may be over before the server has seen it as made.
        if (each.status === 200) assert.deepEqual(origin.serverNames, [each.asked]);
        else assert.match(headerOf(response, 'proxy-status') ?? '', /tls_certificate_error;.*tls_certificate_name: /);
        assert.equal(gateway.counts().unclassified, 0);
      }),
    );
  }

  test('in checks what it does in requests', async () => {
    const [named] = table;
    await withBoth(named as Case, '{ path: /, interval: 50ms, passes: 1 }', async (gateway, origin) => {
      await until('it is healthy', () => gateway.gateway.status().upstreams[0]?.endpoints[0]?.state === 'healthy');
      assert.deepEqual(origin.serverNames, ['app.test']);
    });
  });
});
