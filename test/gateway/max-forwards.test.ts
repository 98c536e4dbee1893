import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin, valuesOf } from './raw-origin.ts';
import { requestText, responseOn, startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// Max-Forwards of OPTIONS and TRACE (RFC 9110 §7.6.2): how far such a request goes.

let origin: RawOrigin;
let edge: YamlGateway;

before(async () => {
  origin = await RawOrigin.start();
  edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
routes:
  - { path: /read, methods: [GET, HEAD], to: app }
  - { path: /all, to: app }
  - { host: other.example, to: app }
`);
});
after(() => edge.stop());
after(() => origin.close());
beforeEach(() => {
  origin.forget();
  origin.answer = () => ok('ok\n');
});

const send = (method: string, target: string, headers: readonly string[]) =>
  edge.send(requestText(method, target, headers));

describe('Max-Forwards: 0 is answered by the gateway', () => {
  test('OPTIONS with the methods that a route takes for the target', async () => {
    for (const [target, methods] of [
      ['/all', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE'],
      ['/read?x=1', 'GET, HEAD'],
      ['*', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE'],
    ] as const) {
      const response = await send('OPTIONS', target, ['Max-Forwards: 0']);
      assert.equal(response.status, 200, target);
      assert.equal(headerOf(response, 'allow'), methods, target);
      assert.equal(headerOf(response, 'content-length'), '0', target);
      const record = await edge.record(response);
      assert.deepEqual([record.end, record.shape, record.attempts.length], ['generated', 'none', 0], target);
    }
    assert.equal(origin.requests.length, 0);
  });

  test('OPTIONS with 404 if no route takes any method', async () => {
    const response = await send('OPTIONS', '/none', ['Max-Forwards: 0']);
    assert.equal(response.status, 404);
    assert.equal((await edge.record(response)).cause, 'no_route');
  });

  test('TRACE with the request as it came, without headers that may be secret', async () => {
    const secret = 'hunter2-secret';
    const response = await send('TRACE', '/all?q=1', [
      'Host: other.example',
      'Max-Forwards: 00',
      'Via: 1.1 before',
      'User-Agent: test/1',
      `Cookie: session=${secret}`,
      `Authorization: Bearer ${secret}`,
      `Proxy-Authorization: Basic ${secret}`,
      `X-Api-Key: ${secret}`,
      `X-Forwarded-For: ${secret}`,
      `Referer: http://a/?${secret}`,
    ]);
    assert.equal(response.status, 200);
    assert.equal(headerOf(response, 'content-type'), 'message/http');
    assert.equal(headerOf(response, 'x-content-type-options'), 'nosniff');
    assert.equal(headerOf(response, 'cache-control'), 'no-store');
    const text = response.body.toString();
    assert.match(text, /^TRACE \/all\?q=1 HTTP\/1\.1\r\n/);
    assert.match(text, /^Host: other\.example\r$/m);
    assert.match(text, /^Via: 1\.1 before\r$/m);
    assert.match(text, /^Max-Forwards: 00\r$/m);
    assert.match(text, /^User-Agent: test\/1\r$/m);
    assert.doesNotMatch(text, new RegExp(secret));
    assert.doesNotMatch(text, /cookie|authorization|api-key/i);
    assert.ok(text.endsWith('\r\n\r\n'));
    assert.equal(origin.requests.length, 0);
  });

  test('also in a request loop, which such a request is sent to find', async () => {
    const response = await send('TRACE', '/all', ['Max-Forwards: 0', 'Via: 1.1 edge.test']);
    assert.equal(response.status, 200);
    assert.match(response.body.toString(), /^Via: 1\.1 edge\.test\r$/m);
    const passages = 'Via: 1.1 edge.test, 1.1 edge.test, 1.1 edge.test, 1.1 edge.test';
    assert.equal((await send('TRACE', '/all', ['Max-Forwards: 0', passages])).status, 200);
    assert.equal((await send('TRACE', '/all', ['Max-Forwards: 1', passages])).status, 502);
  });
});

describe('Max-Forwards above 0 is decremented for the next hop', () => {
  for (const method of ['OPTIONS', 'TRACE'])
    for (const [sent, forwarded] of [
      ['1', '0'],
      ['10', '9'],
      ['007', '6'],
      ['2147483647', '2147483646'],
      // RFC 9110 §7.6.2: the lesser of the value minus one and the recipient's maximum.
      ['2147483649', '2147483647'],
      ['9'.repeat(400), '2147483647'],
    ] as const)
      test(`${method} with ${sent.slice(0, 12)}`, async () => {
        assert.equal((await send(method, '/all', [`Max-Forwards: ${sent}`])).status, 200);
        assert.deepEqual(valuesOf(origin.last, 'max-forwards'), [forwarded]);
      });

  test('and no Max-Forwards is added to a request without one', async () => {
    await send('OPTIONS', '/all', []);
    assert.deepEqual(valuesOf(origin.last, 'max-forwards'), []);
  });
});

describe('a Max-Forwards that is no number is refused', () => {
  for (const method of ['OPTIONS', 'TRACE'])
    for (const headers of [
      ['Max-Forwards:'],
      ['Max-Forwards: -1'],
      ['Max-Forwards: +1'],
      ['Max-Forwards: 1.0'],
      ['Max-Forwards: 0x1'],
      ['Max-Forwards: 1, 1'],
      ['Max-Forwards: ten'],
      ['Max-Forwards: 3', 'Max-Forwards: 3'],
      ['Max-Forwards: 3', 'Max-Forwards: 0'],
    ])
      test(`${method} with ${headers.join(' and ')}`, async () => {
        const response = await send(method, '/all', headers);
        assert.equal(response.status, 400);
        const record = await edge.record(response);
        assert.deepEqual([record.cause, record.whose, record.stage], ['request_refused', 'client', 'request']);
        assert.match(record.detail ?? '', /Max-Forwards .*RFC 9110 §7\.6\.2/);
        assert.equal(origin.requests.length, 0);
      });
});

test('the refusal keeps the connection open for the next request, except in the middle of a large body', async () => {
  const client = edge.connect();
  const refusals: [headers: readonly string[], connection: string | null][] = [
    [[], null],
    [['Content-Length: 0'], null],
    [['Content-Length: 65537'], 'close'],
  ];
  for (const [headers, connection] of refusals) {
    client.write(requestText('OPTIONS', '/all', ['Max-Forwards: ten', ...headers]));
    const refused = await responseOn(client, 'OPTIONS');
    assert.deepEqual([refused.status, headerOf(refused, 'connection')], [400, connection], headers.join());
  }
  client.close();
});

test('other methods are forwarded with their Max-Forwards unchanged', async () => {
  for (const value of ['0', '7', 'ten'])
    for (const method of ['GET', 'POST', 'options']) {
      assert.equal((await send(method, '/all', [`Max-Forwards: ${value}`])).status, 200);
      assert.deepEqual(valuesOf(origin.last, 'max-forwards'), [value]);
    }
});

test('Max_Forwards, which CGI programs take for the same header, is not forwarded', async () => {
  await send('OPTIONS', '/all', ['Max_Forwards: 7']);
  assert.deepEqual(valuesOf(origin.last, 'max_forwards'), []);
});
