import { tlsServer } from '../../src/transport/tls-server.ts';
import { systemRandom } from '../../src/system/system.ts';
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { noCounts } from '../../src/core/counters.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { DownstreamHandler, DownstreamStream } from '../../src/core/stream.ts';
import type { Transport } from '../../src/core/transport.ts';
import { clientEngines } from '../../src/downstream/engines.ts';
import { ListenerConnections } from '../../src/downstream/listener.ts';
import { headerOf, RawClient, SimulatedClock } from '../../src/testing/testing.ts';
import { listen, type BoundListener } from '../../src/transport/listen.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';
import { defaultLimits } from '../exchange/world.ts';
import { requestText, responseOn, until } from './start-from-yaml.ts';
import { openAdmission } from '../fakes/open-admission.ts';

// Closes connections that have no request. The sockets are real and in this thread: the bytes that a client writes are in the
// kernel at once, and the gateway cannot read them while the test's function runs. Time is simulated.

let body = Buffer.from('ok');

/** Answers each request at once. */
class Answering implements DownstreamHandler {
  readonly #stream: DownstreamStream;

  constructor(stream: DownstreamStream) {
    this.#stream = stream;
  }

  onRequest(failure: Failure | null): void {
    const answer = failure === null ? body : Buffer.from(failure.cause);
    const bytes = answer.length;
    const framing = { kind: 'length', bytes } as const;
    const status = failure === null ? 200 : 503;
    this.#stream.respond({
      status,
      reason: '',
      upgrade: null,
      priority: null,
      framing,
      contentLength: bytes,
      writeHeaders() {},
    });
    this.#stream.sendBody(answer, 0, bytes, 'owned');
    this.#stream.endBody(null);
  }

  onRequestBody(): void {}
  onRequestEnd(): void {}
  onRequestFailed(): void {}
  onClientLost(): void {}
  onTunnelDrained(): void {}
  readonly isQueued = false;
  onRequestReadDone(): void {}
  onClientRoom(): void {}
  onResponseSent(): void {}
}

let clock: SimulatedClock;
let connections: ListenerConnections;
let listening: BoundListener;
let transports: Transport[];
let clients: Socket[];

function listenAnywhere(): Promise<void> {
  return new Promise((resolve, reject) => {
    listen(
      { host: '127.0.0.1', port: 0, sharePort: false },
      {
        onListening(opened) {
          listening = opened;
          resolve();
        },
        onListenFailed: (errno) => reject(new Error(errno)),
        onConnection(transport) {
          transports.push(transport);
          connections.accept(transport);
        },
      },
    );
  });
}

beforeEach(async () => {
  clock = new SimulatedClock();
  transports = [];
  clients = [];
  body = Buffer.from('ok');
  connections = new ListenerConnections(
    { id: 'web', proxyProtocol: false, http2: false, tls: null, limits: defaultLimits },
    {
      clock,
      deadlines: new Deadlines(clock),
      ...clientEngines({ writer: new ByteWriter(), storage: new HeadStorage() }, tlsServer(systemRandom)),
      onHandshakeFailed() {},
      onHttp2Limit() {},
      onHttp2Error() {},
      counts: noCounts(0),
      exchanges: { create: (stream) => new Answering(stream) },
      sendQueueBytes: { look() {} },
      admission: openAdmission,
      overload: { failure: null },
      isTrusted: () => false,
      addressHeader: () => null,
    },
  );
  await listenAnywhere();
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const transport of transports) transport.close('reset');
  await listening.close();
});

/** A client that has connected; with `kept` it has also had an answer. */
async function connected(kept: boolean): Promise<RawClient> {
  const before = connections.size;
  const socket = connect({ ...listening.address, allowHalfOpen: true, noDelay: true });
  const client = new RawClient({ ...listening.address, open: () => socket });
  clients.push(socket);
  await until('both know', () => connections.size > before && !socket.connecting);
  if (!kept) return client;
  client.write(requestText('GET', '/first'));
  const first = await responseOn(client);
  assert.deepEqual([first.status, headerOf(first, 'connection')], [200, null]);
  return client;
}

const drained = fail('drained', 'request', { reason: 'gateway_stopping', what: 'request', retryAfterS: 1 });

const closings: readonly (readonly [what: string, close: () => void])[] = [
  ['when a gateway stops', () => connections.closeIdle()],
  ['to make room', () => assert.equal(connections.makeRoom(1), 0)],
  ['by force at the end of the drain timeout', () => connections.forceClose(drained)],
];

async function pass(ms: number): Promise<void> {
  await clock.advance(ms);
  for (let n = 0; n < 3; n++) await nextTurn();
  await clock.advance(1);
}

describe('a connection without a request that is closed', () => {
  for (const [what, close] of closings) {
    for (const kept of [false, true]) {
      test(`${what} still answers ${kept ? 'its next request' : 'its first request'} if that is in the kernel`, async () => {
        const client = await connected(kept);
        await pass(2000);
        connections.announceClose();
        client.write(requestText('GET', '/last'));
        close();
        const [last] = await Promise.all([responseOn(client), pass(0)]);
        assert.deepEqual([last.status, headerOf(last, 'connection')], [200, 'close']);
      });

      test(`${what} ends with a FIN if no request is in the kernel, ${kept ? 'after one request' : 'before the first request'}`, async () => {
        const client = await connected(kept);
        await pass(2000);
        if (what === 'to make room') assert.equal(connections.makeRoom(1), 1);
        else close();
        assert.ok(await client.waitFor(() => client.state !== 'open', 2000));
        assert.equal(client.state, 'fin');
        await until('the connection is forgotten', () => connections.size === 0);
      });
    }
  }

  test('is closed if only empty lines are in the kernel', async () => {
    const client = await connected(true);
    client.write('\r\n');
    connections.closeIdle();
    await pass(0);
    assert.ok(await client.waitFor(() => client.state !== 'open', 2000));
    assert.equal(client.state, 'fin');
  });

  test('ends after the answer to a request that had come when its keep-alive time expired', async () => {
    const client = await connected(true);
    client.write(requestText('GET', '/last'));
    await clock.advance(defaultLimits.keepAliveMs + 1000);
    assert.equal((await responseOn(client)).status, 200);
  });
});

describe('a response that its client has yet to read', () => {
  /** More than the kernel buffers. */
  async function muchIsPending(): Promise<{ client: Socket; got: () => number; ended: () => boolean }> {
    body = Buffer.alloc(10_000, 'x');
    const client = connect({ ...listening.address, noDelay: true });
    clients.push(client);
    let [got, ended] = [0, false];
    client.on('data', (bytes) => void (got += bytes.length));
    client.on('end', () => void (ended = true));
    client.on('error', () => {});
    await until('the connection is accepted', () => transports.length === 1 && !client.connecting);
    client.pause();
    const transport = transports[0] ?? assert.fail();
    const request = requestText('GET', '/');
    for (let sent = 0; transport.pendingBytes === 0; sent++) {
      assert.ok(sent < 5000, 'the kernel does not buffer all of that');
      client.write(request);
      await nextTurn();
      await nextTurn();
    }
    return { client, got: () => got, ended: () => ended };
  }

  for (const [what, close] of [
    ['when a gateway stops', () => connections.closeIdle()],
    ['to make room', () => void connections.makeRoom(1)],
    ['by force at the end of the drain timeout', () => connections.forceClose(drained)],
  ] as const) {
    test(`is delivered when connections are closed ${what}`, async () => {
      const { client, got, ended } = await muchIsPending();
      const transport = transports[0] ?? assert.fail();
      close();
      await pass(0);
      assert.ok(transport.pendingBytes > 0);
      assert.equal(connections.isBusy, true, 'the client still receives bytes');
      const { sentBytes } = transport;
      client.resume();
      await until('the connection has ended', ended);
      assert.equal(got(), sentBytes);
      await until('the connection is forgotten', () => connections.size === 0);
    });
  }

  test('is lost at a force close a second after the first, and not at one that comes at the same moment', async () => {
    await muchIsPending();
    connections.forceClose(drained);
    connections.forceClose(drained); // The worker's own timer and the main thread ask at the same moment.
    await pass(990);
    connections.forceClose(drained);
    assert.equal(connections.isBusy, true);
    await pass(10);
    assert.equal(connections.isBusy, true);
    connections.forceClose(drained);
    assert.equal(connections.size, 0);
  });

  test('is lost if its client reads nothing for too long', async () => {
    await muchIsPending();
    connections.closeIdle();
    await pass(defaultLimits.writeMs + 2000);
    assert.equal(connections.size, 0);
  });
});
