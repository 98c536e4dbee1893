import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { fieldOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The end of a gateway, phase by phase.

const origin = originForTests('ok');
let edge: YamlGateway;
afterEach(() => edge.stop());

const routes = 'routes: [ { path: /-/ready, readiness: true }, { path: /, to: app } ]';
const configured = (drain: string): string =>
  `upstreams: { app: { endpoints: "${origin.address}", check: none } }\n${routes}\ndrain: ${drain}\nlog: { path: ./exchange.log }`;

const phases = (): string[] => edge.eventsOf('drain_phase').map(({ to }) => to ?? '');

describe('in its lame-duck time a gateway', () => {
  test('serves on, says that it is not ready, and that each response is the last on its connection', async () => {
    edge = await startFromYaml(configured('{ lame_duck: 60s }'));
    origin.answer = () => ok('as ever');
    const ready = await edge.get('/-/ready');
    assert.deepEqual([ready.status, ready.content.toString(), fieldOf(ready, 'connection')], [200, 'ready\n', null]);
    const kept = edge.connect();
    kept.write(requestText('GET', '/before'));
    assert.equal(fieldOf(await responseOn(kept), 'connection'), null);

    const stopping = edge.gateway.stop('the test says so');
    await until('the phase has begun', () => phases().includes('lame_duck'));
    const { state, drain } = edge.gateway.status();
    assert.deepEqual([state, drain?.phase], ['draining', 'lame_duck']);
    assert.ok((drain?.leftMs ?? 0) > 50_000);
    await until('the worker has heard of it', async () => (await edge.get('/-/ready')).status === 503);
    const not = await edge.get('/-/ready', ['Accept: application/json']);
    assert.equal(JSON.parse(not.content.toString()).cause, 'gateway_stopping');
    assert.deepEqual([fieldOf(not, 'retry-after'), fieldOf(not, 'connection')], ['5', 'close']);
    assert.equal((await edge.record(not)).cause, 'gateway_stopping');

    const fresh = await edge.get('/fresh');
    assert.deepEqual([fresh.status, fresh.content.toString(), fieldOf(fresh, 'connection')], [200, 'as ever', 'close']);
    kept.write(requestText('GET', '/kept'));
    const last = await responseOn(kept);
    assert.deepEqual([last.status, fieldOf(last, 'connection')], [200, 'close']);
    assert.ok(await kept.waitFor(() => kept.state === 'fin', 5000), 'an orderly end');
    kept.close();

    void edge.gateway.stop('at once');
    await stopping;
    assert.deepEqual([phases()[0], phases().at(-1)], ['lame_duck', 'drained']);
    assert.equal(edge.gateway.status().state, 'stopped');
  });

  test('lets go on what was promised another request: the next response says that it is the last', async () => {
    edge = await startFromYaml(configured('{ lame_duck: 60s }'));
    let finish = (): void => {};
    origin.answer = ({ line }) => {
      if (!line.includes('/slow')) return ok('next');
      return (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
        finish = () => void socket.write('half');
      };
    };
    const client = edge.connect();
    client.write(requestText('GET', '/slow'));
    assert.ok(await client.waitFor(() => client.octets.includes('half'), 5000));
    const stopping = edge.gateway.stop('the test says so');
    await until('the worker has heard of it', async () => (await edge.get('/-/ready')).status === 503);
    finish();
    const slow = await responseOn(client);
    assert.deepEqual([slow.content.toString(), fieldOf(slow, 'connection')], ['halfhalf', null]);
    client.write(requestText('GET', '/next'));
    const next = await responseOn(client);
    assert.deepEqual([next.content.toString(), fieldOf(next, 'connection')], ['next', 'close']);
    client.close();
    void edge.gateway.stop('at once');
    await stopping;
  });
});
