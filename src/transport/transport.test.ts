import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTcp, createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { connect as connectTls, createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { UpstreamTls } from '../core/upstream-spec.ts';
import type { ConnectTarget, ConnectWaiter, NetworkFault } from '../core/connector.ts';
import type { Transport } from '../core/transport.ts';
import { certificateAuthority } from '../testing/certificates.ts';
import { createTransportPair } from '../testing/memory-transport.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { connectFailure } from '../upstream/dial.ts';
import { connect as connectBy } from './connect.ts';
import type { HandshakeFailure, TlsHostSettings } from '../core/tls-server.ts';
import { outbox } from './outbox.ts';
import { tlsServer } from './tls-server.ts';
import { systemRandom } from '../system/system.ts';
import { listen, type BoundListener } from './listen.ts';

/** The other end, as the test sees it. */
interface Peer {
  write(bytes: Buffer): void;
  end(): void;
  reset(): void;
  stopReading(): void;
  readOn(): void;
  readonly got: Buffer;
  readonly ended: boolean;
  /** Undefined while it is open. */
  readonly errno: string | null | undefined;
}

interface Connected {
  readonly transport: Transport;
  readonly peer: Peer;
  /** Lets the world go on for a moment. */
  turn(): Promise<void>;
  close(): Promise<void>;
}

class SocketPeer implements Peer {
  readonly socket: Socket;
  readonly #pieces: Buffer[] = [];
  ended = false;
  errno: string | null | undefined = undefined;
  #failed: string | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => void this.#pieces.push(Buffer.from(bytes)));
    socket.on('end', () => void (this.ended = true));
    socket.on('error', (error: NodeJS.ErrnoException) => void (this.#failed = error.code ?? ''));
    socket.on('close', () => void (this.errno = this.#failed));
  }

  get got(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  stopReading(): void {
    this.socket.pause();
  }

  readOn(): void {
    this.socket.resume();
  }
}

class MemoryPeer implements Peer {
  readonly #transport: Transport;
  readonly #pieces: Buffer[] = [];
  ended = false;
  errno: string | null | undefined = undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.listener = {
      onBytes: (bytes, start, end) => void this.#pieces.push(Buffer.from(bytes.subarray(start, end))),
      onEnd: () => void (this.ended = true),
      onWritten() {},
      onClosed: (errno) => void (this.errno = errno),
    };
  }

  get got(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  write(bytes: Buffer): void {
    this.#transport.write(bytes, 0, bytes.length, 'borrowed');
  }

  end(): void {
    this.#transport.end();
  }

  reset(): void {
    this.#transport.close('reset');
  }

  stopReading(): void {
    this.#transport.pause();
  }

  readOn(): void {
    this.#transport.resume();
  }
}

const open: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of open) await close();
});

async function accepted(): Promise<Connected> {
  const found = Promise.withResolvers<Transport>();
  const listening = Promise.withResolvers<BoundListener>();
  const target = { host: '127.0.0.1', port: 0, sharePort: false };
  const failed = (errno: string): void => listening.reject(new Error(errno));
  const onListening = (opened: BoundListener): void => listening.resolve(opened);
  const onConnection = (transport: Transport): void => found.resolve(transport);
  listen(target, { onListening, onListenFailed: failed, onConnection });
  const opened = await listening.promise;
  const socket = connectTcp({ host: '127.0.0.1', port: opened.address.port, allowHalfOpen: true });
  const transport = await found.promise;
  return real(transport, socket, async () => {
    socket.destroy();
    transport.close('close');
    await opened.close();
  });
}

function real(transport: Transport, socket: Socket, close: () => Promise<void>): Connected {
  open.push(close);
  return { transport, peer: new SocketPeer(socket), turn: () => nextTurn(), close };
}

async function connected(): Promise<Connected> {
  const server = createServer({ allowHalfOpen: true });
  const socket = Promise.withResolvers<Socket>();
  server.on('connection', socket.resolve);
  const port = await listenOn(server);
  const transport = await connectTo({ kind: 'tcp', address: '127.0.0.1', port, tls: null });
  return endpointSide(transport, await socket.promise, server);
}

async function connectedUnix(): Promise<Connected> {
  const folder = mkdtempSync(join(tmpdir(), 'transport-'));
  const path = join(folder, 'app.sock');
  const server = createServer({ allowHalfOpen: true });
  const socket = Promise.withResolvers<Socket>();
  server.on('connection', socket.resolve);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const transport = await connectTo({ kind: 'unix', path, tls: null });
  rmSync(folder, { recursive: true });
  return endpointSide(transport, await socket.promise, server);
}

function endpointSide(transport: Transport, socket: Socket, server: Server): Connected {
  return real(transport, socket, async () => {
    socket.destroy();
    transport.close('close');
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
}

function listenOn(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

function connectTo(target: ConnectTarget): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const waiter: ConnectWaiter = {
      onTransportConnected() {},
      onConnected: resolve,
      onConnectFailed: (fault) => reject(Object.assign(new Error('not connected'), { fault })),
    };
    connectBy(target, waiter);
  });
}

const authority = certificateAuthority(Date.now());
const endpoint = authority.issue({ names: ['endpoint.example'] });
const served = { key: endpoint.key, cert: endpoint.certificate };
const tlsHost: TlsHostSettings = {
  id: 'endpoint.example',
  certificates: [endpoint],
  versionMin: 'TLSv1.2',
  ciphers: null,
  clientCertificates: null,
  ticketKeys: new Uint8Array(48),
};
const trusting: UpstreamTls = {
  serverName: null,
  verify: true,
  ca: authority.certificate,
  certificate: null,
  key: null,
};

async function secured(): Promise<Connected> {
  const server = createTlsServer({ ...served, allowHalfOpen: true, noDelay: true });
  const socket = Promise.withResolvers<Socket>();
  server.on('secureConnection', socket.resolve);
  const port = await listenOn(server);
  const tls = { serverName: 'endpoint.example', settings: trusting, protocols: ['http/1.1'] };
  const transport = await connectTo({ kind: 'tcp', address: '127.0.0.1', port, tls });
  return endpointSide(transport, await socket.promise, server);
}

/** An accepted connection on which the client has begun TLS. */
async function securedHere(): Promise<Connected> {
  const found = Promise.withResolvers<Transport>();
  const listening = Promise.withResolvers<BoundListener>();
  const target = { host: '127.0.0.1', port: 0, sharePort: false };
  const onListenFailed = (errno: string): void => listening.reject(new Error(errno));
  const onHandshakeFailed = (failure: HandshakeFailure): void => found.reject(new Error(JSON.stringify(failure)));
  const session = { host: tlsHost, serverName: 'endpoint.example', protocols: ['http/1.1'], versionMax: 0x0304 };
  const onConnection = (plain: Transport): void => {
    listenTo(plain);
    plain.listener = {
      ...plain.listener,
      onBytes: (bytes, start, end) =>
        void tlsServer(systemRandom).start(plain, new Uint8Array(bytes.subarray(start, end)), session, {
          onSecure: found.resolve,
          onHandshakeFailed,
        }),
    };
  };
  listen(target, { onListening: listening.resolve, onListenFailed, onConnection });
  const opened = await listening.promise;
  const socket = connectTls({
    ...{ host: '127.0.0.1', port: opened.address.port, allowHalfOpen: true, noDelay: true },
    ...{ servername: 'endpoint.example', ca: authority.certificate },
  });
  const transport = await found.promise;
  return real(transport, socket, async () => {
    socket.destroy();
    transport.close('close');
    await opened.close();
  });
}

async function inMemory(): Promise<Connected> {
  const clock = new SimulatedClock();
  const [transport, other] = createTransportPair({ clock });
  const turn = async (): Promise<void> => clock.advanceSync(1);
  return { transport, peer: new MemoryPeer(other), turn, close: async () => {} };
}

/** What a transport tells, and what it said of each write. */
function listenTo(transport: Transport): {
  pieces: Buffer[];
  ended: boolean;
  written: number;
  errno: string | null | undefined;
} {
  const heard = { pieces: [] as Buffer[], ended: false, written: 0, errno: undefined as string | null | undefined };
  transport.listener = {
    onBytes: (bytes, start, end) => void heard.pieces.push(Buffer.from(bytes.subarray(start, end))),
    onEnd: () => void (heard.ended = true),
    onWritten: () => void heard.written++,
    onClosed: (errno) => void (heard.errno = errno),
  };
  return heard;
}

async function until(says: string, world: Connected, holds: () => boolean): Promise<void> {
  const limit = Date.now() + 5000;
  while (!holds()) {
    assert.ok(Date.now() < limit, `within five seconds ${says}`);
    await world.turn();
  }
}

function pattern(bytes: number, salt: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) made[at] = (at * 7 + (at >> 10) * 13 + salt) & 0xff;
  return made;
}

interface Kind {
  readonly name: string;
  readonly connect: () => Promise<Connected>;
  /** TLS hides a reset of its peer behind its own shutdown; a unix socket has none. */
  readonly resets?: boolean;
}

const kinds: readonly Kind[] = [
  { name: 'an accepted connection', connect: accepted },
  { name: 'a connection to an endpoint', connect: connected },
  { name: 'a connection to a unix socket', connect: connectedUnix, resets: false },
  { name: 'a TLS session with an endpoint', connect: secured, resets: false },
  { name: 'an accepted TLS session', connect: securedHere, resets: false },
  { name: 'a transport in memory', connect: inMemory },
];

describe('a TLS connection to an endpoint', () => {
  it('has nothing pending as soon as a small write has left, before any answer can come', async () => {
    const world = await secured();
    const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    for (let n = 1; n <= 3; n++) {
      world.transport.write(request, 0, request.length, 'borrowed');
      outbox.flush();
      assert.equal(world.transport.pendingBytes, 0);
      await until('it comes', world, () => world.peer.got.length === n * request.length);
      for (let turns = 0; turns < 3; turns++) await world.turn();
    }
    await world.close();
  });
});

describe('an accepted TLS session without a socket', () => {
  it('asks its writer to wait as soon as the kernel does not take a small write', async () => {
    const world = await securedHere();
    const { transport, peer } = world;
    const heard = listenTo(transport);
    const slice = pattern(16 * 1024, 5);
    peer.stopReading();
    let slices = 0;
    for (; slices < 4000 && transport.pendingBytes === 0; slices++) {
      transport.write(slice, 0, slice.length, 'owned');
      outbox.flush();
      await world.turn();
    }
    // A record has some bytes of its own. What is queued above the session would come on top.
    const { pendingBytes } = transport;
    assert.ok(pendingBytes > 0 && pendingBytes < 17 * 1024, `${pendingBytes} bytes are pending`);
    peer.readOn();
    await until('all has come', world, () => peer.got.length === slices * slice.length);
    await until('the writer is told', world, () => heard.written === 1);
    await world.close();
  });
});

for (const { name, connect, resets = true } of kinds) {
  /** Without resets such a test does not exist, instead of being skipped. */
  const itWithResets = (name: string, run: () => Promise<void>): void => {
    if (resets) void it(name, run);
  };

  describe(`a transport over ${name}`, () => {
    it('delivers every byte, in order, in both directions at once', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      const [there, back] = [pattern(600_000, 1), pattern(500_000, 2)];
      for (let at = 0; at < back.length; at += 50_000) world.peer.write(back.subarray(at, at + 50_000));
      await sendAll(world, there, heard);
      await until('all has come there', world, () => world.peer.got.length === there.length);
      await until(
        'all has come here',
        world,
        () => heard.pieces.reduce((sum, piece) => sum + piece.length, 0) === back.length,
      );
      assert.equal(world.peer.got.equals(there), true);
      assert.equal(Buffer.concat(heard.pieces).equals(back), true);
      await world.close();
    });

    it('keeps borrowed bytes as they were when the caller overwrites them, however slow the reader', async () => {
      const world = await connect();
      listenTo(world.transport);
      world.peer.stopReading();
      const meant: Buffer[] = [];
      const shared = Buffer.alloc(64 * 1024);
      for (let n = 0; n < 80; n++) {
        shared.fill(n);
        meant.push(Buffer.from(shared));
        world.transport.write(shared, 0, shared.length, 'borrowed');
      }
      shared.fill(0xdb);
      world.peer.readOn();
      const all = Buffer.concat(meant);
      await until('all has come', world, () => world.peer.got.length === all.length);
      assert.equal(world.peer.got.equals(all), true);
      await world.close();
    });

    it('keeps owned bytes as they were when the caller overwrites them after a write that returned true', async () => {
      const world = await connect();
      listenTo(world.transport);
      const meant: Buffer[] = [];
      let shared = Buffer.alloc(32 * 1024);
      for (let n = 0; n < 40; n++) {
        shared.fill(n);
        meant.push(Buffer.from(shared));
        if (!world.transport.write(shared, 0, shared.length, 'owned')) shared = Buffer.alloc(32 * 1024);
      }
      shared.fill(0xdb);
      const all = Buffer.concat(meant);
      await until('all has come', world, () => world.peer.got.length === all.length);
      assert.equal(world.peer.got.equals(all), true);
      await world.close();
    });

    it('loses nothing of what was written in parts before it closes, in one turn or in two', async () => {
      for (const turnBetween of [false, true]) {
        const world = await connect();
        const heard = listenTo(world.transport);
        const parts = [33_000, 33_000, 5000, 10_000, 10_000].map((bytes, index) => pattern(bytes, index));
        for (const part of parts) {
          world.transport.write(part, 0, part.length, 'borrowed');
          if (turnBetween) await world.turn();
        }
        world.transport.end('close');
        await until('both know', world, () => heard.errno !== undefined && world.peer.ended);
        assert.equal(world.peer.got.equals(Buffer.concat(parts)), true);
        assert.deepEqual([heard.errno, world.peer.errno ?? null], [null, null]);
        await world.close();
      }
    });

    it('sends the rest of what was written although the peer has ended meanwhile', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      const parts = [33_000, 33_000, 33_000, 5000].map((bytes, index) => pattern(bytes, index));
      for (const part of parts) world.transport.write(part, 0, part.length, 'borrowed');
      world.transport.end();
      world.peer.end();
      await until('both know', world, () => heard.errno !== undefined && world.peer.ended);
      assert.equal(world.peer.got.equals(Buffer.concat(parts)), true);
      await world.close();
    });

    it('sends nothing for no bytes, wherever they stand', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      const piece = Buffer.from('chunks');
      for (const [start, end] of [
        [3, 3],
        [0, 3],
        [3, 3],
        [3, 6],
        [6, 6],
      ] as const)
        assert.equal(world.transport.write(piece, start, end, 'borrowed'), true);
      await until('all has come', world, () => world.peer.got.length >= piece.length);
      world.peer.stopReading();
      for (let n = 0; n < 5; n++) await world.turn();
      const before = heard.written; // Node's TLS sockets report small writes too.
      const much = pattern(9_000_000, 3);
      assert.equal(world.transport.write(much, 0, much.length, 'owned'), false);
      assert.equal(world.transport.write(piece, 2, 2, 'owned'), false);
      world.peer.readOn();
      await until('all has come there', world, () => world.peer.got.length === piece.length + much.length);
      await until('it is told', world, () => heard.written > before);
      assert.deepEqual([heard.written, world.transport.sentBytes], [before + 1, piece.length + much.length]);
      world.transport.write(piece, 1, 1, 'borrowed');
      world.transport.end();
      await until('it ends', world, () => world.peer.ended);
      await world.close();
    });

    // Node's TLS session passes an empty write to the connection below, where another one may have begun: that ends the thread.
    it('calls onWritten once, after a write that returned false, and without an empty write', async (t) => {
      const written = t.mock.method(TLSSocket.prototype, 'write').mock;
      const world = await connect();
      const heard = listenTo(world.transport);
      world.peer.stopReading();
      let refused = 0;
      for (let n = 0; n < 200; n++) {
        const piece = pattern(64 * 1024, n);
        if (!world.transport.write(piece, 0, piece.length, 'owned')) refused++;
      }
      assert.ok(refused > 0, 'the kernel does not take all of that');
      assert.ok(world.transport.pendingBytes > 0);
      await world.turn();
      assert.equal(heard.written, 0);
      world.peer.readOn();
      await until('all is written', world, () => heard.written > 0);
      assert.equal(world.transport.pendingBytes, 0);
      for (let n = 0; n < 10; n++) await world.turn();
      assert.equal(heard.written, 1);
      assert.ok(written.calls.every(({ arguments: [bytes] }) => (bytes as unknown as Uint8Array).length > 0));
      await world.close();
    });

    it('calls onWritten where only held bytes were pending', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.peer.stopReading();
      for (let n = 0; n < 2000 && world.transport.pendingBytes === 0; n++) {
        const piece = pattern(16 * 1024, n);
        world.transport.write(piece, 0, piece.length, 'borrowed');
        await world.turn();
      }
      assert.ok(world.transport.pendingBytes > 0, 'the kernel does not take all of that');
      world.peer.readOn();
      await until('all is written', world, () => heard.written > 0);
      assert.equal(world.transport.pendingBytes, 0);
      await world.close();
    });

    it('delivers nothing while it is paused', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.transport.pause();
      world.peer.write(pattern(10_000, 3));
      for (let n = 0; n < 30; n++) await world.turn();
      assert.equal(heard.pieces.length, 0);
      world.transport.resume();
      await until('it comes', world, () => Buffer.concat(heard.pieces).length === 10_000);
      await world.close();
    });

    it('delivers the same bytes when it reads in bulk, and when it stops doing so', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      const all = pattern(700_000, 4);
      const { listener } = world.transport;
      let deliveries = 0;
      world.transport.listener = {
        ...listener,
        onBytes: (bytes, start, end) => {
          listener.onBytes(bytes, start, end);
          world.transport.readInBulk(++deliveries % 3 !== 0);
        },
      };
      for (let at = 0; at < all.length; at += 70_000) world.peer.write(all.subarray(at, at + 70_000));
      await until(
        'all has come',
        world,
        () => heard.pieces.reduce((sum, piece) => sum + piece.length, 0) === all.length,
      );
      assert.equal(Buffer.concat(heard.pieces).equals(all), true);
      await world.close();
    });

    it('leaves the bytes of a bulk read as they are, whatever is asked for within it', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      const all = pattern(900_000, 5);
      const owned: { readonly bytes: Uint8Array; readonly copy: Buffer }[] = [];
      let length = 0;
      world.transport.listener = {
        ...world.transport.listener,
        onBytes: (bytes, start, end) => {
          length += end - start;
          const isBulk = bytes.length > 128 * 1024;
          if (isBulk) owned.push({ bytes: bytes.subarray(start, end), copy: Buffer.from(bytes.subarray(start, end)) });
          if (isBulk) world.transport.readInBulk(false);
          world.transport.readInBulk(true);
          if (isBulk) world.transport.pause();
        },
      };
      for (let at = 0; at < all.length; at += 90_000) world.peer.write(all.subarray(at, at + 90_000));
      await until('all has come', world, () => {
        world.transport.resume();
        return length === all.length;
      });
      assert.ok(owned.every(({ bytes, copy }) => copy.equals(bytes)));
      assert.equal(heard.pieces.length, 0);
      await world.close();
    });

    it('reports a FIN, and can still write after it', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.peer.end();
      await until('the FIN is told', world, () => heard.ended);
      assert.equal(heard.errno, undefined);
      world.transport.write(Buffer.from('still here'), 0, 10, 'borrowed');
      await until('it arrives', world, () => world.peer.got.toString() === 'still here');
      world.transport.end();
      await until('both are closed', world, () => heard.errno !== undefined && world.peer.errno !== undefined);
      assert.deepEqual([heard.errno, world.peer.errno], [null, null]);
      await world.close();
    });

    it('sends its own FIN behind pending bytes, and can still read', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      const all = pattern(400_000, 5);
      world.transport.write(all, 0, all.length, 'owned');
      world.transport.end();
      await until('the FIN arrives', world, () => world.peer.ended);
      assert.equal(world.peer.got.equals(all), true);
      world.peer.write(Buffer.from('thanks'));
      await until('it comes', world, () => Buffer.concat(heard.pieces).toString() === 'thanks');
      await world.close();
    });

    itWithResets('tells a reset as ECONNRESET, once, and last', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      let closings = 0;
      const { listener } = world.transport;
      world.transport.listener = { ...listener, onClosed: (errno) => (closings++, listener.onClosed(errno)) };
      world.peer.reset();
      await until('it is told', world, () => heard.errno !== undefined);
      for (let n = 0; n < 5; n++) await world.turn();
      assert.deepEqual([heard.errno, heard.ended, closings], ['ECONNRESET', false, 1]);
      await world.close();
    });

    itWithResets('says of a write to a peer that has reset no more than that it is gone, once, and last', async () => {
      for (const bytes of [100, 100_000]) {
        const world = await connect();
        const heard = listenTo(world.transport);
        const closings: (string | null)[] = [];
        const { listener } = world.transport;
        world.transport.listener = { ...listener, onClosed: (errno) => void closings.push(errno) };
        world.peer.write(Buffer.from('a'));
        await until('they know each other', world, () => heard.pieces.length > 0);
        world.peer.reset();
        for (let n = 0; n < 3; n++) world.transport.write(pattern(bytes, n), 0, bytes, 'owned');
        await until('it is told', world, () => closings.length > 0);
        world.transport.write(pattern(bytes, 0), 0, bytes, 'owned');
        for (let n = 0; n < 5; n++) await world.turn();
        assert.match(closings.join(), /^(?:ECONNRESET|EPIPE)$/);
        assert.deepEqual([heard.written, world.transport.pendingBytes], [0, 0]);
        await world.close();
      }
    });

    it('resets when it is asked to; where it cannot, it closes', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.transport.close('reset');
      await until(
        'both know',
        world,
        () => heard.errno !== undefined && (world.peer.errno !== undefined || world.peer.ended),
      );
      assert.equal(heard.errno, null);
      if (resets) assert.equal(world.peer.errno, 'ECONNRESET');
      await world.close();
    });

    itWithResets('knows of bytes that it has yet to tell of, and loses none of them by the look', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      const text = (): string => Buffer.concat(heard.pieces).toString();
      world.peer.write(Buffer.from('a'));
      await until('it comes', world, () => text() === 'a');
      assert.equal(world.transport.hasUnread(), false);
      world.peer.write(Buffer.from('bc'));
      assert.equal(world.transport.hasUnread(), true);
      world.peer.write(Buffer.from('d'));
      assert.deepEqual([text(), world.transport.hasUnread(), world.transport.isQuiet()], ['a', true, false]);
      await until('the rest comes behind it', world, () => text() === 'abcd');
      assert.equal(world.transport.hasUnread(), false);

      world.transport.pause();
      world.peer.write(Buffer.from('e'));
      assert.equal(world.transport.hasUnread(), true);
      world.peer.write(Buffer.from('f'));
      for (let n = 0; n < 5; n++) await world.turn();
      assert.deepEqual([text(), world.transport.hasUnread()], ['abcd', true], 'nobody is told while it is paused');
      world.transport.resume();
      await until('it comes', world, () => text() === 'abcdef');
      world.transport.close('close');
      assert.equal(world.transport.hasUnread(), false);
      await world.close();
    });

    it('is quiet until its peer has sent bytes that were not delivered', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.peer.write(Buffer.from('a'));
      await until('it comes', world, () => heard.pieces.length > 0);
      for (let n = 0; n < 5; n++) await world.turn();
      assert.equal(world.transport.isQuiet(), true);
      world.peer.write(Buffer.from('b'));
      // A session of TLS takes some ticks to write; the event loop reads nothing between them.
      let isQuiet = true;
      for (let tick = 0; tick < 100 && isQuiet; tick++) {
        await new Promise((resolve) => process.nextTick(resolve));
        isQuiet = world.transport.isQuiet();
      }
      assert.deepEqual([isQuiet, heard.pieces.length], [false, 1]);
      world.transport.close('close');
      await world.close();
    });

    it('closes after all written bytes when nothing more is wanted, however slow the reader', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.peer.stopReading();
      const all = pattern(9_000_000, 6);
      world.transport.write(all, 0, all.length, 'owned');
      world.transport.write(Buffer.from('end'), 0, 3, 'borrowed');
      world.transport.end('close');
      for (let n = 0; n < 5; n++) await world.turn();
      assert.equal(heard.errno, undefined);
      world.peer.readOn();
      await until('it is told', world, () => heard.errno !== undefined && world.peer.ended);
      assert.deepEqual([heard.errno, heard.ended, world.peer.got.length], [null, false, all.length + 3]);
      assert.equal(world.peer.got.subarray(0, all.length).equals(all), true);
      await world.close();
    });

    it('closes at the end of the turn when nothing more is wanted and little was written', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.transport.write(Buffer.from('all'), 0, 3, 'borrowed');
      world.transport.end('close');
      await until('both know', world, () => heard.errno !== undefined && world.peer.ended);
      assert.deepEqual([heard.errno, heard.ended, world.peer.got.toString()], [null, false, 'all']);
      await world.close();
    });

    it('closes when nothing more is wanted after its FIN, and when a plain end is asked for after that', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.transport.end();
      await until('the FIN arrives', world, () => world.peer.ended);
      for (let n = 0; n < 5; n++) await world.turn();
      assert.equal(heard.errno, undefined);
      world.transport.end('close');
      await until('it is told', world, () => heard.errno !== undefined);
      await world.close();

      const other = await connect();
      const heardThere = listenTo(other.transport);
      other.transport.write(Buffer.from('all'), 0, 3, 'borrowed');
      other.transport.end('close');
      if (other.peer instanceof SocketPeer) other.transport.end();
      await until('it is told', other, () => heardThere.errno !== undefined);
      assert.deepEqual([heardThere.errno, heardThere.ended], [null, false]);
      await other.close();
    });

    it('closes when a reset is asked for in the turn of its own FIN, which Node refuses', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.transport.write(Buffer.from('all'), 0, 3, 'borrowed');
      world.transport.end();
      world.transport.close('reset');
      await until(
        'both know',
        world,
        () => heard.errno !== undefined && (world.peer.errno ?? world.peer.ended) !== false,
      );
      await world.close();
    });

    it('may be written to, paused and closed after it has closed', async () => {
      const world = await connect();
      const heard = listenTo(world.transport);
      world.transport.close('close');
      world.transport.write(Buffer.from('late'), 0, 4, 'borrowed');
      world.transport.pause();
      world.transport.resume();
      world.transport.close('reset');
      world.transport.readInBulk(true);
      await until('it is told', world, () => heard.errno !== undefined);
      assert.equal(heard.written, 0);
      await world.close();
    });
  });
}

/** Somebody connects, sends a request and resets, all while this thread waits. */
function goneBeforeAccepted(port: number): void {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const code = `
    const { workerData } = require('node:worker_threads');
    const socket = require('node:net').connect(workerData.port, '127.0.0.1', () => {
      socket.write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n', () => socket.resetAndDestroy());
    });
    socket.on('close', () => { Atomics.store(workerData.done, 0, 1); Atomics.notify(workerData.done, 0); });`;
  const worker = new Worker(code, { eval: true, workerData: { port, done } });
  assert.equal(Atomics.wait(done, 0, 0, 5000), 'ok');
  worker.unref();
}

/** As a writer ought to: no more while anything is pending. */
async function sendAll(world: Connected, bytes: Buffer, heard: { written: number }): Promise<void> {
  for (let at = 0; at < bytes.length; at += 40_000) {
    const before = heard.written;
    const end = Math.min(at + 40_000, bytes.length);
    if (!world.transport.write(bytes, at, end, 'owned'))
      await until('it is written', world, () => heard.written > before);
  }
}

describe('accepting', () => {
  it('drops connections that were reset before accept', async () => {
    const transports: Transport[] = [];
    const listening = Promise.withResolvers<BoundListener>();
    const onListenFailed = (errno: string): void => listening.reject(new Error(errno));
    const target = { host: '127.0.0.1', port: 0, sharePort: false };
    const heard: ReturnType<typeof listenTo>[] = [];
    const onConnection = (transport: Transport): void => {
      transports.push(transport);
      heard.push(listenTo(transport));
    };
    listen(target, { onListening: listening.resolve, onListenFailed, onConnection });
    const opened = await listening.promise;
    goneBeforeAccepted(opened.address.port);
    const limit = Date.now() + 5000;
    while (heard[0]?.errno === undefined && Date.now() < limit) await nextTurn();
    assert.deepEqual(
      heard.map(({ pieces, errno }) => [Buffer.concat(pieces).toString(), errno]),
      [['', 'ECONNRESET']],
    );
    assert.deepEqual([transports[0]?.facts.remoteAddress, transports[0]?.facts.remotePort], ['', 0]);
    for (const transport of transports) transport.close('close');
    await opened.close();
  });

  it('has the addresses of both ends of a connection', async () => {
    const world = await accepted();
    const { facts } = world.transport;
    const { socket } = world.peer as SocketPeer;
    await until('the other end knows as well', world, () => !socket.connecting);
    assert.deepEqual(
      [facts.kind, facts.remoteAddress, facts.remotePort, facts.localAddress, facts.localPort, facts.tls],
      ['tcp', '127.0.0.1', socket.localPort, '127.0.0.1', socket.remotePort, null],
    );
    await world.close();
  });
});

describe('connecting', () => {
  it('delivers what an endpoint had sent before a write failed, and not within the write', async () => {
    const world = await connected();
    const heard = listenTo(world.transport);
    world.transport.pause();
    world.peer.stopReading();
    world.transport.write(Buffer.from('unread'), 0, 6, 'borrowed');
    world.peer.write(Buffer.from('an answer'));
    for (let n = 0; n < 20; n++) await world.turn();
    world.peer.reset();
    for (let n = 0; n < 20; n++) await world.turn();
    const large = pattern(100_000, 7);
    world.transport.write(large, 0, large.length, 'owned');
    world.transport.write(large, 0, large.length, 'owned');
    assert.equal(heard.pieces.length, 0, 'whoever writes may be reading from the shared buffer');
    await until('it is told', world, () => heard.errno !== undefined);
    assert.deepEqual([Buffer.concat(heard.pieces).toString(), heard.written], ['an answer', 0]);
    await world.close();
  });

  const faultOf = async (target: ConnectTarget): Promise<NetworkFault> => {
    try {
      await connectTo(target);
    } catch (error) {
      return (error as { fault: NetworkFault }).fault;
    }
    return assert.fail('it connects');
  };
  const causeOf = async (target: ConnectTarget): Promise<string | undefined> =>
    connectFailure(await faultOf(target), { address: 'there', name: 'endpoint.example' })?.cause;

  it('to a port without a listener is refused', async () => {
    const server = createServer();
    const port = await listenOn(server);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    assert.equal(await causeOf({ kind: 'tcp', address: '127.0.0.1', port, tls: null }), 'connect_refused');
  });

  it('to a unix socket that does not exist fails with that reason', async () => {
    assert.equal(
      await causeOf({ kind: 'unix', path: join(tmpdir(), 'nobody-made-this.sock'), tls: null }),
      'connect_socket_missing',
    );
  });

  it('to a unix socket gives a transport that closes where it cannot reset', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'transport-'));
    const path = join(folder, 'app.sock');
    const server = createServer((socket) => void socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const transport = await connectTo({ kind: 'unix', path, tls: null });
    const heard = listenTo(transport);
    assert.deepEqual([transport.facts.kind, transport.facts.remoteAddress], ['unix', path]);
    transport.close('reset');
    while (heard.errno === undefined) await nextTurn();
    assert.equal(heard.errno, null);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('to an address without a route fails with that reason, or is refused', async () => {
    const cause = await causeOf({ kind: 'tcp', address: '255.255.255.255', port: 9, tls: null });
    assert.match(cause ?? '', /^connect_(?:unroutable|not_permitted)$/);
  });

  it('that is cancelled calls nothing back', async () => {
    const server = createServer((socket) => void socket.destroy());
    const port = await listenOn(server);
    const called = (): never => assert.fail('nobody is called');
    const waiter = { onTransportConnected: called, onConnected: called, onConnectFailed: called };
    connectBy({ kind: 'tcp', address: '127.0.0.1', port, tls: null }, waiter).cancel();
    for (let n = 0; n < 20; n++) await nextTurn();
    server.close();
  });
});
