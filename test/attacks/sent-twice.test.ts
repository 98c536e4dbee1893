import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { requestText, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';

/** How an origin fails after it has received a request. */
const faults: Readonly<Record<string, (socket: Socket) => void>> = {
  closes: (socket) => socket.end(),
  resets: (socket) => socket.resetAndDestroy(),
  'begins to answer and closes': (socket) => socket.end('HTTP/1.1 2'),
  'sends a hint and resets': (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\n\r\n', () => socket.resetAndDestroy());
  },
  'answers rubbish': (socket) => socket.end('SSH-2.0-x\r\n'),
  'answers that it will not': (socket) => socket.end('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'),
  'says that the time is up': (socket) =>
    socket.end('HTTP/1.1 408 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
};

const requests: Readonly<Record<string, (path: string) => string>> = {
  'a POST with content': (path) => requestText('POST', path, ['Content-Length: 5'], 'hello'),
  'a POST without content': (path) => requestText('POST', path, ['Content-Length: 0']),
  'a POST without a length': (path) => requestText('POST', path),
  'a POST in chunks': (path) => requestText('POST', path, ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n'),
  'a PATCH': (path) => requestText('PATCH', path, ['Content-Length: 5'], 'hello'),
  'an unknown method': (path) => requestText('BUY', path),
  'a get in small letters': (path) => requestText('get', path),
};

describe('a request that may have been processed', () => {
  let fault: (socket: Socket) => void = () => {};
  let seen: string[] = [];
  const origins: Server[] = [];
  let gateway: YamlGateway;

  before(async () => {
    const ports = [await startOrigin(), await startOrigin(), await startOrigin()];
    const endpoints = ports.map((port) => `"127.0.0.1:${port}"`).join(', ');
    gateway = await startFromYaml(`
upstreams: { app: { endpoints: [${endpoints}], check: none, attempts: 10 } }
routes:
  - { path: /keyed, to: app, retry: { idempotency_key: true, attempts: 3 } }
  - { path: /removed, to: app, retry: { idempotency_key: true, attempts: 3 }, request_headers: { remove: [Idempotency-Key] } }
  - { path: /, to: app }`);
  });

  after(async () => {
    await gateway.stop();
    for (const origin of origins) origin.close();
  });

  for (const [what, request] of Object.entries(requests)) {
    for (const [how, leave] of Object.entries(faults)) {
      for (const age of ['a new', 'a used'] as const) {
        it(`${what} is sent once, though the application ${how} on ${age} connection`, async () => {
          fault = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
          // Often enough that every endpoint has had a request, whichever is chosen next.
          for (let n = 0; age === 'a used' && n < 8; n++) await gateway.get('/before');
          seen = [];
          fault = leave;
          await gateway.send(request('/once'));
          assert.deepEqual(seen, ['/once']);
        });
      }
    }
  }

  for (const [what, path, headers] of [
    ['which Connection keeps from it', '/keyed', ['Idempotency-Key: a', 'Connection: Idempotency-Key']],
    ['which the route removes', '/removed', ['Idempotency-Key: a']],
    ['that is empty', '/keyed', ['Idempotency-Key: ']],
  ] as const) {
    it(`a POST is sent once, where the application would know it by a key ${what}`, async () => {
      seen = [];
      fault = (socket) => socket.resetAndDestroy();
      await gateway.send(requestText('POST', path, [...headers, 'Content-Length: 5'], 'hello'));
      assert.deepEqual(seen, [path]);
    });
  }

  async function startOrigin(): Promise<number> {
    const origin = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        const paths = [...bytes.toString('latin1').matchAll(/^\w+ (\S+) HTTP/gm)].map(([, path = '']) => path);
        seen.push(...paths);
        if (paths.length > 0) fault(socket);
      });
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    origins.push(origin);
    return (origin.address() as AddressInfo).port;
  }
});
