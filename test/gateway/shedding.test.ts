import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { fieldOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { responseOn, startFromYaml, until } from './start-from-yaml.ts';

/** What a connection may hold of requests that wait for their turn. */
const aheadBytes = 64 * 1024;
// A third is enough as a rule; how much of it a connection holds depends on the pieces in which it comes.
const clientsMax = 2400;

test('a worker near its limit of memory refuses what is new, answers what it has, and recovers', {
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
    await until('the first is under way', () => origin.requests.length === 1);
    const resting = gateway.connect();
    resting.write('GET /here HTTP/1.1\r\nHost: a\r\n\r\n');
    await resting.waitFor(() => resting.parts.length > 0, 5000);
    const half = gateway.connect();
    half.write('GET /here HTTP/1.1\r\nHost: a\r\n');
    const ahead = Buffer.alloc(aheadBytes, 'GET /here HTTP/1.1\r\nHost: a\r\nX: 1234567890\r\n\r\n');
    const refused = (): number => gateway.gateway.counts().workers[0]?.refusedWithoutMemory ?? 0;
    // Each waits for its answer, with as much behind it as may be.
    for (let count = 0; count < clientsMax && refused() === 0; count++) {
      const client = connect(gateway.address());
      client.on('error', () => {});
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      client.write(ahead);
      clients.push(client);
      if (count % 20 === 19)
        await until('they are taken', () => origin.requests.length >= count - 60 || refused() > 0, 30_000);
    }
    await until('clients are turned away', () => refused() > 0, 20_000);
    await until('it is told', () =>
      gateway.eventsOf('connections_refused').some(({ evidence }) => evidence.reason === 'memory'),
    );
    // Connections that rested have made room; what was under way goes on.
    await until('the one that rested is closed', () => resting.state !== 'open');
    assert.equal(early.state, 'open');
    half.write('\r\n');
    const shed = await responseOn(half);
    assert.equal(shed.status, 503);
    assert.equal(fieldOf(shed, 'connection'), 'close');
    assert.equal((await gateway.record(shed)).cause, 'shed');
    // Who has sent so far ahead is not read any more: that it has left shows only when its answer comes.
    for (const client of clients) client.destroy();
    origin.answer = () => ok('');
    for (const socket of waiting.slice(1)) socket.destroy();
    await until(
      'there is room again',
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
