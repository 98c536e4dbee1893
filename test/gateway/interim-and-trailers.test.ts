import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin, valuesOf } from './raw-origin.ts';
import { timeoutMs, requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Interim responses before an answer (RFC 9110 §15.2), Expect: 100-continue (§10.1.1), and trailers (§6.5): over
// sockets, byte for byte.

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
timeouts: { response_head: 1s }
routes:
  - { path: /bare, to: app, response_headers: { remove: [Server] } }
  - { to: app }
`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
  origin.answer = () => ok('ok\n');
});

/** The connection at the origin, once the head of the request has come. The origin answers nothing by itself. */
function answering(): () => Promise<Socket> {
  let asked: Socket | null = null;
  origin.answer = () => (socket) => {
    asked = socket;
  };
  return async () => {
    await until('the origin has the request', () => asked !== null);
    return asked as unknown as Socket;
  };
}

describe('interim responses', () => {
  test('are forwarded in their order and as they come, long before the answer', async () => {
    const socketOf = answering();
    const client = edge.connect();
    client.write(requestText('GET', '/'));
    const socket = await socketOf();
    let seen = '';
    for (const interim of [
      'HTTP/1.1 102 Processing\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nlink: </b.css>; rel=preload\r\n\r\n',
    ]) {
      socket.write(interim);
      seen += interim;
      assert.ok(await client.waitFor(() => client.bytes.length >= seen.length, timeoutMs));
      assert.equal(client.bytes.toString().toLowerCase(), seen.toLowerCase());
    }
    socket.write(ok('at last'));
    const response = await responseOn(client);
    assert.deepEqual([response.interim, response.status, response.body.toString()], [[102, 103, 103], 200, 'at last']);
    client.close();
  });

  test('are forwarded without hop-by-hop headers', async () => {
    origin.answer = () =>
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\r\n${ok('x')}`;
    const client = edge.connect();
    client.write(requestText('GET', '/'));
    assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\nx'), timeoutMs));
    const [interim] = client.bytes.toString().split('\r\n\r\n');
    assert.equal(interim?.toLowerCase(), 'http/1.1 103 early hints\r\nlink: </a>');
    client.close();
  });

  for (const framing of [
    'Content-Length: 4',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip\r\nContent-Length: x',
  ]) {
    test(`are forwarded without ${framing.replace('\r\n', ' and ')}, which they must not have, and so is the answer`, async () => {
      origin.answer = () => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n${framing}\r\n\r\n${ok('x')}`;
      const client = edge.connect();
      client.write(requestText('GET', '/'));
      assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\nx'), timeoutMs));
      const [interim, answer] = client.bytes.toString().split('\r\n\r\n');
      assert.equal(interim?.toLowerCase(), 'http/1.1 103 early hints\r\nlink: </a>');
      assert.match(answer ?? '', /^HTTP\/1\.1 200 /);
      client.close();
    });
  }

  test('lose the headers that their route removes, and those that only the gateway may send', async () => {
    origin.answer = () =>
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nServer: secret/1\r\nX-Request-Id: theirs\r\nProxy-Status: them\r\nX-Candor-Release: r9\r\n\r\n${ok('x')}`;
    const client = edge.connect();
    client.write(requestText('GET', '/bare'));
    assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\nx'), timeoutMs));
    const [interim] = client.bytes.toString().split('\r\n\r\n');
    assert.equal(interim?.toLowerCase(), 'http/1.1 103 early hints\r\nlink: </a>');
    client.close();
  });

  test('are not an answer: a connection that ends after one is a 502, and the client gets both', async () => {
    origin.answer = () => (socket) => void socket.end('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
    const response = await edge.send(requestText('POST', '/', ['Content-Length: 0']));
    assert.deepEqual([response.interim, response.status], [[103], 502]);
    const record = await edge.record(response);
    assert.deepEqual([record.cause, record.delivery], ['closed_before_response', 'sent_unknown']);
    assert.equal(record.attempts[0]?.retry_reason, 'not_idempotent');
  });

  test('without end are not an answer either: the response timeout applies', async () => {
    let hints = 0;
    origin.answer = () => (socket) => {
      const again = setInterval(() => {
        if (socket.destroyed) clearInterval(again);
        else hints += Number(socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'));
      }, 50);
    };
    const response = await edge.send(requestText('POST', '/', ['Content-Length: 0']));
    assert.equal(response.status, 504);
    assert.ok(hints > 3 && response.interim.length >= 3);
    assert.equal((await edge.record(response)).cause, 'response_head_timeout');
  });

  for (const [what, interim] of [
    ['many', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['large', `HTTP/1.1 103 Early Hints\r\nLink: ${'x'.repeat(20_000)}\r\n\r\n`],
  ] as const)
    test(`that are too ${what} are refused long before the response timeout`, async () => {
      let closed = false;
      origin.answer = () => (socket) => {
        socket.on('close', () => {
          closed = true;
        });
        const pour = (): void => {
          while (!socket.destroyed && socket.write(interim));
        };
        socket.on('drain', pour);
        pour();
      };
      const response = await edge.send(requestText('POST', '/', ['Content-Length: 0']));
      assert.equal(response.status, 502);
      assert.ok(response.interim.length <= 100);
      const record = await edge.record(response);
      assert.deepEqual([record.cause, record.attempts.length], ['response_interim_excess', 1]);
      await until('the connection is closed', () => closed);
    });

  test('are forwarded up to the limit, which counts for each exchange of a connection', async () => {
    origin.answer = () => 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100) + ok('x');
    const client = edge.connect();
    for (let time = 0; time < 2; time++) {
      client.write(requestText('GET', '/'));
      const response = await responseOn(client);
      assert.deepEqual([response.interim.length, response.status], [100, 200]);
    }
    client.close();
  });

  for (const status of [100, 101, 199] as const) {
    test(`${status} is not forwarded to HTTP/1.0`, async () => {
      origin.answer = () => `HTTP/1.1 ${status} Words\r\n\r\n${ok('x')}`;
      const response = await edge.send('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
      assert.deepEqual([response.interim, response.status], [[], status === 101 ? 502 : 200]);
    });
  }
});

describe('a client that expects 100-continue', () => {
  const waits = ['Expect: 100-continue', 'Content-Length: 7'];

  test('gets a 100 although the origin never sends one', async () => {
    const client = edge.connect();
    client.write(requestText('POST', '/', waits));
    assert.ok(await client.waitFor(() => client.bytes.includes('100 Continue\r\n\r\n'), timeoutMs));
    client.write('content');
    const response = await responseOn(client, 'POST');
    assert.deepEqual([response.status, origin.last.body.toString()], [200, 'content']);
    assert.equal(response.interim.length, 1);
    client.close();
  });

  test('gets one 100, also if the origin sends one too', async () => {
    origin.answer = () => `HTTP/1.1 100 Continue\r\n\r\n${ok('x')}`;
    const client = edge.connect();
    client.write(requestText('POST', '/', waits));
    assert.ok(await client.waitFor(() => client.bytes.includes('100 Continue\r\n\r\n'), timeoutMs));
    client.write('content');
    assert.deepEqual((await responseOn(client, 'POST')).interim, [100]);
    // The next request on the connection does not expect a 100, so the 100 of the origin is forwarded.
    const before = client.bytes.length;
    const next = (): string => client.bytes.subarray(before).toString();
    client.write(requestText('GET', '/'));
    assert.ok(await client.waitFor(() => next().endsWith('\r\n\r\nx'), timeoutMs));
    assert.match(next(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    client.close();
  });

  test('and sends its body without waiting gets its answer, with or without a 100', async () => {
    const response = await edge.send(requestText('POST', '/', waits, 'content'));
    assert.deepEqual([response.status, origin.last.body.toString()], [200, 'content']);
  });

  test('and speaks HTTP/1.0 gets no 100: HTTP/1.0 has no expectations', async () => {
    const client = edge.connect();
    client.write('POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n');
    client.write('content');
    const response = await responseOn(client, 'POST');
    assert.deepEqual([response.interim, response.status, origin.last.body.toString()], [[], 200, 'content']);
    client.close();
  });

  test("gets an answer of the gateway's own at once, and its body is not read", async () => {
    const closed = await startFromYaml(`
upstreams: { app: { endpoints: "127.0.0.1:1", check: none } }
client: { body_max: 5B }
buffer: { request: none }
`);
    try {
      const response = await closed.send(requestText('POST', '/', waits));
      assert.deepEqual([response.interim, response.status], [[], 413]);
      assert.equal(headerOf(response, 'connection'), 'close');
      const small = await closed.send(requestText('POST', '/', ['Expect: 100-continue', 'Content-Length: 5']));
      assert.deepEqual([small.interim, small.status], [[], 502]);
      const odd = await closed.send(requestText('POST', '/', ['Expect: a-miracle', 'Content-Length: 5']));
      assert.deepEqual([odd.interim, odd.status], [[], 417]);
    } finally {
      await closed.stop();
    }
  });

  for (const status of ['417 Expectation Failed', '401 Unauthorized', '413 Content Too Large']) {
    test(`gets a ${status} that the origin sends after the head alone`, async () => {
      const refusing = await headAnswering(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno`);
      const gateway = await startFromYaml(
        `buffer: { request: none }\nupstreams: { app: { endpoints: "127.0.0.1:${refusing.port}", check: none } }`,
      );
      try {
        // A 100 may or may not come before it: the answer is the same.
        const response = await gateway.send(requestText('POST', '/', waits));
        assert.deepEqual([response.status, response.body.toString()], [Number(status.slice(0, 3)), 'no']);
        assert.equal(headerOf(response, 'connection'), 'close', 'the body is not taken for a request');
        assert.equal((await gateway.record(response)).end, 'forwarded');
      } finally {
        await gateway.stop();
        refusing.close();
      }
    });
  }
});

describe('trailers', () => {
  test('of a request are forwarded, except names that belong in a head', async () => {
    const tap = await headAnswering(null, ok('thanks'));
    const gateway = await startFromYaml(`upstreams: { app: { endpoints: "127.0.0.1:${tap.port}", check: none } }`);
    try {
      const forbidden = [
        'X_Forwarded_For: 1.2.3.4',
        'Proxy: a',
        'Content-Length: 9',
        'Host: b',
        'Authorization: c',
        'X-Forwarded-For: 1.2.3.4',
        'Cookie: d=e',
      ];
      const lines = ['X-Sum: abc', ...forbidden, 'X-Time: 5'].join('\r\n');
      const response = await gateway.send(
        `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Time\r\n\r\n3\r\nabc\r\n0\r\n${lines}\r\n\r\n`,
      );
      assert.equal(response.status, 200);
      const [head = '', body] = tap.received().split('\r\n\r\n', 2);
      assert.match(head, /\r\ntrailer: x-sum, x-time(\r\n|$)/i);
      assert.equal(body?.toLowerCase(), '3\r\nabc\r\n0\r\nx-sum: abc\r\nx-time: 5');
    } finally {
      await gateway.stop();
      tap.close();
    }
  });

  const answer =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n' +
    'X-Sum: abc\r\nSet-Cookie: a=b\r\nContent-Type: text/html\r\nX-Candor-Release: r9\r\nX-Undeclared: 1\r\n\r\n';

  test('of a response are forwarded, declared or not, except names that belong in a head', async () => {
    origin.answer = () => answer;
    const client = edge.connect();
    client.write(requestText('GET', '/', ['TE: trailers', 'Connection: TE']));
    const response = await responseOn(client);
    assert.equal(headerOf(response, 'trailer'), 'X-Sum', 'an announced trailer comes');
    assert.equal(response.body.toString(), 'abc');
    client.write(requestText('GET', '/'));
    assert.ok(await client.waitFor(() => client.bytes.includes('X-Undeclared: 1\r\n\r\n'), timeoutMs));
    assert.match(client.bytes.toString(), /\r\n3\r\nabc\r\n0\r\nx-sum: abc\r\nx-undeclared: 1\r\n\r\n$/i);
    client.close();
  });

  test('are not announced if none can follow', async () => {
    const announced = async (request: string, response: string): Promise<string | null> => {
      origin.answer = () => response;
      return headerOf(await edge.send(request), 'trailer');
    };
    const get = requestText('GET', '/');
    assert.equal(await announced('GET / HTTP/1.0\r\nHost: a\r\n\r\n', answer), null);
    assert.equal(await announced(get, 'HTTP/1.1 204 No Content\r\nTrailer: X-Sum\r\n\r\n'), null);
    assert.equal(await announced(get, ok('x', ['Trailer: X-Sum'])), null);
    const toHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n';
    assert.equal(await announced(requestText('HEAD', '/'), toHead), 'X-Sum', 'the same head as for GET');
    await announced(requestText('POST', '/', ['Trailer: X-Sum', 'Content-Length: 1'], 'x'), ok('x'));
    assert.deepEqual(valuesOf(origin.last, 'trailer'), []);
  });

  test('are dropped for HTTP/1.0, which has no trailers', async () => {
    origin.answer = () => answer;
    const client = edge.connect();
    client.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
    const response = await responseOn(client);
    assert.deepEqual([response.body.toString(), client.state], ['abc', 'fin']);
    client.close();
  });
});

test('no exchange and no client is left after these tests', async () => {
  await until('no exchange and no client is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
  assert.equal(edge.counts().unclassified, 0);
});

/** An origin that answers as soon as a head has come, or else when the last chunk has; it keeps what it received. */
async function headAnswering(
  toHead: string | null,
  toEnd = '',
): Promise<{ port: number; received: () => string; close: () => void }> {
  let received = '';
  const server = createServer((socket) => {
    let answered = false;
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      const due = toHead === null ? received.includes('\r\n0\r\n') && received.endsWith('\r\n\r\n') : true;
      if (due && !answered) socket.write(toHead ?? toEnd);
      answered ||= due;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    received: () => received,
    close: () => void server.close(),
  };
}
