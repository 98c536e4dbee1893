import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, connect, type Server, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

/** More than all buffers of a loopback connection hold. */
/** Sockets of the kernel take several megabytes, slowly on a busy machine, and each byte begins the timeout anew. */
const waitMs = 60_000;

const bodyBytes = 48 * 1024 * 1024;

describe('a client that never reads', () => {
  const closings: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closings.splice(0).reverse()) await close();
  });

  it('is disconnected after write_timeout, even if it goes on sending its request', async () => {
    const gateway = await gatewayTo((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bodyBytes}\r\n\r\n`);
      socket.write(Buffer.alloc(bodyBytes));
    });
    const client = clientOf(gateway);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345');
    // By then the answer waits for the client. The rest of the request body must not reset that timeout.
    await sleep(200);
    client.write('67890');
    await until('the exchange has ended', () => gateway.counts().ended === 1, waitMs);
    assert.equal(gateway.counts().upstream, 0);
  });

  it('is disconnected after write_timeout, even if the application waits for the gateway to read', async () => {
    const gateway = await gatewayTo((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bodyBytes}\r\n\r\n`);
      socket.pipe(socket);
    });
    const client = clientOf(gateway);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bodyBytes}\r\n\r\n`);
    client.write(Buffer.alloc(bodyBytes));
    await until('the exchange has ended', () => gateway.counts().ended === 1, waitMs);
    assert.equal(gateway.counts().upstream, 0);
  });

  it('costs no memory for interim responses, however many the application sends', async () => {
    const hint = `HTTP/1.1 103 Early Hints\r\nLink: </${'a'.repeat(4000)}>\r\n\r\n`.repeat(16);
    let sent = 0;
    const gateway = await gatewayTo((socket) => {
      const more = (): void => {
        while (!socket.destroyed && sent < 4 * bodyBytes) {
          sent += hint.length;
          if (!socket.write(hint)) return;
        }
      };
      socket.on('drain', more);
      more();
    });
    const before = process.memoryUsage().rss;
    clientOf(gateway).write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(
      'the exchange has ended, or every interim response is sent',
      () => gateway.counts().ended === 1 || sent >= 4 * bodyBytes,
    );
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 2 * bodyBytes, `${Math.round(grown / 1024 / 1024)} MiB more`);
  });

  async function gatewayTo(answer: (socket: Socket) => void): Promise<YamlGateway> {
    const origin = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const gateway = await startFromYaml(`
client: { write_timeout: 500ms, body_timeout: 500ms }
timeouts: { idle: 500ms, response_head: 3s }
buffer: { request: none }
upstreams: { app: { endpoints: "127.0.0.1:${(origin.address() as AddressInfo).port}", check: none } }`);
    closings.push(
      () => closed(origin),
      () => gateway.stop(),
    );
    return gateway;
  }

  function clientOf(gateway: YamlGateway): Socket {
    const client = connect(gateway.address());
    client.on('error', () => {});
    closings.push(async () => client.destroy());
    return client;
  }
});

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
