import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { headerOf, parseRawResponse, RawClient } from '../../src/testing/testing.ts';
import { ok, RawOrigin, valuesOf } from './raw-origin.ts';
import { timeoutMs, requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Which headers the gateway adds to messages and removes from them, and what it does with the connection.

let origin: RawOrigin;
/** The listener `http` trusts no peer. */
let edge: YamlGateway;
/** The listener trusts every peer on loopback. */
let inner: YamlGateway;

before(async () => {
  origin = await RawOrigin.start();
  const upstream = `upstreams: { app: { endpoints: "${origin.address}", check: none } }`;
  edge = await startFromYaml(`
${upstream}
listeners:
  http: "127.0.0.1:0"
  http1: { bind: "127.0.0.1:0", http2: false }
  proxied: { bind: "127.0.0.1:0", proxy_protocol: true }
`);
  inner = await startFromYaml(`
${upstream}
listeners: { http: "127.0.0.1:0", proxied: { bind: "127.0.0.1:0", proxy_protocol: true } }
trusted_peers: [127.0.0.0/8, 10.0.0.0/8]
`);
});
after(() => edge.stop());
after(() => inner.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
  origin.answer = () => ok('ok\n');
});

describe('forwarding headers to the endpoint', () => {
  const claims = [
    'X-Forwarded-For: 203.0.113.9',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: shop.example',
    'X-Forwarded-Port: 8443',
    'X-Real-IP: 203.0.113.9',
    'Forwarded: for=203.0.113.9;proto=https',
    'X-Request-Id: chosen-by-peer',
    'Via: 1.1 before',
    'CDN-Loop: before; trace=1',
  ];

  test('replace those of an untrusted client', async () => {
    const response = await edge.get('/', claims);
    const seen = origin.last;
    assert.deepEqual(valuesOf(seen, 'x-forwarded-for'), ['127.0.0.1']);
    assert.deepEqual(valuesOf(seen, 'x-forwarded-proto'), ['http']);
    assert.deepEqual(valuesOf(seen, 'x-forwarded-host'), ['example.org']);
    assert.deepEqual(valuesOf(seen, 'x-forwarded-port'), ['80']);
    for (const name of ['forwarded', 'x-real-ip']) assert.deepEqual(valuesOf(seen, name), [], name);
    assert.deepEqual(valuesOf(seen, 'via'), ['1.1 before, 1.1 edge.test']);
    assert.match(valuesOf(seen, 'cdn-loop').join(), /^before; trace=1, edge\.test; route=[\w-]{8}$/);
    assert.notEqual(headerOf(response, 'x-request-id'), 'chosen-by-peer');
    assert.deepEqual(valuesOf(seen, 'x-request-id'), [headerOf(response, 'x-request-id')]);
    const { client, scheme } = await edge.record(response);
    assert.deepEqual([client.address, client.peer, scheme], ['127.0.0.1', '127.0.0.1', 'http']);
  });

  test('continue those of a trusted peer', async () => {
    const response = await inner.get('/', claims);
    const seen = origin.last;
    assert.deepEqual(valuesOf(seen, 'x-forwarded-for'), ['203.0.113.9, 127.0.0.1']);
    assert.deepEqual(valuesOf(seen, 'x-forwarded-proto'), ['https']);
    assert.deepEqual(valuesOf(seen, 'x-forwarded-host'), ['shop.example']);
    assert.deepEqual(valuesOf(seen, 'x-forwarded-port'), ['8443']);
    assert.deepEqual(valuesOf(seen, 'forwarded'), [
      'for=203.0.113.9;proto=https, for=127.0.0.1;proto=http;host="example.org"',
    ]);
    assert.deepEqual(valuesOf(seen, 'x-request-id'), ['chosen-by-peer']);
    assert.equal(headerOf(response, 'x-request-id'), 'chosen-by-peer');
    const { client, scheme } = await inner.record('chosen-by-peer');
    assert.deepEqual([client.address, client.peer, scheme], ['203.0.113.9', '127.0.0.1', 'https']);
  });

  test('name http and https alone, also where a trusted peer names the scheme of a WebSocket', async () => {
    for (const [scheme, seen] of [
      ['wss', 'https'],
      ['WS', 'http'],
    ] as const) {
      const response = await inner.get('/', [`X-Forwarded-Proto: ${scheme}`]);
      assert.deepEqual(valuesOf(origin.last, 'x-forwarded-proto'), [seen]);
      assert.equal((await inner.record(response)).scheme, seen);
    }
  });

  test('URLs of WebDAV get the scheme of the endpoint, where the client has another', async () => {
    const headers = ['Destination: https://example.org/b', 'If: <https://example.org/a> (["x"])'];
    await inner.send(requestText('MOVE', '/a', [...headers, 'X-Forwarded-Proto: https']));
    assert.deepEqual(valuesOf(origin.last, 'destination'), ['http://example.org/b']);
    assert.deepEqual(valuesOf(origin.last, 'if'), ['<http://example.org/a> (["x"])']);
    // Another origin than that of the client.
    await edge.send(requestText('MOVE', '/a', [...headers, 'X-Forwarded-Proto: https']));
    assert.deepEqual(valuesOf(origin.last, 'destination'), ['https://example.org/b']);
  });

  test('do not begin a Forwarded, and do not continue one that cannot be read', async () => {
    await inner.get('/', ['X-Forwarded-For: 203.0.113.9']);
    assert.deepEqual(valuesOf(origin.last, 'forwarded'), []);
    for (const value of ['for="203.0.113.9', 'for=1.2.3.4;;by="', '=', 'for=1.2.3.4 proto=https']) {
      await inner.get('/', [`Forwarded: ${value}`]);
      assert.deepEqual(valuesOf(origin.last, 'forwarded'), [], value);
      assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['127.0.0.1'], value);
    }
  });

  test('believe a chain of addresses from the right, as far as the peers are trusted', async () => {
    const response = await inner.get('/', ['X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3']);
    assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['6.6.6.6, 203.0.113.9, 10.1.2.3, 127.0.0.1']);
    assert.equal((await inner.record(response)).client.address, '203.0.113.9');
  });

  test('continue a trace that the client began, with a span of the gateway', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const response = await edge.get('/', [`traceparent: 00-${trace}-00f067aa0ba902b7-01`, 'tracestate: a=1']);
    const [seen = ''] = valuesOf(origin.last, 'traceparent');
    assert.match(seen, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    assert.doesNotMatch(seen, /00f067aa0ba902b7/);
    assert.deepEqual(valuesOf(origin.last, 'tracestate'), ['a=1']);
    assert.equal((await edge.record(response)).trace_id, trace);
  });

  // OpenTelemetry's parent-based sampler records nothing if the parent says "not sampled", and candor exports no spans.
  for (const [what, headers] of [
    ['no trace is begun for a request without one', []],
    [
      'a traceparent that cannot be read is removed, with its tracestate',
      ['traceparent: 00-zz-1-01', 'tracestate: a=1'],
    ],
    ['a tracestate without a traceparent is removed', ['tracestate: a=1']],
  ] as const) {
    test(`${what}: the application decides whether to sample`, async () => {
      const response = await edge.get('/', headers);
      const id = headerOf(response, 'x-request-id') ?? '';
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
      assert.deepEqual(valuesOf(origin.last, 'traceparent'), []);
      // W3C Trace Context §4.3: the state of a trace that cannot be continued is dropped.
      assert.deepEqual(valuesOf(origin.last, 'tracestate'), []);
      assert.equal((await edge.record(response)).trace_id, null);
    });
  }

  test('a request that comes back to the same route, or to another gateway with its routes, is refused as a loop', async () => {
    await edge.get('/');
    const passed = [`Via: ${valuesOf(origin.last, 'via')[0]}`, `CDN-Loop: ${valuesOf(origin.last, 'cdn-loop')[0]}`];
    origin.forget();
    const handshake = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const ways = [
      [edge, passed],
      [inner, passed],
      [edge, [...passed, ...handshake, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']],
    ] as const;
    for (const [gateway, headers] of ways) {
      const response = await gateway.get('/', [...headers, 'Accept: application/json']);
      assert.equal(response.status, 502);
      assert.match(headerOf(response, 'proxy-status') ?? '', /;error=proxy_loop_detected/);
      const { cause, route, detail } = await gateway.record(response);
      assert.deepEqual([cause, route], ['loop_detected', '/']);
      assert.match(detail ?? '', /route "\/" before \(CDN-Loop: "edge\.test; route=/);
    }
    assert.equal(origin.requests.length, 0);
  });

  test('a loop through two gateways of one name ends after four exchanges, even if CDN-Loop is dropped', async () => {
    let headers: readonly string[] = [];
    for (const gateway of [edge, inner, edge, inner]) {
      assert.equal((await gateway.get('/', headers)).status, 200);
      headers = [`Via: ${valuesOf(origin.last, 'via')[0]}`];
    }
    assert.equal((await edge.get('/', headers)).status, 502);
    assert.equal(origin.requests.length, 4);
  });
});

describe('hop-by-hop headers stay on their connection', () => {
  const own = ['Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'TE: gzip', 'X-Nominated: 1', 'x-second: 2'];
  const names = ['connection', 'keep-alive', 'proxy-connection', 'te', 'x-nominated', 'x-second', 'upgrade'];

  test('of a request', async () => {
    await edge.get('/', [...own, 'Connection: keep-alive, X-NOMINATED', 'Connection: X-Second', 'X-Kept: 3']);
    for (const name of names) assert.deepEqual(valuesOf(origin.last, name), [], name);
    assert.deepEqual(valuesOf(origin.last, 'x-kept'), ['3']);
  });

  test('except TE: trailers, if the client accepts trailers', async () => {
    await edge.get('/', ['TE: gzip;q=0.5, trailers', 'Connection: TE']);
    assert.deepEqual([valuesOf(origin.last, 'te'), valuesOf(origin.last, 'connection')], [['trailers'], ['TE']]);
  });

  test('but Connection cannot remove a header on which the endpoint relies', async () => {
    await edge.get('/', ['Connection: cookie, authorization, x-forwarded-for', 'Cookie: a', 'Authorization: b']);
    assert.deepEqual(valuesOf(origin.last, 'cookie'), ['a']);
    assert.deepEqual(valuesOf(origin.last, 'authorization'), ['b']);
    assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['127.0.0.1']);
  });

  test('of a response', async () => {
    origin.answer = () => ok('x', [...own, 'Connection: x-nominated, X-Second', 'Upgrade: h2c', 'X-Kept: 3']);
    const response = await edge.get('/');
    for (const name of names) assert.equal(headerOf(response, name), null, name);
    assert.equal(headerOf(response, 'x-kept'), '3');
  });

  test('the connection to the endpoint is kept although the client closes its own', async () => {
    const used = new Set<number>();
    const workers = edge.gateway.status().workers.length;
    for (let time = 0; time < 2 * workers; time++) {
      await edge.get('/', ['Connection: close']);
      used.add(origin.last.connection);
    }
    assert.ok(used.size <= workers, 'each worker keeps one');
  });
});

describe('headers of a response', () => {
  test('Date is added if it is missing, and left unchanged otherwise', async () => {
    const without = await edge.get('/');
    assert.match(headerOf(without, 'date') ?? '', /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
    origin.answer = () => ok('x', ['Date: Thu, 01 Jan 1970 00:00:00 GMT']);
    assert.equal(headerOf(await edge.get('/'), 'date'), 'Thu, 01 Jan 1970 00:00:00 GMT');
  });

  for (const status of [502, 503, 504]) {
    test(`a ${status} of the origin passes unchanged, marked as the origin's`, async () => {
      origin.answer = () => ok('<own page>', ['Retry-After: 7', 'Content-Type: text/html'], `${status} Own Words`);
      const response = await edge.get('/', ['Accept: application/json']);
      assert.deepEqual([response.status, response.reason], [status, 'Own Words']);
      assert.equal(response.body.toString(), '<own page>');
      assert.equal(headerOf(response, 'retry-after'), '7');
      assert.equal(headerOf(response, 'proxy-status'), `edge.test;received-status=${status}`);
      const record = await edge.record(response);
      assert.deepEqual([record.end, record.received_status, record.cause], ['forwarded', status, null]);
      assert.equal(record.shape, 'app_error');
    });
  }

  test("the gateway's member of Proxy-Status follows those of the hops behind it", async () => {
    origin.answer = () => ok('x', ['Proxy-Status: inner;error=connection_refused'], '502 Bad Gateway');
    const failed = await edge.get('/');
    assert.equal(headerOf(failed, 'proxy-status'), 'inner;error=connection_refused, edge.test;received-status=502');
    origin.answer = () => ok('x', ['Proxy-Status: inner;fwd=stale']);
    assert.equal(headerOf(await edge.get('/'), 'proxy-status'), 'inner;fwd=stale');
  });

  for (const forged of ['edge.test;error=connection_refused', 'EDGE.test', '"edge.test";details="forged"']) {
    test(`no member of another hop has the gateway's name: ${forged}`, async () => {
      for (const status of ['200 OK', '404 Not Found']) {
        origin.answer = () => ok('x', [`Proxy-Status: ${forged}`], status);
        assert.equal(headerOf(await edge.get('/'), 'proxy-status'), null, status);
      }
      origin.answer = () =>
        ok('x', [`Proxy-Status: inner, ${forged}`, 'Proxy-Status: next;a=1'], '503 Service Unavailable');
      assert.equal(headerOf(await edge.get('/'), 'proxy-status'), 'inner, next;a=1, edge.test;received-status=503');
    });
  }

  for (const malformed of ['inner;error="', 'inner;;', 'in ner', 'inner,', '(inner)', '{"error":1}']) {
    test(`a malformed Proxy-Status is removed: ${malformed}`, async () => {
      origin.answer = () => ok('x', [`Proxy-Status: ${malformed}`], '502 Bad Gateway');
      assert.equal(headerOf(await edge.get('/'), 'proxy-status'), 'edge.test;received-status=502');
      origin.answer = () => ok('x', [`Proxy-Status: ${malformed}`]);
      assert.equal(headerOf(await edge.get('/'), 'proxy-status'), null);
    });
  }

  test("a trailer cannot have the gateway's name either", async () => {
    origin.answer = () =>
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Kept\r\n\r\n0\r\nProxy-Status: edge.test;error=dns_error\r\nX-Kept: 1\r\n\r\n';
    const client = edge.connect();
    client.write(requestText('GET', '/', ['TE: trailers', 'Connection: TE']));
    const end = 'x-kept: 1\r\n\r\n';
    assert.ok(await client.waitFor(() => client.bytes.toString().toLowerCase().endsWith(end), timeoutMs));
    assert.doesNotMatch(client.bytes.toString(), /proxy-status/i);
    client.close();
  });

  for (const empty of ['Proxy-Status:', 'Proxy-Status: \t']) {
    test(`an empty Proxy-Status of the origin (${JSON.stringify(empty)}) adds no member before the gateway's`, async () => {
      origin.answer = () => ok('x', [empty], '503 Service Unavailable');
      assert.equal(headerOf(await edge.get('/'), 'proxy-status'), 'edge.test;received-status=503');
    });
  }

  test('a response that ends with its connection reaches an HTTP/1.1 client in chunks', async () => {
    origin.answer = () => (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the close');
    const response = await edge.get('/');
    assert.deepEqual([response.framing, response.body.toString()], ['chunked', 'until the close']);
  });

  test('interim responses are forwarded, including a 100 that the client did not ask for', async () => {
    origin.answer = () => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('x')}`;
    const response = await edge.get('/');
    assert.deepEqual([response.interim, response.status], [[100, 103], 200]);
  });
});

describe('PROXY protocol', () => {
  const request = requestText('GET', '/', ['Accept: application/json']);
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
  // Version 2, PROXY, TCP over IPv4, 12 bytes: 198.51.100.7:40000 to 127.0.0.1:80.
  const v2 = Buffer.concat([signature, Buffer.from('2111000c', 'hex'), Buffer.from('c63364077f0000019c400050', 'hex')]);

  const table: [what: string, bytes: Buffer][] = [
    ['version 1', Buffer.from(`PROXY TCP4 198.51.100.7 127.0.0.1 40000 80\r\n${request}`)],
    ['version 2', Buffer.concat([v2, Buffer.from(request)])],
  ];
  for (const [what, bytes] of table) {
    test(`${what} of a trusted peer names the client`, async () => {
      const response = await inner.send(bytes, 'proxied');
      assert.equal(response.status, 200);
      assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['198.51.100.7']);
      const { client } = await inner.record(response);
      assert.deepEqual([client.address, client.port], ['198.51.100.7', 40000]);
    });

    test(`${what} may come byte by byte`, async () => {
      const client = inner.connect('proxied');
      for (const byte of bytes.subarray(0, 60)) client.write(Buffer.of(byte));
      client.write(bytes.subarray(60));
      assert.equal((await responseOn(client)).status, 200);
      client.close();
      assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['198.51.100.7']);
    });

    test(`${what} of an untrusted peer is refused as no request`, async () => {
      const { response } = await refused(edge, bytes, 'proxied');
      assert.equal(response.status, 400);
      assert.equal(origin.requests.length, 0);
    });
  }

  test('forwarding headers of the client behind it are not believed', async () => {
    const claims = requestText('GET', '/', [
      'X-Forwarded-For: 6.6.6.6',
      'X-Request-Id: chosen',
      'X-Forwarded-Proto: https',
    ]);
    const response = await inner.send(Buffer.concat([v2, Buffer.from(claims)]), 'proxied');
    assert.deepEqual(valuesOf(origin.last, 'x-forwarded-for'), ['198.51.100.7']);
    assert.deepEqual(valuesOf(origin.last, 'x-forwarded-proto'), ['http']);
    assert.notEqual(headerOf(response, 'x-request-id'), 'chosen');
    assert.equal((await inner.record(response)).client.address, '198.51.100.7');
  });

  test('a trusted peer that sends no header is refused if the listener expects one', async () => {
    const { response } = await refused(inner, Buffer.from(request), 'proxied');
    assert.equal(response.status, 400);
    assert.equal(origin.requests.length, 0);
    assert.match((await inner.record(response)).detail ?? '', /PROXY/);
  });

  test('the header is refused as no request if the listener does not expect one', async () => {
    const { response } = await refused(inner, table[0]![1], 'http');
    assert.equal(response.status, 400);
  });
});

/** The result for bytes that are no request: one answer, then the end of the connection. */
async function refused(gateway: YamlGateway, bytes: Uint8Array, listener = 'http') {
  const client = gateway.connect(listener);
  client.write(bytes);
  assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs), 'the connection is closed');
  const response = parseRawResponse(client.bytes, 'GET', 'fin');
  client.close();
  assert.ok(response !== null, `no answer; ${client.state}`);
  assert.equal(headerOf(response, 'connection'), 'close');
  assert.equal(response.rest.length, 0);
  return { response, state: client.state };
}

describe('protocols that a plain port does not support are answered, recorded and closed', () => {
  const hello = Buffer.from('160301020001000001fc0303', 'hex');
  test('TLS', async () => {
    const { response, state } = await refused(edge, Buffer.concat([hello, Buffer.alloc(500, 7)]));
    assert.deepEqual([response.status, state], [400, 'fin']);
    const record = await edge.record(response);
    assert.deepEqual([record.cause, record.end, record.whose], ['request_refused', 'generated', 'client']);
    assert.match(record.detail ?? '', /TLS/);
  });

  test('HTTP/2, where it is switched off', async () => {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
    const { response, state } = await refused(edge, preface, 'http1');
    assert.deepEqual([response.status, state], [505, 'fin']);
    assert.match((await edge.record(response)).detail ?? '', /HTTP\/2/);
  });
});

describe('clients of every kind', () => {
  test('HTTP/1.0 gets an answer that ends with the connection, and no interim responses', async () => {
    origin.answer = () =>
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    const client = edge.connect();
    client.write('GET / HTTP/1.0\r\n\r\n');
    const response = await responseOn(client);
    assert.deepEqual([response.framing, response.body.toString(), response.interim], ['until-close', 'abc', []]);
    assert.equal(headerOf(response, 'connection'), 'close');
    assert.equal(client.state, 'fin');
    assert.deepEqual(valuesOf(origin.last, 'host'), [origin.address]);
    assert.match(valuesOf(origin.last, 'via')[0] ?? '', /^1\.0 edge\.test$/);
  });

  test('HTTP/1.0 may ask to keep the connection', async () => {
    const client = edge.connect();
    for (let time = 0; time < 2; time++) {
      client.write('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
      const response = await responseOn(client);
      assert.equal(headerOf(response, 'connection'), 'keep-alive');
      assert.equal(response.framing, 'length');
    }
    client.close();
  });

  test('HTTP/1.0 that asks to keep the connection loses it if the answer has no length', async () => {
    origin.answer = () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    const response = await edge.send('GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    assert.deepEqual([headerOf(response, 'connection'), response.body.toString()], ['close', 'abc']);
  });

  test('HEAD, 204 and 304 have no body, and the connection stays open', async () => {
    const client = edge.connect();
    const cases: [string, string, number, string | null][] = [
      ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n', 200, '1000'],
      ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 200, null],
      ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204, null],
      ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: "a"\r\n\r\n', 304, '1000'],
    ];
    for (const [method, answer, status, length] of cases) {
      origin.answer = () => answer;
      client.write(requestText(method, '/'));
      const response = await responseOn(client, method);
      assert.deepEqual([response.status, headerOf(response, 'content-length')], [status, length], answer);
    }
    origin.answer = () => ok('whole');
    client.write(requestText('GET', '/'));
    assert.equal((await responseOn(client)).body.toString(), 'whole');
    client.close();
  });

  test('a failure in answer to HEAD has no body either', async () => {
    origin.answer = () => (socket) => void socket.destroy();
    const client = edge.connect();
    client.write(requestText('HEAD', '/'));
    const response = await responseOn(client, 'HEAD');
    assert.equal(response.status, 502);
    origin.answer = () => ok('after');
    client.write(requestText('GET', '/'));
    assert.equal((await responseOn(client)).body.toString(), 'after');
    client.close();
  });

  test('a client that expects 100-continue gets a 100; the origin sees no Expect', async () => {
    const client = edge.connect();
    client.write(requestText('POST', '/', ['Expect: 100-continue', 'Content-Length: 7']));
    assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs));
    assert.equal(client.bytes.toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
    client.write('content');
    const response = await responseOn(client, 'POST');
    assert.deepEqual([response.interim, response.status], [[100], 200]);
    assert.deepEqual(valuesOf(origin.last, 'expect'), []);
    assert.equal(origin.last.body.toString(), 'content');
    client.close();
  });

  test('a client that expects 100-continue gets the refusal instead if its request is refused', async () => {
    const response = await edge.send(
      requestText('POST', '/', ['Expect: 100-continue', 'Content-Length: 7', `Via: ${'1.1 edge.test, '.repeat(4)}`]),
    );
    assert.deepEqual([response.interim, response.status], [[], 502]);
  });

  test('pipelined requests are answered in their order', async () => {
    origin.answer =
      ({ line }) =>
      (socket) =>
        void setTimeout(() => socket.write(ok(line.split(' ')[1] ?? '')), line.includes('/0') ? 60 : 0);
    const client = edge.connect();
    const paths = Array.from({ length: 8 }, (_, index) => `/${index}`);
    client.write(paths.map((path) => requestText('GET', path)).join(''));
    for (const path of paths) assert.equal((await responseOn(client)).body.toString(), path);
    client.close();
  });

  for (const [what, apartMs] of [
    ['with its requests', 0],
    ['later', 120],
  ] as const) {
    test(`pipelined requests are all answered if the client half-closes ${what}`, async () => {
      // Each answer comes after, or just before, the client has closed its side.
      origin.answer =
        ({ line }) =>
        (socket) =>
          void setTimeout(() => socket.write(ok(line.split(' ')[1] ?? '')), 100);
      const client = edge.connect();
      client.write(['/a', '/b', '/c'].map((path) => requestText('GET', path)).join(''));
      if (apartMs === 0) client.finish();
      else setTimeout(() => client.finish(), apartMs);
      for (const path of ['/a', '/b', '/c']) assert.equal((await responseOn(client)).body.toString(), path);
      await client.waitFor(() => client.state !== 'open', timeoutMs);
      assert.equal(client.state, 'fin');
    });
  }

  test('the body of a pipelined request belongs to that request', async () => {
    const client = edge.connect();
    client.write(requestText('POST', '/1', ['Content-Length: 5'], 'GET /') + requestText('GET', '/2'));
    await responseOn(client, 'POST');
    await responseOn(client);
    assert.deepEqual(
      origin.requests.map(({ line, body }) => [line, body.toString()]),
      [
        ['POST /1 HTTP/1.1', 'GET /'],
        ['GET /2 HTTP/1.1', ''],
      ],
    );
    client.close();
  });

  test('an absolute target is split into host and path; OPTIONS * is forwarded unchanged', async () => {
    await edge.send(requestText('GET', 'http://Example.org/a?b', ['Host: example.org']));
    assert.equal(origin.last.line, 'GET /a?b HTTP/1.1');
    assert.deepEqual(valuesOf(origin.last, 'host'), ['example.org']);
    await edge.send(requestText('OPTIONS', '*'));
    assert.equal(origin.last.line, 'OPTIONS * HTTP/1.1');
    await edge.send(requestText('OPTIONS', 'http://example.org'));
    assert.equal(origin.last.line, 'OPTIONS * HTTP/1.1');
  });

  test('CONNECT is refused: the gateway is no forward proxy', async () => {
    const { response } = await refused(
      edge,
      Buffer.from('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n'),
    );
    assert.ok([400, 405, 501].includes(response.status), String(response.status));
    assert.equal(origin.requests.length, 0);
  });

  test('a connection on which nothing is sent is closed without a response', async () => {
    const client = new RawClient(edge.address());
    client.finish();
    await client.waitFor(() => client.state !== 'open', timeoutMs);
    assert.deepEqual([client.state, client.bytes.length], ['fin', 0]);
  });

  test('no exchange and no client is left after these tests', async () => {
    for (const gateway of [edge, inner]) {
      await until('no exchange and no client is left', () => {
        const { active, clients } = gateway.counts();
        return active === 0 && clients === 0;
      });
      assert.equal(gateway.counts().unclassified, 0);
    }
  });
});
