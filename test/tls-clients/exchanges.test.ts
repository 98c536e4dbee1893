import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { requestText, responseOn, timeoutMs, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import type { SecureClient } from './secure-client.ts';
import { secureClientOf, startTlsEdge } from './tls-edge.ts';

// Exchanges within TLS whose bytes come slowly, in large amounts, in records of every size, or in an unusual order.

/** More than the kernel and both ends buffer. */
const large = Buffer.alloc(24 * 1024 * 1024);
for (let at = 0; at < large.length; at += 4) large.writeUInt32BE(at, at);
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Held back until the test releases them. */
const held: IncomingMessage[] = [];
/** The connection of the last download. */
let downloading: Socket | null = null;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { url = '' } = request;
  if (url === '/download') {
    downloading = response.socket;
    response.end(large);
    return;
  }
  if (url === '/held') held.push(request);
  const hash = createHash('sha256');
  request.on('data', (bytes: Buffer) => void hash.update(bytes));
  request.on('end', () => response.end(`${url} ${hash.digest('hex')}`));
  if (url === '/held') request.pause();
  if (url === '/steps')
    request.on('data', () => {
      request.pause();
      setTimeout(() => request.resume(), 1);
    });
}

let origin: Server;
let edge: YamlGateway;

const host = 'Host: edge.test';
const post = (path: string, length: number): string => requestText('POST', path, [host, `Content-Length: ${length}`]);

async function withClient(use: (client: SecureClient) => Promise<void>): Promise<void> {
  const client = secureClientOf(edge);
  try {
    await use(client);
  } finally {
    client.close();
  }
}

/** The body of a large response. `RawClient.response` would look at all bytes again whenever some come. */
async function largeBodyOf(client: SecureClient): Promise<Buffer> {
  // The gateway sends the head in one write with the beginning of the body.
  const headBytes = (): number => (client.parts[0]?.bytes.indexOf('\r\n\r\n') ?? 0) + 4;
  let came = 0;
  const isAll = (): boolean => {
    came = client.parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return came >= headBytes() + large.length;
  };
  assert.ok(await client.waitFor(isAll, timeoutMs), `${came} bytes came`);
  return client.bytes.subarray(headBytes());
}

async function bodyOf(client: SecureClient): Promise<string> {
  const { status, body } = await responseOn(client, 'POST');
  assert.equal(status, 200);
  return body.toString();
}

describe('an exchange within TLS', { timeout: 120_000 }, () => {
  before(async () => {
    origin = createServer(answer);
    origin.on('upgrade', (_, socket) => {
      socket.on('error', () => {});
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    edge = await startTlsEdge({ host: '127.0.0.1', port });
  });
  after(async () => {
    await edge?.stop();
    origin?.closeAllConnections();
    origin?.close();
  });

  test('delivers a large response whole to a client that reads nothing for a while', () =>
    withClient(async (client) => {
      downloading = null;
      client.secure.pause();
      client.write(requestText('GET', '/download', [host]));
      await until('the origin waits for the client', () => (downloading?.writableLength ?? 0) > 0);
      client.secure.resume();
      assert.equal(hashOf(await largeBodyOf(client)), hashOf(large));
    }));

  test('delivers a large response whole to a client that reads in steps', () =>
    withClient(async (client) => {
      client.secure.on('data', () => {
        client.secure.pause();
        setImmediate(() => client.secure.resume());
      });
      client.write(requestText('GET', '/download', [host]));
      assert.equal(hashOf(await largeBodyOf(client)), hashOf(large));
    }));

  test('delivers a large upload whole to an application that reads nothing for a while', () =>
    withClient(async (client) => {
      held.length = 0;
      client.write(post('/held', large.length));
      client.write(large);
      await until('the application has the request', () => held.length > 0);
      await until('the client waits for the application', () => client.secure.writableLength > 0);
      held.shift()?.resume();
      assert.equal(await bodyOf(client), `/held ${hashOf(large)}`);
    }));

  // With small records one read of the gateway has many of them: those behind a pause must wait, and not be lost.
  for (const size of [512, 16_384])
    test(`delivers a large upload whole to an application that reads in steps: records of ${size} bytes`, () =>
      withClient(async (client) => {
        await client.handshake;
        assert.equal(client.secure.setMaxSendFragment(size), true);
        client.write(post('/steps', large.length));
        client.write(large);
        assert.equal(await bodyOf(client), `/steps ${hashOf(large)}`);
      }));

  for (const size of [512, 1024, 4096, 16_384])
    test(`delivers an upload in records of ${size} bytes whole`, () =>
      withClient(async (client) => {
        await client.handshake;
        assert.equal(client.secure.setMaxSendFragment(size), true);
        const body = large.subarray(0, 1_000_001);
        client.write(post('/sized', body.length));
        client.write(body);
        assert.equal(await bodyOf(client), `/sized ${hashOf(body)}`);
      }));

  test('is served when every byte of its request is a record of its own', () =>
    withClient(async (client) => {
      const bytes = `${post('/slowly', 3)}abc`;
      for (const byte of bytes) await client.writeRecord(byte);
      assert.equal(await bodyOf(client), `/slowly ${hashOf(Buffer.from('abc'))}`);
    }));

  test('both ways at once delivers every byte in order', () =>
    withClient(async (client) => {
      client.write(requestText('GET', '/tunnel', [host, 'Connection: Upgrade', 'Upgrade: echo']));
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
      client.forget();
      const body = large.subarray(0, 4_000_000);
      for (let at = 0; at < body.length; at += 70_000) client.write(body.subarray(at, at + 70_000));
      let came = 0;
      const isAll = (): boolean => {
        came = client.parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
        return came >= body.length;
      };
      assert.ok(await client.waitFor(isAll, timeoutMs), `${came} bytes came back`);
      assert.equal(hashOf(client.bytes), hashOf(body));
    }));

  test('that is pipelined with others is answered in its turn', () =>
    withClient(async (client) => {
      const paths = Array.from({ length: 16 }, (_, index) => `/pipelined-${index}`);
      client.write(paths.map((path) => requestText('GET', path, [host])).join(''));
      for (const path of paths) assert.match((await responseOn(client)).body.toString(), new RegExp(`^${path} `));
    }));

  test('goes on after the client has ended its half', () =>
    withClient(async (client) => {
      held.length = 0;
      client.write(`${post('/held', 3)}abc`);
      client.finish();
      await until('the application has the request', () => held.length > 0);
      held.shift()?.resume();
      assert.equal(await bodyOf(client), `/held ${hashOf(Buffer.from('abc'))}`);
      assert.ok(await client.waitFor(() => client.state === 'fin', timeoutMs), 'the other half ends in order');
    }));

  test('with Expect: 100-continue sends its body when it is asked for it', () =>
    withClient(async (client) => {
      const headers = [host, 'Content-Length: 3', 'Expect: 100-continue'];
      client.write(requestText('POST', '/expected', headers));
      assert.ok(await client.waitFor(() => client.bytes.includes('HTTP/1.1 100'), timeoutMs), 'it is asked');
      client.write('abc');
      const { interim, status } = await responseOn(client, 'POST');
      assert.deepEqual([interim, status], [[100], 200]);
    }));

  test('on a kept connection follows a hundred others', () =>
    withClient(async (client) => {
      for (let count = 0; count < 100; count++) {
        client.write(requestText('GET', `/${count}`, [host]));
        assert.match((await responseOn(client)).body.toString(), new RegExp(`^/${count} `));
      }
    }));

  test('leaves no exchange and no connection', async () => {
    await until('none is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
    assert.equal(edge.counts().unclassified, 0);
    assert.deepEqual(edge.gateway.counts().failedHandshakes, []);
  });
});
