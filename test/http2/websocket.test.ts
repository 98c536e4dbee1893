import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { WebSocketServer } from '../gateway/web-socket-server.ts';
import { data, requestHeaders, headersFrame, reset, types } from './frames.ts';
import { RawHttp2 } from './raw-http2.ts';

// WebSocket over HTTP/2 (RFC 8441) before an endpoint that speaks HTTP/1.1.

/** A masked frame of a client (RFC 6455 §5.3), with a mask of zeros. */
function masked(opcode: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.of(0x80 | opcode, 0x80 | bytes.length, 0, 0, 0, 0), bytes]);
}

const connect = requestHeaders({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' }, [
  ['sec-websocket-version', '13'],
  ['sec-websocket-protocol', 'chat'],
  ['origin', 'http://example.org'],
]);

function evidenceOf(part: { readonly evidence?: object | null } | undefined): Readonly<Record<string, unknown>> {
  return { ...part?.evidence };
}

function to(path: string): typeof connect {
  return connect.map(([name, value]) => [name, name === ':path' ? path : value] as const);
}

describe('WebSocket over HTTP/2', () => {
  let endpoint: WebSocketServer;
  let liar: Server;
  /** What the liar was asked last, names and values. */
  let rawHeaders: readonly string[] = [];
  let gateway: YamlGateway;
  const lines: RawHttp2[] = [];

  before(async () => {
    endpoint = await WebSocketServer.start();
    // Answers 101 without the right Sec-WebSocket-Accept, or refuses.
    liar = createServer().on('upgrade', (request, socket) => {
      socket.on('error', () => {});
      ({ rawHeaders } = request);
      if (request.url === '/refused')
        return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      const ordinary = /^\/ordinary\/(\d+)$/.exec(request.url ?? '')?.[1];
      if (ordinary !== undefined)
        return socket.end(`HTTP/1.1 ${ordinary} Answer\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage`);
      if (request.url === '/lie/silent')
        return socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      const accept = createHash('sha1').update('another key').digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
    liar.listen(0, '127.0.0.1');
    await once(liar, 'listening');
    const { port } = liar.address() as { port: number };
    gateway = await startFromYaml(`
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
drain: { timeout: 5s }
upstreams:
  app: { endpoints: "127.0.0.1:${endpoint.port}", check: none }
  liar: { endpoints: "127.0.0.1:${port}", check: none }
routes:
  - { path: /refused, to: liar }
  - { path: /lie, to: liar }
  - { path: /ordinary, to: liar }
  - { path: /fixed, respond: { status: 200, body: "fixed" } }
  - { path: /gone, respond: { status: 410, body: "gone" } }
  - { path: /, to: app }
`);
  });
  afterEach(() => {
    for (const line of lines.splice(0)) line.close();
  });
  after(async () => {
    await gateway?.stop();
    await endpoint?.close();
    liar?.close();
    liar?.closeAllConnections();
  });

  function open(headers = connect): RawHttp2 {
    const line = new RawHttp2(gateway.connect());
    lines.push(line);
    line.begin();
    line.send(headersFrame(1, headers, false));
    return line;
  }

  const bodyOf = (line: RawHttp2): Buffer => line.response(1)?.body ?? Buffer.alloc(0);

  test('is offered, and answered 200 without what HTTP/1.1 needs', async () => {
    const line = open();
    assert.ok(await line.until(() => bodyOf(line).includes('hello')));
    const offered = line.frames.find(({ type, payload }) => type === types.settings && payload.length > 0)?.payload;
    assert.ok(offered?.includes(Buffer.from('000800000001', 'hex')));
    const { status, headers } = line.response(1) ?? assert.fail('no response');
    assert.equal(status, 200);
    for (const name of ['sec-websocket-accept', 'upgrade', 'connection', 'transfer-encoding'])
      assert.equal(headers.get(name), undefined, name);
    const asked = endpoint.asked.at(-1);
    assert.equal(asked?.method, 'GET');
    assert.equal(asked.url, '/chat');
    assert.equal(asked.headers.upgrade, 'websocket');
    assert.equal(Buffer.from(asked.headers['sec-websocket-key'] ?? '', 'base64').length, 16);
    assert.equal(asked.headers['sec-websocket-version'], '13');
    assert.equal(asked.headers['sec-websocket-protocol'], 'chat');
    assert.equal(asked.headers.host, 'example.org');
  });

  test('has the spelling of HTTP/1.1 in the request to the endpoint, which some servers compare to the letter', async () => {
    await open([...to('/refused'), ['sec-websocket-extensions', 'permessage-deflate']]).answer(1);
    const named = rawHeaders.filter((_, index) => index % 2 === 0 && /websocket/i.test(rawHeaders[index] ?? ''));
    assert.deepEqual(named.sort(), [
      'Sec-WebSocket-Extensions',
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Protocol',
      'Sec-WebSocket-Version',
    ]);
    assert.equal(rawHeaders[rawHeaders.indexOf('Sec-WebSocket-Protocol') + 1], 'chat');
  });

  test('carries messages both ways, and ends with END_STREAM', async () => {
    const line = open();
    line.send(data(1, masked(1, 'over two versions')));
    assert.ok(await line.until(() => bodyOf(line).includes('over two versions')));
    line.send(data(1, masked(8, Buffer.of(3, 232))));
    assert.ok(await line.until(() => line.response(1)?.isWhole === true));
    assert.equal(endpoint.closed.at(-1), 1000);
    line.send(data(1, '', true));
    line.send(headersFrame(3, requestHeaders()));
    assert.equal((await line.answer(3))?.status, 200, 'the connection serves requests beside it');
  });

  for (const [name, act, tunnel] of [
    [
      'the client closes, and ends its stream when the endpoint has',
      (line: RawHttp2) => {
        line.send(data(1, masked(8, Buffer.of(3, 232))));
      },
      { how: 'closed', by: 'client', close_code: 1000 },
    ],
    [
      'the client ends its stream',
      (line: RawHttp2) => {
        line.send(data(1, '', true));
      },
      { how: 'unclosed', by: 'client', close_code: null },
    ],
    [
      'the client closes, and ends its stream with the close frame',
      (line: RawHttp2) => {
        line.send(data(1, masked(8, Buffer.of(3, 233)), true));
      },
      { how: 'closed', by: 'client', close_code: 1001 },
    ],
    [
      'the endpoint ends without a close frame',
      () => {
        endpoint.endAll();
      },
      { how: 'unclosed', by: 'application', close_code: null },
    ],
  ] as const)
    test(`is recorded as what it was when ${name}`, async () => {
      const line = open();
      await line.until(() => bodyOf(line).includes('hello'));
      act(line);
      assert.ok(await line.until(() => line.response(1)?.isWhole === true));
      if (!name.includes('ends its stream') || name.includes('when')) line.send(data(1, '', true));
      const id = line.response(1)?.headers.get('x-request-id') ?? '';
      const record = await gateway.record(id);
      assert.deepEqual(record.tunnel, { protocol: 'websocket', ...tunnel });
      assert.deepEqual([record.kind, record.client.protocol, line.resetOf(1)], ['tunnel', 'HTTP/2', null]);
      assert.deepEqual([record.status, record.received_status], [200, 101], 'RFC 8441: the client got no 101');
    });

  test('has a key of its own for each stream', async () => {
    const [one, two] = [open(), open()];
    await one.until(() => bodyOf(one).includes('hello'));
    await two.until(() => bodyOf(two).includes('hello'));
    const keys = endpoint.asked.slice(-2).map((asked) => asked.headers['sec-websocket-key']);
    assert.notEqual(keys[0], keys[1]);
  });

  test('that the endpoint refuses ends with its status', async () => {
    const line = open(to('/refused'));
    const answer = await line.answer(1);
    assert.equal(answer?.status, 403);
    assert.equal(answer.body.toString(), 'no');
  });

  for (const [path, accept, text] of [
    ['/lie', 'wrong', /Upgrade: "websocket".*does not belong to its Sec-WebSocket-Key/],
    ['/lie/silent', 'missing', /without a Sec-WebSocket-Accept/],
  ] as const)
    test(`is refused where Sec-WebSocket-Accept is ${accept}`, async () => {
      const answer = await open(to(path)).answer(1);
      assert.equal(answer?.status, 502);
      const record = await gateway.record(answer.headers.get('x-request-id') ?? '');
      assert.equal(record.cause, 'response_upgrade_unexpected');
      assert.deepEqual(evidenceOf(record.attempts[0]).accept, accept);
      assert.match(record.detail ?? '', text);
    });

  for (const status of [200, 201, 204, 205])
    test(`is not opened by an ordinary ${status}, which the client would take for an open tunnel`, async () => {
      const line = open(to(`/ordinary/${status}`));
      const answer = await line.answer(1);
      assert.equal(answer?.status, 502);
      assert.doesNotMatch(answer.body.toString(), /^page/);
      const record = await gateway.record(answer.headers.get('x-request-id') ?? '');
      assert.deepEqual(
        [record.cause, record.received_status, record.delivery, record.whose],
        ['response_upgrade_ignored', status, 'response_started', 'application'],
      );
      assert.deepEqual(evidenceOf(record.attempts[0]), { address: record.attempts[0]?.address, received: status });
    });

  for (const status of [302, 404, 426, 503])
    test(`that the endpoint answers ${status} ends with that status`, async () => {
      const answer = await open(to(`/ordinary/${status}`)).answer(1);
      assert.deepEqual([answer?.status, answer?.body.toString()], [status, 'page']);
    });

  test('is not opened by an answer of the gateway itself', async () => {
    const answer = await open(to('/fixed')).answer(1);
    assert.equal(answer?.status, 501);
    const record = await gateway.record(answer.headers.get('x-request-id') ?? '');
    assert.deepEqual([record.cause, evidenceOf(record).rule], ['request_refused', 'connect-unanswerable']);
    assert.equal((await open(to('/gone')).answer(1))?.status, 410);
  });

  for (const protocol of ['connect-udp', 'h2c', 'websocket, chat'])
    test(`is the only protocol: ${protocol} is answered 501 (RFC 9220 §3)`, async () => {
      const headers = connect.map(([name, value]) => [name, name === ':protocol' ? protocol : value] as const);
      const line = open(headers);
      const answer = await line.answer(1);
      assert.equal(answer?.status, 501);
      line.send(headersFrame(3, requestHeaders()));
      assert.equal((await line.answer(3))?.status, 200, 'the connection goes on');
    });

  test('that the client resets closes the connection to the endpoint', async () => {
    const line = open();
    await line.until(() => bodyOf(line).includes('hello'));
    line.send(reset(1, 'CANCEL'));
    line.send(headersFrame(3, requestHeaders()));
    assert.equal((await line.answer(3))?.status, 200);
    const before = performance.now();
    while (gateway.counts().active > 0 && performance.now() - before < 5000) await line.until(() => false, 20);
    assert.equal(gateway.counts().active, 0);
  });

  test('is closed with 1001 or 1012 when the listener drains', async () => {
    const line = open();
    await line.until(() => bodyOf(line).includes('hello'));
    const stopped = gateway.gateway.stop('the test');
    assert.ok(await line.until(() => bodyOf(line).subarray(-4)[0] === 0x88));
    const code = bodyOf(line).readUInt16BE(bodyOf(line).length - 2);
    assert.ok(code === 1001 || code === 1012, `${code}`);
    line.send(data(1, masked(8, bodyOf(line).subarray(-2)), true));
    await line.until(() => line.hasEnded);
    assert.equal(line.goAway, 'NO_ERROR');
    await stopped;
  });
});
