import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AwaitedResponses } from '../core/awaited-responses.ts';
import { Deadlines } from '../core/deadline.ts';
import type { OutgoingRequest } from '../core/message.ts';
import type { UpstreamHandler } from '../core/stream.ts';
import { after } from '../core/time.ts';
import { createTransportPair, type MemoryTransport } from '../testing/memory-transport.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { Http1Connection } from './http1-connection.ts';

const get: OutgoingRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'a.example',
  target: '/',
  framing: { kind: 'none' },
  upgrade: null,
  takesTrailers: false,
  writeHeaders() {},
};

const handler: UpstreamHandler = {
  onInterimResponse() {},
  onSwitched() {},
  onResponse() {},
  onResponseBody() {},
  onResponseEnd() {},
  onAttemptFailed() {},
  onResponseReadDone() {},
  onEndpointRoom() {},
};

/** A connection, the endpoint's end of it, and what its pool is told: names of calls with the streams that are open. */
function connected(): {
  clock: SimulatedClock;
  connection: Http1Connection;
  endpoint: MemoryTransport;
  calls: string[];
} {
  const clock = new SimulatedClock();
  const [transport, endpoint] = createTransportPair({ clock });
  endpoint.listener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };
  const calls: string[] = [];
  const note = (name: string) => (one: { streamsOpen: number }) => void calls.push(`${name} ${one.streamsOpen}`);
  const owner = {
    reusesConnections: true,
    onStreamEnded: note('stream ended'),
    onStreamsFreeChanged: note('changed'),
    onConnectionClosed: note('closed'),
    onHttp1Required: () => assert.fail(),
    onReserved: () => assert.fail(),
  };
  const shared = { clock, deadlines: new Deadlines(clock), writer: new ByteWriter(), storage: new HeadStorage() };
  const ports = { ...shared, onUnclassified: () => assert.fail() };
  const settings = { address: '10.0.0.1:80', responseHeadBytesMax: 1000, protocol: 'http1' as const };
  return { clock, connection: new Http1Connection(transport, settings, ports, owner), endpoint, calls };
}

it('tells since when its request waits for a response, until the response begins', () => {
  const { clock, connection, endpoint } = connected();
  const awaited = (): AwaitedResponses => {
    const sum = new AwaitedResponses(clock.now());
    connection.addAwaited(sum);
    return sum;
  };
  assert.equal(awaited().count, 0);
  const stream = connection.openStream(clock.now());
  stream.send(get, handler, { responseHeadMs: 60_000, idleMs: 60_000 });
  stream.endBody(null);
  stream.flush();
  const sentAt = clock.now();
  clock.advanceSync(4000);
  const { count, oldest } = awaited();
  assert.deepEqual([count, oldest], [1, sentAt]);
  const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
  endpoint.write(head, 0, head.length, 'owned');
  clock.advanceSync(1000);
  assert.equal(awaited().count, 0);
});

/** Sends a request, which the endpoint answers with `response`. */
function exchangeOn(
  { clock, connection, endpoint }: ReturnType<typeof connected>,
  response: string,
  told: UpstreamHandler = handler,
): void {
  const stream = connection.openStream(clock.now());
  stream.send(get, told, { responseHeadMs: 1000, idleMs: 1000 });
  stream.endBody(null);
  stream.flush();
  clock.advanceSync(5);
  endpoint.write(Buffer.from(response), 0, response.length, 'owned');
  clock.advanceSync(5);
}

describe('an HTTP/1.1 connection', () => {
  it('carries one stream at a time, which is the same object each time', () => {
    const { clock, connection } = connected();
    assert.deepEqual([connection.streamsOpen, connection.streamsFree], [0, 1]);
    const stream = connection.openStream(clock.now());
    assert.deepEqual([connection.streamsOpen, connection.streamsFree, stream.reused], [1, 0, false]);
    stream.cancel();
    assert.equal(connection.openStream(clock.now()), stream);
  });

  it('has its stream free again after a whole response, and says so to its pool', () => {
    const world = connected();
    exchangeOn(world, 'HTTP/1.1 204 No Content\r\n\r\n');
    assert.deepEqual([world.connection.streamsFree, world.connection.endReason], [1, null]);
    assert.deepEqual(world.calls, ['stream ended 0']);
    world.clock.advanceSync(50);
    const stream = world.connection.openStream(world.clock.now());
    assert.deepEqual([stream.reused, stream.idleMs >= 50], [true, true]);
  });

  it('is usable after a stream that was cancelled before anything was sent', () => {
    const { clock, connection, calls } = connected();
    connection.openStream(clock.now()).cancel();
    assert.deepEqual([connection.streamsFree, connection.endReason, calls], [1, null, ['stream ended 0']]);
    assert.equal(connection.openStream(clock.now()).reused, false, 'no request has used it');
  });

  for (const [what, response, reason] of [
    ['a response with Connection: close', 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n', 'going_away'],
    ['a response that is no HTTP', 'SSH-2.0-OpenSSH_9.7\r\n', 'broken'],
  ] as const) {
    it(`takes no more streams after ${what}: ${reason}`, () => {
      const world = connected();
      exchangeOn(world, response);
      assert.deepEqual([world.connection.streamsFree, world.connection.endReason], [0, reason]);
      assert.deepEqual(world.calls, ['stream ended 0', 'closed 0']);
    });
  }

  it('tells how many bytes came behind a response before it tells its end, and takes no more streams', () => {
    const world = connected();
    const told: string[] = [];
    exchangeOn(world, 'HTTP/1.1 204 No Content\r\n\r\nEXTRA', {
      ...handler,
      onSurplus: (bytes) => void told.push(`${bytes} behind it`),
      onResponseEnd: () => void told.push('end'),
    });
    assert.deepEqual([told, world.connection.endReason], [['5 behind it', 'end'], 'going_away']);
  });

  it('closes itself when it has been idle until the time that the pool has set', () => {
    const { clock, connection, calls } = connected();
    connection.keepUntil(after(clock.now(), 500));
    clock.advanceSync(400);
    assert.equal(connection.endReason, null);
    clock.advanceSync(200);
    assert.deepEqual([connection.endReason, calls], ['closed', ['closed 0']]);
  });

  it('closes itself when the endpoint sends or ends something while it is idle', () => {
    for (const act of [
      (endpoint: MemoryTransport): unknown => endpoint.write(Buffer.from('HTTP/1.1 408'), 0, 12, 'owned'),
      (endpoint: MemoryTransport): unknown => endpoint.end(),
      (endpoint: MemoryTransport): unknown => endpoint.close('reset'),
    ]) {
      const { clock, connection, endpoint, calls } = connected();
      act(endpoint);
      clock.advanceSync(5);
      assert.deepEqual([connection.endReason, connection.streamsFree, calls], ['closed', 0, ['closed 0']]);
    }
  });
});
