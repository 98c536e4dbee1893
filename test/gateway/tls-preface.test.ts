import assert from 'node:assert/strict';
import { connect as connectPlain, type Socket } from 'node:net';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { drainPlan, EngineListener } from './engine-listener.ts';
import { startLineEngine } from './line-engine.ts';
import { timeoutMs, until } from './start-from-yaml.ts';
import { tlsStage } from './tls-stage.ts';

// TLS as a stage of the preface: Candor's listeners have no TLS yet, so the stage is the test's. The tests show where
// the stage belongs: after the PROXY protocol, before the choice of the engine, with the connection counted and closed
// like any other.

const authority = certificateAuthority(systemClock.wallTime());
const { certificate: cert, key } = authority.issue({ names: ['edge.test'] });
const settings = { cert, key, ALPNProtocols: ['line', 'http/1.1'] };

let listener: EngineListener;
const sockets: Socket[] = [];

async function openListener(options: { proxyProtocol?: boolean; headMs?: number } = {}): Promise<void> {
  listener = new EngineListener({ stages: [tlsStage(settings)], engines: [['line', startLineEngine]], ...options });
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
    assert.deepEqual(facts.tls, { version: 'TLSv1.3', serverName: 'edge.test', alpn: 'http/1.1' });
    assert.equal(listener.counts.clientConnections, 1);
  });

  test('gives a malformed request the scheme of the connection too', async () => {
    const client = secured({});
    client.write('nonsense\r\n\r\n');
    await received(client, 'request_refused');
    assert.equal(listener.handlers[0]?.stream.request.scheme, 'https');
  });

  test('accepts absolute targets only with the scheme of the connection', async () => {
    const client = secured({});
    client.write(requestOf('https://edge.test/'));
    await received(client, 'HTTP/1.1 200');
    const plain = new RawClient(listener.address);
    plain.write(requestOf('https://edge.test/'));
    await received(plain, 'HTTP/1.1 400');
    plain.close();
  });

  test('starts the engine that ALPN has chosen, whatever the first bytes are', async () => {
    const client = secured({ ALPNProtocols: ['line'] });
    client.write('GET /now\n');
    await received(client, 'GET 200 HTTP/2\n');
  });

  test('serves clients with and without TLS', async () => {
    const plain = new RawClient(listener.address);
    plain.write(requestOf('/'));
    await received(plain, 'HTTP/1.1 200');
    assert.equal(listener.handlers[0]?.stream.request.scheme, 'http');
    plain.close();
  });

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
  client.close();
  await closeAll();
});
