import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type ReadinessResult, hasPassed, probe } from './readiness.ts';

/** Asks a server that does `serve` with each connection; `waitMs` then goes by on the check's clock. */
async function ask(serve: (socket: Socket) => void, waitMs: number | null = null): Promise<ReadinessResult> {
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
  const observed = Promise.withResolvers<ReadinessResult>();
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

const answering = (bytes: string) => (socket: Socket) => socket.once('data', () => socket.end(bytes));
const length = (content: string) => `Content-Length: ${content.length}\r\n\r\n${content}`;

const answers: readonly (readonly [bytes: string, observation: ReadinessResult, ready: boolean])[] = [
  [`HTTP/1.1 200 OK\r\n${length('fine')}`, { kind: 'answered', status: 200, location: null, firstBytes: 'fine' }, true],
  ['HTTP/1.1 204 No Content\r\n\r\n', { kind: 'answered', status: 204, location: null, firstBytes: '' }, true],
  [
    `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(100_000)}`,
    { kind: 'answered', status: 200, location: null, firstBytes: 'x'.repeat(64) },
    true,
  ],
  [
    `HTTP/1.1 302 Found\r\nLocation: /login\r\n${length('')}`,
    { kind: 'answered', status: 302, location: '/login', firstBytes: '' },
    false,
  ],
  [
    `HTTP/1.1 503 Busy\r\n${length('warming up')}`,
    { kind: 'answered', status: 503, location: null, firstBytes: 'warming up' },
    false,
  ],
  ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort', { kind: 'closed', errno: 'ECONNRESET' }, false],
  ['SSH-2.0-OpenSSH_9.2\r\n', { kind: 'not_http', firstBytes: 'SSH-2.0-OpenSSH_9.2' }, false],
  ['', { kind: 'closed', errno: 'ECONNRESET' }, false],
];

for (const [bytes, observation, ready] of answers) {
  test(`${JSON.stringify(bytes.slice(0, 40))} is ${ready ? 'readiness' : 'no readiness'}`, async () => {
    const seen = await ask(answering(bytes));
    assert.deepEqual(seen, observation);
    assert.equal(hasPassed(seen), ready);
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
  const observed = Promise.withResolvers<ReadinessResult>();
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
