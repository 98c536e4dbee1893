import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Ownership } from '../../src/core/message.ts';
import type { Transport, TurnEndListener } from '../../src/core/transport.ts';
import * as fc from '../properties.ts';
import { DecodedSection } from '../../src/wire/h2/decoded-section.ts';
import { HeaderBlockWriter } from '../../src/wire/h2/hpack-encoder.ts';
import { Session } from '../../src/wire/h2/session.ts';
import type { SessionOwner } from '../../src/wire/h2/session-owner.ts';
import type { SessionStream, StreamListener, StreamLoss } from '../../src/wire/h2/session-stream.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { headersFrame, preface, requestHeaders, settings } from './frames.ts';

// Our session in both roles against Node's HTTP/2 (nghttp2) over loopback, by random programs, and against mutated frames.

const limitMs = 20_000;

/** A session on a socket of Node. */
class SocketSession {
  readonly session: Session;
  readonly socket: Socket;
  failed: string | null = null;

  constructor(socket: Socket, role: 'server' | 'client', onRequest: SessionOwner['onRequest']) {
    this.socket = socket;
    const owner: SessionOwner = {
      onRequest,
      onStreamClosed() {},
      onPeerSettings() {},
      onPong() {},
      onGoAway() {},
      onSessionFailed: (error, why) => {
        this.failed = `${error}: ${why}`;
        socket.end();
      },
    };
    const transport = transportOf(socket);
    this.session = new Session(
      transport,
      new DecodedSection(new HeadStorage()),
      { role, sectionLimits: { headersMax: 100, listBytesMax: 64 * 1024 }, now: () => performance.now() },
      owner,
    );
    socket.on('data', (bytes: Buffer) => this.session.receiveAll(bytes, 0, bytes.length));
    socket.on('drain', () => this.session.sender.onWritten());
    socket.on('error', () => {});
    socket.on('close', () => this.session.endAll());
  }
}

function transportOf(socket: Socket): Transport {
  const transport = {
    write(bytes: Uint8Array, start: number, end: number, _ownership: Ownership): boolean {
      return socket.write(Buffer.from(bytes.subarray(start, end)));
    },
    notifyAtTurnEnd: (listener: TurnEndListener) => setImmediate(() => listener.onTurnEnd()),
  };
  return transport as unknown as Transport;
}

const block = new HeaderBlockWriter();

/** Sends a response or a request with a body, and counts what comes. */
class Echo implements StreamListener {
  readonly stream: SessionStream;
  received = 0;
  loss: StreamLoss | null = null;
  readonly done: Promise<void>;
  #finish: () => void = () => {};
  readonly #session: Session;
  #left: number;

  constructor(session: Session, stream: SessionStream, bytes: number) {
    this.#session = session;
    this.stream = stream;
    this.#left = bytes;
    this.done = new Promise((resolve) => (this.#finish = resolve));
  }

  /** Sends the rest of the body, as far as the session takes it. */
  pump(): void {
    while (this.#left > 0) {
      const bytes = Buffer.alloc(Math.min(this.#left, 20_000), 'x');
      this.#left -= bytes.length;
      if (!this.#session.sender.body(this.stream, bytes, 0, bytes.length, 'owned')) return;
    }
    if (!this.stream.ended && !this.stream.endsAfterWaiting) this.#session.sender.end(this.stream, null);
  }

  onSection(section: DecodedSection): void {
    if (section.status !== null) this.stream.hasHead = true;
  }

  onBody(_: Uint8Array, start: number, end: number): void {
    this.received += end - start;
    setImmediate(() => this.#session.windows.consume(this.stream, end - start));
  }

  onPeerEnd(): void {
    this.#finish();
  }

  onStreamLost(loss: StreamLoss): void {
    this.loss = loss;
    this.#finish();
  }

  onRoom(): void {
    this.pump();
  }

  onAllSent(): void {
    this.#session.closeIfEnded(this.stream);
  }
}

/** A request of a program. */
const exchange = fc.record({
  up: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200_000 })),
  down: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200_000 })),
  leaves: fc.boolean(),
});
const program = fc.array(exchange, { minLength: 1, maxLength: 12 });
const windows = fc.constantFrom(1000, 65_535, 1_000_000);

async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

describe('our session and that of Node', () => {
  test('as server and client: each stream comes whole, or is left by the one that leaves it', {
    timeout: 120_000,
  }, async () => {
    let down = (_: number): number => 0;
    const server = createServer({ noDelay: true }, (socket) => {
      const own = new SocketSession(socket, 'server', (stream, section) => {
        const echo = new Echo(own.session, stream, down(Number(section.path?.slice(1))));
        stream.listener = echo;
        own.session.windows.widen(stream);
        block.begin(own.session.sender.mustShrinkTable);
        own.session.sender.mustShrinkTable = false;
        block.status(200);
        own.session.sender.headers(stream, block.bytes, 0, block.length, false);
        echo.pump();
      });
      failures.push(() => own.failed);
    });
    const failures: (() => string | null)[] = [];
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      await fc.assert(
        fc.asyncProperty(program, windows, async (exchanges, initialWindowSize) => {
          down = (index) => exchanges[index]?.down ?? 0;
          const client = http2.connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize } });
          client.on('error', () => {});
          await inTime('the program', Promise.all(exchanges.map((one, index) => play(client, one, index))));
          client.destroy();
        }),
        { numRuns: 40 },
      );
      assert.deepEqual(
        failures.map((failed) => failed()).filter((failed) => failed !== null),
        [],
      );
    } finally {
      server.close();
    }
  });

  async function play(
    client: http2.ClientHttp2Session,
    { up, down, leaves }: { up: number; down: number; leaves: boolean },
    index: number,
  ): Promise<void> {
    const stream = client.request({ ':method': 'POST', ':path': `/${index}` });
    let received = 0;
    stream.on('error', () => {});
    stream.on('data', (bytes: Buffer) => {
      received += bytes.length;
      if (leaves && received > down / 2) stream.close(http2.constants.NGHTTP2_CANCEL);
    });
    stream.end(Buffer.alloc(up));
    await once(stream, 'close');
    if (!leaves) assert.equal(received, down);
  }

  test('as client and server', { timeout: 120_000 }, async () => {
    let exchanges: readonly { up: number; down: number; leaves: boolean }[] = [];
    const received: number[] = [];
    const server = http2.createServer();
    server.on('sessionError', () => {});
    server.on('stream', (stream: http2.ServerHttp2Stream, head) => {
      const index = Number(head[':path']?.slice(1));
      let bytes = 0;
      stream.on('error', () => {});
      stream.on('data', (part: Buffer) => (bytes += part.length));
      stream.on('end', () => (received[index] = bytes));
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(exchanges[index]?.down ?? 0));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      await fc.assert(
        fc.asyncProperty(program, async (all) => {
          exchanges = all;
          received.length = 0;
          const socket = connect(port, '127.0.0.1');
          await once(socket, 'connect');
          const own = new SocketSession(socket, 'client', () => assert.fail('a server opens no stream'));
          const echoes = all.map(({ up }, index) => {
            const stream = own.session.open(nobody);
            const echo = new Echo(own.session, stream, up);
            stream.listener = echo;
            block.begin(own.session.sender.mustShrinkTable);
            own.session.sender.mustShrinkTable = false;
            block.pseudo('POST', 'http', 'example.org', `/${index}`);
            own.session.sender.headers(stream, block.bytes, 0, block.length, false);
            echo.pump();
            return echo;
          });
          await inTime('the program', Promise.all(echoes.map(({ done }) => done)));
          assert.equal(own.failed, null);
          for (const [index, echo] of echoes.entries()) {
            assert.equal(echo.loss, null);
            assert.equal(echo.received, all[index]?.down);
          }
          socket.destroy();
        }),
        { numRuns: 40 },
      );
    } finally {
      server.close();
    }
  });
});

const nobody: StreamListener = {
  onSection() {},
  onBody() {},
  onPeerEnd() {},
  onStreamLost() {},
  onRoom() {},
  onAllSent() {},
};

describe('mutated frames', () => {
  let recorded: Buffer;
  let server: Server;

  before(async () => {
    // What Node's client sends for a few requests.
    const parts: Buffer[] = [];
    server = createServer((socket) => {
      socket.on('data', (bytes: Buffer) => void parts.push(bytes));
      socket.on('error', () => {});
      socket.write(settings());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = http2.connect(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    client.on('error', () => {});
    for (const path of ['/', '/a?b=c', '/']) {
      const stream = client.request({ ':method': 'POST', ':path': path, 'x-field': 'value '.repeat(9).trim() });
      stream.on('error', () => {});
      stream.end('content');
    }
    const wanted = (): boolean => Buffer.concat(parts).includes('bodybody') || parts.length > 3;
    for (let looks = 0; looks < 200 && !wanted(); looks++) await new Promise((resolve) => setTimeout(resolve, 10));
    recorded = Buffer.concat([...parts, headersFrame(101, requestHeaders())]);
    client.destroy();
    assert.ok(recorded.subarray(0, preface.length).equals(preface));
  });
  after(() => server?.close());

  for (const role of ['server', 'client'] as const)
    test(`make no ${role} throw, and end the session or not`, () => {
      const edit = fc.record({
        at: fc.nat(),
        kind: fc.constantFrom('flip' as const, 'cut' as const, 'twice' as const, 'insert' as const),
        value: fc.integer({ min: 0, max: 255 }),
        length: fc.integer({ min: 1, max: 40 }),
      });
      fc.assert(
        fc.property(
          fc.array(edit, { minLength: 1, maxLength: 6 }),
          fc.integer({ min: 1, max: 100 }),
          (edits, slice) => {
            let bytes: Buffer = Buffer.from(role === 'server' ? recorded : recorded.subarray(preface.length));
            for (const { at, kind, value, length } of edits) {
              const from = (role === 'server' ? preface.length : 0) + (at % Math.max(1, bytes.length - preface.length));
              const to = Math.min(bytes.length, from + length);
              if (kind === 'flip') bytes[from] = value;
              else if (kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
              else if (kind === 'twice') bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
              else bytes = Buffer.concat([bytes.subarray(0, from), Buffer.alloc(length, value), bytes.subarray(from)]);
            }
            let failed = 0;
            let opened = 0;
            const owner: SessionOwner = {
              onRequest: (stream) => {
                opened++;
                stream.listener = nobody;
              },
              onStreamClosed() {},
              onPeerSettings() {},
              onPong() {},
              onGoAway() {},
              onSessionFailed: () => failed++,
            };
            let sent = 0;
            const transport = {
              write: (_: Uint8Array, start: number, end: number) => {
                sent += end - start;
                return true;
              },
              notifyAtTurnEnd: (listener: TurnEndListener) => turnEnds.push(listener),
            };
            const turnEnds: TurnEndListener[] = [];
            const session = new Session(
              transport as unknown as Transport,
              new DecodedSection(new HeadStorage()),
              { role, sectionLimits: { headersMax: 100, listBytesMax: 64 * 1024 }, now: () => 0 },
              owner,
            );
            if (role === 'client') for (let count = 0; count < 3; count++) session.open(nobody);
            for (let at = 0; at < bytes.length; at += slice) {
              const part = bytes.subarray(at, at + slice);
              session.receiveAll(part, 0, part.length);
              for (const listener of turnEnds.splice(0)) listener.onTurnEnd();
            }
            assert.ok(failed <= 1, 'a session fails once');
            assert.ok(sent < 4096 + bytes.length, `${sent} bytes sent for ${bytes.length}`);
            assert.ok(opened <= 20);
            if (failed === 0) session.endAll();
            assert.equal(session.streamsOpen, 0);
          },
        ),
        { numRuns: 2000 },
      );
    });
});
