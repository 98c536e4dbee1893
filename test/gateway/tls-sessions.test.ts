import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { ListenerTls } from '../../src/core/listener-spec.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { EngineListener } from './engine-listener.ts';
import { timeoutMs, until } from './start-from-yaml.ts';

// Sessions that are resumed, and those that must not be: a session carries what its first handshake has verified.

const authority = certificateAuthority(systemClock.wallTime());
const clientAuthority = certificateAuthority(systemClock.wallTime(), 'Clients');
const one = authority.issue({ names: ['one.test'] });
const two = authority.issue({ names: ['two.test'] });
const visitor = clientAuthority.issue({ names: ['visitor'], client: true });
const stranger = authority.issue({ names: ['stranger'], client: true });

const base: ListenerTls = {
  certificates: [
    { names: ['one.test'], notAfter: 0, ...one },
    { names: ['two.test'], notAfter: 0, ...two },
  ],
  servesUnknownNames: false,
  automatic: null,
  versionMin: 'TLSv1.2',
  ciphers: 'DEFAULT',
  redirectPort: null,
  hstsSeconds: null,
  clientCertificates: null,
};

const required = { ...base, clientCertificates: { authorities: clientAuthority.certificate, isRequired: true } };
const optional = { ...base, clientCertificates: { authorities: clientAuthority.certificate, isRequired: false } };

const listeners: EngineListener[] = [];

async function open(tls: ListenerTls, ticketKey?: Uint8Array): Promise<EngineListener> {
  const listener = new EngineListener({
    stages: [],
    engines: [],
    tls,
    ...(ticketKey === undefined ? {} : { ticketKey }),
  });
  await listener.open();
  listeners.push(listener);
  return listener;
}

afterEach(async () => {
  for (const listener of listeners.splice(0)) {
    await until('all connections are gone', () => listener.counts.clientConnections === 0);
    listener.close();
  }
});

interface Visit {
  readonly response: string;
  readonly resumed: boolean;
  /** The last session that the server has issued. */
  readonly session: Buffer | undefined;
}

/** One request on a connection of its own. Without a response the handshake has failed. */
async function visit(
  { address }: Pick<EngineListener, 'address'>,
  servername: string,
  options: ConnectionOptions = {},
): Promise<Visit> {
  const plain = connectPlain(address);
  const secure: TLSSocket = connect({ socket: plain, servername, ca: authority.certificate, ...options });
  let session: Buffer | undefined;
  let response = '';
  let resumed = false;
  let isOver = false;
  secure.on('secureConnect', () => void (resumed = secure.isSessionReused()));
  secure.on('session', (issued) => void (session = issued));
  secure.on('data', (bytes: Buffer) => void (response += bytes.toString('latin1')));
  secure.on('error', () => void (isOver = true));
  secure.on('close', () => void (isOver = true));
  secure.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
  await until('the connection ends', () => isOver || plain.destroyed, timeoutMs);
  secure.destroy();
  plain.destroy();
  return { response, resumed, session };
}

function serves({ response }: Visit): boolean {
  return response.startsWith('HTTP/1.1 200');
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only: ConnectionOptions = { minVersion: version, maxVersion: version };
  describe(`a session of ${version}`, () => {
    test('is resumed at its host, on every listener with the same key', async () => {
      const first = await visit(await open(base), 'one.test', only);
      assert.deepEqual([serves(first), first.resumed], [true, false]);
      const options = { ...only, session: first.session as Buffer };
      for (const listener of [listeners[0] as EngineListener, await open(base)]) {
        const again = await visit(listener, 'one.test', options);
        assert.deepEqual([serves(again), again.resumed], [true, true]);
      }
      const elsewhere = await visit(await open(base, new Uint8Array(48).fill(7)), 'one.test', options);
      assert.deepEqual([serves(elsewhere), elsewhere.resumed], [true, false]);
    });

    test('is never resumed at another host: the client sees that one’s certificate', async () => {
      const listener = await open(base);
      const { session } = await visit(listener, 'one.test', only);
      const other = await visit(listener, 'two.test', { ...only, session: session as Buffer });
      assert.deepEqual([serves(other), other.resumed], [true, false]);
    });

    test('carries no absence of a client certificate to a listener that requires one', async () => {
      for (const before of [base, optional]) {
        const { session } = await visit(await open(before), 'one.test', only);
        const listener = await open(required);
        const other = await visit(listener, 'one.test', { ...only, session: session as Buffer });
        assert.deepEqual([serves(other), listener.handlers.length], [false, 0]);
      }
    });

    test('carries the client certificate that its first handshake has verified', async () => {
      const listener = await open(required);
      const { certificate: cert, key } = visitor;
      const first = await visit(listener, 'one.test', { ...only, cert, key });
      assert.equal(serves(first), true);
      const again = await visit(listener, 'one.test', { ...only, session: first.session as Buffer });
      assert.deepEqual([serves(again), again.resumed], [true, true]);
    });

    test('does not begin with a certificate of another authority, or without one where it is required', async () => {
      const listener = await open(required);
      const { certificate: cert, key } = stranger;
      const refused = await visit(listener, 'one.test', { ...only, cert, key });
      assert.match(refused.response, /request_refused$/);
      const { stream, refused: failure } = listener.handlers[0] ?? assert.fail();
      const { request, client } = stream;
      assert.deepEqual(
        [failure?.cause, failure?.evidence],
        ['request_refused', { rule: 'client-certificate', status: 403, at: 'SELF_SIGNED_CERT_IN_CHAIN' }],
      );
      assert.deepEqual([request.method, request.authority, client.tls?.clientCertificate], ['GET', 'one.test', null]);
      const again = await visit(listener, 'one.test', { ...only, cert, key, session: refused.session as Buffer });
      assert.match(again.response, /request_refused$/);
      assert.equal(serves(await visit(listener, 'one.test', only)), false);
      await until('all are reported', () => listener.failedHandshakes.length === 3);
      assert.deepEqual(
        listener.failedHandshakes.map(({ reason }) => reason),
        ['client_certificate_invalid', 'client_certificate_invalid', 'client_certificate_missing'],
      );
      assert.equal(serves(await visit(await open(optional), 'one.test', only)), true);
    });
  });
}

/** A way to the listener which runs `between` before it passes on the first bytes that the server sends. */
async function relayTo(
  listener: EngineListener,
  between: () => Promise<unknown>,
): Promise<ReturnType<typeof createServer>> {
  const relay = createServer((client) => {
    const server = connectPlain(listener.address);
    for (const socket of [client, server]) socket.on('error', () => {});
    client.pipe(server);
    server.once('readable', () => void between().then(() => server.pipe(client)));
    client.on('close', () => server.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return relay;
}

test('a session of TLS 1.3 gets a new ticket also behind a HelloRetryRequest, whoever begins meanwhile', async (t) => {
  const listener = await open(base);
  const first = await visit(listener, 'one.test', { maxVersion: 'TLSv1.2' });
  const old: ConnectionOptions = { maxVersion: 'TLSv1.2', session: first.session as Buffer };
  // The client guesses P-384, and the server likes X25519 more: it asks for another ClientHello.
  const retried: ConnectionOptions = { minVersion: 'TLSv1.3', ecdhCurve: 'P-384:X25519' };
  const { session } = await visit(listener, 'one.test', retried);
  let between: Visit | null = null;
  const relay = await relayTo(listener, async () => void (between = await visit(listener, 'one.test', old)));
  t.after(() => relay.close());
  const { port } = relay.address() as AddressInfo;
  const again = await visit({ address: { host: '127.0.0.1', port } }, 'one.test', {
    ...retried,
    session: session as Buffer,
  });
  assert.deepEqual([serves(again), again.resumed, again.session !== undefined], [true, true, true]);
  const { resumed, session: issued } = between ?? assert.fail('nothing came between');
  assert.deepEqual([resumed, issued], [true, undefined], 'a ticket of TLS 1.2 is not replaced');
});
