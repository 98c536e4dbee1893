import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { ok, RawOrigin } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

let origin: RawOrigin;
let edge: YamlGateway;
before(async () => {
  origin = await RawOrigin.start();
});
after(() => origin.close());
afterEach(() => edge.stop());

const stateOf = (): string | undefined => edge.gateway.status().upstreams[0]?.endpoints[0]?.state;

describe('a circuit breaker that the configuration asks for', () => {
  test('opens at the only endpoint, is half-open after its time, and closes when the application answers again', async () => {
    origin.answer = () => 'certainly not HTTP\r\n\r\n';
    edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", circuit_breaker: { open: 300ms } } }
`);
    await until('the breaker is open', async () => {
      await edge.get('/');
      return stateOf() === 'circuit_open';
    });
    await until('workers know', async () => {
      const response = await edge.get('/');
      if (response.status !== 503) return false;
      assert.equal((await edge.record(response)).cause, 'circuit_open');
      return true;
    });
    origin.answer = () => ok('recovered');
    await until(
      'the breaker is closed',
      async () => {
        await edge.get('/');
        return stateOf() === 'healthy';
      },
      40_000,
    );
    assert.equal((await edge.get('/')).status, 200);
    const states = edge.eventsOf('endpoint_state').map(({ from, to }) => [from, to]);
    assert.deepEqual(states.at(-1), ['half_open', 'healthy']);
  });

  test('is not there where outlier detection is off', async () => {
    origin.answer = () => 'certainly not HTTP\r\n\r\n';
    edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", circuit_breaker: true, outlier_detection: none } }
`);
    for (let count = 0; count < 15; count++) assert.equal((await edge.get('/')).status, 502);
    assert.equal(stateOf(), 'healthy');
  });
});

describe('outlier detection that counts responses', () => {
  for (const [which, key, head, cause] of [
    ['5xx', 'server_errors', 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n', 'status_5xx'],
    [
      '429 with Retry-After',
      'rate_limits',
      'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n',
      'status_429',
    ],
  ] as const) {
    test(`ejects an endpoint that answers ${which}, and the event says so`, async (context) => {
      const good = await RawOrigin.start();
      context.after(() => good.close());
      good.answer = () => ok('good');
      origin.answer = () => head;
      edge = await startFromYaml(`
upstreams: { app: { endpoints: ["${good.address}", "${origin.address}"], outlier_detection: { ${key}: true } } }
`);
      await until('the endpoint is ejected', async () => {
        // Several at a time: on a busy machine one after another are too few.
        await Promise.all(Array.from({ length: 8 }, () => edge.get('/')));
        return edge.eventsOf('health_disagreement').length > 0;
      });
      const [event] = edge.eventsOf('health_disagreement');
      assert.deepEqual([event?.to, Object.keys(event?.evidence.causes ?? {})], ['ejected', [cause]]);
      const least = which === '5xx' ? 10_000 : 40_000;
      assert.ok((event?.evidence.pauseMs ?? 0) >= least, `${event?.evidence.pauseMs} ms`);
    });
  }
});

describe('a circuit breaker of a route', () => {
  test('opens for its own requests in all workers, leaves the other route and the endpoints alone, and closes again', async () => {
    let isDown = true;
    origin.answer = ({ line }) => (isDown && line.includes('/search') ? 'certainly not HTTP\r\n\r\n' : ok('fine'));
    edge = await startFromYaml(`
workers: 2
upstreams: { app: "${origin.address}" }
routes:
  - { id: search, path: /search, to: app, circuit_breaker: { open: 300ms, open_max: 1s } }
  - { id: rest, to: app }
`);
    const breaker = () => edge.gateway.status().breakers[0];
    await until('the breaker opens, and workers know', async () => {
      const response = await edge.get('/search');
      return response.status === 503 && (await edge.record(response)).cause === 'circuit_open';
    });
    assert.equal((await edge.get('/')).status, 200);
    assert.equal(stateOf(), 'healthy', 'the endpoint is not blamed');
    assert.match(breaker()?.reason ?? '', /response_not_http|half-open/);
    isDown = false;
    await until('the breaker is closed', async () => {
      await edge.get('/search');
      return breaker()?.state === 'closed';
    });
    await until('workers know', async () => (await edge.get('/search')).status === 200);
    const changes = edge.eventsOf('circuit_breaker');
    assert.deepEqual(
      [changes[0], changes.at(-1)].map((event) => [event?.subject, event?.from, event?.to]),
      [
        ['route:search', 'closed', 'open'],
        ['route:search', 'half_open', 'closed'],
      ],
    );
    assert.deepEqual(edge.eventsOf('health_disagreement'), []);
  });
});
