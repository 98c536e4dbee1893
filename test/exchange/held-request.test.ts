import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as passTime } from 'node:timers/promises';
import { Deadlines } from '../../src/core/deadline.ts';
import type { Failure } from '#failures/failure.ts';
import type { OutgoingRequest } from '../../src/core/message.ts';
import type { UpstreamHandler, UpstreamStream } from '../../src/core/stream.ts';
import type { Transport } from '../../src/core/transport.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketConnector } from '../../src/transport/connect.ts';
import { outbox } from '../../src/transport/outbox.ts';
import { Http1Connection } from '../../src/upstream/http1-connection.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';

// The order of one turn of a real event loop: timers, then what sockets have read, then what the outbox holds.

const opened: (() => void)[] = [];
after(() => {
  for (const close of opened) close();
});

/** A connection that has served once, and the endpoint's end of it. */
async function usedConnection(): Promise<{ stream: UpstreamStream; peer: Socket; transport: Transport }> {
  const server = createServer();
  opened.push(() => server.close());
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const transport = await connectTo(server.listen(0, '127.0.0.1'));
  const [peer] = await accepted;
  peer.on('error', () => undefined);
  opened.push(() => peer.destroy());
  const shared = { clock: systemClock, writer: new ByteWriter(), storage: new HeadStorage(), onUnclassified() {} };
  const ports = { ...shared, deadlines: new Deadlines(systemClock) };
  const owner = {
    reusesConnections: true,
    onStreamEnded() {},
    onStreamsFreeChanged() {},
    onConnectionClosed() {},
    onHttp1Required() {},
    onReserved() {},
  };
  const settings = { address: '127.0.0.1', responseHeadBytesMax: 32 * 1024, protocol: 'http1' as const };
  const connection = new Http1Connection(transport, settings, ports, owner);
  opened.push(() => connection.close());
  const answered = Promise.withResolvers<void>();
  ask(connection.openStream(systemClock.now()), { ...deaf, onResponseEnd: () => answered.resolve() });
  await once(peer, 'data');
  peer.write('HTTP/1.1 204 No Content\r\n\r\n');
  await answered.promise;
  return { stream: connection.openStream(systemClock.now()), peer, transport };
}

async function connectTo(server: Server): Promise<Transport> {
  await once(server, 'listening');
  const place = server.address();
  const port = typeof place === 'object' && place !== null ? place.port : 0;
  const { promise, resolve, reject } = Promise.withResolvers<Transport>();
  const target = { kind: 'tcp', address: '127.0.0.1', port, tls: null } as const;
  const onConnectFailed = ({ code }: { code: string }): void => reject(new Error(code));
  socketConnector.connect(target, { onTransportConnected() {}, onConnected: resolve, onConnectFailed });
  return promise;
}

const post: OutgoingRequest = {
  method: 'POST',
  scheme: 'http',
  authority: 'a.example',
  target: '/',
  framing: { kind: 'length', bytes: 5 },
  upgrade: null,
  takesTrailers: false,
  writeHeaders() {},
};

const deaf: UpstreamHandler = {
  onInterimResponse() {},
  onSwitched() {},
  onResponse() {},
  onResponseBody() {},
  onResponseEnd() {},
  onAttemptFailed() {},
  onResponseReadDone() {},
  onEndpointRoom() {},
};

function ask(stream: UpstreamStream, handler: UpstreamHandler): void {
  stream.send(post, handler, { responseHeadMs: 5000, idleMs: 5000 });
  stream.sendBody(Buffer.from('<hello>'), 1, 6, 'borrowed');
  stream.endBody(null);
  stream.flush();
}

for (const [what, end, cause] of [
  ['FIN', (peer) => peer.destroy(), 'closed_before_response'],
  ['RST', (peer) => peer.resetAndDestroy(), 'reset_before_response'],
] as readonly (readonly [string, (peer: Socket) => void, Failure['cause']])[]) {
  test(`a request is known not to have left when ${what} came before it in the same turn`, async () => {
    const { stream, peer, transport } = await usedConnection();
    const sentBefore = transport.sentBytes;
    await passTime(1); // From here on, this is the phase of timers; reading comes next, and the outbox last.
    end(peer);
    const failure = await failureOf(stream);
    assert.deepEqual([failure.cause, stream.requestBegun, transport.sentBytes], [cause, false, sentBefore]);
    assert.equal(Buffer.from(stream.unsentBody ?? []).toString(), 'hello');
  });
}

test('a request that the system refuses whole, because RST had come, is known not to have left', async () => {
  const { stream, peer } = await usedConnection();
  peer.resetAndDestroy();
  const failed = failureOf(stream);
  outbox.flush();
  assert.equal((await failed).cause, 'reset_before_response');
  assert.deepEqual([stream.requestBegun, stream.unsentBody], [false, Buffer.from('hello')]);
});

test('a request that has left has begun, whatever becomes of it', async () => {
  const { stream, peer } = await usedConnection();
  peer.once('data', () => peer.resetAndDestroy());
  assert.equal((await failureOf(stream)).cause, 'reset_before_response');
  assert.deepEqual([stream.requestBegun, stream.unsentBody], [true, null]);
});

function failureOf(stream: UpstreamStream): Promise<Failure> {
  return new Promise((resolve) => ask(stream, { ...deaf, onAttemptFailed: resolve }));
}
