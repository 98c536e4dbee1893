import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ok, RawOrigin, type RawRequest } from './raw-origin.ts';
import { startFromYaml, type YamlGateway } from './start-from-yaml.ts';

// What `retry` of the configuration does, over real sockets. Its rules are tested in simulated time (test/exchange/retry-cases.ts).

let busy: RawOrigin;
let free: RawOrigin;
let edge: YamlGateway;

const sorry = 'HTTP/1.1 503 Service Unavailable\r\nX-Who: the application\r\nContent-Length: 5\r\n\r\nsorry';

before(async () => {
  busy = await RawOrigin.start(() => sorry);
  free = await RawOrigin.start(({ line }) => (line.includes('/all') ? sorry : ok('fine')));
  edge = await startFromYaml(`
upstreams:
  # Priorities make the order of the attempts certain.
  app:
    check: none
    endpoints: [{ address: "${busy.address}" }, { address: "${free.address}", priority: 1 }]
retry: { statuses: [503] }
routes:
  - { path: /keyed, to: app, retry: { idempotency_key: true, attempt_headers: true } }
  - { path: /none, to: app, retry: none }
  - { path: /, to: app }
`);
});
after(() => edge.stop());
after(() => Promise.all([busy.close(), free.close()]));

async function ask(
  path: string,
  options: RequestInit = {},
): Promise<{ status: number; body: string; who: string | null; id: string }> {
  const { host, port } = edge.address();
  const response = await fetch(`http://${host}:${port}${path}`, options);
  const id = response.headers.get('x-request-id') ?? '';
  return { status: response.status, body: await response.text(), who: response.headers.get('x-who'), id };
}

function headerOf(request: RawRequest | undefined, name: string): string | undefined {
  return request?.headers.find(([one]) => one.toLowerCase() === name)?.[1];
}

describe('a route with `retry`', () => {
  test('sends a request that was answered 503 to another endpoint', async () => {
    const { status, body, id } = await ask('/');
    assert.deepEqual([status, body], [200, 'fine']);
    const { attempts } = await edge.record(id);
    assert.deepEqual(
      attempts.map(({ status, retry_reason }) => [status, retry_reason]),
      [
        [503, 'retriable_status'],
        [200, 'accepted'],
      ],
    );
  });

  test('passes the response of the application on if no endpoint has another one', async () => {
    const { status, body, who, id } = await ask('/all');
    assert.deepEqual([status, body, who], [503, 'sorry', 'the application']);
    assert.equal((await edge.record(id)).end, 'forwarded');
  });

  test('retries a POST with an Idempotency-Key, whole, and counts its attempts', async () => {
    const post = { method: 'POST', body: 'pay once', headers: { 'Idempotency-Key': '"8e03978e"' } };
    assert.equal((await ask('/keyed', post)).status, 200);
    const [first, second] = [busy.last, free.last];
    assert.deepEqual([first.body.toString(), second.body.toString()], ['pay once', 'pay once']);
    assert.deepEqual([headerOf(first, 'x-envoy-attempt-count'), headerOf(second, 'x-envoy-attempt-count')], ['1', '2']);
    assert.ok(Number(headerOf(second, 'x-envoy-expected-rq-timeout-ms')) > 1000);
  });

  test('passes a 503 on where it says `none`, and for a POST without a key', async () => {
    assert.equal((await ask('/none')).status, 503);
    assert.equal((await ask('/keyed', { method: 'POST', body: 'pay' })).status, 503);
  });
});
