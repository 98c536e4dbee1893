import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { headerOf } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// Clients that occupy the gateway by being slow are disconnected, and the record has their rate. Clients that are slow
// for a good reason never are. The limits are short here; docs/reference.md has the defaults.

const graceMs = 600;
/** Several times the grace period: a client that is too slow has been disconnected by then. */
const longMs = 4 * graceMs;
/** More than the kernel buffers for a connection. */
const large = 24 * 1024 * 1024;

/** How the origin answers a request, by its path. */
const answers: Readonly<Record<string, (socket: Socket, first: string) => void>> = {
  '/large': (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large}\r\n\r\n`);
    socket.write(Buffer.alloc(large));
  },
  '/events': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 26\r\n\r\n');
    socket.write('data: one of 2\n');
    setTimeout(() => socket.write('data: two\n\n'), longMs);
  },
  '/upload': (socket, first) => {
    socket.pause(); // For a while the origin reads nothing, which is not the client's fault.
    setTimeout(() => socket.resume(), longMs);
    let come = first.length - first.indexOf('\r\n\r\n') - 4;
    socket.on('data', (bytes) => {
      come += bytes.length;
      if (come >= large) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  },
  '/socket': (socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.on('data', (bytes) => socket.write(bytes));
  },
  '/dialogue': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nyo\r\n');
    socket.on('data', () => socket.write('2\r\nyo\r\n'));
  },
  '/sink': () => {},
};

describe('slow clients', { concurrency: true }, () => {
  let origin: Server;
  let gateway: YamlGateway;

  before(async () => {
    origin = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => {
        const path = bytes.toString('latin1').split(' ')[1] ?? '';
        answers[path]?.(socket, bytes.toString('latin1'));
      });
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    gateway = await startFromYaml(`
client: { head_rate_min: 200B, body_rate_min: 200B, write_rate_min: 8MiB, rate_grace: ${graceMs}ms }
routes: [{ path: /, to: app, commit_delay: none }]
upstreams: { app: { endpoints: "127.0.0.1:${(origin.address() as AddressInfo).port}", check: none } }`);
  });
  after(async () => {
    await gateway.stop();
    origin.close();
  });

  test('a head that drips is answered with 408, long before its timeout', { timeout: 30_000 }, async () => {
    const client = gateway.connect();
    client.write('GET / HTTP/1.1\r\nHost: a\r\nX-Drip: ');
    const dripping = setInterval(() => client.state === 'open' && client.write('x'), 50);
    const { response } = await client.response('GET', 10_000);
    clearInterval(dripping);
    assert.equal(response?.status, 408);
    await assertRow('a head that drips', response === null ? '' : (headerOf(response, 'x-request-id') ?? ''));
    client.close();
  });

  test('a body that drips is answered with 408 although it never pauses', { timeout: 30_000 }, async () => {
    const client = gateway.connect();
    client.write('POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    const dripping = setInterval(() => client.state === 'open' && client.write('x'), 50);
    const { response } = await client.response('POST', 10_000);
    clearInterval(dripping);
    assert.equal(response?.status, 408);
    await assertRow('a body that drips', response === null ? '' : (headerOf(response, 'x-request-id') ?? ''));
    client.close();
  });

  test('a client that reads its response too slowly is disconnected (response_not_read), and its record has the rate', {
    timeout: 30_000,
  }, async () => {
    const client = clientOf(gateway);
    client.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    // At most 64 KiB at once, and then a pause: this sets the client's rate.
    client.on('data', () => {
      client.pause();
      setTimeout(() => client.resume(), 250);
    });
    const [head] = (await once(client, 'data')) as [Buffer];
    const id = /x-request-id: (\S+)/i.exec(head.toString('latin1'))?.[1] ?? '';
    await assertRow('a response that is read too slowly', id);
    const { bytes_out: bytesOut } = await gateway.record(id);
    assert.ok(bytesOut < large);
    client.destroy();
  });

  test('the pauses of an application in an event stream are not held against the client', {
    timeout: 30_000,
  }, async () => {
    const client = gateway.connect();
    client.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
    const { response } = await client.response('GET', 10_000);
    assert.equal(response?.complete, true);
    client.close();
  });

  test('an upload that waits for the application is not held against the client', { timeout: 60_000 }, async () => {
    const client = gateway.connect();
    client.write(`POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: ${large}\r\n\r\n`);
    client.write(Buffer.alloc(large));
    const { response } = await client.response('POST', 30_000);
    assert.equal(response?.status, 200);
    client.close();
  });

  test('an idle tunnel is not closed for its rate', { timeout: 30_000 }, async () => {
    const client = clientOf(gateway);
    client.write('GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await once(client, 'data');
    for (const byte of 'ab') {
      await sleep(longMs / 2);
      client.write(byte);
      const [echoed] = (await once(client, 'data')) as [Buffer];
      assert.equal(echoed.toString(), byte);
    }
    client.destroy();
  });

  test('a request that continues while it is answered may have any rate', { timeout: 30_000 }, async () => {
    const client = clientOf(gateway);
    client.write('POST /dialogue HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await once(client, 'data');
    for (let word = 0; word < 4; word++) {
      await sleep(longMs / 4);
      client.write('2\r\nhi\r\n');
      await once(client, 'data');
    }
    assert.equal(client.destroyed, false);
    client.destroy();
  });

  /** The record matches the row of the table, and the detail has the rate. */
  async function assertRow(what: string, id: string): Promise<void> {
    await until('the exchange is recorded', async () => (await gateway.gateway.findExchange(id)) !== null, 20_000);
    const { status, cause, shape, delivery, end, whose, detail } = await gateway.record(id);
    assert.deepEqual([String(status), cause, shape, delivery, end], rowOf(what));
    assert.equal(whose, 'client');
    assert.match(detail ?? '', /bytes? per second.* over .*at least/);
  }
});

function rowOf(what: string): string[] {
  const table = readFileSync(join(import.meta.dirname, 'expected-of-clients.md'), 'utf8');
  const row = table.split('\n').find((line) => line.startsWith(`| ${what} |`)) ?? assert.fail(`no row for ${what}`);
  return row
    .split('|')
    .slice(2, 7)
    .map((cell) => cell.trim());
}

function clientOf(gateway: YamlGateway): Socket {
  const client = connect(gateway.address());
  client.on('error', () => {});
  return client;
}
