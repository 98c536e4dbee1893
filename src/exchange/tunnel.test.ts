import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fail, type Failure, type ForceCloseReason } from '#failures/failure.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { IdSource } from '../wire/request-id.ts';
import { closePayload, controlFrame, controlOpcodes, WebSocketFrames } from '../wire/websocket-frames.ts';
import { Tunnel, type TunnelEnds, type TunnelExchange } from './tunnel.ts';

const hour = 3_600_000;
const mask = Uint8Array.of(0x11, 0x22, 0x33, 0x44);

interface Settings {
  readonly protocol?: string;
  readonly idleMs?: number;
  readonly pingMs?: number | null;
}

/** What is recorded of a tunnel that has ended. */
interface Ended {
  readonly how: string;
  readonly by: string;
  readonly code: number;
  readonly end: string;
  readonly cause: string | null;
}

/** A tunnel in simulated time, with both sides in the test's hand. */
class TunnelWorld implements TunnelEnds {
  readonly clock = new SimulatedClock();
  readonly tunnel: Tunnel;
  readonly failures: Failure[] = [];
  /** How the tunnel ended by itself. */
  readonly ended: Ended[] = [];
  bytesToClient = 0;
  directionsEnded = 0;
  endpointHasRoom = true;
  #atClient: Buffer = Buffer.alloc(0);
  #atEndpoint: Buffer = Buffer.alloc(0);

  constructor({ protocol = 'websocket', idleMs = hour, pingMs = null }: Settings = {}) {
    const settings = { idleMs, pingMs };
    const start = {
      protocol,
      extended: false,
      address: '10.0.0.7:3000',
      settings,
      bodyFollows: false,
      session: null,
      user: null,
      halfClosedMs: 60_000,
    };
    this.tunnel = new Tunnel(start, this, { clock: this.clock, ids: new IdSource(new SeededRandom('tunnel')) });
  }

  sendToEndpoint(bytes: Uint8Array, start: number, end: number): boolean {
    this.#atEndpoint = Buffer.concat([this.#atEndpoint, bytes.slice(start, end)]);
    return this.endpointHasRoom;
  }

  sendToClient(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytesToClient += end - start;
    this.#atClient = Buffer.concat([this.#atClient, bytes.slice(start, end)]);
    return true;
  }

  endToEndpoint(): void {}
  flushToEndpoint(): void {}
  resumeClient(): void {}
  flushToClient(): void {}
  resumeEndpoint(): void {}

  onDirectionEnded(): void {
    this.directionsEnded++;
  }

  onRequestFailed(failure: Failure): void {
    this.failures.push(failure);
    this.ended.push(this.conclude(failure));
  }

  onTunnelDue(): void {
    this.tunnel.onDue();
  }

  clientSends(bytes: Uint8Array): boolean {
    return this.tunnel.pushRequest(bytes, 0, bytes.length, 'borrowed');
  }

  endpointSends(bytes: Uint8Array): boolean {
    return this.tunnel.pushResponse(bytes, 0, bytes.length, 'borrowed');
  }

  /** What the client has got since the last call. */
  takeClient(): Buffer {
    const taken = this.#atClient;
    this.#atClient = Buffer.alloc(0);
    return taken;
  }

  takeEndpoint(): Buffer {
    const taken = this.#atEndpoint;
    this.#atEndpoint = Buffer.alloc(0);
    return taken;
  }

  pass(ms: number): void {
    this.clock.advanceSync(ms);
  }

  /** The exchange has ended, with `failure` if it has one. */
  conclude(failure: Failure | null = null): Ended {
    const { bytesToClient } = this;
    const exchange: TunnelExchange = { attempts: [], bytesToClient, failure, endKind: 'forwarded' };
    this.tunnel.conclude(exchange);
    const { how, by, closeCode: code } = this.tunnel;
    return { how, by, code, end: exchange.endKind, cause: exchange.failure?.cause ?? null };
  }
}

const fromClient = (opcode: 8 | 9 | 10, payload: Uint8Array): Uint8Array => controlFrame(opcode, payload, mask);
const fromServer = (opcode: 8 | 9 | 10, payload: Uint8Array): Uint8Array => controlFrame(opcode, payload, null);
const closeFromClient = (code: number): Uint8Array => fromClient(controlOpcodes.close, closePayload(code));
const closeFromServer = (code: number): Uint8Array => fromServer(controlOpcodes.close, closePayload(code));
const textFromServer = Uint8Array.of(0x81, 2, 0x68, 0x69);
const textFromClient = Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69);

const drained = (reason: ForceCloseReason): Failure =>
  fail('drained', 'body', { reason, what: 'tunnel', retryAfterS: 5 });

/** The code of the close frame that is all of `bytes`. */
function codeIn(bytes: Buffer, masked: boolean): number {
  const frames = new WebSocketFrames({ masked, extended: false });
  assert.equal(frames.read(bytes, 0, bytes.length), bytes.length);
  assert.ok(frames.seen, `no close frame: ${bytes.toString('hex')}`);
  return frames.code;
}

/** The payload of the ping that is all of `bytes`. */
function pingIn(bytes: Buffer, masked: boolean): Uint8Array {
  const frames = new WebSocketFrames({ masked, extended: false });
  assert.equal(frames.read(bytes, 0, bytes.length), bytes.length);
  assert.ok(frames.isPing && frames.isBetween, `no ping: ${bytes.toString('hex')}`);
  const head = masked ? 6 : 2;
  return bytes.subarray(head).map((byte, index) => byte ^ (masked ? (bytes[2 + (index & 3)] as number) : 0));
}

describe('an idle tunnel', () => {
  test('is closed with 1001 in both directions when both sides have been silent, and reset if they do not end it', () => {
    const world = new TunnelWorld({ idleMs: 10_000 });
    world.pass(9_000);
    world.clientSends(textFromClient);
    world.pass(9_999);
    assert.deepEqual(Buffer.from(textFromClient), world.takeEndpoint());
    assert.equal(world.takeClient().length, 0);
    world.pass(1);
    assert.deepEqual([codeIn(world.takeClient(), false), codeIn(world.takeEndpoint(), true)], [1001, 1001]);
    world.pass(899);
    assert.equal(world.failures.length, 0);
    world.pass(1);
    assert.equal(world.failures[0]?.cause, 'tunnel_idle');
    assert.deepEqual([world.tunnel.how, world.tunnel.by, world.tunnel.closeCode], ['idle', 'gateway', 1001]);
    assert.equal(world.clock.timersLive, 0);
  });

  test('of another protocol fails at once', () => {
    const world = new TunnelWorld({ idleMs: 10_000, protocol: 'echo/1' });
    world.pass(10_000);
    assert.deepEqual(
      world.failures.map(({ cause }) => cause),
      ['tunnel_idle'],
    );
    assert.deepEqual([world.takeClient().length, world.takeEndpoint().length], [0, 0]);
  });

  test('whose bytes are no frames fails at once', () => {
    const world = new TunnelWorld({ idleMs: 10_000, pingMs: 3000 });
    const page = Buffer.from('HTTP/1.1 500 Internal Server Error\r\n\r\n');
    world.endpointSends(page);
    world.pass(9_999);
    assert.deepEqual([world.takeClient(), world.takeEndpoint().length], [page, 0]);
    world.pass(1);
    assert.equal(world.failures.length, 1);
    assert.equal(world.takeClient().length, 0);
  });

  test('that is a WebSocket whose client has ended its connection ends a second after the last byte of its endpoint', () => {
    const world = new TunnelWorld();
    world.tunnel.endRequest(null);
    world.pass(999);
    world.endpointSends(textFromServer);
    world.pass(999);
    assert.deepEqual(world.ended, []);
    world.pass(1);
    assert.deepEqual(world.ended, [{ how: 'unclosed', by: 'client', code: 0, end: 'abandoned', cause: 'client_gone' }]);
  });

  test('of another protocol, of which one direction has ended, has the idle time of a message', () => {
    const world = new TunnelWorld({ protocol: 'raw' });
    world.pass(5000);
    world.tunnel.endRequest(null);
    assert.equal(world.directionsEnded, 1);
    world.pass(59_999);
    assert.equal(world.failures.length, 0);
    world.pass(1);
    assert.equal(world.failures[0]?.cause, 'tunnel_idle');
  });

  test('is one whose bytes have all been passed on', () => {
    const world = new TunnelWorld({ idleMs: 10_000 });
    world.endpointHasRoom = false;
    assert.equal(world.clientSends(textFromClient), false);
    world.pass(60_000);
    assert.equal(world.takeClient().length, 0, 'bytes wait for the endpoint, which its own side watches');
    world.tunnel.onEndpointRoom();
    world.pass(9_999);
    assert.equal(world.takeClient().length, 0);
    world.pass(10_001);
    assert.equal(world.failures[0]?.cause, 'tunnel_idle');
  });
});

describe('with pings', () => {
  test('each side that is silent gets one, and its pongs stay here', () => {
    const world = new TunnelWorld({ idleMs: 10_000, pingMs: 3000 });
    for (let round = 0; round < 20; round++) {
      world.pass(3000);
      const atClient = pingIn(world.takeClient(), false);
      const atEndpoint = pingIn(world.takeEndpoint(), true);
      assert.notDeepEqual(Buffer.from(atClient), Buffer.from(atEndpoint));
      world.clientSends(fromClient(controlOpcodes.pong, atClient));
      world.endpointSends(fromServer(controlOpcodes.pong, atEndpoint));
      assert.deepEqual([world.takeClient().length, world.takeEndpoint().length], [0, 0]);
    }
    assert.equal(world.failures.length, 0);
  });

  test('a side that sends by itself gets none', () => {
    const world = new TunnelWorld({ idleMs: hour, pingMs: 3000 });
    for (let round = 0; round < 5; round++) {
      world.pass(2000);
      world.endpointSends(textFromServer);
    }
    assert.equal(world.takeEndpoint().length, 0);
  });

  for (const silent of ['client', 'application'] as const)
    test(`a silent ${silent} is noticed, although the other side answers`, () => {
      const world = new TunnelWorld({ idleMs: 10_000, pingMs: 3000 });
      for (let second = 0; second < 11; second++) {
        world.pass(1000);
        if (silent === 'client') world.endpointSends(textFromServer);
        else world.clientSends(textFromClient);
      }
      world.pass(900);
      const failure = world.failures[0];
      assert.ok(failure?.cause === 'tunnel_idle');
      assert.equal(failure.evidence.silent, silent);
    });

  test('a side that owes the other side a pong gets none', () => {
    const world = new TunnelWorld({ idleMs: hour, pingMs: 3000 });
    const asked = fromServer(controlOpcodes.ping, Buffer.from('there?'));
    world.pass(2990);
    world.endpointSends(asked);
    world.pass(10);
    assert.deepEqual(world.takeClient(), Buffer.from(asked));
    const answer = fromClient(controlOpcodes.pong, Buffer.from('there?'));
    world.clientSends(answer);
    assert.deepEqual(world.takeEndpoint(), Buffer.from(answer));
    world.pass(3000);
    pingIn(world.takeClient(), false);
  });

  test('a ping waits for the end of a frame', () => {
    const world = new TunnelWorld({ idleMs: hour, pingMs: 3000 });
    world.endpointSends(textFromServer.subarray(0, 3));
    world.pass(3000);
    assert.deepEqual(world.takeClient(), Buffer.from(textFromServer.subarray(0, 3)));
    world.endpointSends(textFromServer.subarray(3));
    const got = world.takeClient();
    assert.equal(got[0], textFromServer[3]);
    pingIn(got.subarray(1), false);
  });
});

describe('a WebSocket whose listener drains', () => {
  const codes: readonly (readonly [ForceCloseReason, number])[] = [
    ['gateway_stopping', 1001],
    ['ended_at_once', 1001],
    ['gateway_replaced', 1012],
    ['worker_replaced', 1012],
    ['listener_gone', 1001],
  ];
  for (const [reason, code] of codes)
    test(`is closed with ${code} towards the client where the reason is ${reason}, and ends in order`, () => {
      const world = new TunnelWorld();
      world.tunnel.drain(drained(reason));
      assert.deepEqual([codeIn(world.takeClient(), false), codeIn(world.takeEndpoint(), true)], [code, 1001]);
      world.clientSends(closeFromClient(code));
      world.endpointSends(closeFromServer(1001));
      assert.equal(world.tunnel.endpointEnded(), null);
      world.tunnel.endRequest(null);
      assert.deepEqual([world.takeClient().length, world.takeEndpoint().length], [0, 0], 'the answers stay here');
      const expected = { how: 'drained', by: 'gateway', code, end: 'truncated', cause: 'drained' };
      assert.deepEqual(world.conclude(), expected);
      assert.equal(world.clock.timersLive, 0);
    });

  test('gets the close frames where the frames under way end, and nothing behind them', () => {
    const world = new TunnelWorld();
    world.clientSends(textFromClient.subarray(0, 3));
    world.endpointSends(textFromServer.subarray(0, 1));
    world.tunnel.drain(drained('gateway_stopping'));
    world.tunnel.drain(drained('gateway_stopping'));
    world.clientSends(Buffer.concat([textFromClient.subarray(3), textFromClient]));
    world.endpointSends(Buffer.concat([textFromServer.subarray(1), textFromServer]));
    const [client, endpoint] = [world.takeClient(), world.takeEndpoint()];
    assert.deepEqual(client.subarray(0, textFromServer.length), Buffer.from(textFromServer));
    assert.deepEqual(endpoint.subarray(0, textFromClient.length), Buffer.from(textFromClient));
    assert.equal(codeIn(client.subarray(textFromServer.length), false), 1001);
    assert.equal(codeIn(endpoint.subarray(textFromClient.length), true), 1001);
  });

  test('is reset if it does not end soon, within a second', () => {
    const world = new TunnelWorld();
    world.endpointSends(textFromServer.subarray(0, 3));
    world.tunnel.drain(drained('worker_replaced'));
    world.pass(899);
    assert.equal(world.failures.length, 0);
    world.pass(1);
    assert.equal(world.failures[0]?.cause, 'drained');
    assert.deepEqual([world.tunnel.how, world.tunnel.by, world.tunnel.closeCode], ['drained', 'gateway', 1001]);
  });

  test('is drained, however its sides break their connections after the close frames', () => {
    const address = '10.0.0.7:3000';
    for (const failure of [
      fail('response_body_reset', 'body', { address, bytesReceived: 0, errno: 'ECONNRESET' }),
      fail('client_gone', 'flush', { bytesSent: 0, how: 'reset' }),
    ]) {
      const world = new TunnelWorld();
      world.tunnel.drain(drained('gateway_stopping'));
      const { how, by, code, cause } = world.conclude(failure);
      assert.deepEqual([how, by, code, cause], ['drained', 'gateway', 1001, 'drained']);
    }
  });

  test('ends by itself where a side has closed it already', () => {
    const world = new TunnelWorld();
    world.clientSends(closeFromClient(1000));
    world.tunnel.drain(drained('gateway_stopping'));
    assert.deepEqual(world.takeEndpoint(), Buffer.from(closeFromClient(1000)));
    assert.equal(world.takeClient().length, 0);
    world.endpointSends(closeFromServer(1000));
    assert.equal(world.tunnel.endpointEnded(), null);
    world.tunnel.endRequest(null);
    const expected = { how: 'closed', by: 'client', code: 1000, end: 'forwarded', cause: null };
    assert.deepEqual(world.conclude(), expected);
  });

  for (const [what, prepare] of [
    ['of another protocol', () => new TunnelWorld({ protocol: 'echo/1' })],
    ['of which one direction has ended', halfClosed],
    ['whose bytes are no frames', withoutFrames],
  ] as const)
    test(`that is a tunnel ${what} fails at once`, () => {
      const world = prepare();
      world.takeClient();
      world.tunnel.drain(drained('gateway_stopping'));
      assert.deepEqual(
        world.failures.map(({ cause }) => cause),
        ['drained'],
      );
      assert.deepEqual([world.takeClient().length, world.takeEndpoint().length], [0, 0]);
    });
});

function halfClosed(): TunnelWorld {
  const world = new TunnelWorld();
  world.tunnel.endRequest(null);
  return world;
}

function withoutFrames(): TunnelWorld {
  const world = new TunnelWorld();
  world.endpointSends(Buffer.from('panic: runtime error\n'));
  return world;
}

describe('the end of a WebSocket is', () => {
  const address = '10.0.0.7:3000';
  const reset = fail('response_body_reset', 'body', { address, bytesReceived: 0, errno: 'ECONNRESET' });
  const gone = fail('client_gone', 'flush', { bytesSent: 0, how: 'reset' });

  test('closed, by whom the first close frame is', () => {
    const world = new TunnelWorld();
    world.endpointSends(closeFromServer(4000));
    world.clientSends(closeFromClient(4000));
    world.tunnel.endRequest(null);
    const expected = { how: 'closed', by: 'application', code: 4000, end: 'forwarded', cause: null };
    assert.deepEqual(world.conclude(), expected);
  });

  test('closed too, if both have sent close frames and one resets the connection', () => {
    const world = new TunnelWorld();
    world.clientSends(closeFromClient(1000));
    world.endpointSends(closeFromServer(1000));
    const expected = { how: 'closed', by: 'client', code: 1000, end: 'forwarded', cause: null };
    assert.deepEqual(world.conclude(gone), expected);
  });

  for (const [name, order] of [
    ['before the FIN of the application', ['close', 'FIN']],
    ['after the FIN of the application', ['FIN', 'close']],
  ] as const)
    test(`closed too, if the client never ends its direction: its own close frame comes ${name}`, () => {
      const world = new TunnelWorld();
      world.endpointSends(closeFromServer(1000));
      for (const step of order) {
        if (step === 'close') {
          world.clientSends(closeFromClient(1000));
          continue;
        }
        assert.equal(world.tunnel.endpointEnded(), null);
        world.tunnel.endDirection();
      }
      world.pass(4999);
      assert.deepEqual(world.failures, []);
      world.pass(1);
      const expected = { how: 'closed', by: 'application', code: 1000, end: 'forwarded', cause: null };
      assert.deepEqual(world.ended, [expected]);
    });

  test('idle, if a side has not sent a close frame a minute after the other one has ended', () => {
    const world = new TunnelWorld();
    world.endpointSends(closeFromServer(1000));
    assert.equal(world.tunnel.endpointEnded(), null);
    world.tunnel.endDirection();
    world.pass(59_999);
    assert.deepEqual(world.failures, []);
    world.pass(1);
    assert.deepEqual(
      world.ended.map(({ cause }) => cause),
      ['tunnel_idle'],
    );
  });

  test('unclosed, by whom the first FIN without a close frame is', () => {
    const byApplication = new TunnelWorld();
    const failure = byApplication.tunnel.endpointEnded();
    assert.equal(failure?.cause, 'tunnel_unclosed');
    byApplication.tunnel.endRequest(null);
    const ended = { how: 'unclosed', by: 'application', code: 0, end: 'truncated', cause: 'tunnel_unclosed' };
    assert.deepEqual(byApplication.conclude(failure), ended);
    const byClient = new TunnelWorld();
    byClient.tunnel.endRequest(null);
    assert.equal(byClient.tunnel.endpointEnded(), null);
    const abandoned = { how: 'unclosed', by: 'client', code: 0, end: 'abandoned', cause: 'client_gone' };
    assert.deepEqual(byClient.conclude(), abandoned);
  });

  test('reset, by whom the reset is', () => {
    const [byApplication, byClient] = [new TunnelWorld().conclude(reset), new TunnelWorld().conclude(gone)];
    assert.deepEqual([byApplication.how, byApplication.by, byApplication.end], ['reset', 'application', 'truncated']);
    assert.deepEqual([byClient.how, byClient.by, byClient.end], ['reset', 'client', 'abandoned']);
  });
});
