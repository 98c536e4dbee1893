import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail, type Failure, type ForceCloseReason } from '#failures/failure.ts';
import type { MemoryTransport } from '../../src/testing/memory-transport.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { closePayload, controlFrame, controlOpcodes, WebSocketFrames } from '../../src/wire/websocket-frames.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { WorldOptions } from './world.ts';
import { websocketRequest } from '../websocket-request.ts';

// WebSockets through the HTTP/1.1 engine on both sides, in simulated time: what each side gets, and what is recorded.

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const mask = Uint8Array.of(9, 8, 7, 6);

/** One end of the WebSocket, in the test's hand. */
class Peer {
  readonly transport: MemoryTransport;
  /** 'fin', or how the connection was closed. */
  ended: string | null = null;
  /** Its frames are masked. */
  readonly isClient: boolean;
  #bytes: Buffer = Buffer.alloc(0);

  /** `onHead` is called once the head of the message before the frames has come. */
  constructor(transport: MemoryTransport, isClient: boolean, onHead = (): void => {}) {
    this.transport = transport;
    this.isClient = isClient;
    let hasHead = false;
    transport.listener = {
      onBytes: (bytes, start, end) => {
        this.#bytes = Buffer.concat([this.#bytes, bytes.slice(start, end)]);
        if (hasHead || !this.#bytes.includes('\r\n\r\n')) return;
        hasHead = true;
        onHead();
      },
      onEnd: () => void (this.ended ??= 'fin'),
      onWritten() {},
      onClosed: (errno) => void (this.ended ??= errno ?? 'closed'),
    };
  }

  send(bytes: string | Uint8Array): void {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    if (!this.transport.closed) this.transport.write(all, 0, all.length, 'borrowed');
  }

  sendControl(opcode: 8 | 9 | 10, payload: Uint8Array): void {
    this.send(controlFrame(opcode, payload, this.isClient ? mask : null));
  }

  close(code: number): void {
    this.sendControl(controlOpcodes.close, closePayload(code));
  }

  /** What has come behind the head. */
  get received(): Buffer {
    return this.#bytes.subarray(this.#bytes.indexOf('\r\n\r\n') + 4);
  }

  /** The code of the close frame that has come; 0 if none has. */
  get closeCode(): number {
    const frames = new WebSocketFrames({ masked: !this.isClient, extended: false });
    const { received } = this;
    for (let at = 0; at < received.length && !frames.isOver; ) at = frames.read(received, at, received.length);
    assert.equal(frames.lost, false, 'what a side gets is a sequence of frames');
    return frames.code;
  }
}

/** A world with one WebSocket that is open. */
function opened(
  options: WorldOptions = {},
  settings: Http1Settings = {},
): { world: Http1World; client: Peer; endpoint: Peer } {
  const world = new Http1World(options, settings);
  const endpoints: Peer[] = [];
  world.endpoint('a').serves = (transport) => {
    const peer: Peer = new Peer(transport, false, () => peer.send(switching));
    endpoints.push(peer);
  };
  const client = new Peer(world.connect().client, true);
  client.send(websocketRequest);
  world.pass(50);
  return { world, client, endpoint: endpoints[0] ?? assert.fail('the endpoint has a connection') };
}

const drained = (reason: ForceCloseReason): Failure =>
  fail('drained', 'response', { reason, what: 'tunnel', retryAfterS: 5 });

/** Everything has ended and is recorded; returns the record. */
function atRest(world: Http1World, ...peers: Peer[]) {
  for (const { transport } of peers) if (!transport.closed) transport.end();
  world.pass(5000);
  world.verifyAtRest();
  return world.records[0] ?? assert.fail('the tunnel is recorded');
}

describe('a WebSocket that is drained', () => {
  it('ends with close frames and FINs on both sides', () => {
    const { world, client, endpoint } = opened();
    world.endTunnels(drained('gateway_replaced'));
    world.pass(5);
    assert.deepEqual([client.closeCode, endpoint.closeCode], [1012, 1001]);
    client.close(1012);
    endpoint.close(1001);
    endpoint.transport.end();
    world.pass(5);
    assert.equal(client.ended, 'fin');
    client.transport.end();
    world.pass(5);
    assert.deepEqual([client.ended, endpoint.ended], ['fin', 'fin']);
    const record = atRest(world);
    assert.deepEqual([record.tunnel?.how, record.tunnel?.by, record.tunnel?.closeCode], ['drained', 'gateway', 1012]);
    assert.deepEqual([record.endKind, record.failure?.cause], ['truncated', 'drained']);
    assert.equal(record.attempts[0]?.failure, null, 'the endpoint has done nothing wrong');
  });

  it('gets no frame in the middle of another, however the bytes are split', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new SeededRandom(`drain ${seed}`);
      // A window of 40 bytes and a latency: the messages below are under way for some 20 ms.
      const pairOptions = (side: string) => ({
        slices: { random: random.fork(side), bytesMax: 7 },
        windowBytes: 40,
        latencyMs: 1,
      });
      const { world, client, endpoint } = opened({}, { pairOptions });
      world.pass(500);
      for (let message = 0; message < 10; message++) {
        endpoint.send(Buffer.concat([Buffer.of(0x82, 60), Buffer.alloc(60, 0x88)]));
        client.send(Buffer.concat([Buffer.of(0x82, 0x80 | 60, 0, 0, 0, 0), Buffer.alloc(60, 0x88)]));
      }
      world.pass(seed);
      world.endTunnels(drained('gateway_stopping'));
      world.pass(800);
      assert.deepEqual([client.closeCode, endpoint.closeCode], [1001, 1001], `seed ${seed}`);
      atRest(world, client, endpoint);
    }
  });

  it('is reset within a second if its sides do not answer', () => {
    const { world, client, endpoint } = opened();
    world.endTunnels(drained('gateway_stopping'));
    world.endTunnels(drained('gateway_stopping'));
    world.forceClose(drained('gateway_stopping'));
    world.pass(800);
    assert.deepEqual([client.ended, endpoint.ended, world.records.length], [null, null, 0]);
    world.pass(150);
    assert.deepEqual([client.ended, endpoint.ended], ['ECONNRESET', 'ECONNRESET']);
    assert.equal(atRest(world).tunnel?.closeCode, 1001);
  });

  it('keeps its time to answer, however often it is force closed meanwhile', () => {
    const { world, client, endpoint } = opened();
    for (let times = 0; times < 3; times++) {
      world.endTunnels(drained('gateway_stopping'));
      world.forceClose(drained('gateway_stopping'));
      world.pass(200);
    }
    assert.deepEqual([client.closeCode, client.ended, endpoint.ended], [1001, null, null]);
    for (const peer of [client, endpoint]) peer.close(1001);
    endpoint.transport.end();
    world.pass(5);
    assert.equal(client.ended, 'fin');
    assert.equal(atRest(world, client).failure?.cause, 'drained');
  });
});

describe('a WebSocket with pings', () => {
  it('stays open as long as both sides answer, and is closed when one does not', () => {
    const { world, client, endpoint } = opened({ tunnel: { idleMs: 10_000, pingMs: 4000 } });
    for (const peer of [client, endpoint]) answerPings(peer);
    world.pass(60_000);
    assert.deepEqual([client.ended, endpoint.ended, world.records.length], [null, null, 0]);
    assert.deepEqual(opcodesIn(client.received, false), new Set([9]));
    assert.deepEqual(opcodesIn(endpoint.received, true), new Set([9]));
    endpoint.transport.listener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };
    world.pass(20_000);
    assert.equal(client.closeCode, 1001);
    const { tunnel, failure } = atRest(world, client);
    assert.deepEqual([tunnel?.how, tunnel?.by, tunnel?.closeCode], ['idle', 'gateway', 1001]);
    assert.ok(failure?.cause === 'tunnel_idle');
    assert.equal(failure.evidence.silent, 'application');
  });
});

/** Answers each ping that comes whole, as every ping of these tests does. */
function answerPings(peer: Peer): void {
  const { isClient } = peer;
  const { listener } = peer.transport;
  peer.transport.listener = {
    onBytes: (bytes, start, end) => {
      const frame = Buffer.from(bytes.slice(start, end));
      listener.onBytes(bytes, start, end);
      if (frame[0] !== 0x89) return;
      const head = isClient ? 2 : 6;
      const key = frame.subarray(2, 6);
      const payload = frame.subarray(head).map((byte, index) => (isClient ? byte : byte ^ (key[index & 3] as number)));
      peer.sendControl(controlOpcodes.pong, payload);
    },
    onEnd: () => listener.onEnd(),
    onWritten: () => listener.onWritten(),
    onClosed: (errno) => listener.onClosed(errno),
  };
}

/** The opcodes of all frames in `bytes`. */
function opcodesIn(bytes: Buffer, masked: boolean): Set<number> {
  const frames = new WebSocketFrames({ masked, extended: false });
  const opcodes = new Set<number>();
  for (let at = 0; at < bytes.length; at = frames.read(bytes, at, bytes.length))
    if (frames.isBetween) opcodes.add((bytes[at] as number) & 0x0f);
  return opcodes;
}
