import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { responseOn, startFromYaml, until } from './start-from-yaml.ts';

/** The bytes of pipelined requests that a connection may hold. */
const aheadBytes = 64 * 1024;
// A third is usually enough; how much a connection holds depends on the chunks in which the bytes come.
const clientsMax = 2400;

test('a worker near its memory limit refuses new clients, answers requests in flight, and recovers', {
  timeout: 90_000,
}, async () => {
  const waiting: Socket[] = [];
  const origin = await RawOrigin.start(() => (socket) => void waiting.push(socket));
  const gateway = await startFromYaml(`
workers: { count: 1, memory_max: 64MiB }
client: { connections_per_address_max: none, pipelined_max: 1000 }
routes:
  - { path: /here, respond: { status: 200, body: here } }
  - { path: /, to: app }
upstreams: { app: { endpoints: "${origin.address}", check: none, connections: { max: 3000 } } }`);
  const clients: Socket[] = [];
  const early = gateway.connect();
  try {
    early.write('GET /early HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the first request is in flight', () => origin.requests.length === 1);
    const resting = gateway.connect();
    resting.write('GET /here HTTP/1.1\r\nHost: a\r\n\r\n');
    await resting.waitFor(() => resting.parts.length > 0, 5000);
    const half = gateway.connect();
    half.write('GET /here HTTP/1.1\r\nHost: a\r\n');
    const ahead = Buffer.alloc(aheadBytes, 'GET /here HTTP/1.1\r\nHost: a\r\nX: 1234567890\r\n\r\n');
    const refused = (): number => gateway.gateway.counts().workers[0]?.refusedWithoutMemory ?? 0;
    // Each connection waits for its answer, with as many pipelined bytes behind it as the limit allows.
    for (let count = 0; count < clientsMax && refused() === 0; count++) {
      const client = connect(gateway.address());
      client.on('error', () => {});
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      client.write(ahead);
      clients.push(client);
      if (count % 20 === 19)
        await until('the bytes are received', () => origin.requests.length >= count - 60 || refused() > 0, 30_000);
    }
    // The worker looks at its memory once a second: a fast machine has connected every client by then, and only new ones are refused.
    await until(
      'clients are refused',
      async () => {
        const next = gateway.connect();
        await sleep(100);
        next.close();
        return refused() > 0;
      },
      20_000,
    );
    await until('the refusal is reported', () =>
      gateway.eventsOf('connections_refused').some(({ evidence }) => evidence.reason === 'memory'),
    );
    // Idle connections have made room; requests in flight continue.
    await until('the idle connection is closed', () => resting.state !== 'open');
    assert.equal(early.state, 'open');
    half.write('\r\n');
    const shed = await responseOn(half);
    assert.equal(shed.status, 503);
    assert.equal(headerOf(shed, 'connection'), 'close');
    assert.equal((await gateway.record(shed)).cause, 'shed');
    // The gateway no longer reads from a client that has sent so far ahead. It notices that the client has left only
    // when it sends the answer.
    for (const client of clients) client.destroy();
    origin.answer = () => ok('');
    for (const socket of waiting.slice(1)) socket.destroy();
    await until(
      'a new client is served',
      async () => {
        const next = gateway.connect();
        next.write('GET /here HTTP/1.1\r\nHost: a\r\n\r\n');
        const { response } = await next.response('GET', 5000);
        next.close();
        return response?.status === 200;
      },
      30_000,
    );
    assert.equal(gateway.eventsOf('worker_lost').length, 0);
    origin.sendOnFirst('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
    const { response } = await early.response('GET', 5000);
    assert.equal(response?.status, 200);
  } finally {
    for (const client of clients) client.destroy();
    early.close();
    await gateway.stop();
    await origin.close();
  }
});
