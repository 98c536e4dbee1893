import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { currentRequest, type Kit, serve } from '../../packages/kit/src/main.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

/** What Candor reads of an application with the kit, and the kit of Candor. */
describe('behind Candor an application with the kit', () => {
  const kits: Kit[] = [];
  let databaseFails = false;
  let edge: YamlGateway;

  before(async () => {
    for (const name of ['one', 'other'])
      kits.push(
        await serve((_, response) => response.end(JSON.stringify({ name, ...seen() })), {
          ...{ port: 0, host: '127.0.0.1', exit: false, signals: [], log: () => {} },
          drain: { noticeMs: 300, idleMs: 50 },
          checks: {
            database: {
              run: () => {
                if (databaseFails && name === 'one') throw new Error('no pool');
              },
              cacheMs: 0,
              readiness: true,
            },
          },
        }),
      );
    edge = await startFromYaml(`
upstreams:
  app:
    endpoints: [${kits.map(({ url }) => JSON.stringify(url.slice('http://'.length))).join(', ')}]
    check: { path: /readyz, interval: 50ms }
    drain_signal: true
retry: { attempt_headers: true }
timeouts: { response_head: 7s }
routes: [{ to: app }]
`);
  });
  after(async () => {
    await edge.stop();
    await Promise.all(kits.map((kit) => kit.drain()));
  });

  const seen = (): object => ({ id: currentRequest()?.id, leftMs: currentRequest()?.remainingMs() });

  const stateOf = (kit: Kit | undefined): string | undefined =>
    edge.gateway.status().upstreams[0]?.endpoints.find(({ address }) => kit?.url.endsWith(address) === true)?.state;

  test('knows the id of the request, and how long the gateway waits', async () => {
    const response = await edge.get('/');
    const { id, leftMs } = JSON.parse(response.body.toString()) as { id: string; leftMs: number };
    assert.equal(id, headerOf(response, 'x-request-id'));
    assert.ok(leftMs > 5000 && leftMs <= 7000, String(leftMs));
  });

  test('gets no requests while a check that readiness needs fails, and the reason is that of its document', async () => {
    databaseFails = true;
    await until('the first one is unhealthy', () => stateOf(kits[0]) === 'unhealthy');
    const reasons = edge.eventsOf('endpoint_state').map(({ reason }) => reason);
    assert.match(reasons.at(-1) ?? '', /database:responseTime fails: Error: no pool/);
    databaseFails = false;
    await until('it is healthy', () => stateOf(kits[0]) === 'healthy');
  });

  test('gets none while it declines them', async () => {
    const [one] = kits;
    one?.declineRequests('it compacts its index');
    await until('it drains', () => stateOf(one) === 'draining');
    for (let count = 0; count < 5; count++) {
      const response = await edge.get('/');
      assert.equal((JSON.parse(response.body.toString()) as { name: string }).name, 'other');
      assert.equal(headerOf(response, 'x-envoy-immediate-health-check-fail'), null);
    }
    one?.wantRequests();
    await until('it is healthy', () => stateOf(one) === 'healthy');
  });

  test('drains before its listener closes', async () => {
    const [, other] = kits;
    const drained = other?.drain();
    await until('it drains', () => stateOf(other) === 'draining');
    assert.equal(other?.server.listening, true);
    assert.equal((await edge.get('/')).status, 200);
    assert.equal(await drained, 0);
    assert.equal((await edge.get('/')).status, 200);
  });
});
