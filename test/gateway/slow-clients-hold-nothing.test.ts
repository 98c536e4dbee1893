import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Slow uploads and slow readers, from several addresses, beside ordinary clients of an application with twenty connections.
// `npm run soak:slow` has the long form.

const uploads = 300;
const readers = 300;
const page = Buffer.alloc(200 * 1024, 'page ');

describe('600 slow clients of an application with 20 connections', () => {
  const slow: Socket[] = [];
  let origin: Server;
  let gateway: YamlGateway;
  let pages = 0;
  let connectionsNow = 0;
  const posts: string[] = [];

  before(async () => {
    origin = createServer((request, response) => {
      if (request.url === '/page') {
        pages++;
        return void response.end(page);
      }
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (request.url === '/upload') posts.push(Buffer.concat(parts).toString());
        response.end('ok');
      });
    });
    origin.on('connection', (socket) => {
      connectionsNow++;
      socket.on('close', () => connectionsNow--);
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    gateway = await startFromYaml(`
client: { body_rate_min: none, write_rate_min: none }
upstreams:
  app:
    endpoints: "127.0.0.1:${(origin.address() as AddressInfo).port}"
    check: none
    connections: { max: 20, queue_max: 1000 }`);
  });
  after(async () => {
    for (const socket of slow) socket.destroy();
    await gateway.stop();
    origin.closeAllConnections();
    origin.close();
  });

  test('no ordinary request is refused, and the slow ones arrive whole', { timeout: 120_000 }, async () => {
    for (let number = 0; number < uploads; number++)
      slow.push(connection(number, `POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nslow `));
    for (let number = 0; number < readers; number++) {
      const reader = connection(number, 'GET /page HTTP/1.1\r\nHost: a\r\n\r\n');
      reader.pause();
      slow.push(reader);
    }
    await until(
      'all slow clients have begun',
      () => gateway.counts().clients >= uploads + readers && pages === readers,
      60_000,
    );
    assert.equal(posts.length, 0, 'no upload is complete');
    const statuses = await Promise.all(Array.from({ length: 100 }, () => ordinary()));
    assert.deepEqual([...new Set(statuses)], [200], 'no ordinary request is refused');
    assert.ok(connectionsNow <= 20, `${connectionsNow} connections to the application`);
    for (const socket of slow.slice(0, uploads)) socket.write('done!');
    await until('all uploads have arrived', () => posts.length === uploads, 30_000);
    assert.deepEqual([...new Set(posts)], ['slow done!']);
  });

  /** A client at one of a hundred addresses. */
  function connection(number: number, text: string): Socket {
    const { host, port } = gateway.address();
    const socket = connect({ host, port, localAddress: `127.1.0.${(number % 100) + 1}` });
    socket.on('error', () => {});
    socket.write(text);
    return socket;
  }

  async function ordinary(): Promise<number> {
    const response = await gateway.send('POST /order HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
    return response.status;
  }
});
