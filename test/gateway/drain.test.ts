// Starts processes: curl is a client.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { headerOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { WebSocketServer } from './web-socket-server.ts';
import { recordsIn } from '../records.ts';

// The end of a gateway, phase by phase.

const origin = originForTests('ok');
let edge: YamlGateway;
afterEach(() => edge.stop());

const routes = 'routes: [ { path: /-/ready, readiness: true }, { path: /, to: app } ]';
const configured = (drain: string): string =>
  `upstreams: { app: { endpoints: "${origin.address}", check: none } }\n${routes}\ndrain: ${drain}\nlog: { path: ./exchange.log }`;

const phases = (): string[] => edge.eventsOf('drain_phase').map(({ to }) => to ?? '');

describe('in its lame-duck time a gateway', () => {
  test('keeps serving, says that it is not ready, and announces the close on each response', async () => {
    edge = await startFromYaml(configured('{ lame_duck: 60s }'));
    origin.answer = () => ok('as ever');
    const ready = await edge.get('/-/ready');
    assert.deepEqual([ready.status, ready.body.toString(), headerOf(ready, 'connection')], [200, 'ready\n', null]);
    const kept = edge.connect();
    kept.write(requestText('GET', '/before'));
    assert.equal(headerOf(await responseOn(kept), 'connection'), null);

    const stopping = edge.gateway.stop('the test says so');
    await until('the phase has begun', () => phases().includes('lame_duck'));
    const { state, drain } = edge.gateway.status();
    assert.deepEqual([state, drain?.phase], ['draining', 'lame_duck']);
    assert.ok((drain?.leftMs ?? 0) > 50_000);
    assert.equal(edge.gateway.status().listeners[0]?.state, 'open');
    await until('the worker knows the phase', async () => (await edge.get('/-/ready')).status === 503);
    const not = await edge.get('/-/ready', ['Accept: application/json']);
    assert.equal(JSON.parse(not.body.toString()).cause, 'gateway_stopping');
    assert.deepEqual([headerOf(not, 'retry-after'), headerOf(not, 'connection')], ['5', 'close']);
    assert.equal((await edge.record(not)).cause, 'gateway_stopping');

    const fresh = await edge.get('/fresh');
    assert.deepEqual([fresh.status, fresh.body.toString(), headerOf(fresh, 'connection')], [200, 'as ever', 'close']);
    kept.write(requestText('GET', '/kept'));
    const last = await responseOn(kept);
    assert.deepEqual([last.status, headerOf(last, 'connection')], [200, 'close']);
    assert.ok(await kept.waitFor(() => kept.state === 'fin', 5000), 'an orderly end');
    kept.close();

    void edge.gateway.stop('at once');
    await stopping;
    assert.deepEqual([phases()[0], phases().at(-1)], ['lame_duck', 'drained']);
    assert.equal(edge.gateway.status().state, 'stopped');
    assert.equal(edge.gateway.status().listeners[0]?.state, 'closed');
  });

  test('announces the close on the next response if the current one had promised to keep the connection', async () => {
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
    assert.ok(await client.waitFor(() => client.bytes.includes('half'), 5000));
    const stopping = edge.gateway.stop('the test says so');
    await until('the worker knows the phase', async () => (await edge.get('/-/ready')).status === 503);
    finish();
    const slow = await responseOn(client);
    assert.deepEqual([slow.body.toString(), headerOf(slow, 'connection')], ['halfhalf', null]);
    client.write(requestText('GET', '/next'));
    const next = await responseOn(client);
    assert.deepEqual([next.body.toString(), headerOf(next, 'connection')], ['next', 'close']);
    client.close();
    void edge.gateway.stop('at once');
    await stopping;
  });
});

describe('a gateway that stops', () => {
  const program = findPeer('curl');

  test('shows curl the announced close, then that it is not ready, then that it is gone', {
    skip: 'missing' in program ? program.missing : false,
  }, async () => {
    edge = await startFromYaml(`workers: 2\n${configured('{ lame_duck: 60s, timeout: 60s }')}`);
    const { host, port } = edge.address();
    const curl = async (path: string): Promise<string> => {
      const facts = '%{exitcode} %{http_code} %header{connection} %header{retry-after}';
      assert.ok('path' in program);
      const args = ['-s', '-o', '/dev/null', '-w', facts, `http://${host}:${port}${path}`];
      const child = spawn(program.path, args, { env: { ...process.env, ...program.env } });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      await once(child, 'close');
      return said.trim();
    };
    assert.equal(await curl('/-/ready'), '0 200');
    const stopping = edge.gateway.stop('the test says so');
    // Both workers: any of them may get the connection.
    await until('no worker is ready', async () => {
      const said = await Promise.all([1, 2, 3, 4].map(() => curl('/-/ready')));
      return said.every((one) => one === '0 503 close 5');
    });
    assert.equal(await curl('/'), '0 200 close');
    void edge.gateway.stop('at once');
    await stopping;
    assert.equal(await curl('/'), '7 000', 'connection refused');
  });

  test('answers the next request of connections in use while a successor listens, and closes idle connections later', async () => {
    edge = await startFromYaml(`workers: 2\n${configured('{ lame_duck: 60s, timeout: 60s }')}`);
    const kept = Array.from({ length: 6 }, () => edge.connect());
    const fresh = Array.from({ length: 4 }, () => edge.connect());
    for (const client of kept) {
      client.write(requestText('GET', '/'));
      await responseOn(client);
    }
    await until('all are connected', () => edge.counts().clients === 10);
    const stopping = edge.gateway.stop('another has taken over', { hasSuccessor: true });
    await until('it drains', () => phases().includes('draining'));
    await until('the listener is closed', async () => {
      const client = edge.connect();
      await client.waitFor(() => client.state !== 'open' || client.elapsedMs > 100, 1000);
      client.close();
      return client.errno === 'ECONNREFUSED';
    });
    for (const client of [...kept, ...fresh]) {
      assert.equal(client.state, 'open');
      client.write(requestText('GET', '/last'));
      const last = await responseOn(client);
      assert.deepEqual([last.status, headerOf(last, 'connection')], [200, 'close']);
      client.close();
    }
    await stopping;
    assert.deepEqual(
      phases(),
      ['draining', 'drained'],
      'no connection was force closed, and the gateway waited for none in vain',
    );
  });

  test('answers requests that were in transit when its listeners closed', async () => {
    edge = await startFromYaml(configured('{ timeout: 60s }'));
    const client = edge.connect();
    client.write('GET /half HTTP/1.1\r\n');
    await until('the client is connected', () => edge.counts().clients === 1);
    const idle = edge.connect();
    await until('both are', () => edge.counts().clients === 2);
    const stopping = edge.gateway.stop('the test says so');
    await until('the idle connection is closed', () => idle.state !== 'open');
    client.write('Host: a\r\n\r\n');
    const response = await responseOn(client);
    assert.deepEqual([response.status, headerOf(response, 'connection')], [200, 'close']);
    client.close();
    idle.close();
    await stopping;
    assert.ok(!phases().includes('force_closing'));
  });
});

test('a listener that a reload removes lets its connections send a last request', async () => {
  const listening = (names: string): string => `listeners: { ${names} }\n${configured('{ timeout: 60s }')}`;
  edge = await startFromYaml(listening('http: "127.0.0.1:0", more: "127.0.0.1:0"'));
  const kept = edge.connect('more');
  kept.write(requestText('GET', '/first'));
  assert.equal(headerOf(await responseOn(kept), 'connection'), null);
  assert.equal((await edge.reload(listening('http: "127.0.0.1:0"'))).ok, true);
  kept.write(requestText('GET', '/last'));
  const last = await responseOn(kept);
  assert.deepEqual([last.status, headerOf(last, 'connection')], [200, 'close']);
  kept.close();
});

describe('a WebSocket through a gateway that stops', () => {
  let server: WebSocketServer;
  before(async () => {
    server = await WebSocketServer.start();
  });
  after(() => server.close());

  async function chat(tunnels: string): Promise<{ socket: WebSocket; said: string[]; closed: Promise<number> }> {
    edge = await startFromYaml(
      `workers: 2\nupstreams: { app: { endpoints: "127.0.0.1:${server.port}", check: none } }\ndrain: { timeout: 60s, tunnels: ${tunnels} }\nlog: { path: ./exchange.log }`,
    );
    const { host, port } = edge.address();
    const socket = new WebSocket(`ws://${host}:${port}/chat`);
    const said: string[] = [];
    const closed = new Promise<number>((resolve) => {
      socket.addEventListener('close', ({ code }) => resolve(code));
    });
    socket.addEventListener('message', ({ data }) => void said.push(String(data)));
    socket.addEventListener('error', () => {});
    await until('the server says hello', () => said.length === 1);
    return { socket, said, closed };
  }

  const recorded = async (): Promise<ExchangeRecord[]> =>
    recordsIn(await readFile(join(edge.folder, 'exchange.log'), 'utf8'));

  test('under `tunnels: wait` lasts until it ends, and the gateway says that it waits for it', async () => {
    const { socket, said, closed } = await chat('wait');
    const stopping = edge.gateway.stop('the test says so');
    await until('the gateway waits for the tunnel', () => {
      const { drain } = edge.gateway.status();
      return drain?.phase === 'draining' && drain.tunnels === 1 && drain.exchanges === 0;
    });
    socket.send('still there?');
    await until('the message comes back', () => said.includes('still there?'));
    socket.close(1000);
    assert.equal(await closed, 1000);
    await stopping;
    assert.deepEqual(phases(), ['draining', 'drained']);
    const [record, ...more] = await recorded();
    assert.deepEqual([record?.kind, record?.end, record?.cause, more.length], ['tunnel', 'forwarded', null, 0]);
  });

  test('under `tunnels: end` ends when the listeners close, recorded as truncated', async () => {
    const { closed } = await chat('end');
    await edge.gateway.stop('the test says so');
    assert.equal(await closed, 1001);
    assert.deepEqual(phases(), ['draining', 'drained'], 'long before the 60 s are over');
    const [record, ...more] = await recorded();
    assert.deepEqual([record?.kind, record?.end, record?.cause, more.length], ['tunnel', 'truncated', 'drained', 0]);
  });
});
