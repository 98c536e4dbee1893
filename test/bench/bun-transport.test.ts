import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { findBun } from '../../bench/bun/bun-program.ts';
import { type Order, pattern, type State } from '../../bench/bun/puppet-orders.ts';
import { repositoryRoot } from '../../scripts/repository.ts';

const bun = findBun();
const skip = 'missing' in bun ? bun.missing : false;

/** The transport, in a process of Bun's. */
class Puppet {
  readonly #child: ChildProcess;
  readonly #waiting: ((answer: unknown) => void)[] = [];
  #text = '';

  constructor(program: string) {
    this.#child = spawn(program, [join(repositoryRoot, 'bench', 'bun', 'puppet.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (some: string) => {
      const lines = (this.#text + some).split('\n');
      this.#text = lines.pop() ?? '';
      for (const line of lines) this.#waiting.shift()?.(JSON.parse(line));
    });
  }

  tell<T = unknown>(order: Order): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return new Promise((resolve) => this.#waiting.push(resolve as (answer: unknown) => void));
  }

  state(): Promise<State> {
    return this.tell<State>({ do: 'state' });
  }

  async end(): Promise<void> {
    const gone = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await gone;
  }
}

/** The other end, a socket of Node's. */
class Peer {
  readonly socket: Socket;
  readonly #pieces: Buffer[] = [];
  ended = false;
  errno: string | null = 'open';
  #failed: string | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => void this.#pieces.push(bytes));
    socket.on('end', () => void (this.ended = true));
    socket.on('error', (error: NodeJS.ErrnoException) => void (this.#failed = error.code ?? ''));
    socket.on('close', () => void (this.errno = this.#failed));
  }

  get got(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}

let puppet: Puppet;
let port = 0;
let server: Server;
before(async () => {
  if ('missing' in bun) return;
  puppet = new Puppet(bun.path);
  port = await puppet.tell<number>({ do: 'listen' });
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(async () => {
  if ('missing' in bun) return;
  server.close();
  await puppet.end();
});

async function accepted(): Promise<Peer> {
  const socket = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true });
  const peer = new Peer(socket);
  await once(socket, 'connect');
  // It is taken once it can be paused without a word of what came before.
  await puppet.tell({ do: 'manners', as: 'plain' });
  await settle();
  return peer;
}

async function connected(): Promise<Peer> {
  const coming = once(server, 'connection') as Promise<[Socket]>;
  const { port: here } = server.address() as { port: number };
  await puppet.tell({ do: 'manners', as: 'plain' });
  assert.equal(
    await puppet.tell({ do: 'connect', to: { kind: 'tcp', address: '127.0.0.1', port: here, tls: null } }),
    'connected',
  );
  return new Peer((await coming)[0]);
}

/** Both sides have had some turns. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await puppet.tell({ do: 'manners', as: 'plain' });
    await nextTurn();
  }
}

async function until(says: string, holds: (state: State) => boolean): Promise<State> {
  const limit = Date.now() + 2000;
  for (;;) {
    const state = await puppet.state();
    if (holds(state)) return state;
    assert.ok(Date.now() < limit, `within two seconds ${says}; it is ${JSON.stringify(state)}`);
    await nextTurn();
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const kinds = [
  { name: 'an accepted socket of Bun', connect: accepted },
  { name: 'a connected socket of Bun', connect: connected },
];

for (const { name, connect } of kinds) {
  describe(`a transport over ${name}`, { skip }, () => {
    it('delivers every byte, in order, in both directions at once', async () => {
      const peer = await connect();
      const [there, back] = [pattern(600_000, 1), pattern(500_000, 2)];
      for (let at = 0; at < back.length; at += 50_000) peer.socket.write(back.subarray(at, at + 50_000));
      await puppet.tell({ do: 'send', bytes: 600_000, salt: 1, piece: 40_000, ownership: 'owned', waits: true });
      const state = await until('all has come', ({ bytes }) => bytes === back.length && peer.got.length === 600_000);
      assert.equal(state.digest, digestOf(back));
      assert.equal(peer.got.equals(there), true);
      assert.equal(state.sentBytes, there.length);
      peer.socket.destroy();
    });

    it('keeps borrowed bytes as they were when the caller overwrites them, however slow the reader', async () => {
      const peer = await connect();
      peer.socket.pause();
      await puppet.tell({ do: 'send', bytes: 3_000_000, salt: 3, piece: 65_536, ownership: 'borrowed', waits: false });
      peer.socket.resume();
      await until('all has come', () => peer.got.length === 3_000_000);
      assert.equal(peer.got.equals(pattern(3_000_000, 3)), true);
      peer.socket.destroy();
    });

    it('says once that all is written, after a write that said it is not', async () => {
      const peer = await connect();
      peer.socket.pause();
      const order = { bytes: 9_000_000, salt: 4, piece: 65_536, ownership: 'owned', waits: false } as const;
      assert.ok((await puppet.tell<number>({ do: 'send', ...order })) > 0);
      const full = await puppet.state();
      assert.ok(full.pendingBytes > 0);
      assert.equal(full.written, 0);
      peer.socket.resume();
      await until('all is written', ({ written, pendingBytes }) => written === 1 && pendingBytes === 0);
      await until('all has come', () => peer.got.length === order.bytes);
      assert.equal((await puppet.state()).written, 1);
      peer.socket.destroy();
    });

    it('delivers nothing while it is paused, and everything after it', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'pause' });
      peer.socket.write(pattern(10_000, 5));
      await settle();
      assert.equal((await puppet.state()).bytes, 0);
      await puppet.tell({ do: 'resume' });
      const state = await until('it comes', ({ bytes }) => bytes === 10_000);
      assert.equal(state.digest, digestOf(pattern(10_000, 5)));
      peer.socket.destroy();
    });

    it('delivers nothing more after a pause from inside a delivery', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'manners', as: 'pauses' });
      peer.socket.write(pattern(2_000_000, 6));
      const first = await until('something comes', ({ bytes }) => bytes > 0);
      for (let turn = 0; turn < 5; turn++) await puppet.state();
      assert.equal((await puppet.state()).bytes, first.bytes);
      await puppet.tell({ do: 'manners', as: 'plain' });
      await puppet.tell({ do: 'resume' });
      await until('the rest comes', ({ bytes }) => bytes === 2_000_000);
      peer.socket.destroy();
    });

    it('delivers what came before a FIN while it was paused, and then the end', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'pause' });
      peer.socket.end(pattern(100_000, 7));
      await settle();
      assert.deepEqual(await seen(), { bytes: 0, ended: false, errno: 'open' });
      await puppet.tell({ do: 'resume' });
      await until('all has come', ({ bytes, ended }) => bytes === 100_000 && ended);
      peer.socket.destroy();
    });

    it('delivers what came before a reset while it was paused', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'pause' });
      await new Promise((resolve) => peer.socket.write(pattern(100_000, 8), resolve));
      peer.socket.resetAndDestroy();
      await settle();
      await puppet.tell({ do: 'resume' });
      const { bytes } = await until('it is told', ({ errno }) => errno === 'ECONNRESET');
      assert.equal(bytes, 100_000);
    });

    it('delivers the same bytes when it is told to read in bulk, and when it changes its mind', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'manners', as: 'changes its mind' });
      peer.socket.write(pattern(700_000, 9));
      const { digest } = await until('all has come', ({ bytes }) => bytes === 700_000);
      assert.equal(digest, digestOf(pattern(700_000, 9)));
      peer.socket.destroy();
    });

    it('tells a FIN, and can still write after it', async () => {
      const peer = await connect();
      peer.socket.end();
      await until('the FIN is told', ({ ended }) => ended);
      assert.equal((await puppet.state()).errno, 'open');
      await puppet.tell({ do: 'send', bytes: 400_000, salt: 10, piece: 400_000, ownership: 'owned', waits: true });
      await puppet.tell({ do: 'end' });
      await until('both are closed', ({ errno }) => errno !== 'open' && peer.errno !== 'open');
      assert.equal(peer.got.equals(pattern(400_000, 10)), true);
      assert.deepEqual([(await puppet.state()).errno, peer.errno], [null, null]);
    });

    it('sends its own FIN behind what is pending, and can still read', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'send', bytes: 6_000_000, salt: 11, piece: 65_536, ownership: 'owned', waits: false });
      await puppet.tell({ do: 'end' });
      await until('the FIN arrives', () => peer.ended);
      assert.equal(peer.got.equals(pattern(6_000_000, 11)), true);
      peer.socket.write('thanks');
      await until('it comes', ({ bytes }) => bytes === 6);
      peer.socket.end();
      const state = await until('it is over', ({ errno }) => errno !== 'open');
      assert.deepEqual([state.errno, state.closings, state.nested], [null, 1, 0]);
    });

    it('tells a reset as ECONNRESET, once, and last', async () => {
      const peer = await connect();
      peer.socket.resetAndDestroy();
      await until('it is told', ({ closings }) => closings > 0);
      await settle();
      const { errno, ended, closings } = await puppet.state();
      assert.deepEqual({ errno, ended, closings }, { errno: 'ECONNRESET', ended: false, closings: 1 });
    });

    it('tells a reset that comes after a FIN, which the kernel calls EPIPE', async () => {
      const peer = await connect();
      peer.socket.end();
      await until('the FIN is told', ({ ended }) => ended);
      peer.socket.resetAndDestroy();
      const { errno } = await until('it is told', ({ closings }) => closings > 0);
      assert.equal(errno, 'EPIPE');
    });

    it('delivers what came before a reset that a write finds out, and lets it pass for no FIN', async () => {
      const peer = await connect();
      const sending = puppet.tell({ do: 'sleep, then send', ms: 50, ...largePieces });
      peer.socket.write(pattern(50_000, 12));
      await nextTurn();
      peer.socket.resetAndDestroy();
      await sending;
      const { bytes, ended, errno } = await until('it is told', ({ closings }) => closings > 0);
      assert.deepEqual({ bytes, ended }, { bytes: 50_000, ended: false });
      // The second where Bun's loop was quicker than the write.
      assert.match(String(errno), /^(?:EPIPE|ECONNRESET)$/);
    });

    for (const how of ['close', 'reset'] as const) {
      it(`${how}s when it is asked to, and tells it once and not within the call`, async () => {
        const peer = await connect();
        await puppet.tell({ do: 'close', how });
        const state = await until(
          'both know',
          ({ errno }) => errno !== 'open' && (peer.errno !== 'open' || peer.ended),
        );
        assert.deepEqual([state.errno, state.closings, state.nested], [null, 1, 0]);
        assert.equal(peer.errno === 'ECONNRESET', how === 'reset');
        peer.socket.destroy();
      });
    }

    it('closes when a reset is asked for in the turn of its own FIN', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'end and close', how: 'reset' });
      await until('both know', ({ errno }) => errno !== 'open' && (peer.errno !== 'open' || peer.ended));
      peer.socket.destroy();
    });

    it('gives back what it has not sent, and sends it never', async () => {
      const peer = await connect();
      assert.equal(await puppet.tell({ do: 'write and take back', bytes: 500, salt: 13 }), 500);
      assert.equal((await puppet.state()).sentBytes, 0);
      await puppet.tell({ do: 'end' });
      await until('the end arrives', () => peer.ended);
      assert.equal(peer.got.length, 0);
      peer.socket.destroy();
    });

    it('is quiet until the peer says something', async () => {
      const peer = await connect();
      assert.equal(await puppet.tell({ do: 'is quiet' }), true);
      await puppet.tell({ do: 'pause' });
      await new Promise((resolve) => peer.socket.write('x', resolve));
      assert.equal(await puppet.tell({ do: 'is quiet' }), false);
      peer.socket.destroy();
    });

    it('may be written to, paused and closed after it has closed', async () => {
      const peer = await connect();
      await puppet.tell({ do: 'close', how: 'close' });
      await until('it is told', ({ errno }) => errno === null);
      await puppet.tell({ do: 'send', ...smallPieces });
      for (const order of ['pause', 'resume', 'end'] as const) await puppet.tell({ do: order });
      await puppet.tell({ do: 'close', how: 'reset' });
      const { written, closings, sentBytes } = await puppet.state();
      assert.deepEqual({ written, closings, sentBytes }, { written: 0, closings: 1, sentBytes: 0 });
      peer.socket.destroy();
    });
  });
}

const largePieces = { bytes: 40_000, salt: 14, piece: 20_000, ownership: 'owned', waits: false } as const;
const smallPieces = { bytes: 40, salt: 14, piece: 20, ownership: 'borrowed', waits: false } as const;

async function seen(): Promise<Pick<State, 'bytes' | 'ended' | 'errno'>> {
  const { bytes, ended, errno } = await puppet.state();
  return { bytes, ended, errno };
}

describe('connecting over a socket of Bun', { skip }, () => {
  it('to a port where nobody listens is refused', async () => {
    const unreachable = createServer().listen(0, '127.0.0.1');
    await once(unreachable, 'listening');
    const { port: free } = unreachable.address() as { port: number };
    await new Promise((resolve) => unreachable.close(resolve));
    const to = { kind: 'tcp', address: '127.0.0.1', port: free, tls: null } as const;
    assert.equal(await puppet.tell({ do: 'connect', to }), 'ECONNREFUSED');
  });

  it('to a unix socket that is not there says so', async () => {
    const to = { kind: 'unix', path: join(tmpdir(), 'nobody-made-this.sock'), tls: null } as const;
    assert.equal(await puppet.tell({ do: 'connect', to }), 'ENOENT');
  });

  // Node has the system's word (ENETUNREACH). Where this fails, Bun has learned it, and the ADR is to say so.
  it('to an address without a route is called refused', async () => {
    const to = { kind: 'tcp', address: '255.255.255.255', port: 9, tls: null } as const;
    assert.equal(await puppet.tell<string>({ do: 'connect', to }), 'ECONNREFUSED');
  });
});
