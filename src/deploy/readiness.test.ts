import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import {
  type ReadinessCheck,
  type ReadinessResult,
  checkReadiness,
  hasPassed,
  readinessResultText,
} from './readiness.ts';
import { createSystemChecker } from './system-checker.test-support.ts';

/** Asks a server that does `serve` with each connection; `waitMs` goes by on the check's clock after so many connections. */
async function ask(
  serve: (socket: Socket) => void,
  waitMs: number | null = null,
  connections = 1,
  more: Partial<ReadinessCheck> = {},
): Promise<ReadinessResult> {
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
  checkReadiness(createSystemChecker(clock), { port, path: '/up', timeoutMs: 400, ...more }, observed.resolve);
  if (waitMs !== null) {
    for (let seen = 0; seen < connections; seen++) await once(server, 'connection');
    await clock.advance(waitMs);
  }
  const observation = await observed.promise;
  await clock.advance(20);
  assert.equal(clock.timersLive, 0, 'the time limit does not outlive the answer');
  for (const socket of sockets) socket.destroy();
  server.close();
  if (observation.kind !== 'malformed') return observation;
  return { ...observation, reason: observation.reason.replace(`127.0.0.1:${port}`, 'APP') };
}

const answering = (bytes: string) => (socket: Socket) => socket.once('data', () => socket.end(bytes));
const length = (content: string) => `Content-Length: ${content.length}\r\n\r\n${content}`;
const healthDocument = JSON.stringify({
  status: 'fail',
  checks: { 'postgres:connections': [{ status: 'fail', output: 'timed out' }] },
});

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
  [
    `HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/health+json\r\n${length(healthDocument)}`,
    {
      kind: 'answered',
      status: 503,
      location: null,
      firstBytes: healthDocument.slice(0, 64),
      advice: 'postgres:connections fails: timed out',
    },
    false,
  ],
  ['SSH-2.0-OpenSSH_9.2\r\n', { kind: 'not_http', firstBytes: 'SSH-2.0-OpenSSH_9.2' }, false],
  ['', { kind: 'closed', errno: 'ECONNRESET' }, false],
  [
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n',
    { kind: 'answered', status: 101, location: null, firstBytes: '' },
    false,
  ],
  // Lenient parsers take these. A request would be answered with a 502, so the instance is not ready.
  [
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    {
      kind: 'malformed',
      reason:
        'APP sent an answer whose end is ambiguous: Content-Length and Transfer-Encoding came together (RFC 9112 §6.3)',
    },
    false,
  ],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    {
      kind: 'malformed',
      reason: 'At the beginning of the body from APP: a chunk size is not hexadecimal, or too large (RFC 9112 §7.1)',
    },
    false,
  ],
];

for (const [bytes, observation, ready] of answers) {
  test(`${JSON.stringify(bytes.slice(0, 40))} is ${ready ? 'readiness' : 'no readiness'}`, async () => {
    const seen = await ask(answering(bytes));
    assert.deepEqual(seen, observation);
    assert.equal(hasPassed(seen), ready);
  });
}

/** A server that closes each connection that does not begin with `record`, and answers one that does. */
const speaking = (record: readonly number[], answer: readonly number[]) => (socket: Socket) =>
  socket.once('data', (bytes) => {
    if (record.every((byte, at) => bytes[at] === byte)) socket.end(Uint8Array.from(answer));
    else socket.destroy();
  });

const otherProtocols = [
  ['fastcgi', [1, 9, 0, 0], [1, 10, 0, 0, 0, 0, 0, 0]],
  ['uwsgi', [100, 0, 0, 0], [100, 0, 0, 1]],
  ['ajp', [0x12, 0x34, 0, 1, 10], [0x41, 0x42, 0, 1, 9]],
] as const;

for (const [protocol, record, answer] of otherProtocols)
  test(`a server that closes HTTP connections and answers ${protocol} is told by its protocol`, async () => {
    assert.deepEqual(await ask(speaking(record, answer)), { kind: 'other_protocol', protocol });
  });

for (const [answers, answer] of [
  ['an alert', [21, 3, 3, 0, 2, 2, 40]],
  ['its hello', [22, 3, 3, 0, 4, 2, 0, 0, 0]],
] as const)
  test(`a server that closes HTTP connections and answers ${answers} to TLS is told by it, each time`, async () => {
    assert.deepEqual(await ask(speaking([22, 3, 1], answer), null, 2), { kind: 'unasked_protocol', protocol: 'tls' });
  });

const settingsAndGoAway = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
for (const [protocol, bytes] of [
  ['http2', settingsAndGoAway],
  ['tls', [0x15, 3, 3, 0, 2, 2, 70]],
] as const)
  test(`a server that answers HTTP/1.1 with the first bytes of ${protocol} is told by its protocol`, async () => {
    const server = (socket: Socket) => socket.once('data', () => socket.end(Uint8Array.from(bytes)));
    assert.deepEqual(await ask(server), { kind: 'unasked_protocol', protocol });
  });

test('where a connection is enough, a server that has shown to speak another protocol is asked until it does not', async (t) => {
  const [, record, answer] = otherProtocols[0];
  const http = answering('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
  const fastcgi = speaking(record, answer);
  let serve: (socket: Socket) => void = fastcgi;
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(() => server.close());
  const checker = createSystemChecker(new SimulatedClock());
  const seen = async (more: Partial<ReadinessCheck> = {}): Promise<string> => {
    const observed = Promise.withResolvers<ReadinessResult>();
    checkReadiness(checker, { port, path: '/', timeoutMs: 400, ...more }, observed.resolve);
    return (await observed.promise).kind;
  };
  const told = [await seen({ tcp: true }), await seen(), await seen({ tcp: true }), await seen({ tcp: true })];
  assert.deepEqual(told, ['connected', 'other_protocol', 'other_protocol', 'other_protocol']);
  assert.equal(await seen({ tcp: true, protocol: 'http2' }), 'connected', 'it is asked over HTTP/1.1 alone');
  serve = (socket) => void socket.once('data', () => socket.end(Uint8Array.from(settingsAndGoAway)));
  assert.equal(await seen({ tcp: true }), 'unasked_protocol');
  serve = http;
  assert.equal(await seen({ tcp: true }), 'connected');
  const before = connections;
  serve = fastcgi;
  assert.equal(await seen({ tcp: true }), 'connected');
  assert.equal(connections, before + 1, 'what it spoke before is forgotten');
});

test('a server that closes HTTP connections and hangs at other protocols has closed the connection', async () => {
  const server = (socket: Socket) => socket.once('data', (bytes) => (bytes[0] === 0x47 ? socket.destroy() : undefined));
  assert.deepEqual(await ask(server, 400, 2), { kind: 'closed', errno: 'ECONNRESET' });
});

test('no answer within the limit is no readiness', async () => {
  assert.deepEqual(await ask(() => {}, 400), { kind: 'timed_out', limitMs: 400, status: null });
});

const locked = `HTTP/1.1 401 Unauthorized\r\nX-Up: yes\r\n${length('please log in')}`;
const expectations: readonly (readonly [what: string, check: Partial<ReadinessCheck>, unmet: string | null])[] = [
  ['a status that is expected', { expectStatus: [{ from: 401, to: 401 }] }, null],
  ['one that is not', { expectBody: 'log in' }, '401, which readiness.expect does not accept'],
  ['a header that is expected', { expectStatus: [{ from: 400, to: 499 }], expectHeaders: [['x-up', 'yes']] }, null],
  [
    'one that is not there',
    { expectStatus: [{ from: 400, to: 499 }], expectHeaders: [['x-down', 'yes']] },
    '401, and its header x-down is not as readiness.expect says',
  ],
  ['a text that is expected', { expectStatus: [{ from: 400, to: 499 }], expectBody: 'log in' }, null],
  [
    'one that is not there',
    { expectStatus: [{ from: 400, to: 499 }], expectBody: 'welcome' },
    '401, and its body does not have the text that readiness.expect names ("welcome"), but begins with "please log in"',
  ],
];

for (const [what, check, unmet] of expectations) {
  test(`${what} is ${unmet === null ? 'readiness' : `none: ${unmet}`}`, async () => {
    const observation = await ask(answering(locked), null, 1, check);
    assert.equal(hasPassed(observation), unmet === null);
    assert.ok(readinessResultText(observation, { path: '/', port: 1 }).endsWith(` answered ${unmet ?? 401}`));
  });
}

test('a readiness check sends the headers of the configuration', async () => {
  const received = Promise.withResolvers<string>();
  await ask(
    (socket) =>
      socket.once('data', (bytes) => {
        received.resolve(bytes.toString());
        socket.end('HTTP/1.1 204 No Content\r\n\r\n');
      }),
    null,
    1,
    { headers: [['Authorization', 'Bearer a']] },
  );
  assert.match(await received.promise, /\r\nAuthorization: Bearer a\r\n/);
});

test('where a connection is enough, a program that says nothing is ready', async () => {
  const observation = await ask(() => {}, null, 1, { tcp: true });
  assert.ok(hasPassed(observation));
  assert.equal(
    readinessResultText(observation, { path: '/', port: 7, tcp: true }),
    'a connection to port 7 was accepted',
  );
});

test('nobody listening is told as that', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const observed = Promise.withResolvers<ReadinessResult>();
  const checker = createSystemChecker(new SimulatedClock());
  checkReadiness(checker, { port, path: '/', timeoutMs: 400 }, observed.resolve);
  assert.deepEqual(await observed.promise, { kind: 'refused' });
});

test('a cancelled check tells nothing', async () => {
  const clock = new SimulatedClock();
  const check = { port: 9, path: '/', timeoutMs: 400 };
  checkReadiness(createSystemChecker(clock), check, () => assert.fail('reported')).cancel();
  await clock.advance(1_000);
});

const overHttp2: readonly (readonly [path: string, status: number, ready: boolean])[] = [
  ['/', 200, true],
  ['/', 415, true], // A gRPC server without the content type of gRPC,
  ['/', 405, true], // and one that takes nothing but POST.
  ['/', 404, false],
  ['/', 503, false],
  ['/up', 200, true],
  ['/up', 415, false],
];

for (const [path, status, ready] of overHttp2) {
  test(`over HTTP/2, ${status} at ${path} is ${ready ? 'readiness' : 'no readiness'}`, async () => {
    const server = createHttp2Server();
    server.on('stream', (stream: ServerHttp2Stream) => stream.respond({ ':status': status }, { endStream: true }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const observed = Promise.withResolvers<ReadinessResult>();
    const check = { port, path, timeoutMs: 400, protocol: 'http2' } as const;
    checkReadiness(createSystemChecker(new SimulatedClock()), check, observed.resolve);
    const observation = await observed.promise;
    server.close();
    assert.equal(observation.kind === 'answered' && observation.status, status);
    assert.equal(hasPassed(observation), ready);
  });
}
