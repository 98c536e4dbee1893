import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { ok, RawOrigin } from './raw-origin.ts';
import { requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The results of checks and of requests can disagree. Here a TCP check passes at an origin whose answers are garbage.

let good: RawOrigin;
let lying: RawOrigin;
let edge: YamlGateway;
before(async () => {
  good = await RawOrigin.start();
  lying = await RawOrigin.start();
});
after(() => Promise.all([good.close(), lying.close()]));
beforeEach(() => {
  good.answer = () => ok('good');
  lying.answer = () => 'certainly not HTTP\r\n\r\n';
});
afterEach(() => edge.stop());

const stateOf = (address: string): string | undefined =>
  edge.gateway
    .status()
    .upstreams.flatMap(({ endpoints }) => endpoints)
    .find((endpoint) => endpoint.address === address)?.state;

describe('an origin whose checks pass while its answers are garbage', () => {
  test('is ejected by outlier detection, the event has figures, and requests go to the other origin only', async () => {
    edge = await startFromYaml(`upstreams: { app: ["${good.address}", "${lying.address}"] }`);
    await until('the origin is ejected', async () => {
      assert.equal((await edge.get('/')).status, 200, 'a GET is retried at the other origin');
      return stateOf(lying.address) === 'ejected';
    });
    const [told] = edge.eventsOf('health_disagreement');
    assert.equal(edge.eventsOf('health_disagreement').length, 1);
    assert.deepEqual([told?.from, told?.to, told?.evidence.check], ['healthy', 'ejected', 'tcp']);
    assert.ok((told?.evidence.failures ?? 0) >= 5, `${told?.evidence.failures} failures`);
    assert.deepEqual(Object.keys(told?.evidence.causes ?? {}), ['response_not_http']);
    assert.equal(
      edge.eventsOf('endpoint_state').filter(({ to }) => to === 'unhealthy').length,
      0,
      'the checks of the origin pass',
    );
    lying.forget();
    for (let count = 0; count < 30; count++) assert.equal((await edge.get('/')).status, 200);
    assert.deepEqual(
      // Nor those by which the gateway examines the incident.
      lying.requests.filter(
        ({ line, headers }) => line !== '' && !headers.some(([, value]) => value === 'candor-incident'),
      ),
      [],
    );
  });

  test('is not ejected while it is the only one: the answer says that its response is not HTTP', async () => {
    edge = await startFromYaml(`upstreams: { app: ["${lying.address}"] }`);
    for (let count = 0; count < 25; count++) assert.equal((await edge.get('/')).status, 502);
    await until('the disagreement is reported', () => edge.eventsOf('health_disagreement').length === 1);
    const [told] = edge.eventsOf('health_disagreement');
    assert.deepEqual([told?.to, told?.evidence.pauseMs], ['healthy', null]);
    const response = await edge.get('/');
    assert.equal(response.status, 502);
    assert.equal((await edge.record(response)).cause, 'response_not_http');
  });

  test('gets requests again when no other endpoint is left, and the record says so', async () => {
    lying.answer = ({ line }) => (line.includes('/healthz') ? ok('fine') : 'certainly not HTTP\r\n\r\n');
    edge = await startFromYaml(`
upstreams: { app: { endpoints: ["${good.address}", "${lying.address}"], check: { path: /healthz, interval: 100ms, fails: 1 } } }
`);
    await until('the origin is ejected', async () => {
      await edge.get('/');
      return stateOf(lying.address) === 'ejected';
    });
    const { address } = good;
    await good.close();
    await until('the other origin is unhealthy', () => stateOf(address) === 'unhealthy');
    lying.answer = () => ok('after all');
    const response = await edge.send(requestText('GET', '/'));
    assert.equal(response.body.toString(), 'after all');
    assert.equal((await edge.record(response)).attempts[0]?.state, 'ejected');
    good = await RawOrigin.start();
  });
});

describe('an origin whose check fails while its requests succeed', () => {
  for (const [which, answer, stays] of [
    ['because the path does not exist', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', true],
    ['because it needs a login', 'HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n', true],
    ['because it takes itself out', 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', false],
  ] as const) {
    test(`${stays ? 'stays, and the event says so' : 'is out'}: ${which}`, async () => {
      let check = ok('fine');
      good.answer = ({ line }) => (line.includes('/healthz') ? check : ok('good'));
      edge = await startFromYaml(`
upstreams: { app: { endpoints: "${good.address}", check: { path: /healthz, interval: 100ms, fails: 2 } } }
`);
      for (let count = 0; count < 20; count++) assert.equal((await edge.get('/')).status, 200);
      await until('the main thread knows of the requests', async () => {
        await edge.gateway.refreshCounts();
        return edge.gateway.counts().exchanges.reduce((sum, { count }) => sum + count, 0) >= 20;
      });
      check = answer;
      await until('the check has failed', () => edge.eventsOf('endpoint_state').some(({ to }) => to === 'unhealthy'));
      const disagreements = edge.eventsOf('health_disagreement');
      assert.equal(disagreements.length, stays ? 1 : 0);
      assert.equal(stateOf(good.address), stays ? 'healthy' : 'unhealthy');
      if (!stays) return;
      assert.match(disagreements[0]?.reason ?? '', /^its checks fail \(.+\), but \d+ of \d+ attempts .*; it stays/);
      for (let count = 0; count < 5; count++) assert.equal((await edge.get('/')).status, 200);
    });
  }
});
