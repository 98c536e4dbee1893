import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type Observation, passes, probe } from './readiness.ts';

/** Asks a server that does `serve` with each connection; `waitMs` then goes by on the check's clock. */
async function ask(serve: (socket: Socket) => void, waitMs: number | null = null): Promise<Observation> {
  const clock = new SimulatedClock();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const observed = Promise.withResolvers<Observation>();
  probe({ port, path: '/up', timeoutMs: 400 }, clock, observed.resolve);
  if (waitMs !== null) {
    await once(server, 'connection');
    await clock.advance(waitMs);
  }
  const observation = await observed.promise;
  assert.equal(clock.timersLive, 0, 'the limit does not outlive the answer');
  for (const socket of sockets) socket.destroy();
  server.close();
  return observation;
}

const answering = (octets: string) => (socket: Socket) => socket.once('data', () => socket.end(octets));
const length = (content: string) => `Content-Length: ${content.length}\r\n\r\n${content}`;

const answers: readonly (readonly [octets: string, observation: Observation, ready: boolean])[] = [
  [
    `HTTP/1.1 200 OK\r\n${length('fine')}`,
    { kind: 'answered', status: 200, location: null, firstOctets: 'fine' },
    true,
  ],
  ['HTTP/1.1 204 No Content\r\n\r\n', { kind: 'answered', status: 204, location: null, firstOctets: '' }, true],
  [
    `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(100_000)}`,
    { kind: 'answered', status: 200, location: null, firstOctets: 'x'.repeat(64) },
    true,
  ],
  [
    `HTTP/1.1 302 Found\r\nLocation: /login\r\n${length('')}`,
    { kind: 'answered', status: 302, location: '/login', firstOctets: '' },
    false,
  ],
  [
    `HTTP/1.1 503 Busy\r\n${length('warming up')}`,
    { kind: 'answered', status: 503, location: null, firstOctets: 'warming up' },
    false,
  ],
  ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort', { kind: 'closed', errno: 'ECONNRESET' }, false],
  ['SSH-2.0-OpenSSH_9.2\r\n', { kind: 'not_http', firstOctets: 'SSH-2.0-OpenSSH_9.2' }, false],
  ['', { kind: 'closed', errno: 'ECONNRESET' }, false],
];

for (const [octets, observation, ready] of answers) {
  test(`${JSON.stringify(octets.slice(0, 40))} is ${ready ? 'readiness' : 'no readiness'}`, async () => {
    const seen = await ask(answering(octets));
    assert.deepEqual(seen, observation);
    assert.equal(passes(seen), ready);
  });
}

test('no answer within the limit is no readiness', async () => {
  assert.deepEqual(await ask(() => {}, 400), { kind: 'timed_out', limitMs: 400, status: null });
});

test('nobody listening is told as that', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const observed = Promise.withResolvers<Observation>();
  probe({ port, path: '/', timeoutMs: 400 }, new SimulatedClock(), observed.resolve);
  assert.deepEqual(await observed.promise, { kind: 'refused' });
});

test('a cancelled check tells nothing', async () => {
  const clock = new SimulatedClock();
  const cancel = probe({ port: 9, path: '/', timeoutMs: 400 }, clock, () => assert.fail('told'));
  cancel();
  assert.equal(clock.timersLive, 0);
  await clock.advance(1_000);
});
