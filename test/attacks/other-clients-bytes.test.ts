import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { requestText, responseOn, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';

const stray = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nSTRAY';

/**
 * The bytes that an application sends beside its answer, by the path that asks for them. Only the requesting client may
 * get them.
 */
const answers: Readonly<Record<string, (word: string) => string>> = {
  '/good': (word) => `HTTP/1.1 200 OK\r\nContent-Length: ${word.length}\r\n\r\n${word}`,
  '/second-answer': (word) => `HTTP/1.1 200 OK\r\nContent-Length: ${word.length}\r\n\r\n${word}${stray}`,
  '/second-answer-behind-chunks': (word) =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${word.length.toString(16)}\r\n${word}\r\n0\r\n\r\n${stray}`,
  '/line-behind-content': (word) => `HTTP/1.1 200 OK\r\nContent-Length: ${word.length}\r\n\r\n${word}\r\n`,
  '/204-with-content': () => `HTTP/1.1 204 No Content\r\n\r\n${stray}`,
  '/204-with-a-length': () => `HTTP/1.1 204 No Content\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`,
  '/304-with-content': () => `HTTP/1.1 304 Not Modified\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`,
  '/length-zero-with-content': () => `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${stray}`,
  '/hint-with-content': (word) =>
    `HTTP/1.1 103 Early Hints\r\nContent-Length: ${word.length}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${word.length}\r\n\r\n${word}`,
  '/short': (word) => `HTTP/1.1 200 OK\r\nContent-Length: ${word.length + 9}\r\nConnection: close\r\n\r\n${word}`,
};

describe("an application's malformed answers", () => {
  let origin: Server;
  let gateway: YamlGateway;

  before(async () => {
    origin = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        const [, method = '', path = '', word = ''] = /^(\w+) (\S+?)\?(\S+) HTTP/.exec(bytes.toString('latin1')) ?? [];
        const answer = answers[path]?.(word) ?? '';
        // A response to HEAD that has a body after all.
        socket.write(method === 'HEAD' ? answer + stray : answer);
        if (path === '/short') socket.end();
      });
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    // One connection, so that the next client would get any leftover bytes.
    gateway = await startFromYaml(
      `upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none, connections: { max: 1 } } }`,
    );
  });

  after(async () => {
    await gateway.stop();
    origin.close();
  });

  for (const method of ['GET', 'HEAD', 'POST'] as const) {
    for (const path of Object.keys(answers)) {
      it(`${method} ${path}: only the requesting client gets its bytes`, async () => {
        const first = gateway.connect();
        first.write(requestText(method, `${path}?first`, method === 'POST' ? ['Content-Length: 0'] : []));
        const outcome = await first.response(method, 2_000);
        assert.ok(!outcome.bytes.includes('STRAY'), outcome.bytes.toString('latin1'));
        // The next request may meet leftover bytes, on this connection or another.
        const second = await gateway.get('/good?second');
        assert.equal(second.body.toString(), 'second');
        if (outcome.response?.complete === true && first.state === 'open') {
          first.forget();
          first.write(requestText('GET', '/good?third'));
          assert.equal((await responseOn(first)).body.toString(), 'third');
        }
        first.close();
      });
    }
  }
});

describe('a connection that has answered a HEAD', () => {
  for (const [headers, again] of [
    ['Content-Length: 5', false],
    ['Transfer-Encoding: chunked', false],
    ['Content-Length: 0', true],
  ] as const) {
    it(`with ${headers} ${again ? 'serves the next' : 'is not reused: the body may follow in a separate write'}`, async () => {
      const connections = new Set<number | undefined>();
      const origin = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', () => {
          connections.add(socket.remotePort);
          socket.write(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n`);
        });
      });
      origin.listen(0, '127.0.0.1');
      await once(origin, 'listening');
      const { port } = origin.address() as AddressInfo;
      const gateway = await startFromYaml(`upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none } }`);
      try {
        for (let count = 0; count < 2; count++) {
          const client = gateway.connect();
          client.write(requestText('HEAD', '/'));
          assert.equal((await client.response('HEAD', 2_000)).response?.status, 200);
          client.close();
        }
        assert.equal(connections.size, again ? 1 : 2);
      } finally {
        await gateway.stop();
        origin.close();
      }
    });
  }
});

describe('a response that the gateway sends slowly', () => {
  it('has its own bytes, whatever the worker reads meanwhile', async () => {
    const origin = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        const fill = bytes.includes('/slow') ? 'x' : 'S';
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${fill.repeat(200_000)}`);
      });
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    const gateway = await startFromYaml(`
workers: 1
upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none } }
routes:
  - { path: /slow, to: app, bandwidth: { response: 400KiB/s } }
  - { to: app }`);
    try {
      const slow = gateway.connect();
      slow.write(requestText('GET', '/slow'));
      assert.ok(await slow.waitFor(() => slow.bytes.length > 0, 5000));
      for (let others = 0; others < 3; others++)
        assert.ok((await gateway.get('/fast')).body.every((byte) => byte === 0x53));
      const { body } = await responseOn(slow);
      assert.deepEqual([body.length, body.filter((byte) => byte !== 0x78).length], [200_000, 0]);
      slow.close();
    } finally {
      await gateway.stop();
      origin.close();
    }
  });
});
