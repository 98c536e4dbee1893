import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { certificateAuthority } from '../testing/certificates.ts';
import { HttpsTransport } from './https-transport.ts';

const authority = certificateAuthority(Date.now());

async function listening(context: TestContext, server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function secureServer(context: TestContext, request: { notAfter?: number; name?: string } = {}): Promise<string> {
  const { name = '127.0.0.1', notAfter } = request;
  const issued = authority.issue({ names: [name], ...(notAfter !== undefined && { notAfter }) });
  const server = createHttpsServer({ cert: issued.certificate, key: issued.key }, (_request, response) => {
    response.writeHead(429, { 'Replay-Nonce': 'n', 'Set-Cookie': ['a', 'b'] }).end('body');
  });
  return `https://127.0.0.1:${await listening(context, server)}/`;
}

const get = (url: string, signal = new AbortController().signal, authorities = [authority.certificate]) =>
  new HttpsTransport(authorities).send({ method: 'GET', url, headers: {}, body: null }, signal);

test('a response comes with its status, its headers in lowercase, and its body', async (t) => {
  const sent = await get(await secureServer(t));
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.deepEqual([sent.value.status, sent.value.headers['replay-nonce'], sent.value.body], [429, 'n', 'body']);
});

test('a certificate of an unknown authority, for another name, or that has expired, is refused, each with its reason', async (t) => {
  const unknown = await get(await secureServer(t), undefined, []);
  const foreign = await get(await secureServer(t, { name: 'other.test' }));
  const expired = await get(await secureServer(t, { notAfter: Date.now() - 1000 }));
  const reasons = [unknown, foreign, expired].map((sent) => (sent.ok ? 'ok' : sent.failure.reason));
  assert.deepEqual(reasons, ['certificate', 'certificate', 'certificate_time']);
});

test('what is no HTTP, and a body without end, are garbage; an abort is a timeout', async (t) => {
  const garbage = createServer((socket) => socket.end('SSH-2.0\r\n'));
  const endless = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(2 * 1024 * 1024)}`);
  });
  const silent = createServer((socket) => socket.on('error', () => {}));
  const url = async (server: Server) => `http://127.0.0.1:${await listening(t, server)}/`;
  const abort = new AbortController();
  const waiting = get(await url(silent), abort.signal);
  abort.abort();
  const all = [await get(await url(garbage)), await get(await url(endless)), await waiting];
  assert.deepEqual(
    all.map((sent) => (sent.ok ? 'ok' : sent.failure.reason)),
    ['garbage', 'garbage', 'timeout'],
  );
});

test('a port without a listener refuses', async () => {
  const sent = await get('http://127.0.0.1:1/');
  assert.deepEqual(sent, { ok: false, failure: { reason: 'refused', code: 'ECONNREFUSED' } });
});
