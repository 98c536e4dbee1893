import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parseList, Token } from 'structured-headers';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin, valuesOf } from './raw-origin.ts';
import { requestText, responseOn, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// Which route a request takes, and what the route changes: from the text of a configuration to the bytes.

let origin: RawOrigin;
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start();
});
after(() => origin.close());

const answersBy = (id: string): string => `respond: { body: "${id}" }`;

describe('a request takes the first route that matches', () => {
  before(async () => {
    edge = await startFromYaml(`
routes:
  - { host: exact.example.org, path: /both, ${answersBy('exact')} }
  - { host: "*.example.org", ${answersBy('wildcard')} }
  - { host: [one.test, two.test], ${answersBy('listed')} }
  - { path: /api, methods: [PUT, PATCH], ${answersBy('api-put')} }
  - { path: /api, headers: { X-Beta: "yes", Authorization: { present: true } }, ${answersBy('api-beta')} }
  - { path: /api, ${answersBy('api')} }
  - { path: /api/v2, ${answersBy('hidden')} }
  - { path: /a%20b, ${answersBy('escaped')} }
  - { host: last.test, ${answersBy('last')} }
`);
  });
  after(() => edge.stop());

  const table: [what: string, method: string, path: string, headers: string[], route: string | null][] = [
    ['an exact host', 'GET', '/both', ['Host: exact.example.org'], 'exact'],
    ['an exact host with a port', 'GET', '/both', ['Host: exact.example.org:8080'], 'exact'],
    ['an exact host in capitals', 'GET', '/both', ['Host: EXACT.Example.ORG'], 'exact'],
    ['a wildcard, when the path of the exact one differs', 'GET', '/', ['Host: exact.example.org'], 'wildcard'],
    ['a wildcard over two labels', 'GET', '/', ['Host: a.b.example.org'], 'wildcard'],
    ['not a wildcard for the name itself', 'GET', '/', ['Host: example.org'], null],
    ['not a wildcard for a name that only ends so', 'GET', '/', ['Host: badexample.org'], null],
    ['the second of a list of hosts', 'GET', '/', ['Host: two.test'], 'listed'],
    ['a path as a whole', 'GET', '/api', [], 'api'],
    ['a path with a query behind it', 'GET', '/api?x=/api/v2', [], 'api'],
    ['a path and below', 'GET', '/api/v2/users', [], 'api'],
    ['not a path that only begins so', 'GET', '/apiary', [], null],
    ['not a path in capitals', 'GET', '/API', [], null],
    ['a path with an escape, as it was sent', 'GET', '/a%20b/c', [], 'escaped'],
    ['a method', 'PATCH', '/api/x', ['Content-Length: 0'], 'api-put'],
    ['not a method in small letters', 'patch', '/api/x', ['Content-Length: 0'], 'api'],
    ['two fields', 'GET', '/api', ['X-Beta: yes', 'authorization: Basic eA=='], 'api-beta'],
    ['not one of two fields', 'GET', '/api', ['X-Beta: yes'], 'api'],
    ['not a field with another value', 'GET', '/api', ['X-Beta: no', 'Authorization: x'], 'api'],
    ['not a field twice', 'GET', '/api', ['X-Beta: yes', 'X-Beta: no', 'Authorization: x'], 'api'],
    ['the last one', 'GET', '/anything', ['Host: last.test'], 'last'],
    ['none', 'GET', '/', ['Host: nobody.test'], null],
  ];

  for (const [what, method, path, headers, route] of table) {
    test(what, async () => {
      const response = await edge.send(requestText(method, path, headers));
      assert.equal(response.status, route === null ? 404 : 200);
      if (route !== null) assert.equal(response.body.toString(), route);
    });
  }

  test('a request without a matching route gets 404, and the record says why', async () => {
    const response = await edge.get('/nowhere', ['Accept: application/json']);
    assert.equal(response.status, 404);
    assert.match(headerOf(response, 'proxy-status') ?? '', /^edge\.test;error=destination_not_found/);
    assert.equal(JSON.parse(response.body.toString()).cause, 'no_route');
    const record = await edge.record(response);
    assert.deepEqual([record.cause, record.route, record.status, record.end], ['no_route', null, 404, 'generated']);
  });
});

describe('a route may rewrite the request to the endpoint', () => {
  before(async () => {
    edge = await startFromYaml(`
upstreams: { app: "${origin.address}" }
routes:
  - { path: /strip, to: app, rewrite: { path: / } }
  - { path: /old, to: app, rewrite: { path: /new/deep } }
  - { path: "~ ^/user/(?P<id>[^/]+)/(.*)$", to: app, rewrite: { path: "/u/{capture.id}/{capture.2}" } }
  - { path: "= /exact", to: app, rewrite: { path: /folder/ } }
  - { path: /query, to: app, rewrite: { path: /, query: { set: { who: "{header.X-Who}" }, remove: "*" } } }
  - { path: /host-endpoint, to: app, rewrite: { host: endpoint } }
  - { path: /host-fixed, to: app, rewrite: { host: inner.example } }
  - { path: /, to: app }
`);
  });
  after(() => edge.stop());

  const table: [sent: string, seen: string, host: string][] = [
    ['/strip', '/', 'example.org'],
    ['/strip/', '/', 'example.org'],
    ['/strip/a/b?c=/strip', '/a/b?c=/strip', 'example.org'],
    ['/strip?q', '/?q', 'example.org'],
    ['/old/x%2Fy', '/new/deep/x%2Fy', 'example.org'],
    ['/old?q', '/new/deep?q', 'example.org'],
    ['/user/a%20b/x/%2e./y?q', '/u/a%20b/y?q', 'example.org'],
    ['/user/..%2f/x', '/u/%252E%252E%2F/x', 'example.org'],
    ['/exact?q', '/folder/?q', 'example.org'],
    ['/query/x?a=1&b', '/x?who=', 'example.org'],
    ['/older', '/older', 'example.org'],
    ['/host-endpoint', '/host-endpoint', 'ENDPOINT'],
    ['/host-fixed', '/host-fixed', 'inner.example'],
    ['/else', '/else', 'example.org'],
  ];
  for (const [sent, seen, host] of table) {
    test(`${sent} arrives as ${seen} at the host ${host}`, async () => {
      origin.forget();
      await edge.get(sent);
      assert.equal(origin.last.line, `GET ${seen} HTTP/1.1`);
      assert.deepEqual(valuesOf(origin.last, 'host'), [host === 'ENDPOINT' ? origin.address : host]);
      assert.deepEqual(valuesOf(origin.last, 'x-forwarded-host'), ['example.org']);
    });
  }
});

describe('a route may edit headers', () => {
  before(async () => {
    edge = await startFromYaml(`
upstreams: { app: "${origin.address}" }
routes:
  - path: /
    to: app
    request_headers:
      set: { X-Tenant: shop, X-Both: ours }
      add: { X-Tag: ["a", "b"], X-Kept: more }
      remove: [Cookie, X-Gone]
    response_headers:
      set: { Server: edge, X-Frame-Options: DENY, Date: "Thu, 01 Jan 1970 00:00:00 GMT" }
      add: { Set-Cookie: "seen=1" }
      remove: X-Powered-By
`);
  });
  after(() => edge.stop());

  test('of the request: it removes, then sets, then adds', async () => {
    origin.forget();
    await edge.get('/', ['Cookie: a', 'cookie: b', 'X-GONE: 1', 'X-Both: theirs', 'x-both: twice', 'X-Kept: one']);
    const seen = origin.last;
    assert.deepEqual(valuesOf(seen, 'cookie'), []);
    assert.deepEqual(valuesOf(seen, 'x-gone'), []);
    assert.deepEqual(valuesOf(seen, 'x-tenant'), ['shop']);
    assert.deepEqual(valuesOf(seen, 'x-both'), ['ours']);
    assert.deepEqual(valuesOf(seen, 'x-tag'), ['a', 'b']);
    assert.deepEqual(valuesOf(seen, 'x-kept'), ['one', 'more']);
  });

  test('of the response', async () => {
    origin.answer = () => ok('x', ['Server: nginx', 'X-Powered-By: PHP', 'Set-Cookie: a=1', 'Set-Cookie: b=2']);
    const response = await edge.get('/');
    origin.answer = () => ok('ok\n');
    const values = (name: string): string[] =>
      response.headers.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);
    assert.deepEqual(values('server'), ['edge']);
    assert.deepEqual(values('x-powered-by'), []);
    assert.deepEqual(values('x-frame-options'), ['DENY']);
    assert.deepEqual(values('set-cookie'), ['a=1', 'b=2', 'seen=1']);
    assert.deepEqual(values('date'), ['Thu, 01 Jan 1970 00:00:00 GMT'], 'no second Date beside the configured one');
  });
});

describe('a route has its own timeouts', () => {
  before(async () => {
    edge = await startFromYaml(`
upstreams: { app: "${origin.address}" }
timeouts: { response_head: 5s }
routes:
  - { path: /hasty, to: app, timeouts: { response_head: 100ms } }
  - { path: /limited, to: app, timeouts: { exchange: 120ms } }
  - { path: /stalls, to: app, timeouts: { idle: 100ms } }
  - { path: /, to: app }
`);
  });
  after(() => edge.stop());
  after(() => {
    origin.answer = () => ok('ok\n');
  });

  const late = (ms: number) => () => (socket: { write(text: string): void }) =>
    void setTimeout(() => socket.write(ok('late')), ms);

  test('the short one expires while the long one still waits', async () => {
    origin.answer = late(300);
    const [hasty, patient] = await Promise.all([edge.get('/hasty'), edge.get('/patient')]);
    assert.deepEqual([hasty.status, patient.status], [504, 200]);
    assert.equal((await edge.record(hasty)).cause, 'response_head_timeout');
  });

  test('the timeout of the whole exchange answers 504 with a cause of its own', async () => {
    origin.answer = late(400);
    const response = await edge.get('/limited');
    assert.equal(response.status, 504);
    const record = await edge.record(response);
    assert.deepEqual([record.cause, record.shape, record.delivery], ['exchange_timeout', 'too_slow', 'sent_unknown']);
  });

  test('the idle timeout of the route truncates an answer that stalls', async () => {
    origin.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf';
    const client = edge.connect();
    client.write(requestText('GET', '/stalls'));
    const outcome = await client.response('GET', 5000);
    client.close();
    assert.equal(outcome.response?.complete, false);
    assert.notEqual(outcome.state, 'open');
    const record = await edge.record(outcome.response ?? '');
    assert.deepEqual([record.cause, record.end], ['response_body_stalled', 'truncated']);
  });
});

const dead = '127.0.0.1:1';

describe('error pages', () => {
  const page = '<h1>{{status}} {{title}}</h1><p>{{detail}}</p><i>{{request_id}}</i><b>{{nothing}}</b>';
  before(async () => {
    edge = await startFromYaml(
      `
upstreams: { app: { endpoints: "${dead}", check: none } }
error_pages: { default: all.html }
routes:
  - { path: /shop, to: app, error_pages: { 502: shop.html } }
  - { path: /shut, maintenance: "Back <soon>", error_pages: { 502: shop.html } }
  - { path: /, to: app }
`,
      { files: { 'shop.html': `shop ${page}`, 'all.html': `all ${page}` } },
    );
  });
  after(() => edge.stop());

  test("a route's own page is used, with its placeholders filled in", async () => {
    const response = await edge.get('/shop', ['Accept: text/html']);
    const id = headerOf(response, 'x-request-id');
    assert.equal(response.status, 502);
    assert.equal(headerOf(response, 'content-type'), 'text/html; charset=utf-8');
    const text = response.body.toString();
    assert.match(text, /^shop <h1>502 The application refused the connection<\/h1>/);
    assert.ok(text.includes(`<i>${id}</i>`), text);
    assert.ok(text.includes('<b>{{nothing}}</b>'), 'unknown placeholders stay as they are');
  });

  test('the page at the top of the file is used if the route has none for the status, with its message escaped', async () => {
    const response = await edge.get('/shut', ['Accept: text/html']);
    assert.equal(response.status, 503);
    const text = response.body.toString();
    assert.match(text, /^all <h1>503 /);
    assert.ok(text.includes('Back &lt;soon&gt;'), text);
  });

  test('a client that accepts JSON or text gets that', async () => {
    const json = await edge.get('/shop', ['Accept: application/json']);
    assert.equal(JSON.parse(json.body.toString()).status, 502);
    const text = await edge.get('/shop', ['Accept: text/plain']);
    assert.match(text.body.toString(), /^502 Bad Gateway: /);
  });
});

describe('routes that respond without an endpoint', () => {
  before(async () => {
    edge = await startFromYaml(`
routes:
  - { path: /robots.txt, respond: { body: "User-agent: *\\n" } }
  - { path: /teapot, respond: { status: 418, content_type: application/json, body: "{}" } }
  - { path: /nothing, respond: { status: 204 } }
  - { path: /old, redirect: /new }
  - { path: /gone, redirect: { location: "https://example.com/x", status: 301 } }
  - { path: /shut, maintenance: { message: Back at noon., retry_after: 2h } }
`);
  });
  after(() => edge.stop());

  const table: [string, string, number, Record<string, string | null>, string][] = [
    [
      'GET',
      '/robots.txt',
      200,
      { 'content-type': 'text/plain; charset=utf-8', 'proxy-status': null },
      'User-agent: *\n',
    ],
    ['HEAD', '/robots.txt', 200, { 'content-length': '14' }, ''],
    ['GET', '/teapot', 418, { 'content-type': 'application/json', 'content-length': '2' }, '{}'],
    ['GET', '/nothing', 204, { 'content-length': null, 'transfer-encoding': null }, ''],
    ['GET', '/old/x', 307, { location: '/new' }, 'See /new\n'],
    ['GET', '/gone', 301, { location: 'https://example.com/x' }, 'See https://example.com/x\n'],
  ];
  for (const [method, path, status, headers, body] of table) {
    test(`${method} ${path} gets ${status}`, async () => {
      const response = await edge.send(requestText(method, path));
      assert.equal(response.status, status);
      for (const [name, value] of Object.entries(headers)) assert.equal(headerOf(response, name), value, name);
      assert.equal(response.body.toString(), body);
      assert.ok(headerOf(response, 'date') !== null);
      const record = await edge.record(response);
      assert.deepEqual([record.end, record.shape, record.status], ['generated', 'none', status]);
    });
  }

  test("maintenance answers 503 with Retry-After and the operator's message", async () => {
    const response = await edge.get('/shut', ['Accept: text/html']);
    assert.equal(response.status, 503);
    assert.equal(headerOf(response, 'retry-after'), '7200');
    assert.match(headerOf(response, 'proxy-status') ?? '', /^edge\.test;error=/);
    assert.match(response.body.toString(), /Back at noon\./);
    const record = await edge.record(response);
    assert.deepEqual([record.cause, record.shape, record.upstream], ['maintenance', 'refused_by_gateway', null]);
  });

  test('an unread request body does not become the next request', async () => {
    const body = 'GET /robots.txt HTTP/1.1\r\n\r\n';
    const client = edge.connect();
    // The end of the body comes with the next request.
    client.write(requestText('POST', '/teapot', [`Content-Length: ${body.length}`], body.slice(0, -4)));
    assert.equal((await responseOn(client, 'POST')).status, 418);
    client.write(body.slice(-4) + requestText('GET', '/shut'));
    assert.equal((await responseOn(client, 'GET')).status, 503);
    client.close();
  });
});

describe('disclosure', () => {
  before(async () => {
    const port = origin.port;
    edge = await startFromYaml(`
upstreams:
  refused: { endpoints: "${dead}", check: none }
  named: { endpoints: "localhost:1", check: none }
  garbage: { endpoints: "127.0.0.1:${port}", check: none }
  down: { endpoints: ["127.0.0.1:1", "unix:/run/secret/app.sock"], check: { interval: 60s, fails: 1 } }
routes:
  - { path: /operator/refused, to: refused, disclosure: operator }
  - { path: /operator/down, to: down, disclosure: operator }
  - { path: /operator/garbage, to: garbage, disclosure: operator }
  - { path: /refused, to: refused }
  - { path: /named, to: named }
  - { path: /garbage, to: garbage }
  - { path: /slow, to: garbage, timeouts: { response_head: 50ms } }
  - { path: /down, to: down }
`);
    origin.answer = ({ line }) => (line.includes('/slow') ? null : 'SSH-2.0-OpenSSH_9.9 secret-banner\r\n');
  });
  after(() => edge.stop());
  after(() => {
    origin.answer = () => ok('ok\n');
  });

  const secrets = /127\.0\.0\.1|localhost|secret|ECONN|refused:|unix:|OpenSSH|next-hop|next-protocol|details=/;
  for (const path of ['/refused', '/named', '/garbage', '/slow', '/down', '/nowhere']) {
    for (const accept of ['application/json', 'text/html', 'text/plain', 'application/grpc']) {
      test(`no address is disclosed from ${path} in ${accept}`, async () => {
        const type = accept === 'application/grpc' ? ['Content-Type: application/grpc'] : [`Accept: ${accept}`];
        const response = await edge.get(path, type);
        const said = `${response.headers.map((header) => header.join(': ')).join('\n')}\n\n${response.body.toString()}`;
        assert.equal(secrets.exec(said)?.[0], undefined);
        assert.ok(headerOf(response, 'x-request-id') !== null);
      });
    }
  }

  test('with `operator` shows the protocol spoken with the endpoint, if there was one (RFC 9209 §2.1.3)', async () => {
    const garbage = await edge.get('/operator/garbage', ['Accept: application/json']);
    const [member] = parseList(headerOf(garbage, 'proxy-status') ?? '');
    assert.deepEqual(member?.[1].get('next-protocol'), new Token('http/1.1'));
    for (const path of ['/operator/refused', '/operator/down']) {
      assert.doesNotMatch(headerOf(await edge.get(path), 'proxy-status') ?? '', /next-protocol/);
    }
  });

  test('with `operator` shows endpoint, reason and next step', async () => {
    const refused = await edge.get('/operator/refused', ['Accept: application/json']);
    assert.match(headerOf(refused, 'proxy-status') ?? '', /next-hop="127\.0\.0\.1:1"/);
    const problem = JSON.parse(refused.body.toString());
    assert.equal(problem.endpoint, dead);
    assert.ok(problem.next_step.length > 0);
    const down = await edge.get('/operator/down', ['Accept: text/plain']);
    assert.match(down.body.toString(), /127\.0\.0\.1:1: /);
    assert.match(down.body.toString(), /unix:\/run\/secret\/app\.sock: /);
  });
});

test('settings for answers at the top of the file apply to requests without a route, and to bytes that are no request', async () => {
  const gateway = await startFromYaml(
    'disclosure: operator\nlisteners: { http: "127.0.0.1:0" }\nroutes: [{ path: /only, respond: { status: 200 } }]',
  );
  try {
    const unrouted = JSON.parse((await gateway.get('/elsewhere')).body.toString()) as Record<string, unknown>;
    assert.equal(unrouted['cause'], 'no_route');
    assert.match(String(unrouted['next_step']), /`routes`/);
    const refused = await gateway.send('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    assert.match(refused.body.toString(), /"evidence"/);
  } finally {
    await gateway.stop();
  }
});
