// Starts processes: the memory of the process is measured.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { packedProgram as program } from '../program.ts';

// Large bodies: every byte reaches its recipient, and the gateway buffers only a bounded amount when a recipient is slow.

/**
 * Slightly more than a megabyte, so that no buffer boundary coincides with the end. The first six clients send more than all
 * kernel buffers on the way hold, so that the gateway itself must buffer.
 */
function bytesOf(id: number): number {
  return id < 6 ? 14_000_011 : 1_300_003;
}

/** The body of a client: each byte follows from its id and position, so that no two clients have the same. */
function bodyOf(id: number, bytes: number): Buffer {
  const body = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at++) body[at] = (at * 31 + (at >>> 8) * 7 + (at >>> 16) * 13 + id * 101) & 0xff;
  return body;
}

describe('twenty concurrent clients, slow and fast, with Content-Length and with chunks', () => {
  let origin: Echo;
  let edge: YamlGateway;
  before(async () => {
    origin = await startEcho();
    edge = await startFromYaml(`
upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", check: none, attempts: 1 } }
`);
  });
  after(() => edge.stop());
  after(() => origin.close());

  test('send and receive exactly their own bytes', async () => {
    const bodies = Array.from({ length: 20 }, (_, id) => bodyOf(id, bytesOf(id)));
    const clients = bodies.map((body, id) => exchangeBody(edge, id, body));
    for (const [id, got] of (await Promise.all(clients)).entries()) {
      const expected = bodies[id] ?? assert.fail();
      assert.equal(got.length, expected.length, `client ${id}: length`);
      assert.ok(got.equals(expected), `client ${id}: differs at byte ${firstDifference(got, expected)}`);
    }
    await until('no exchange and no client is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
    assert.equal(edge.counts().unclassified, 0);
  });
});

/**
 * Sends a client's body and returns the body of the response. Odd ids upload in chunks, every third asks for a chunked response,
 * every fourth reads slowly, every fifth writes slowly. The first six begin to read late.
 */
async function exchangeBody(edge: YamlGateway, id: number, body: Buffer): Promise<Buffer> {
  const { host, port } = edge.address();
  const socket = connect({ host, port });
  await once(socket, 'connect');
  const chunkedUp = id % 2 === 1;
  const framing = chunkedUp ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
  const wanted = id % 3 === 0 ? 'chunked' : 'length';
  const sending = (async () => {
    socket.write(
      requestText('POST', `/echo?${wanted}&bytes=${body.length}&slow=${id === 13}`, [framing, 'Connection: close']),
    );
    const pieceBytes = id < 6 ? 150_001 : 7_001 + id * 997;
    for (let at = 0; at < body.length; at += pieceBytes) {
      const piece = body.subarray(at, at + pieceBytes);
      const bytes = chunkedUp ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, crlf]) : piece;
      if (!socket.write(bytes)) await once(socket, 'drain');
      if (id % 5 === 0) await sleep(1);
    }
    if (chunkedUp) socket.write('0\r\n\r\n');
  })();
  if (id < 6) await sleep(700);
  const pieces: Buffer[] = [];
  for await (const bytes of socket) {
    pieces.push(bytes as Buffer);
    if (id % 4 === 0 && pieces.length % 16 === 0) await sleep(1);
  }
  await sending;
  return bodyIn(Buffer.concat(pieces));
}

const crlf = Buffer.from('\r\n');

/** The body of a response that ends with its connection. */
function bodyIn(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\r\n\r\n');
  const head = bytes.toString('latin1', 0, end);
  assert.match(head, /^HTTP\/1\.1 200 /);
  const rest = bytes.subarray(end + 4);
  if (!/transfer-encoding: chunked/i.test(head)) return rest;
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16);
    assert.ok(lineEnd >= 0 && size >= 0, 'a chunk has a size');
    if (size === 0) return Buffer.concat(pieces);
    pieces.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

function firstDifference(a: Buffer, b: Buffer): number {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return at;
  return -1;
}

interface Echo {
  readonly port: number;
  close(): Promise<void>;
}

/** Sends each request's body back while it comes: after the head, byte for byte, with Content-Length or in chunks. */
async function startEcho(): Promise<Echo> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, highWaterMark: 8192 }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    void echoOn(socket);
  });
  const port = await listening(server);
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function echoOn(socket: Socket): Promise<void> {
  let held = Buffer.alloc(0);
  const more = socket[Symbol.asyncIterator]();
  const read = async (): Promise<boolean> => {
    const next = await more.next();
    if (next.done === true) return false;
    held = Buffer.concat([held, next.value as Buffer]);
    return true;
  };
  const take = (bytes: number): Buffer => {
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  };
  const line = async (end: string): Promise<string | null> => {
    while (!held.includes(end)) if (!(await read())) return null;
    const text = take(held.indexOf(end)).toString('latin1');
    take(end.length);
    return text;
  };
  for (let head = await line('\r\n\r\n'); head !== null; head = await line('\r\n\r\n')) {
    const chunked = head.includes('?chunked');
    const slow = head.includes('slow=true');
    const bytes = /bytes=([0-9]+)/.exec(head)?.[1];
    const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`;
    socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
    const pass = async (bytes: Buffer): Promise<void> => {
      const out = chunked ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, crlf]) : bytes;
      if (!socket.write(out)) await once(socket, 'drain');
      if (slow) await sleep(1);
    };
    const length = /content-length: ([0-9]+)/i.exec(head)?.[1];
    const passNext = async (bytes: number): Promise<void> => {
      for (let left = bytes; left > 0; ) {
        if (held.length === 0 && !(await read())) return;
        const piece = take(Math.min(left, held.length));
        left -= piece.length;
        await pass(piece);
      }
    };
    if (length !== undefined) await passNext(Number(length));
    else {
      for (let size = await line('\r\n'); size !== null; size = await line('\r\n')) {
        const bytes = Number.parseInt(size, 16);
        await passNext(bytes);
        await line('\r\n');
        if (bytes === 0) break;
      }
    }
    if (chunked) socket.write('0\r\n\r\n');
  }
}

/** Runs the gateway in its own process, so that its memory can be measured. */
class GatewayProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  port = 0;
  #said = '';

  constructor(yaml: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'candor-content-'));
    writeFileSync(join(this.folder, 'candor.yaml'), yaml);
    this.child = spawn(process.execPath, [program, 'up', '-c', 'candor.yaml'], {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'],
        HOME: this.folder,
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
  }

  async open(): Promise<void> {
    const opened = /"kind":"listener_opened".*?"address":"127\.0\.0\.1:([0-9]+)"/;
    await until(`the gateway listens; it said:\n${this.#said}`, () => opened.test(this.#said));
    this.port = Number(opened.exec(this.#said)?.[1]);
  }

  /** Resident memory in bytes, as the kernel counts it. */
  get residentBytes(): number {
    const pages = Number(readFileSync(`/proc/${this.child.pid}/statm`, 'utf8').split(' ')[1]);
    return pages * 4096;
  }

  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const growthMax = 60 * 1024 * 1024;
/** Several times the growth that is allowed. */
const megabytes = isWholeSweep ? 300 : 90;
const large = megabytes * 1024 * 1024;

describe('resident memory does not grow with the bytes that pass', () => {
  let origin: { readonly port: number; close(): Promise<void>; readonly taken: number };
  let gateway: GatewayProcess;
  before(async () => {
    origin = await startLargeOrigin();
    gateway = new GatewayProcess(`
listeners: { http: "127.0.0.1:0" }
admin: { socket: none }
log: { path: none }
upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", check: none } }
`);
    await gateway.open();
    // Does not measure the one-time cost of the first exchanges of a process.
    await download(gateway.port, '/length', 8 * 1024 * 1024);
  });
  after(() => gateway.end());
  after(() => origin.close());

  for (const path of sampled(['/length', '/chunked', '/until-close'], 2)) {
    test(`while ${megabytes} MB are read slowly (${path})`, async (context) => {
      const before = gateway.residentBytes;
      let most = before;
      const bytes = await download(gateway.port, path, large, () => {
        most = Math.max(most, gateway.residentBytes);
      });
      assert.ok(bytes >= large, `${bytes} bytes came`);
      context.diagnostic(`resident memory grew by ${((most - before) / 1048576).toFixed(1)} MiB at most`);
      assert.ok(most - before < growthMax, `resident memory grew by ${most - before} bytes`);
    });
  }

  for (const framing of sampled(['length', 'chunked'] as const, 2, 1)) {
    test(`while ${megabytes} MB are sent to an origin that reads slowly (${framing})`, async (context) => {
      const before = gateway.residentBytes;
      let most = before;
      const taken = origin.taken;
      await upload(gateway.port, framing, () => {
        most = Math.max(most, gateway.residentBytes);
      });
      assert.ok(origin.taken - taken >= large, `${origin.taken - taken} bytes came`);
      context.diagnostic(`resident memory grew by ${((most - before) / 1048576).toFixed(1)} MiB at most`);
      assert.ok(most - before < growthMax, `resident memory grew by ${most - before} bytes`);
    });
  }
});

const block = Buffer.alloc(64 * 1024, 'candor. ');

/** Pauses after every few megabytes, so that the gateway must wait for this client. */
async function download(port: number, path: string, bytesMax: number, look = (): void => {}): Promise<number> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write(requestText('GET', path, ['Connection: close']));
  let bytes = 0;
  let next = 0;
  for await (const piece of socket) {
    bytes += (piece as Buffer).length;
    if (bytes >= bytesMax && bytesMax < large) break;
    if (bytes < next) continue;
    next += 16 * 1024 * 1024;
    // One long pause: long enough for an origin without backpressure to send everything.
    await sleep(next === 64 * 1024 * 1024 ? 400 : 20);
    look();
  }
  socket.destroy();
  return bytes;
}

async function upload(port: number, framing: 'length' | 'chunked', look: () => void): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  const answered = once(socket, 'data');
  const header = framing === 'length' ? `Content-Length: ${large}` : 'Transfer-Encoding: chunked';
  socket.write(requestText('PUT', '/upload', [header, 'Connection: close']));
  const chunk = Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, crlf]);
  let sent = 0;
  let next = 0;
  while (sent < large) {
    sent += block.length;
    if (!socket.write(framing === 'length' ? block : chunk)) await once(socket, 'drain');
    if (sent < next) continue;
    next += 16 * 1024 * 1024;
    look();
  }
  if (framing === 'chunked') socket.write('0\r\n\r\n');
  const [bytes] = (await answered) as [Buffer];
  assert.match(bytes.toString('latin1', 0, 20), /^HTTP\/1\.1 200 /);
  look();
  socket.destroy();
}

/** Sends `large` bytes in answer to a GET, as fast as the gateway reads; reads as many of a PUT with pauses. */
async function startLargeOrigin(): Promise<{ port: number; close(): Promise<void>; taken: number }> {
  const sockets = new Set<Socket>();
  const seen = { taken: 0 };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    void serveLarge(socket, seen).catch(() => {}); // A client that has read enough closes the connection.
  });
  const port = await listening(server);
  return {
    port,
    get taken() {
      return seen.taken;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serveLarge(socket: Socket, seen: { taken: number }): Promise<void> {
  let head = '';
  let taken = 0;
  let next = 0;
  for await (const bytes of socket) {
    taken += (bytes as Buffer).length;
    seen.taken += (bytes as Buffer).length;
    if (head === '') {
      head = (bytes as Buffer).toString('latin1', 0, 1000);
      if (head.startsWith('GET')) return await giveLarge(socket, head); // Leaving the loop closes the socket.
    }
    if (taken >= next) {
      next += 16 * 1024 * 1024;
      await sleep(20);
    }
    const end = (bytes as Buffer).toString('latin1', Math.max(0, (bytes as Buffer).length - 5));
    const whole = /chunked/i.test(head) ? end.endsWith('0\r\n\r\n') : taken >= large + head.indexOf('\r\n\r\n') + 4;
    if (whole) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }
}

async function giveLarge(socket: Socket, head: string): Promise<void> {
  const [, framing = ''] = /^GET \/(\S+)/.exec(head) ?? [];
  const header = { length: `Content-Length: ${large}`, chunked: 'Transfer-Encoding: chunked' }[framing] ?? 'X-None: 1';
  socket.write(`HTTP/1.1 200 OK\r\n${header}\r\nConnection: close\r\n\r\n`);
  const piece = framing === 'chunked' ? Buffer.concat([Buffer.from('10000\r\n'), block, crlf]) : block;
  for (let sent = 0; sent < large && !socket.destroyed; sent += block.length) {
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
  socket.end(framing === 'chunked' ? '0\r\n\r\n' : '');
}

describe('a client that leaves in the middle', () => {
  let edge: YamlGateway;
  let server: Server;
  const sockets = new Set<Socket>();
  before(async () => {
    // Answers with a head and a little body, and then sends nothing; reads little of an upload.
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      socket.once('data', (bytes: Buffer) => {
        if (bytes.includes('GET /silent')) return;
        if (bytes.includes('PUT ')) return void socket.pause();
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large}\r\n\r\n`);
        if (bytes.includes('/much')) for (let count = 0; count < 200; count++) socket.write(block);
        else socket.write('little');
      });
    });
    const port = await listening(server);
    edge = await startFromYaml(
      `buffer: { request: none }\nupstreams: { app: { endpoints: "127.0.0.1:${port}", check: none } }`,
    );
  });
  after(() => edge.stop());
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  const cases: [what: string, request: string, waitsFor: string, delivery: string][] = [
    ['of a download', requestText('GET', '/little'), 'little', 'response_started'],
    ['of a download that it does not read', requestText('GET', '/much'), 'candor', 'response_started'],
    ['of an upload', `${requestText('PUT', '/', ['Content-Length: 90000000'])}${'x'.repeat(5000)}`, '', 'partial'],
    ['of waiting', requestText('GET', '/silent'), '', 'sent_unknown'],
  ];
  for (const how of ['closes', 'resets'] as const) {
    for (const [what, request, waitsFor, delivery] of cases) {
      test(`${what}, and ${how}: the exchange has one record, and both connections are closed`, async () => {
        const abandoned = abandonedIn(edge);
        const ended = edge.counts().ended;
        const { host, port } = edge.address();
        const socket = connect({ host, port });
        socket.on('error', () => {});
        let came = '';
        socket.on('data', (bytes: Buffer) => {
          if (came.length < 4096) came += bytes.toString('latin1');
          if (came.includes('candor')) socket.pause();
        });
        socket.write(request);
        await until('the exchange is in flight', () => sockets.size === 1 && came.includes(waitsFor));
        await sleep(60); // After the time in which a half-close means "no more requests".
        if (how === 'closes') socket.destroy();
        else socket.resetAndDestroy();
        await until('the connection to the endpoint is closed', () => sockets.size === 0);
        await until('the exchange is recorded', () => edge.counts().ended === ended + 1);
        await until('no exchange is in flight', () => edge.counts().active === 0 && edge.counts().clients === 0);
        // A request whose body ends too early may still be answered: a client that only half-closes reads the answer.
        if (delivery !== 'partial' || how === 'resets') assert.equal(abandonedIn(edge), abandoned + 1);
        assert.equal(edge.counts().ended, ended + 1, 'recorded once');
      });
    }
  }
});

function abandonedIn(edge: YamlGateway): number {
  const cells = edge.gateway.counts().exchanges.filter(({ end }) => end === 'abandoned');
  return cells.reduce((sum, { count }) => sum + count, 0);
}
