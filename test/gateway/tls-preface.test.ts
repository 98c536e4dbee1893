import assert from 'node:assert/strict';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { ListenerTls } from '../../src/core/listener-spec.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { tlsStage } from '../../src/downstream/tls-stage.ts';
import { tlsServer } from '../../src/transport/tls-server.ts';
import { RawClient } from '../../src/testing/testing.ts';
import type { FailedHandshake } from '../../src/downstream/ports.ts';
import { drainPlan, EngineListener, type EngineListenerOptions } from './engine-listener.ts';
import { startLineEngine } from './line-engine.ts';
import { timeoutMs, until } from './start-from-yaml.ts';

// The stage of TLS on a real listener: after the PROXY protocol, before the choice of the engine, with the connection counted
// and closed like any other.

const authority = certificateAuthority(systemClock.wallTime());
const edge = authority.issue({ names: ['edge.test', '*.wild.test'] });
const other = authority.issue({ names: ['other.test'] });
const tls: ListenerTls = {
  certificates: [
    { names: ['edge.test', '*.wild.test'], notAfter: 0, ...edge },
    { names: ['other.test'], notAfter: 0, ...other },
  ],
  servesUnknownNames: false,
  automatic: null,
  versionMin: 'TLSv1.2',
  ciphers: 'DEFAULT',
  clientCertificates: null,
  redirectPort: null,
  hstsSeconds: null,
};

let listener: EngineListener;
const sockets: Socket[] = [];

type Options = Partial<Pick<EngineListenerOptions, 'proxyProtocol' | 'headMs' | 'tls'>>;

async function openListener(options: Options = {}): Promise<void> {
  listener = new EngineListener({ stages: [], engines: [['line', startLineEngine]], tls, ...options });
  await listener.open();
}

async function closeAll(): Promise<void> {
  for (const socket of sockets.splice(0)) socket.destroy();
  await until('all connections are gone', () => listener.counts.clientConnections === 0);
  listener.close();
}

after(() => sockets.forEach((socket) => socket.destroy()));

/** A client within a TLS session; `first` is sent before the session. */
function secured(options: ConnectionOptions, first = ''): RawClient {
  const plain = connectPlain(listener.address);
  if (first !== '') plain.write(first);
  const session: TLSSocket = connect({ socket: plain, ca: authority.certificate, servername: 'edge.test', ...options });
  sockets.push(plain, session);
  return new RawClient({ ...listener.address, open: () => session });
}

async function received(client: RawClient, text: string): Promise<void> {
  const isHere = (): boolean => client.bytes.toString('latin1').includes(text);
  assert.ok(await client.waitFor(isHere, timeoutMs), `${JSON.stringify(text)} in ${client.bytes.toString('latin1')}`);
}

const requestOf = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: edge.test\r\n\r\n`;

describe('a listener with a TLS stage', () => {
  beforeEach(() => openListener());
  afterEach(closeAll);

  test('gives requests in the session the scheme https and the facts of the session', async () => {
    const client = secured({ ALPNProtocols: ['http/1.1'] });
    client.write(requestOf('/'));
    await received(client, 'HTTP/1.1 200');
    const { request, client: facts } = listener.handlers[0]?.stream ?? assert.fail();
    assert.deepEqual([request.scheme, facts.scheme, facts.peerScheme], ['https', 'https', 'https']);
    assert.deepEqual(facts.tls, {
      ...{ version: 'TLSv1.3', serverName: 'edge.test', alpn: 'http/1.1' },
      cipher: 'TLS_AES_256_GCM_SHA384',
      clientCertificate: null,
    });
    assert.equal(listener.counts.clientConnections, 1);
  });

  test('gives a malformed request the scheme of the connection too', async () => {
    const client = secured({});
    client.write('nonsense\r\n\r\n');
    await received(client, 'request_refused');
    assert.equal(listener.handlers[0]?.stream.request.scheme, 'https');
  });

  test('accepts absolute targets of https and http, both with the scheme of the connection', async () => {
    const client = secured({});
    client.write(requestOf('https://edge.test/'));
    await received(client, 'HTTP/1.1 200');
    client.write(requestOf('http://edge.test/') + requestOf('ftp://edge.test/'));
    await received(client, 'HTTP/1.1 400');
    assert.equal(client.bytes.toString('latin1').split('HTTP/1.1 200').length, 3);
  });

  test('starts the engine that ALPN has chosen, whatever the first bytes are', async () => {
    const client = secured({ ALPNProtocols: ['line'] });
    client.write('GET /now\n');
    await received(client, 'GET 200 HTTP/2\n');
  });

  test('answers a request in clear text by saying so, and records it', async () => {
    const plain = new RawClient(listener.address);
    plain.write(requestOf('/'));
    await received(plain, 'HTTP/1.1 400');
    const { request } = listener.handlers[0]?.stream ?? assert.fail();
    assert.deepEqual([request.scheme, request.method, request.target], ['http', 'GET', '/']);
    plain.close();
  });

  for (const [name, first] of [
    ['HEAD', 'HEAD / HTTP/1.1\r\nHost: edge.test\r\n\r\n'],
    ['a malformed HEAD', 'HEAD / HTTP/1.1\r\nbad header\r\n\r\n'],
  ] as const)
    test(`answers ${name} in clear text without a body`, async () => {
      const plain = new RawClient(listener.address);
      plain.write(first);
      assert.ok(await plain.waitFor(() => plain.state !== 'open', timeoutMs));
      const [head, body] = plain.bytes.toString('latin1').split('\r\n\r\n');
      assert.match(head ?? '', /^HTTP\/1\.1 400 /);
      assert.equal(body, '');
      plain.close();
    });

  test('answers words in clear text that are no request by the rule that this port speaks TLS', async () => {
    const plain = new RawClient(listener.address);
    plain.write('EHLO mail.test\r\n');
    await received(plain, 'HTTP/1.1 400');
    assert.deepEqual(listener.handlers[0]?.refused?.evidence, { rule: 'plain-on-tls-port', status: 400, at: '' });
    assert.deepEqual(listener.failedHandshakes, []);
    plain.close();
  });

  test('serves a client whose ClientHello has several records, 40 KiB in all', async () => {
    // Protocols fill it: 40 KiB.
    const names = Array.from({ length: 160 }, (_, index) => `${index}`.padEnd(255, 'x'));
    const client = secured({ ALPNProtocols: [...names, 'http/1.1'] });
    client.write(requestOf('/'));
    await received(client, 'HTTP/1.1 200');
  });

  const failures: readonly (readonly [string, ConnectionOptions, Omit<FailedHandshake, 'listener' | 'address'>])[] = [
    [
      'asks for a name that no certificate has',
      { servername: 'unknown.test' },
      { reason: 'unknown_name', code: '', serverName: 'unknown.test' },
    ],
    [
      'asks for a name two levels below a wildcard',
      { servername: 'a.b.wild.test' },
      { reason: 'unknown_name', code: '', serverName: 'a.b.wild.test' },
    ],
    [
      'speaks other protocols only',
      { ALPNProtocols: ['smtp'] },
      { reason: 'no_shared_protocol', code: '', serverName: 'edge.test' },
    ],
    [
      'speaks old versions only',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
      { reason: 'no_shared_version', code: 'ERR_SSL_UNSUPPORTED_PROTOCOL', serverName: 'edge.test' },
    ],
    [
      'has no cipher in common',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      { reason: 'no_shared_cipher', code: 'ERR_SSL_NO_SHARED_CIPHER', serverName: 'edge.test' },
    ],
  ];
  for (const [name, options, expected] of failures) {
    test(`reports why the handshake of a client failed that ${name}`, async () => {
      const client = secured(options);
      assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
      await until('it is reported', () => listener.failedHandshakes.length > 0);
      await until('the connection is forgotten', () => listener.counts.clientConnections === 0);
      assert.deepEqual(listener.failedHandshakes, [{ listener: 'web', address: '127.0.0.1', ...expected }]);
    });
  }

  for (const [name, bytes] of [
    ['garbage instead of a handshake', Buffer.from([0x80, 0x2e, 1, 0, 2])],
    ['a damaged ClientHello', Buffer.from([0x16, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3])],
  ] as const) {
    test(`answers ${name} with an alert, and reports it`, async () => {
      const client = new RawClient(listener.address);
      client.write(bytes);
      assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
      assert.deepEqual([...client.bytes], [21, 3, 1, 0, 2, 2, 10]);
      assert.deepEqual(
        listener.failedHandshakes.map(({ reason }) => reason),
        ['garbage'],
      );
      client.close();
    });
  }

  const certificates: readonly (readonly [string, string, string])[] = [
    ['edge.test', 'edge.test', 'edge.test'],
    ['a name one level below a wildcard', 'shop.wild.test', 'edge.test'],
    ['another host', 'OTHER.test', 'other.test'],
    ['no host', '', 'edge.test'],
  ];
  for (const [name, servername, expected] of certificates) {
    test(`shows a client that asks for ${name} the certificate of ${expected}`, async () => {
      const client = secured({ servername, checkServerIdentity: () => undefined });
      client.write(requestOf('/').replace('edge.test', servername === '' ? 'any.test' : servername));
      await received(client, 'HTTP/1.1 200');
      assert.equal((sockets.at(-1) as TLSSocket).getPeerCertificate().subject.CN, expected);
    });
  }

  test('force closes a connection in the middle of its handshake', async () => {
    const client = new RawClient(listener.address);
    client.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await until('the connection is accepted', () => listener.counts.clientConnections === 1);
    listener.listeners.drain(drainPlan);
    listener.listeners.forceClose(true);
    assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
    await until('the connection is forgotten', () => listener.counts.clientConnections === 0);
    client.close();
  });

  test('forgets a client that leaves in the middle of its handshake', async () => {
    const client = new RawClient(listener.address);
    client.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await until('the connection is accepted', () => listener.counts.clientConnections === 1);
    client.reset();
    await until('the connection is forgotten', () => listener.counts.clientConnections === 0);
  });
});

test('a PROXY protocol header comes before the TLS session, and names its client', async () => {
  await openListener({ proxyProtocol: true });
  const client = secured({ ALPNProtocols: ['http/1.1'] }, 'PROXY TCP4 192.0.2.9 192.0.2.1 5000 443\r\n');
  client.write(requestOf('/'));
  await received(client, 'HTTP/1.1 200');
  const { client: facts } = listener.handlers[0]?.stream ?? assert.fail();
  assert.deepEqual([facts.address, facts.port, facts.scheme], ['192.0.2.9', 5000, 'https']);
  await closeAll();
});

test('a connection whose handshake does not complete is closed when the head timeout expires', async () => {
  await openListener({ headMs: 200 });
  const client = new RawClient(listener.address);
  client.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
  assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
  assert.deepEqual(
    listener.failedHandshakes.map(({ reason }) => reason),
    ['timeout'],
  );
  client.close();
  await closeAll();
});

test('the oldest handshakes make room for new ones where too many are in progress', async () => {
  const stage = tlsStage(tlsServer(systemRandom), ['http/1.1'], 2);
  listener = new EngineListener({ stages: [stage], engines: [], tls });
  await listener.open();
  const hello = await firstFlight();
  const idle = Array.from({ length: 3 }, () => new RawClient(listener.address));
  for (const [index, client] of idle.entries()) {
    client.write(hello);
    await until('the server has answered', () => client.bytes.length > 0 || client.state !== 'open');
    assert.equal(listener.failedHandshakes.length, index === 2 ? 1 : 0);
  }
  assert.ok(await (idle[0] as RawClient).waitFor(() => idle[0]?.state !== 'open', timeoutMs));
  const good = secured({});
  good.write(requestOf('/'));
  await received(good, 'HTTP/1.1 200');
  assert.deepEqual(
    listener.failedHandshakes.map(({ reason }) => reason),
    ['limit', 'limit'],
  );
  for (const client of idle) client.close();
  await closeAll();
});

/** A ClientHello for edge.test. */
async function firstFlight(): Promise<Buffer> {
  const bytes = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => socket.once('data', bytes.resolve).on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const session = connect({ host: '127.0.0.1', port, servername: 'edge.test' }).on('error', () => {});
  const flight = await bytes.promise;
  session.destroy();
  server.close();
  return flight;
}
