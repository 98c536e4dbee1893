import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { headerOf, RawClient, type RawResponse } from '../../src/testing/testing.ts';
import { freePort } from '../free-port.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// A gateway with TLS as its users configure it.

const authority = certificateAuthority(systemClock.wallTime());
const clients = certificateAuthority(systemClock.wallTime(), 'Clients');
const shop = authority.issue({ names: ['shop.test', '*.shop.test'] });
const blog = authority.issue({ names: ['blog.test'] });
const visitor = clients.issue({ names: ['visitor'], client: true });

let edge: YamlGateway;
let origin: Server;
let port: number;
/** The headers of the last request that the origin has received. */
let received: NodeJS.Dict<string | string[]> = {};

const files = {
  'shop.pem': shop.certificate,
  'shop.key': shop.key,
  'blog.pem': blog.certificate,
  'blog.key': blog.key,
  'clients.pem': clients.certificate,
};

const configuration = (originPort: number): string => `
workers: 1
client: { tls_handshake_rate_max: 10 }
listeners:
  http: "127.0.0.1:0"
  https:
    bind: "127.0.0.1:${port}"
    tls:
      certificates:
        - { certificate_file: shop.pem, key_file: shop.key }
        - { certificate_file: blog.pem, key_file: blog.key }
      hsts: 30d
      client_certificates: { ca_file: clients.pem, required: false }
trusted_peers: [127.0.0.2]
routes:
  - { path: /ready, readiness: true }
  - { path: /visitors, to: app, access: { certificates: { allow: [{ subject: CN=visitor, issuer: "CN=*" }] } } }
  - { path: /others, to: app, access: { certificates: { deny: [{ subject: CN=visitor }] } } }
  - { path: /machines, to: app, access: { certificates: { allow: [{ subject: CN=visitor, issuer: "CN=Nobody" }] } } }
  - { to: app }
upstreams: { app: { endpoints: "127.0.0.1:${originPort}", check: none } }
`;

before(async () => {
  origin = createServer((request, response) => {
    received = request.headers;
    response.end('from the application');
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  port = await freePort();
  edge = await startFromYaml(configuration((origin.address() as { port: number }).port), { files });
});
after(async () => {
  await edge.stop();
  origin.close();
});

/** One GET within TLS. */
async function getSecure(
  path: string,
  { host = 'shop.test', headers = [] as readonly string[], ...options }: Options = {},
): Promise<RawResponse & { readonly certificate: string }> {
  const secure = connect({
    ...{ host: '127.0.0.1', port, servername: host, ca: authority.certificate, checkServerIdentity: () => undefined },
    ...options,
  });
  const client = new RawClient({ host: '127.0.0.1', port, open: () => secure });
  try {
    client.write(requestText('GET', path, [`Host: ${options.asks ?? host}`, ...headers]));
    const response = await responseOn(client);
    return { ...response, certificate: secure.getPeerCertificate().subject.CN as string };
  } finally {
    client.close();
  }
}

interface Options extends ConnectionOptions {
  /** From which address of this machine. */
  readonly localAddress?: string;
  readonly host?: string;
  /** The host of the request, where it is another one than that of the session. */
  readonly asks?: string;
  readonly headers?: readonly string[];
}

describe('a gateway with TLS', () => {
  test('forwards requests, says https, and tells browsers to stay with it', async () => {
    const response = await getSecure('/a?b');
    assert.deepEqual([response.status, response.body.toString()], [200, 'from the application']);
    assert.equal(received['x-forwarded-proto'], 'https');
    assert.equal(headerOf(response, 'strict-transport-security'), 'max-age=2592000');
    const record = await edge.record(response);
    assert.deepEqual(record.tls, { version: 'TLSv1.3', sni: 'shop.test', cipher: 'TLS_AES_128_GCM_SHA256' });
  });

  for (const [host, expected] of [
    ['shop.test', 'shop.test'],
    ['www.shop.test', 'shop.test'],
    ['blog.test', 'blog.test'],
  ] as const)
    test(`shows for ${host} the certificate of ${expected}`, async () => {
      assert.equal((await getSecure('/', { host })).certificate, expected);
    });

  test('redirects requests in clear text for the hosts of its certificates, and no others', async () => {
    const location = async (host: string, path = '/a?b'): Promise<string | null> =>
      headerOf(await edge.send(requestText('GET', path, [`Host: ${host}`])), 'location');
    assert.equal(await location('shop.test'), `https://shop.test:${port}/a?b`);
    assert.equal(await location('www.shop.test:80'), `https://www.shop.test:${port}/a?b`);
    assert.equal(await location('elsewhere.test'), null);
    const redirected = await edge.send(requestText('POST', '/', ['Host: blog.test', 'Content-Length: 0']));
    assert.deepEqual([redirected.status, headerOf(redirected, 'strict-transport-security')], [308, null]);
    assert.equal((await edge.send(requestText('GET', '/ready', ['Host: shop.test']))).status, 200);
  });

  test('answers 421 to a request for a host that its connection’s certificate is not for', async () => {
    const response = await getSecure('/', { asks: 'blog.test' });
    assert.equal(response.status, 421);
    assert.equal((await getSecure('/', { asks: 'www.shop.test' })).status, 200);
    // A client that asks for no name may ask for any host, but no browser is told to remember one without a certificate.
    const unnamed = await getSecure('/', { asks: 'elsewhere.test', servername: '' });
    assert.deepEqual([unnamed.status, headerOf(unnamed, 'strict-transport-security')], [200, null]);
    const record = await edge.record(response);
    assert.deepEqual([record.cause, record.status, record.host], ['request_refused', 421, 'blog.test']);
    assert.deepEqual(record.evidence, { rule: 'misdirected', status: 421, at: '' });
  });

  test('serves a trusted peer on one connection whatever host its requests name, over HTTP/1.1 and HTTP/2', async () => {
    const proxy = { localAddress: '127.0.0.2' };
    for (const asks of ['blog.test', 'elsewhere.test'])
      assert.equal((await getSecure('/', { asks, ...proxy })).status, 200, asks);
    assert.equal(await http2StatusOf('blog.test', proxy), 200);
    assert.equal(await http2StatusOf('blog.test', {}), 421);
  });

  test('lets in by the certificate of a client where a route says so', async () => {
    const own = { cert: visitor.certificate, key: visitor.key };
    const statusesOf = (options: Options): Promise<number[]> =>
      Promise.all(['/visitors', '/others', '/machines'].map(async (path) => (await getSecure(path, options)).status));
    assert.deepEqual(await statusesOf({}), [403, 200, 403]);
    assert.deepEqual(await statusesOf(own), [200, 403, 403]);
    const lies = ['X-Client-Cert-Subject: CN=visitor', 'X-SSL-Client-S-DN: CN=visitor'];
    assert.deepEqual(await statusesOf({ headers: lies }), [403, 200, 403], 'no header stands for a certificate');
  });

  test('tells applications of a verified client certificate, and never what a client says of one', async () => {
    const lies = ['X-Client-Cert-Subject: CN=admin', 'X-Client-Cert-Fingerprint: 00', 'Client-Cert: :AA==:'];
    await getSecure('/', { headers: lies });
    assert.deepEqual([received['x-client-cert-subject'], received['client-cert']], [undefined, undefined]);
    await getSecure('/', { headers: lies, cert: visitor.certificate, key: visitor.key });
    assert.equal(received['x-client-cert-subject'], 'CN=visitor');
    assert.match(String(received['x-client-cert-fingerprint']), /^[0-9a-f]{64}$/);
    assert.equal(received['client-cert'], undefined);
  });

  test('reports a failed handshake as an event', async () => {
    await assert.rejects(getSecure('/', { host: 'unknown.test' }));
    await until('it is reported', () => edge.eventsOf('tls_handshakes_failed').length > 0);
    const [event] = edge.eventsOf('tls_handshakes_failed');
    assert.deepEqual(
      [event?.subject, event?.evidence.reason, event?.evidence.serverName],
      ['listener:https', 'unknown_name', 'unknown.test'],
    );
    assert.equal(
      event?.reason,
      'the TLS handshake of 127.0.0.1 for unknown.test failed: no certificate has the host name that it asked for',
    );
  });

  test('lets an address that begins many handshakes at once wait for its turn, serves it, and tells of it', async () => {
    const localAddress = '127.0.0.9';
    const responses = await Promise.all(Array.from({ length: 65 }, () => getSecure('/', { localAddress })));
    assert.deepEqual([...new Set(responses.map(({ status }) => status))], [200]);
    await until('it is reported', () => edge.eventsOf('tls_handshakes_delayed').length > 0);
    const [event] = edge.eventsOf('tls_handshakes_delayed');
    assert.deepEqual([event?.evidence.address, event?.evidence.perSecond], [localAddress, 10]);
    assert.match(event?.reason ?? '', /127\.0\.0\.9 waited|waited, the last of 127\.0\.0\.9/);
    const { status } = await getSecure('/');
    assert.equal(status, 200, 'another address does not wait');
  });

  test('shows new connections a renewed certificate after a reload, and keeps open ones', async () => {
    const open = connect({ host: '127.0.0.1', port, servername: 'shop.test', ca: authority.certificate });
    const client = new RawClient({ host: '127.0.0.1', port, open: () => open });
    client.write(requestText('GET', '/', ['Host: shop.test']));
    await responseOn(client);
    const before = await serialOf('shop.test');
    const renewed = authority.issue({ names: ['shop.test', '*.shop.test'] });
    await writeFile(join(edge.folder, 'shop.pem'), renewed.certificate);
    await writeFile(join(edge.folder, 'shop.key'), renewed.key);
    const outcome = await edge.gateway.reload('the test');
    assert.equal(outcome.ok, true);
    assert.notEqual(await serialOf('shop.test'), before);
    client.write(requestText('GET', '/', ['Host: shop.test']));
    assert.equal((await responseOn(client)).status, 200);
    client.close();
  });

  test('keeps the old certificate when a reload finds one that cannot be used', async () => {
    const before = await serialOf('blog.test');
    await writeFile(join(edge.folder, 'blog.pem'), 'no certificate');
    assert.equal((await edge.gateway.reload('the test')).ok, false);
    assert.equal(await serialOf('blog.test'), before);
  });
});

/** Of a GET for this host, over HTTP/2, on a connection that was opened for shop.test. */
async function http2StatusOf(host: string, options: Options): Promise<unknown> {
  const secure = connect({
    ...{ host: '127.0.0.1', port, servername: 'shop.test', ca: authority.certificate, ALPNProtocols: ['h2'] },
    ...options,
  });
  const session = connectHttp2(`https://shop.test:${port}`, { createConnection: () => secure });
  const request = session.request({ ':authority': host });
  const [headers] = (await once(request, 'response')) as [Record<string, unknown>];
  session.destroy();
  return headers[':status'];
}

/** The serial number of the certificate that a new connection is shown. */
async function serialOf(servername: string): Promise<string> {
  const secure = connect({ host: '127.0.0.1', port, servername, ca: authority.certificate });
  await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject));
  const { serialNumber } = secure.getPeerCertificate();
  secure.destroy();
  return serialNumber;
}
