import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { ok, RawOrigin, valuesOf } from '../gateway/raw-origin.ts';
import { ReloadedGateway, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// Headers in which a sender claims who the client is, or what it asked for. Those of an untrusted client never reach
// the application.

let origin: RawOrigin;
/** Trusts no peer. */
let edge: YamlGateway;
/** Trusts every peer on loopback. */
let inner: YamlGateway;

before(async () => {
  origin = await RawOrigin.start();
  const upstream = `upstreams: { app: { endpoints: "${origin.address}", check: none } }`;
  edge = await startFromYaml(upstream);
  inner = await startFromYaml(`${upstream}\ntrusted_peers: [127.0.0.0/8]`);
});
after(() => edge.stop());
after(() => inner.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
  origin.answer = () => ok('ok\n');
});

const claims = [
  'X-Forwarded-Ssl',
  'X-Forwarded-Scheme',
  'X-Forwarded-Prefix',
  'X-Forwarded-Server',
  'X-Forwarded-Uri',
  'X-Forwarded-Method',
  'X-Forwarded-User',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Invented-Tomorrow',
  'X-Forwarded',
  'X-FORWARDED-ssl',
  'X-Original-Url',
  'X-Original-Uri',
  'X-Original-Host',
  'X-Original-Request-Uri',
  'X-Original-Path',
  'X-Original-Prefix',
  'X-Original-Method',
  'X-Original-Scheme',
  'X-Original-Proto',
  'X-Original-Port',
  'X-Original-For',
  'X-Original-Ip',
  'X-Original-Client-Ip',
  'X-Original-Remote-Addr',
  'X-Original-Forwarded-For',
  'X-Original-Forwarded-Host',
  'X-Original-Forwarded-Proto',
  'X-Original-Forwarded-Port',
  'X-Rewrite-Url',
  'X-Real-Ip',
  'X-Client-Ip',
  'Client-Ip',
  'True-Client-Ip',
  'CF-Connecting-IP',
  'X-ARR-ClientCert',
  'X-Amzn-Mtls-Clientcert',
  'X-Amzn-Mtls-Clientcert-Leaf',
  'X-Amzn-Mtls-Clientcert-Subject',
  'CF-Connecting-IPv6',
  'Fastly-Client-IP',
  'Fly-Client-IP',
  'DO-Connecting-IP',
  'X-Cluster-Client-Ip',
  'X-Azure-ClientIP',
  'X-Envoy-External-Address',
  'X-AppEngine-User-IP',
  'X-Remote-IP',
  'X-Remote-Addr',
  'X-Azure-SocketIP',
  'X-Vercel-Forwarded-For',
  'X-Nf-Client-Connection-Ip',
  'Ali-CDN-Real-IP',
  'Cdn-Src-IP',
  'Akamai-Client-IP',
  'Incap-Client-IP',
  'WL-Proxy-Client-IP',
  'Proxy-Client-IP',
  'X-ProxyUser-Ip',
  'X-Originating-IP',
  'Forwarded-For',
  'X-Forward-For',
  'Remote-Addr',
  'Remote-User',
  'X-Remote-User',
  'X-Scheme',
  'X-Url-Scheme',
  'Front-End-Https',
  'X-Host',
  'X-HTTP-Host-Override',
];

/** The headers of a TLS terminator about a client's certificate, spelled with "-" or "_". */
const certificateClaims = [
  'X-SSL-Client-Verify',
  'X-SSL-Client-Cert',
  'SSL_CLIENT_VERIFY',
  'SSL-Client-S-DN',
  'X-SSL-Client',
];

/** How CGI programs read a name: lighttpd maps every special character to "_", others "-" alone. */
function variableOf(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

describe('from an untrusted client', () => {
  for (const [index, name] of [...claims, ...certificateClaims].entries())
    test(`${name} does not reach the application in any spelling`, async () => {
      for (const spelling of [name, name.toLowerCase(), name.replaceAll('-', '_'), name.replaceAll('-', '.')])
        for (const headers of sampled(
          [[`${spelling}: forged`], [`A: 1`, `${spelling}: forged`, 'Z: 2'], [`${spelling}:`]],
          3,
          index,
        )) {
          await edge.get('/', headers);
          const seen = origin.last.headers.filter(([one]) => variableOf(one) === variableOf(name));
          assert.deepEqual(seen, [], spelling);
        }
    });

  test('nor as a trailer', async () => {
    const all = [...claims, ...certificateClaims, 'X_Forwarded_Ssl', 'X.Real.Ip'];
    // No more in one request than it may have trailers.
    for (const names of [all.slice(0, all.length / 2), all.slice(all.length / 2)]) {
      const trailers = names.map((name) => `${name}: forged\r\n`).join('');
      await edge.send(
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Kept\r\n\r\n0\r\nX-Kept: 1\r\n${trailers}\r\n`,
      );
      assert.ok(!JSON.stringify([origin.last.headers, origin.last.body.toString()]).includes('forged'));
      origin.forget();
    }
  });

  test('nor when the same head is repeated on one connection', async () => {
    const client = edge.connect();
    for (let time = 1; time <= 6; time++) {
      client.write(
        `GET /${time} HTTP/1.1\r\nHost: a\r\nX-Forwarded-Ssl: on\r\nX-Real-Ip: 6.6.6.6\r\nX-Kept: 1\r\n\r\n`,
      );
      assert.ok((await client.response('GET', 10_000)).response?.complete);
      client.forget();
      const seen = origin.last;
      assert.equal(seen.line, `GET /${time} HTTP/1.1`);
      assert.deepEqual([valuesOf(seen, 'x-forwarded-ssl'), valuesOf(seen, 'x-real-ip')], [[], []]);
      assert.deepEqual(valuesOf(seen, 'x-kept'), ['1']);
    }
    client.close();
  });

  test('headers with similar names are forwarded', async () => {
    for (const name of [
      'X-Forward',
      'X-Forwarde',
      'X-Originals',
      'X-Original-Filename',
      'X-Original-Size',
      'X-Original-Content-Type',
      'X-Original-Format',
      'X-Origin',
      'Y-Forwarded-For',
      'X-Client-Ip2',
      'Xforwarded-a',
      'SSL-Cipher',
      'X-SSL-Cert',
      'Sec-Fetch-Site-2',
    ]) {
      await edge.get('/', [`${name}: 1`]);
      assert.deepEqual(valuesOf(origin.last, name), ['1'], name);
    }
  });
});

describe('from a trusted peer', () => {
  for (const name of claims)
    test(`${name} is forwarded, in its own spelling only`, async () => {
      await inner.get('/', [`${name}: said`]);
      assert.deepEqual(valuesOf(origin.last, name), ['said']);
      await inner.get('/', [`${name.replaceAll('-', '_')}: said`]);
      const seen = origin.last.headers.filter(([one]) => variableOf(one) === variableOf(name));
      assert.deepEqual(seen, name.includes('-') ? [] : [[name, 'said']]);
    });

  for (const name of certificateClaims)
    test(`${name} is forwarded, in either spelling`, async () => {
      for (const spelling of [name, name.replaceAll('-', '_')]) {
        await inner.get('/', [`${spelling}: said`]);
        assert.deepEqual(valuesOf(origin.last, spelling), ['said']);
      }
    });

  test('a list of addresses is not an address, and is believed only if the configuration names its header', async () => {
    const response = await inner.get('/', ['X-Real-Ip: 203.0.113.9', 'CF-Connecting-IP: 203.0.113.8']);
    assert.equal((await inner.record(response)).client.address, '127.0.0.1');
    assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['127.0.0.1']);
  });
});

describe('client_address_header', () => {
  const gateways = new ReloadedGateway();
  after(() => gateways.stop());
  const start = (header: string) =>
    gateways.with(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
trusted_peers: [127.0.0.0/8]
client_address_header: ${header}
`);

  for (const header of ['CF-Connecting-IP', 'x-real-ip', 'Akamai-Client-IP', 'X-Our-Balancer'])
    test(`${header} names the client, and no other header does`, async () => {
      const gateway = await start(header);
      for (const [headers, address] of [
        [[`${header}: 203.0.113.9`, 'X-Forwarded-For: 6.6.6.6', 'Forwarded: for=6.6.6.7'], '203.0.113.9'],
        [[`${header}: [2001:DB8::1]`], '2001:db8::1'],
        [['X-Forwarded-For: 6.6.6.6', 'True-Client-IP: 6.6.6.6'], '127.0.0.1'],
        [[`${header}: not an address`, 'X-Forwarded-For: 6.6.6.6'], '127.0.0.1'],
        [[`${header}: 203.0.113.9`, `${header}: 6.6.6.6`], '127.0.0.1'],
      ] as const) {
        const response = await gateway.get('/', headers);
        assert.equal((await gateway.record(response)).client.address, address, headers.join(' and '));
      }
      const secured = await gateway.get('/', [`${header}: 203.0.113.9`, 'X-Forwarded-Proto: https']);
      assert.equal((await gateway.record(secured)).scheme, 'https');
      assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['203.0.113.9']);
      assert.deepEqual(valuesOf(origin.last, header.toLowerCase()), ['203.0.113.9']);
    });

  test('may be X-Forwarded-For or Forwarded', async () => {
    for (const [header, address] of [
      ['X-Forwarded-For', '203.0.113.1'],
      ['Forwarded', '203.0.113.2'],
    ] as const) {
      const gateway = await start(header);
      const both = await gateway.get('/', ['X-Forwarded-For: 203.0.113.1', 'Forwarded: for=203.0.113.2']);
      assert.equal((await gateway.record(both)).client.address, address);
      const other = header === 'Forwarded' ? 'X-Forwarded-For: 203.0.113.1' : 'Forwarded: for=203.0.113.2';
      assert.equal((await gateway.record(await gateway.get('/', [other]))).client.address, '127.0.0.1');
    }
  });

  test("with a name of the operator's choice is a claim too: that of an untrusted client is not forwarded", async () => {
    const gateway = await gateways.with(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
trusted_peers: [192.0.2.1]
client_address_header: X-Our-Balancer
`);
    for (const name of ['X-Our-Balancer', 'x_our_balancer']) {
      const response = await gateway.get('/', [`${name}: 6.6.6.6`]);
      assert.equal((await gateway.record(response)).client.address, '127.0.0.1');
      assert.deepEqual(valuesOf(origin.last, name.toLowerCase()), []);
    }
  });
});
