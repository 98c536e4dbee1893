import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReloadOutcome } from '../../src/control/gateway-status.ts';
import { headerOf, RawClient } from '../../src/testing/testing.ts';
import { freePort } from '../free-port.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Endpoints, applications, listeners and logs in a reload: no part of it takes effect too early or too late.

const origin = originForTests('origin');
let edge: YamlGateway;
afterEach(() => edge.stop());

const program = join(import.meta.dirname, 'fixtures', 'mortal-application.mjs');
const shop = (more = ''): string => `
applications:
  shop:
    command: ["${process.execPath}", "${program}"]
    readiness: { path: /healthz, interval: 50ms, passes: 2 }
${more}`;
const upstream = (): string => `upstreams: { app: { endpoints: "${origin.address}", check: none } }\n`;

const complaintsOf = (outcome: ReloadOutcome): string => (outcome.ok ? '' : outcome.errors.join('\n'));

async function takenPort(context: { after(end: () => void): void }): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('endpoints', () => {
  test('whose first check fails while the first snapshot is on its way get nothing', async () => {
    const no = 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';
    // Just after the second for which listeners wait for first checks.
    origin.answer = ({ line }) =>
      line.includes('/healthz') ? (socket) => void setTimeout(() => void socket.write(no), 1030) : ok('origin');
    edge = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: { path: /healthz, interval: 10s, timeout: 5s } } }
`);
    const state = (): string | undefined => edge.gateway.status().upstreams[0]?.endpoints[0]?.state;
    await until('main knows', () => state() === 'unhealthy');
    const response = await edge.get('/');
    assert.equal(response.status, 503);
    // Two passes are needed: a check in flight may take its 5 s, and the next one follows within 300 ms.
    const retryAfterS = Number(headerOf(response, 'retry-after'));
    assert.ok(retryAfterS >= 1 && retryAfterS <= 6, `${retryAfterS}`);
  });

  test('that become ready while a listener by name still opens are not forgotten', async () => {
    edge = await startFromYaml(`listeners: { http: "localhost:0" }\n${shop()}`);
    const phase = (): string | undefined => edge.gateway.status().applications[0]?.instances[0]?.phase;
    await until('the instance is ready', () => phase() === 'ready');
    assert.equal((await edge.get('/')).status, 200);
    // The same for the snapshot of a reload, while an endpoint becomes healthy and unhealthy.
    let healthy = true;
    origin.answer = () => ok('origin', [], healthy ? '200 OK' : '500 No');
    const names = Array.from({ length: 12 }, (_, index) => `more${index}: "localhost:0"`).join(', ');
    const checked = (listeners: string): string => `
listeners: { http: "localhost:0"${listeners} }
upstreams: { app: { endpoints: "${origin.address}", check: { path: /healthz, interval: 20ms, passes: 1, fails: 1 } } }
`;
    await edge.reload(checked(''));
    for (let time = 0; time < 4; time++) {
      healthy = !healthy;
      assert.equal((await edge.reload(checked(time % 2 === 0 ? `, ${names}` : ''))).ok, true);
      await until('the worker knows what the main thread knows', async () => {
        const { status } = await edge.get('/');
        return (healthy ? [200] : [503, 500]).includes(status);
      });
    }
  });
});

describe('a new application', () => {
  test('serves before routes lead to it: no request meets it starting', async () => {
    edge = await startFromYaml(upstream());
    const reload = edge.reload(shop());
    let over = false;
    void reload.finally(() => {
      over = true;
    });
    const statuses: number[] = [];
    for (; !over; await sleep(2)) statuses.push((await edge.get('/')).status);
    for (let time = 0; time < 5; time++) statuses.push((await edge.get('/')).status);
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.equal((await reload).ok, true);
    assert.match((await edge.get('/')).body.toString(), /^[0-9]+ /);
  });

  test('that never becomes ready delays a reload for a limited time', async () => {
    edge = await startFromYaml(upstream());
    const began = performance.now();
    const outcome = await edge.reload('applications: { shop: { command: ./no-such-program } }\n');
    assert.equal(outcome.ok, true);
    assert.ok(performance.now() - began < 7000);
    assert.equal((await edge.get('/')).status, 503);
  });

  test('of a refused reload is stopped', async (context) => {
    edge = await startFromYaml(upstream());
    const port = await takenPort(context);
    const outcome = await edge.reload(`listeners: { http: "127.0.0.1:0", taken: "127.0.0.1:${port}" }\n${shop()}`);
    assert.match(complaintsOf(outcome), /EADDRINUSE/);
    const instances = edge.gateway.status().applications.flatMap((application) => application.instances);
    assert.deepEqual([...new Set(instances.map(({ phase }) => phase))], ['stopping']);
    assert.equal((await edge.get('/')).body.toString(), 'origin');
  });
});

describe('a reload that cannot be applied', () => {
  test('for an address that this gateway already has is refused; the error names the listener and says what to do', async () => {
    edge = await startFromYaml(upstream());
    const { port } = edge.address();
    const outcome = await edge.reload(`listeners: { all: "0.0.0.0:${port}" }\n${upstream()}`);
    assert.match(complaintsOf(outcome), new RegExp(`itself holds 127\\.0\\.0\\.1:${port} as listener http; restart`));
    assert.equal((await edge.get('/')).status, 200);
  });

  test('that renames the member is refused with a sentence that says restart', async () => {
    edge = await startFromYaml(upstream());
    const { revision } = edge.gateway.status();
    const outcome = await edge.reload(`member: two\n${upstream()}`);
    assert.match(complaintsOf(outcome), /member is one while this gateway runs; restart it to make it two/);
    assert.equal(edge.gateway.status().revision, revision);
  });

  test('for a log that cannot be opened is refused as a whole', async () => {
    edge = await startFromYaml(`${upstream()}log: { path: ./exchange.log }\n`);
    const outcome = await edge.reload(
      'routes: [ { path: /, respond: { body: new } } ]\nlog: { path: ./no/such/x.log }\n',
    );
    assert.match(complaintsOf(outcome), /no\/such/);
    const response = await edge.get('/');
    assert.equal(response.body.toString(), 'origin');
    assert.equal((await edge.record(response)).revision, 1);
  });
});

describe('a connection that comes before its snapshot is active', () => {
  test('waits for the snapshot, and is served by it', async () => {
    edge = await startFromYaml(upstream());
    const free = await freePort();
    // The first listener opens at once, the others after look-ups.
    const names = Array.from({ length: 30 }, (_, index) => `more${index}: "localhost:0"`).join(', ');
    const reload = edge.reload(`
listeners: { http: "127.0.0.1:0", early: "127.0.0.1:${free}", ${names} }
routes: [ { path: /, respond: { body: new } } ]
`);
    const seen: string[] = [];
    let over = false;
    void reload.finally(() => {
      over = true;
    });
    while (!over) {
      const client = new RawClient({ host: '127.0.0.1', port: free });
      client.write(requestText('GET', '/'));
      if (await client.waitFor(() => client.bytes.length > 0 || client.state !== 'open', 2000)) {
        if (client.bytes.length > 0) seen.push((await responseOn(client)).body.toString());
      } else seen.push('nothing');
      client.close();
      await sleep(2);
    }
    assert.equal((await reload).ok, true);
    assert.deepEqual([...new Set(seen)], ['new']);
  });
});

test('a reload that still waits when the gateway is stopped is refused, and leaves nothing running', async () => {
  edge = await startFromYaml(upstream());
  const workers = edge.eventsOf('worker_started').length;
  // The application is ready once a file exists, which never happens: the reload waits.
  const reload = edge.reload(shop('    environment: { READY: "./never" }\n'));
  await until('the application is started', () => edge.eventsOf('instance_started').length === 1);
  await edge.gateway.stop('the test says so');
  const outcome = await reload;
  assert.deepEqual(outcome, { ok: false, kind: 'refused', errors: ['This gateway is stopping.'] });
  assert.equal(edge.eventsOf('worker_started').length, workers);
  assert.deepEqual(
    edge.gateway.status().applications.flatMap(({ instances }) => instances),
    [],
  );
});

test('a reload that waits for a first check ends before the gateway has stopped, and no check runs afterwards', async () => {
  const checked = 'check: { path: /checked, interval: 20ms }';
  const upstreams = (more: string): string =>
    `upstreams: { app: { endpoints: "${origin.address}", ${checked} }${more} }\ndrain: { lame_duck: 1ms }\nroutes: [{ path: /, to: app }]`;
  origin.answer = ({ line }) => (line.includes('/silent') ? null : ok(''));
  edge = await startFromYaml(upstreams(''));
  const silent = `, silent: { endpoints: "${origin.address}", check: { path: /silent } }`;
  const order: string[] = [];
  const reload = edge.reload(upstreams(silent)).then(() => order.push('the reload has ended'));
  await until('the endpoint is checked', () => origin.requests.some(({ line }) => line.includes('/silent')));
  await edge.gateway.stop('the test says so').then(() => order.push('the gateway has stopped'));
  await reload;
  assert.deepEqual(order, ['the reload has ended', 'the gateway has stopped']);
  const { length } = origin.requests;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(origin.requests.length, length);
});
