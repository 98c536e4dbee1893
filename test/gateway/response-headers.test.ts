import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { RawResponse } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// Headers of a route, and of the file for all routes, on whatever the client gets: from the text of a configuration to the bytes.

const noHttp = (): string => 'SSH-2.0-OpenSSH\r\n';
let origin: RawOrigin;
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start(noHttp);
  edge = await startFromYaml(`
trusted_peers: [127.0.0.1]
listeners: { http: { bind: "127.0.0.1:0" } }
upstreams: { app: "${origin.address}" }
security_headers: strict
request_headers:
  set: { X-Edge: "{deployment}", X-Cert: "{certificate_subject}" }
response_headers:
  set:
    X-Where: "{scheme}://{host}{path} for {client_address} by {route}"
    X-Reflected: "{query.name}"
    Cache-Control: public
    Content-Type: text/plain
    X-Shared: file
  add: { Vary: Accept-Language, X-More: file }
  default: { X-Origin: edge }
routes:
  - { id: redirect, path: /redirect, redirect: { location: /there } }
  - { id: respond, path: /respond, respond: { status: 404, body: no, headers: { X-Own: "{method} {{x}", X-Shared: own } } }
  - { id: empty, path: /empty, respond: { status: 204 } }
  - { id: closed, path: /closed, maintenance: true }
  - { id: gone, path: /gone, to: app }
  - { id: dropped, path: /dropped, respond: close }
  - id: plain
    path: /plain
    to: app
    security_headers: none
    response_headers: { set: { X-Shared: route }, remove: [X-Where, Server], add: { X-More: route } }
  - { id: app, path: /app, to: app, response_headers: { set: { X-Frame-Options: SAMEORIGIN } } }
`);
});
after(() => edge.stop());
after(() => origin.close());

function values({ headers }: RawResponse, name: string): readonly string[] {
  return headers.filter(([known]) => known.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** What each path answers: its status, the type and caching that the gateway promises, and how often it may vary. */
const answers: readonly (readonly [path: string, route: string, status: number, type: RegExp | null, cache: string])[] =
  [
    ['/redirect', 'redirect', 307, /^text\/plain; charset/, 'public'],
    ['/respond', 'respond', 404, /^text\/plain; charset/, 'public'],
    ['/empty', 'empty', 204, null, 'public'],
    ['/closed', 'closed', 503, /problem\+json/, 'no-store'],
    ['/gone', 'gone', 502, /problem\+json/, 'no-store'],
    ['/elsewhere', '', 404, /problem\+json/, 'no-store'],
  ];

describe('headers of the file are on everything that the gateway answers', () => {
  for (const [path, route, status, type, cache] of answers)
    test(`${path} is ${status} with them, and keeps what it promises`, async () => {
      const response = await edge.get(path);
      assert.equal(response.status, status);
      assert.deepEqual(values(response, 'x-where'), [`http://example.org${path} for 127.0.0.1 by ${route}`.trim()]);
      assert.deepEqual(values(response, 'cache-control'), [cache]);
      assert.ok(values(response, 'vary').includes('Accept-Language'));
      assert.deepEqual(values(response, 'x-origin'), ['edge']);
      assert.deepEqual(values(response, 'x-frame-options'), ['DENY']);
      assert.equal(values(response, 'x-content-type-options').length, 1);
      assert.equal(values(response, 'x-request-id').length, 1);
      const types = values(response, 'content-type');
      assert.equal(types.length, type === null ? 0 : 1);
      if (type !== null) assert.match(types[0] as string, type);
      assert.deepEqual(values(response, 'x-reflected'), [], 'a line without a value is left out');
    });

  test('also on the answer to a request that cannot be read', async () => {
    const response = await edge.send('GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    assert.equal(response.status, 400);
    assert.deepEqual(values(response, 'x-more'), ['file']);
  });

  test('the policy of the own error page stays, and no second one comes', async () => {
    origin.answer = noHttp;
    const page = await edge.get('/gone', ['Accept: text/html']);
    assert.match(values(page, 'content-security-policy').join(), /^default-src 'none'[^,]*$/);
  });
});

test('respond has headers with variables, which win over those of the file', async () => {
  const response = await edge.get('/respond');
  assert.deepEqual([values(response, 'x-own'), values(response, 'x-shared')], [['GET {x}'], ['own']]);
});

test('a route takes back, replaces and adds', async () => {
  origin.answer = () => ok('x', ['Server: app']);
  const response = await edge.get('/plain');
  assert.deepEqual(values(response, 'x-shared'), ['route']);
  assert.deepEqual(values(response, 'x-more'), ['file', 'route']);
  assert.deepEqual([values(response, 'x-where'), values(response, 'server')], [[], []]);
  assert.deepEqual(values(response, 'x-frame-options'), [], 'security_headers: none');
  assert.deepEqual(values(response, 'x-origin'), ['edge']);
});

test('a header of the application stays where the file has a default, and response_headers win over security_headers', async () => {
  origin.answer = () =>
    ok('x', ['X-Origin: app', "Content-Security-Policy: default-src 'none'", 'Referrer-Policy: no-referrer']);
  const response = await edge.get('/app');
  assert.deepEqual(values(response, 'x-origin'), ['app']);
  assert.deepEqual(values(response, 'content-security-policy'), ["default-src 'none'"]);
  assert.deepEqual(values(response, 'referrer-policy'), ['no-referrer']);
  assert.deepEqual(values(response, 'x-frame-options'), ['SAMEORIGIN']);
  assert.deepEqual(values(response, 'cross-origin-opener-policy'), ['same-origin']);
});

test('requests get values of the file, and no line without a value', async () => {
  origin.answer = () => ok('x');
  origin.forget();
  await edge.get('/app', ['X-Edge: forged', 'X-Cert: CN=forged']);
  const sent = origin.last.headers.filter(([name]) => /^x-(edge|cert)$/i.test(name));
  assert.deepEqual(sent, [['X-Edge', 'edge.test']]);
});

test('a client brings no line of its own', async () => {
  const response = await edge.get('/app?name=a%0d%0aSet-Cookie:%20x&b');
  assert.deepEqual(values(response, 'x-reflected'), ['a%0d%0aSet-Cookie:%20x']);
  assert.deepEqual(values(response, 'set-cookie'), []);
});

describe('respond: close', () => {
  const id = '0197b3a0-0000-7000-8000-00000000000';

  test('closes the connection without a byte, and is recorded once as what it is', async () => {
    const client = edge.connect();
    client.write(requestText('GET', '/dropped', [`X-Request-Id: ${id}1`]));
    const { response, bytes } = await client.response('GET', 5000);
    assert.deepEqual([response, bytes.length], [null, 0]);
    const record = await edge.record(`${id}1`);
    assert.deepEqual(
      [record.cause, record.status, record.end, record.whose],
      ['closed_by_route', null, 'truncated', 'operator'],
    );
  });

  test('resets the stream of HTTP/2, and other streams go on', async () => {
    const { port } = edge.address();
    const session = connect(`http://127.0.0.1:${port}`);
    try {
      const closed = session.request({ ':path': '/dropped', ':authority': 'example.org' });
      const failed = once(closed, 'error');
      const other = session.request({ ':path': '/respond', ':authority': 'example.org' });
      const [headers] = (await once(other, 'response')) as [Record<string, unknown>];
      assert.equal(headers[':status'], 404);
      other.resume();
      await failed;
      assert.equal(session.closed || session.destroyed, false);
    } finally {
      session.destroy();
    }
  });
});
