import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Real sockets, whose buffers are the kernel's: a response of 12 MiB is more than they take of one that is not read.

const body = Buffer.alloc(12 * 1024 * 1024);
for (let at = 0; at < body.length; at += 4) body.writeUInt32LE(at, at);
const digest = sha256(body);

describe('a response whose client does not read', () => {
  let origin: Server;
  let gateway: YamlGateway;

  before(async () => {
    origin = createServer((request, response) => {
      if (request.url === '/small') return void response.end('ok');
      if (request.url === '/length') response.setHeader('content-length', body.length);
      for (let at = 0; at < body.length; at += 300_000) response.write(body.subarray(at, at + 300_000));
      response.end();
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    gateway = await startFromYaml(`
buffer: { response: 16MiB }
upstreams:
  app:
    endpoints: "127.0.0.1:${(origin.address() as AddressInfo).port}"
    check: none
    connections: { max: 1, queue_timeout: 20s }`);
  });
  after(async () => {
    await gateway.stop();
    origin.close();
  });

  for (const path of ['/length', '/chunked']) {
    test(`leaves the only connection to the application to others: ${path}`, { timeout: 60_000 }, async () => {
      const reader = await notReading(path);
      const other = await gateway.get('/small');
      assert.deepEqual([other.status, other.body.toString()], [200, 'ok']);
      const buffered = (): number => gateway.gateway.counts().workers[0]?.bufferedResponseBytes ?? 0;
      await until('the bytes that wait are counted', () => buffered() > 1024 * 1024);
      const received = await readAll(reader);
      assert.equal(sha256(received), digest, 'no byte is lost or changed');
      await until('the memory is given back', () => buffered() === 0);
    });
  }

  /** A client that has read the head of its response, and no more. */
  async function notReading(path: string): Promise<Socket> {
    const { host, port } = gateway.address();
    const socket = connect(port, host);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n`);
    await once(socket, 'readable');
    return socket;
  }
});

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  const all = Buffer.concat(parts);
  const end = all.indexOf('\r\n\r\n') + 4;
  const body = all.subarray(end);
  return /^transfer-encoding: chunked\r$/im.test(all.toString('latin1', 0, end)) ? unchunked(body) : body;
}

function unchunked(body: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, line), 16);
    if (!(size > 0)) return Buffer.concat(chunks);
    chunks.push(body.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
