import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { after, describe, it } from 'node:test';
import type { HeaderSectionKind } from './decoded-section.ts';
import { HeaderBlockWriter } from './hpack-encoder.ts';
import { type HeaderPair, TestDecoder } from './hpack.test-support.ts';

/** Node's HTTP/2 (nghttp2) is another implementation of HPACK: both must understand each other over real sockets. */

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const typeHeaders = 1;
const typeSettings = 4;
const typeContinuation = 9;
const flagEndStream = 1;
const flagEndHeaders = 4;
const flagPadded = 8;
const flagPriority = 0x20;

/** The header blocks in a direction of a connection, in order. */
function blocksOf(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  let parts: Buffer[] = [];
  let at = bytes.toString('latin1', 0, preface.length) === preface ? preface.length : 0;
  while (at + 9 <= bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    const type = bytes[at + 3];
    const flags = bytes[at + 4] ?? 0;
    let payload = bytes.subarray(at + 9, at + 9 + length);
    at += 9 + length;
    if (type !== typeHeaders && type !== typeContinuation) continue;
    if (type === typeHeaders && (flags & flagPadded) !== 0)
      payload = payload.subarray(1, payload.length - (payload[0] ?? 0));
    if (type === typeHeaders && (flags & flagPriority) !== 0) payload = payload.subarray(5);
    parts.push(payload);
    if ((flags & flagEndHeaders) === 0) continue;
    blocks.push(Buffer.concat(parts));
    parts = [];
  }
  return blocks;
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

async function portOf(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
}

/** Fields as `rawHeaders` has them, with the pseudo-headers in the order of `pairsOf`. */
function pairsOfRaw(raw: readonly string[]): HeaderPair[] {
  const pairs = raw.flatMap((name, index): HeaderPair[] => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []));
  const order = [':method', ':scheme', ':authority', ':path', ':status'];
  const rank = ([name]: HeaderPair): number => (name.startsWith(':') ? order.indexOf(name) : order.length);
  return pairs.toSorted((one, other) => rank(one) - rank(other));
}

/** Different ones each time, of which some come again: entries are used, and they are evicted. */
function variedHeaders(number: number): Record<string, string> {
  const text = 'Many different words, 0123456789 / ?=&; "quoted" ~'.repeat(1 + (number % 5));
  return {
    'user-agent': 'a client that always has this name',
    [`x-field-${number % 11}`]: text.slice(number % 13, 20 + number).trim(),
    [`x-other-${number}`]: `value ${number % 3}`,
    'x-bytes': `\xe9\xff ${number}`,
    authorization: `Bearer ${number * 7919}`,
    accept: number % 2 === 0 ? '*/*' : 'text/html',
  };
}

/** Requests of Node's client to Node's server, recorded between them. */
async function recordNode(requests: number, headerTableSize: number): Promise<RecordedConnection> {
  const received: HeaderPair[][] = [];
  const answered: HeaderPair[][] = [];
  const server = http2.createServer({ settings: { headerTableSize } });
  server.on('stream', (stream: http2.ServerHttp2Stream, _headers, _flags, rawHeaders) => {
    received.push(pairsOfRaw(rawHeaders as unknown as string[]));
    stream.respond({ ':status': 200 + (received.length % 5), ...variedHeaders(received.length) });
    stream.end();
  });
  const serverPort = await portOf(server as unknown as net.Server);
  const toServer: Buffer[] = [];
  const toClient: Buffer[] = [];
  const relay = net.createServer((client) => {
    const origin = net.connect(serverPort, '127.0.0.1');
    client.on('data', (bytes: Buffer) => void toServer.push(bytes));
    origin.on('data', (bytes: Buffer) => void toClient.push(bytes));
    client.pipe(origin).pipe(client);
  });
  const session = http2.connect(`http://127.0.0.1:${await portOf(relay)}`, { settings: { headerTableSize } });
  await once(session, 'remoteSettings');
  for (let number = 0; number < requests; number++) {
    const stream = session.request({ ':path': `/page/${number}`, ...variedHeaders(number) });
    stream.on('response', (_headers, _flags, rawHeaders) => {
      answered.push(pairsOfRaw(rawHeaders as unknown as string[]));
    });
    stream.resume();
    await once(stream, 'close');
  }
  session.close();
  await once(session, 'close');
  server.close();
  relay.close();
  return { received, answered, toServer: Buffer.concat(toServer), toClient: Buffer.concat(toClient) };
}

interface RecordedConnection {
  readonly received: HeaderPair[][];
  readonly answered: HeaderPair[][];
  readonly toServer: Buffer;
  readonly toClient: Buffer;
}

describe("the decoder reads what Node's encoder writes", () => {
  for (const headerTableSize of [0, 200, 4096])
    it(`with a table of ${headerTableSize} bytes`, async () => {
      const recorded = await recordNode(60, headerTableSize);
      assert.equal(recorded.received.length, 60);
      const directions: readonly (readonly [HeaderSectionKind, Buffer, HeaderPair[][]])[] = [
        ['request', recorded.toServer, recorded.received],
        ['response', recorded.toClient, recorded.answered],
      ];
      for (const [kind, bytes, expected] of directions) {
        const decoder = new TestDecoder(4096);
        const decoded = blocksOf(bytes).map((block) => decoder.decode(block, kind));
        assert.deepEqual(decoded, expected);
        assert.ok(decoder.decoder.tableBytes <= headerTableSize);
        // 60 messages have more headers than fit, so that entries were evicted.
        if (headerTableSize === 4096) assert.ok(decoder.decoder.tableBytes > 3500);
      }
    });
});

describe("Node's decoder reads", () => {
  const server = http2.createServer();
  after(() => server.close());

  it('what the encoder writes, with and without the memo', async () => {
    const received: HeaderPair[][] = [];
    server.on('stream', (stream: http2.ServerHttp2Stream, _headers, _flags, rawHeaders) => {
      received.push(pairsOfRaw(rawHeaders as unknown as string[]));
      stream.respond({ ':status': 204 }, { endStream: true });
    });
    const socket = net.connect(await portOf(server as unknown as net.Server), '127.0.0.1');
    socket.write(Buffer.concat([Buffer.from(preface), frame(typeSettings, 0, 0)]));
    const expected: HeaderPair[][] = [];
    const writer = new HeaderBlockWriter();
    for (let number = 0; number < 60; number++) {
      const headers = Object.entries(variedHeaders(number % 20));
      const lines = Buffer.from(
        headers.map(([name, value]) => `${name.toUpperCase()}: ${value}\r\n`).join(''),
        'latin1',
      );
      writer.begin(number === 0);
      writer.pseudo('GET', 'http', 'a.example', `/page/${number}`);
      writer.header('X-Request-Id', String(number));
      writer.headerLines(lines, 0, lines.length);
      const flags = flagEndHeaders | flagEndStream;
      socket.write(frame(typeHeaders, flags, number * 2 + 1, writer.bytes.subarray(0, writer.length)));
      const pseudos: HeaderPair[] = [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':authority', 'a.example'],
        [':path', `/page/${number}`],
      ];
      expected.push([...pseudos, ['x-request-id', String(number)], ...headers]);
    }
    while (received.length < expected.length) await once(server, 'stream');
    socket.destroy();
    assert.deepEqual(received, expected);
  });
});
