import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

const timeoutMs = 10_000;

/** Clients that send a whole request, then FIN, while it waits in the queue of `concurrency`. */
const leaving: Readonly<Record<string, string>> = {
  'right behind its request': requestText('POST', '/left', ['Content-Length: 1'], 'x'),
  'behind a request that says close': requestText('POST', '/left', ['Connection: close', 'Content-Length: 1'], 'x'),
  'behind two requests': requestText('POST', '/left', ['Content-Length: 0']).repeat(2),
};

describe('a client that closes its side while its request waits for its turn', () => {
  let origin: Server;
  let gateway: YamlGateway;
  const waiting: Socket[] = [];
  const seen: string[] = [];

  before(async () => {
    origin = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        seen.push(/^\w+ (\S+)/.exec(bytes.toString('latin1'))?.[1] ?? '');
        waiting.push(socket);
      });
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    gateway = await startFromYaml(
      `upstreams: { app: { endpoints: ["127.0.0.1:${port}"], check: none, concurrency: { max: 1, queue_timeout: 30s } } }`,
    );
  });

  after(async () => {
    await gateway.stop();
    origin.close();
  });

  for (const [how, requests] of Object.entries(leaving)) {
    it(`${how} leaves the queue, and its request is not executed`, async () => {
      seen.length = 0;
      const first = gateway.connect();
      first.write(requestText('GET', '/first'));
      await until('the application has it', () => waiting.length === 1);
      const left = gateway.connect();
      left.write(requests);
      left.finish();
      assert.ok(await left.waitFor(() => left.state !== 'open', timeoutMs), 'the gateway closes the connection');
      waiting.shift()?.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      await responseOn(first);
      assert.deepEqual(seen, ['/first']);
      first.close();
    });
  }

  it('after its request was sent to the application gets its response', async () => {
    const client = gateway.connect();
    client.write(requestText('GET', '/sent'));
    client.finish();
    await until('the application has it', () => waiting.length === 1);
    waiting.shift()?.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    assert.equal((await responseOn(client)).status, 200);
    client.close();
  });
});
