import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { type ErrorName, errorNumber } from '../../src/wire/h2/protocol.ts';
import { requestText, startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import {
  data,
  flags,
  frame,
  framesOf,
  headersFrame,
  preface,
  requestHeaders,
  reset,
  setting,
  settings,
  types,
  windowUpdate,
  word,
} from '../http2/frames.ts';
import { RawHttp2 } from '../http2/raw-http2.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// An origin that speaks HTTP/2 in raw frames, and fails on purpose: what the client gets, and what the record tells.

const authority = certificateAuthority(systemClock.wallTime());
const issued = authority.issue({ names: ['origin.test'] });

const frameBytes = 16_384;

/** What the origin does with a request. */
type Act = (send: (...frames: readonly Uint8Array[]) => void, streamId: number, socket: Socket) => void;

interface Row {
  readonly name: string;
  readonly method?: 'GET' | 'POST';
  readonly bodyBytes?: number;
  /** Sent as soon as a connection is there, in place of SETTINGS. */
  readonly first?: Uint8Array;
  readonly answersPing?: false;
  /** For the nth request of the row; the last one for all that follow. */
  readonly acts: readonly Act[];
  readonly status: number;
  readonly sees?: 'complete' | 'cut';
  /** Of the last attempt; null: it succeeded. */
  readonly cause: string | null;
  readonly delivery?: string;
  readonly attempts?: number;
  readonly tells?: Readonly<Record<string, unknown>>;
}

const ok: Act = (send, streamId) =>
  send(headersFrame(streamId, [[':status', '200']], false), data(streamId, 'ok', true));
const head = (streamId: number, ...more: readonly (readonly [string, string])[]): Buffer =>
  headersFrame(streamId, [[':status', '200'], ...more], false);
/** A header section of `kib` KiB, in as many CONTINUATION frames as it takes. */
const largeHead = (
  streamId: number,
  kib: number,
  first: readonly (readonly [string, string])[] = [[':status', '200']],
): Buffer[] => {
  const more = Array.from(
    { length: Math.ceil(kib / 14) },
    (_, index) => [`x-${index}`, 'y'.repeat(14 * 1024)] as const,
  );
  const block = framesOf(headersFrame(streamId, [...first, ...more]), 0).frames[0]?.payload ?? assert.fail();
  const parts: Buffer[] = [];
  for (let at = 0; at < block.length; at += frameBytes) {
    const isLast = at + frameBytes >= block.length;
    const endsStream = at === 0 ? flags.endStream : 0;
    const type = at === 0 ? types.headers : types.continuation;
    parts.push(
      frame(type, endsStream | (isLast ? flags.endHeaders : 0), streamId, block.subarray(at, at + frameBytes)),
    );
  }
  return parts;
};
const goAway = (last: number, error: ErrorName, text: string): Buffer =>
  frame(types.goAway, 0, 0, Buffer.concat([word(last), word(errorNumber(error)), Buffer.from(text)]));
const resets =
  (error: ErrorName): Act =>
  (send, streamId) =>
    send(reset(streamId, error));
const sends =
  (of: (streamId: number) => readonly Uint8Array[]): Act =>
  (send, streamId) =>
    send(...of(streamId));
const silent: Act = () => undefined;
/** The beginning of an answer goes on to the client, and then this happens. */
const later = (begin: (streamId: number) => Uint8Array, act: Act): Act => {
  return (send, streamId, socket) => {
    send(begin(streamId));
    setTimeout(() => act(send, streamId, socket), 150);
  };
};
const ends: Act = (_, __, socket) => socket.end();
const aborts: Act = (_, __, socket) => socket.destroy();

const refused = { cause: 'stream_refused', delivery: 'refused_by_peer' };
const frames = (rule: RegExp): Pick<Row, 'status' | 'cause' | 'tells'> => ({
  status: 502,
  cause: 'response_frames',
  tells: { rule },
});

const malformed = (rule: string | RegExp = /./): Pick<Row, 'status' | 'cause' | 'tells'> => ({
  status: 502,
  cause: 'response_header',
  tells: { rule },
});

const rows: readonly Row[] = [
  {
    name: 'refused once',
    method: 'POST',
    bodyBytes: 11,
    acts: [resets('REFUSED_STREAM'), ok],
    status: 200,
    cause: null,
    attempts: 2,
  },
  {
    name: 'refused always',
    method: 'POST',
    bodyBytes: 11,
    acts: [resets('REFUSED_STREAM')],
    status: 502,
    ...refused,
    tells: { frame: 'RST_STREAM' },
  },
  {
    name: 'GOAWAY before the request',
    method: 'POST',
    bodyBytes: 11,
    acts: [sends(() => [goAway(0, 'NO_ERROR', 'deploy')]), ok],
    status: 200,
    cause: null,
    attempts: 2,
  },
  {
    name: 'GOAWAY with an error',
    method: 'POST',
    acts: [sends(() => [goAway(0, 'ENHANCE_YOUR_CALM', 'too_many_pings')])],
    status: 502,
    ...refused,
    tells: { code: 'ENHANCE_YOUR_CALM', text: 'too_many_pings', last_stream_id: 0 },
  },
  {
    name: 'GOAWAY with an error, whose last stream is that of the request, then FIN',
    method: 'POST',
    acts: [
      (send, streamId, socket) => {
        send(goAway(streamId, 'ENHANCE_YOUR_CALM', 'Too much overhead'));
        socket.end();
      },
    ],
    status: 502,
    cause: 'closed_before_response',
    tells: { go_away: 'ENHANCE_YOUR_CALM', text: 'Too much overhead' },
  },
  {
    name: 'GOAWAY, and the request is answered all the same',
    acts: [sends((id) => [goAway(id, 'NO_ERROR', ''), head(id), data(id, 'ok', true)])],
    status: 200,
    cause: null,
  },
  ...(['NO_ERROR', 'INTERNAL_ERROR', 'CANCEL', 'ENHANCE_YOUR_CALM'] as const).map(
    (error): Row => ({
      name: `reset by ${error}`,
      method: 'POST',
      acts: [resets(error)],
      status: 502,
      cause: 'reset_before_response',
      delivery: 'sent_unknown',
      attempts: 1,
      tells: { stream: error },
    }),
  ),
  {
    name: 'the connection ends',
    method: 'POST',
    acts: [ends],
    status: 502,
    cause: 'closed_before_response',
    delivery: 'sent_unknown',
  },
  {
    name: 'silence, PING answered',
    acts: [silent],
    status: 504,
    cause: 'response_head_timeout',
    delivery: 'sent_unknown',
    tells: { ping: 'answered' },
  },
  {
    name: 'silence, also to PING',
    answersPing: false,
    acts: [silent],
    status: 504,
    cause: 'response_head_timeout',
    tells: { ping: 'unanswered' },
  },
  {
    name: 'a head without its end',
    answersPing: false,
    acts: [sends((id) => [frame(types.headers, 0, id, Buffer.from([0x88]))])],
    status: 504,
    cause: 'response_head_timeout',
  },
  {
    name: 'a body that breaks off',
    acts: [later((id) => Buffer.concat([head(id), data(id, 'part')]), ends)],
    status: 200,
    sees: 'cut',
    cause: 'response_stream_cut',
    delivery: 'response_started',
    tells: { how: 'closed', bytes_received: 4 },
  },
  {
    name: 'a body that is reset',
    acts: [later((id) => Buffer.concat([head(id), data(id, 'part')]), resets('INTERNAL_ERROR'))],
    status: 200,
    sees: 'cut',
    cause: 'response_stream_cut',
    tells: { stream: 'INTERNAL_ERROR' },
  },
  {
    name: 'a body of known length that breaks off',
    acts: [later((id) => Buffer.concat([head(id, ['content-length', '9']), data(id, 'part')]), aborts)],
    status: 200,
    sees: 'cut',
    cause: 'response_body_short',
    tells: { bytes_received: 4, bytes_expected: 9 },
  },
  {
    name: 'a body that stalls',
    acts: [later((id) => Buffer.concat([head(id), data(id, 'part')]), silent)],
    status: 200,
    sees: 'cut',
    cause: 'response_body_stalled',
    tells: { ping: 'answered' },
  },
  {
    name: 'END_STREAM too early',
    acts: [sends((id) => [head(id, ['content-length', '9']), data(id, 'part', true)])],
    status: 502,
    cause: 'response_body_short',
    tells: { stream: 'END_STREAM' },
  },
  {
    name: 'a window that stays shut',
    method: 'POST',
    bodyBytes: 100_000,
    first: settings(setting(4, 0)),
    acts: [silent],
    status: 504,
    cause: 'request_write_timeout',
    delivery: 'partial',
    tells: { head_sent: true },
  },
  {
    name: 'GOAWAY that disowns the request behind the head of its response',
    method: 'POST',
    bodyBytes: 3,
    acts: [sends((id) => [head(id), goAway(0, 'NO_ERROR', '')])],
    status: 502,
    cause: 'response_stream_cut',
    delivery: 'response_started',
    attempts: 1,
    tells: { stream: 'GOAWAY', how: 'reset' },
  },
  {
    name: 'GOAWAY that disowns the request within its response',
    acts: [
      later(
        (id) => Buffer.concat([head(id), data(id, 'part')]),
        sends(() => [goAway(0, 'NO_ERROR', '')]),
      ),
    ],
    status: 200,
    sees: 'cut',
    cause: 'response_stream_cut',
    delivery: 'response_started',
    tells: { stream: 'GOAWAY', bytes_received: 4 },
  },
  {
    name: 'no streams allowed, by its first SETTINGS',
    first: settings(setting(3, 0)),
    acts: [ok],
    status: 200,
    cause: null,
  },
  {
    name: 'HTTP/1',
    first: Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
    acts: [silent],
    status: 502,
    cause: 'response_not_http2',
    tells: { guess: 'text' },
  },
  {
    name: 'no SETTINGS',
    first: frame(types.ping, 0, 0, 'pingpong'),
    acts: [silent],
    status: 502,
    cause: 'response_not_http2',
  },
  {
    name: 'HTTP/1 behind the first SETTINGS',
    acts: [sends(() => [Buffer.from('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n')])],
    status: 502,
    cause: 'response_frames',
    tells: { rule: /^bytes of HTTP\/1 came/, frame_of: 'connection', streams: 1 },
  },
  {
    name: 'a head of 70 KiB',
    acts: [sends((id) => largeHead(id, 70))],
    status: 502,
    cause: 'response_head_too_large',
    attempts: 1,
    tells: { limit: 65_536, longest: 'x-4' },
  },
  {
    name: 'a head of 200 KiB',
    acts: [sends((id) => largeHead(id, 200))],
    status: 502,
    cause: 'response_head_too_large',
    attempts: 1,
    tells: { limit: 65_536, bytes: 131_072 },
  },
  {
    name: 'trailers of 70 KiB',
    acts: [sends((id) => [head(id), ...largeHead(id, 70, [])])],
    status: 502,
    cause: 'response_trailers_too_large',
    tells: { limit: 65_536, headers_max: 256 },
  },
  { name: 'DATA before the head', acts: [sends((id) => [data(id, 'x')])], ...frames(/DATA before the head/) },
  {
    name: 'PUSH_PROMISE',
    acts: [sends((id) => [frame(types.pushPromise, flags.endHeaders, id, word(2))])],
    ...frames(/PUSH_PROMISE/),
  },
  {
    name: 'ENABLE_PUSH of a server',
    acts: [sends(() => [settings(setting(2, 1))])],
    ...frames(/SETTINGS_ENABLE_PUSH/),
  },
  { name: 'ENABLE_PUSH of 2', acts: [sends(() => [settings(setting(2, 2))])], ...frames(/0 or 1/) },
  { name: 'SETTINGS with a stream', acts: [sends((id) => [frame(types.settings, 0, id)])], ...frames(/SETTINGS with/) },
  { name: 'a window of 2^31', acts: [sends(() => [settings(setting(4, 2 ** 31))])], ...frames(/initial window/) },
  {
    name: 'a frame of 16,385 bytes',
    acts: [sends((id) => [data(id, Buffer.alloc(16_385))])],
    ...frames(/16385 bytes/),
  },
  { name: 'DATA without a stream', acts: [sends(() => [data(0, 'x')])], ...frames(/DATA without/) },
  {
    name: 'padding longer than its DATA',
    acts: [sends((id) => [frame(types.data, 8, id, Buffer.of(9, 1))])],
    ...frames(/padding/),
  },
  {
    name: 'RST_STREAM of 3 bytes',
    acts: [sends((id) => [frame(types.rstStream, 0, id, 'abc')])],
    ...frames(/RST_STREAM/),
  },
  { name: 'PING of 6 bytes', acts: [sends(() => [frame(types.ping, 0, 0, 'abcdef')])], ...frames(/PING/) },
  { name: 'GOAWAY of 7 bytes', acts: [sends(() => [frame(types.goAway, 0, 0, 'abcdefg')])], ...frames(/GOAWAY/) },
  { name: 'WINDOW_UPDATE of 0', acts: [sends((id) => [windowUpdate(id, 0)])], ...frames(/WINDOW_UPDATE of 0/) },
  {
    name: 'PRIORITY_UPDATE of a server',
    acts: [sends((id) => [frame(types.priorityUpdate, 0, 0, Buffer.concat([word(id), Buffer.from('u=1')]))])],
    ...frames(/PRIORITY_UPDATE/),
  },
  { name: 'a stream that the server opens', acts: [sends(() => [head(2)])], ...frames(/not open/) },
  {
    name: 'CONTINUATION without HEADERS',
    acts: [sends((id) => [frame(types.continuation, 4, id)])],
    ...frames(/CONTINUATION/),
  },
  {
    name: 'a header block that no decoder can read',
    acts: [
      sends((id) => [frame(types.headers, flags.endHeaders, id, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))]),
    ],
    ...frames(/header block/),
  },
  {
    name: 'an interim response that ends the stream',
    acts: [sends((id) => [headersFrame(id, [[':status', '103']])])],
    ...malformed(),
  },
  { name: 'a 101', acts: [sends((id) => [headersFrame(id, [[':status', '101']])])], ...malformed() },
  { name: 'a status of two digits', acts: [sends((id) => [headersFrame(id, [[':status', '20']])])], ...malformed() },
  {
    name: 'a status that is no number',
    acts: [sends((id) => [headersFrame(id, [[':status', '2x0']])])],
    ...malformed(),
  },
  {
    name: 'two statuses',
    acts: [
      sends((id) => [
        headersFrame(id, [
          [':status', '200'],
          [':status', '200'],
        ]),
      ]),
    ],
    ...malformed('pseudo-header-repeated'),
  },
  {
    name: 'the pseudo-header of requests',
    acts: [sends((id) => [head(id, [':path', '/'])])],
    ...malformed('pseudo-header-kind'),
  },
  {
    name: 'a status behind a header',
    acts: [
      sends((id) => [
        headersFrame(id, [
          ['a', 'b'],
          [':status', '200'],
        ]),
      ]),
    ],
    ...malformed('pseudo-header-late'),
  },
  {
    name: 'a connection header',
    acts: [sends((id) => [head(id, ['connection', 'close'])])],
    ...malformed('connection-header'),
  },
  {
    name: 'Transfer-Encoding',
    acts: [sends((id) => [head(id, ['transfer-encoding', 'chunked'])])],
    ...malformed('connection-header'),
  },
  {
    name: 'a line end in a value',
    acts: [sends((id) => [head(id, ['a', 'b\r\nc: d'])])],
    ...malformed('header-value'),
  },
  {
    name: 'a window of more than 2^31 - 1',
    acts: [sends((id) => [windowUpdate(id, 2 ** 31 - 1)])],
    ...frames(/window/),
  },
  { name: 'a stream that was never opened', acts: [sends(() => [reset(99, 'CANCEL')])], ...frames(/not open/) },
  {
    name: 'a header block without an end',
    acts: [
      sends((id) => [
        frame(types.headers, 0, id, Buffer.from([0x88])),
        ...Array.from({ length: 12 }, () => frame(types.continuation, 0, id, '')),
      ]),
    ],
    ...frames(/CONTINUATION/),
  },
  {
    name: 'no status',
    acts: [sends((id) => [headersFrame(id, [['x', 'y']])])],
    status: 502,
    cause: 'response_header',
    tells: { rule: 'pseudo-header-missing' },
  },
  {
    name: 'a pseudo-header in trailers',
    acts: [sends((id) => [head(id), headersFrame(id, [[':status', '200']])])],
    status: 502,
    cause: 'response_header',
    tells: { rule: 'pseudo-header-kind' },
  },
  {
    name: 'an uppercase name',
    acts: [sends((id) => [head(id, ['X-Upper', 'y'])])],
    status: 502,
    cause: 'response_header',
    tells: { rule: 'header-name-case' },
  },
  {
    name: 'PING in a flood',
    acts: [sends(() => Array.from({ length: 200 }, () => frame(types.ping, 0, 0, 'pingpong')))],
    ...frames(/too many: pings/),
  },
];

class RawOrigin {
  row: Row | null = null;
  port = 0;
  requests = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(tls: boolean) {
    const options = { cert: issued.certificate, key: issued.key, ALPNProtocols: ['h2'] };
    this.#server = tls
      ? createTlsServer(options, (socket) => this.#serve(socket))
      : createServer((socket) => this.#serve(socket));
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  #serve(socket: Socket): void {
    const row = this.row;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let bytes = Buffer.alloc(0);
    let at = preface.length;
    let isGreeted = false;
    socket.on('data', (part: Buffer) => {
      if (!isGreeted) socket.write(row?.first ?? settings());
      isGreeted = true;
      bytes = Buffer.concat([bytes, part]);
      const { frames: come, end } = framesOf(bytes, at);
      at = end;
      for (const one of come) {
        if (one.type === types.ping && (one.flags & flags.ack) === 0 && this.row?.answersPing !== false)
          socket.write(frame(types.ping, flags.ack, 0, one.payload));
        if (one.type === types.headers) this.#answer(socket, one.streamId);
      }
    });
  }

  #answer(socket: Socket, streamId: number): void {
    const acts = this.row?.acts ?? [ok];
    const act = acts[Math.min(this.requests++, acts.length - 1)] ?? ok;
    act((...all) => void socket.write(Buffer.concat(all)), streamId, socket);
  }

  /** The next row has connections of its own. */
  retire(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.retire();
    this.#server.close();
  }
}

interface Seen {
  readonly status: number;
  readonly id: string;
  readonly complete: boolean;
}

async function askOverHttp1(edge: YamlGateway, { method = 'GET', bodyBytes = 0, sees }: Row): Promise<Seen> {
  const client = edge.connect();
  client.write(requestText(method, '/', [`Content-Length: ${bodyBytes}`], 'x'.repeat(bodyBytes)));
  const { response } = await client.response(method, 10_000);
  if (sees === 'cut') await client.waitFor(() => client.state !== 'open', 5000);
  client.close();
  assert.ok(response !== null);
  return { status: response.status, id: headerOf(response, 'x-request-id') ?? '', complete: response.complete };
}

const hasWidened = ({ frames }: RawHttp2): boolean =>
  frames.some(({ type, streamId }) => type === types.windowUpdate && streamId === 1);

/** A response that is cut ends with RST_STREAM, and the connection goes on. */
async function askOverHttp2(edge: YamlGateway, { method = 'GET', bodyBytes = 0 }: Row): Promise<Seen> {
  const line = new RawHttp2(edge.connect());
  try {
    line.begin();
    const headers = requestHeaders({ ':method': method }, [['content-length', String(bodyBytes)]]);
    line.send(headersFrame(1, headers, bodyBytes === 0));
    for (let left = bodyBytes; left > 0; left -= frameBytes) {
      // Its windows are 64 KiB in the beginning.
      if (bodyBytes - left >= 3 * frameBytes) await line.until(() => hasWidened(line) || line.hasEnded, 2000);
      line.send(data(1, 'x'.repeat(Math.min(left, frameBytes)), left <= frameBytes));
    }
    await line.until(() => line.response(1)?.isWhole === true || line.resetOf(1) !== null);
    const response = line.response(1) ?? assert.fail('no response');
    assert.deepEqual(
      [line.hasEnded, response.isWhole ? 'NO_ERROR' : line.resetOf(1)],
      [false, response.isWhole ? 'NO_ERROR' : 'INTERNAL_ERROR'],
    );
    return { status: response.status, id: response.headers.get('x-request-id') ?? '', complete: response.isWhole };
  } finally {
    line.close();
  }
}

const ways = [
  { name: 'in clear text', tls: false, ask: askOverHttp1 },
  { name: 'within TLS', tls: true, ask: askOverHttp1 },
  { name: 'in clear text, before clients of HTTP/2', tls: false, ask: askOverHttp2 },
] as const;

for (const [turn, { name, tls, ask }] of ways.entries()) {
  describe(`an HTTP/2 origin that fails, ${name}`, () => {
    let origin: RawOrigin;
    let edge: YamlGateway;

    before(async () => {
      origin = await new RawOrigin(tls).listen();
      const how = tls ? ', tls: { ca_file: ca.pem, server_name: origin.test }' : '';
      const yaml = `
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
timeouts: { response_head: 500ms, idle: 400ms }
upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: true, check: none${how} } }`;
      edge = await startFromYaml(yaml, { files: { 'ca.pem': authority.certificate } });
    });
    after(async () => {
      await edge.stop();
      origin.close();
    });

    // `npm test` plays each row in one of the ways or two.
    for (const row of sampled(rows, 2, turn)) {
      test(`${row.name}: ${row.status}, ${row.cause ?? 'no failure'}`, async () => {
        origin.row = row;
        origin.requests = 0;
        const { status, id, complete } = await ask(edge, row);
        assert.deepEqual([status, complete], [row.status, (row.sees ?? 'complete') === 'complete']);
        const requests = origin.requests;
        const { cause, delivery, attempts } = await edge.record(id);
        assert.equal(cause, row.cause);
        if (row.delivery !== undefined) assert.equal(delivery, row.delivery);
        if (row.attempts !== undefined) assert.equal(attempts.length, row.attempts);
        assert.ok(requests <= 4, `the origin sees it ${requests} times`);
        const evidence = (attempts.at(-1)?.evidence ?? {}) as Readonly<Record<string, unknown>>;
        for (const [key, value] of Object.entries(row.tells ?? {})) {
          if (value instanceof RegExp) assert.match(String(evidence[key]), value);
          else assert.equal(evidence[key], value, key);
        }
        origin.row = null;
        origin.retire();
        assert.equal((await edge.get('/')).body.toString(), 'ok', 'a plain request gets its answer');
        assert.equal(edge.counts().unclassified, 0);
        origin.retire();
      });
    }
  });
}

test('response_head_max holds for HTTP/2, also above what a header block of a client may have', async () => {
  const origin = await new RawOrigin(false).listen();
  origin.row = {
    ...{ name: 'a head of 200 KiB', status: 200, cause: null },
    acts: [(send, streamId) => send(...largeHead(streamId, 200))],
  };
  const edge = await startFromYaml(`
listeners: { http: { bind: "127.0.0.1:0" } }
upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: true, check: none, response_head_max: 300KiB } }`);
  try {
    const response = await edge.get('/');
    assert.deepEqual([response.status, headerOf(response, 'x-14')?.length], [200, 14 * 1024]);
  } finally {
    await edge.stop();
    origin.close();
  }
});
