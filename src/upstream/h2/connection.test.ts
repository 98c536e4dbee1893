import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Deadlines } from '../../core/deadline.ts';
import { explain } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import type { OutgoingRequest } from '../../core/message.ts';
import type { UpstreamHandler } from '../../core/stream.ts';
import { createTransportPair, type MemoryTransport } from '../../testing/memory-transport.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { HeadStorage } from '../../wire/head-storage.ts';
import { Http2EndpointConnection } from './connection.ts';

const post: OutgoingRequest = {
  method: 'POST',
  scheme: 'http',
  authority: 'a.example',
  target: '/',
  framing: { kind: 'none' },
  upgrade: null,
  takesTrailers: false,
  writeHeaders() {},
};

const frameTypes = { headers: 1, goAway: 7 } as const;

interface Requested {
  readonly clock: SimulatedClock;
  readonly endpoint: MemoryTransport;
  readonly frames: number[];
  readonly begun: boolean[];
  readonly failures: Failure[];
  readonly connection: Http2EndpointConnection;
}

/** A connection whose small writes are held until the end of the turn, with a request that has been composed in this turn. */
function requested(beforeSending?: (endpoint: MemoryTransport) => void): Requested {
  const clock = new SimulatedClock();
  const [transport, endpoint] = createTransportPair({ clock, holds: 'first' });
  const frames: number[] = [];
  endpoint.listener = {
    onBytes(bytes, start, end) {
      for (let at = start + (frames.length === 0 ? 24 : 0); at < end; at += 9 + Buffer.from(bytes).readUIntBE(at, 3))
        frames.push(bytes[at + 3] as number);
    },
    onEnd() {},
    onWritten() {},
    onClosed() {},
  };
  const owner = {
    reusesConnections: true,
    onStreamEnded() {},
    onStreamsFreeChanged() {},
    onConnectionClosed() {},
    onHttp1Required: () => assert.fail(),
    onReserved: () => assert.fail(),
  };
  const ports = {
    clock,
    deadlines: new Deadlines(clock),
    storage: new HeadStorage(),
    onUnclassified: () => assert.fail(),
  };
  const settings = { address: '10.0.0.1:80', responseHeadBytesMax: 1000, protocol: 'http2' as const };
  const connection = new Http2EndpointConnection(transport, settings, ports, owner);
  clock.advanceSync(10);
  assert.ok(frames.length > 0 && !frames.includes(frameTypes.headers));
  const begun: boolean[] = [];
  const failures: Failure[] = [];
  const stream = connection.openStream(clock.now());
  const handler: Partial<UpstreamHandler> = {
    onAttemptFailed: (failure) => {
      failures.push(failure);
      begun.push(stream.requestBegun);
    },
  };
  if (beforeSending !== undefined) {
    beforeSending(endpoint);
    clock.advanceSync(10);
  }
  const limits = { responseHeadMs: 1000, idleMs: 1000, writeMs: 1000 };
  stream.send(post, handler as UpstreamHandler, limits as unknown as Parameters<typeof stream.send>[2]);
  return { clock, endpoint, frames, begun, failures, connection };
}

for (const [how, lose] of [
  ['ends', (endpoint: MemoryTransport) => endpoint.end()],
  ['is reset', (endpoint: MemoryTransport) => endpoint.close('reset')],
] as const)
  it(`a request that is held when its connection ${how} has not begun, and does not leave any more`, () => {
    const { clock, endpoint, frames, begun } = requested();
    lose(endpoint);
    // The turn ends, and the end of the connection is read before what is held leaves.
    clock.advanceSync(10);
    assert.deepEqual([begun, frames.includes(frameTypes.headers)], [[false], false]);
  });

it('GOAWAY leaves when the endpoint breaks a rule in the turn of a request', () => {
  const { clock, endpoint, frames, begun } = requested();
  const noHttp2 = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
  endpoint.write(noHttp2, 0, noHttp2.length, 'owned');
  clock.advanceSync(10);
  assert.deepEqual([begun, frames.at(-1)], [[true], frameTypes.goAway]);
});

it('sends no request where SETTINGS have come meanwhile that allow none', () => {
  const none = Buffer.from('000006040000000000000300000000', 'hex');
  const { frames, begun, failures, connection } = requested((endpoint) =>
    endpoint.write(none, 0, none.length, 'owned'),
  );
  assert.deepEqual([begun, frames.includes(frameTypes.headers), connection.isOpen], [[false], false, false]);
  assert.deepEqual(
    failures.map(({ cause, evidence }) => [cause, evidence]),
    [['stream_refused', { address: '10.0.0.1:80', code: 'SETTINGS_MAX_CONCURRENT_STREAMS', frame: 'SETTINGS' }]],
  );
  assert.match(explain(failures[0] as Failure), /allows no requests on its connections .* did not send this one/);
});
