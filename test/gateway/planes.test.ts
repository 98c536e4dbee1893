// Starts processes: load comes from another process, since this one is held up on purpose.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { runInWorkers } from './run-in-workers.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { withoutHeaders } from '../records.ts';

// The main thread controls, a worker serves: each continues when the other cannot, and both continue without a disk.

const origin = originForTests('ok');
let edge: YamlGateway;
afterEach(() => edge.stop());

// One worker, so that the test knows which one it affects.
const upstream = (): string => `workers: 1\nupstreams: { app: { endpoints: "${origin.address}", check: none } }`;

describe('a worker that crashes', () => {
  test('is replaced on the same ports; its exchanges are counted as lost', async () => {
    edge = await startFromYaml(upstream());
    const { port } = edge.address();
    origin.answer = ({ line }) => (line.includes('/held') ? null : ok('ok'));
    const held = [edge.connect(), edge.connect(), edge.connect()];
    for (const client of held) client.write(requestText('GET', '/held'));
    await until('three requests are in flight, and the main thread knows', () => edge.counts().active === 3);

    await runInWorkers('setTimeout(() => { throw new RangeError("on purpose") }, 0)');
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1);
    const [lost] = edge.eventsOf('worker_lost');
    assert.equal(lost?.evidence.exchangesLost, 3);
    assert.match(lost?.evidence.reason ?? '', /RangeError/);
    for (const client of held) {
      assert.ok(await client.waitFor(() => client.state !== 'open', 5000), 'the connections of the worker are closed');
      client.close();
    }

    await until('another worker serves', () => edge.gateway.status().workers.some(({ state }) => state === 'serving'));
    assert.equal(edge.address().port, port);
    const response = await edge.get('/');
    assert.equal(response.status, 200);
    const record = await edge.record(response);
    assert.equal(record.worker, 2);
    assert.equal(edge.eventsOf('worker_started').length, 2);
    await until('the lost exchanges are not counted as in flight', () => edge.counts().active === 0);
  });

  test('sends what it has counted before it ends', async () => {
    edge = await startFromYaml(upstream());
    assert.equal((await edge.get('/')).status, 200);
    await runInWorkers('setTimeout(() => { throw new RangeError("on purpose") }, 500)');
    let answered = 1;
    const client = edge.connect();
    for (;;) {
      client.write(requestText('GET', '/'));
      const { response } = await client.response('GET', 5000);
      if (response?.complete !== true) break;
      client.forget();
      answered += 1;
    }
    client.close();
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1);
    const counted = edge.gateway.counts().exchanges.reduce((sum, { count }) => sum + count, 0);
    assert.ok(answered > 2, `${answered} requests`);
    // The last one may have been answered and not counted, or the other way round.
    assert.ok(Math.abs(counted - answered) <= 1, `${counted} counted, ${answered} answered`);
  });

  test('is replaced as often as it crashes, but not without a pause; a reload works with the new worker', async () => {
    edge = await startFromYaml(upstream());
    const began = performance.now();
    for (let time = 1; time <= 2; time++) {
      await until('it serves', () => edge.gateway.status().workers.some(({ state }) => state === 'serving'));
      await runInWorkers('setTimeout(() => process.exit(7), 0)');
      await until('the loss is reported', () => edge.eventsOf('worker_lost').length === time);
    }
    await until('it serves', () => edge.gateway.status().workers.some(({ state }) => state === 'serving'));
    assert.ok(performance.now() - began >= 1000, 'there is a second between two starts');
    assert.equal(edge.eventsOf('worker_lost')[0]?.evidence.exchangesLost, 0);
    assert.equal((await edge.get('/')).status, 200);
    assert.equal((await edge.reload('routes: [ { path: /, respond: { body: reloaded } } ]')).ok, true);
    assert.equal((await edge.get('/')).body.toString(), 'reloaded');
  });
});

describe('a main thread that is busy', () => {
  test('for a second delays no request, and loses no record', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: ./exchange.log }`);
    await edge.get('/warm');
    const { host, port } = edge.address();
    // A process of its own sends the requests, since this one is about to be busy. No origin gets any, for the same
    // reason.
    await edge.reload('workers: 1\nroutes: [ { path: /, respond: { body: quick } } ]\nlog: { path: ./exchange.log }');
    const asking = spawn(process.execPath, ['-e', askingProgram, host, String(port)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    asking.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await until('the program is ready to send', () => said.includes('ready'));
    asking.stdin.write('go\n');
    // No turn of its event loop comes meanwhile, and the processor is left to the others.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    await once(asking, 'close');
    const { count, slowestMs, tookMs } = JSON.parse(said.split('\n')[1] ?? '') as Record<string, number>;
    assert.equal(count, 50);
    // A request that waited for the main thread would have taken the rest of its second. Other work on the machine
    // takes less.
    assert.ok((tookMs ?? 1000) < 900, `50 requests took ${tookMs} ms while the main thread was busy`);
    assert.ok((slowestMs ?? 1000) < 500, `the slowest took ${slowestMs} ms`);
    await until('every record is in the log', async () => {
      const text = await readFile(join(edge.folder, 'exchange.log'), 'utf8');
      return text.split('\n').filter((line) => line.includes('"path":"/busy"')).length === 50;
    });
    assert.equal(edge.gateway.counts().logDropped, 0);
  });
});

/** Sends fifty requests one after the other on one connection, when the test says so. */
const askingProgram = `
const [host, port] = process.argv.slice(1);
const socket = require('node:net').connect({ host, port: Number(port) });
const ask = () => socket.write('GET /busy HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n');
let count = 0, began = 0, last = 0, slowestMs = 0;
socket.once('connect', () => console.log('ready'));
process.stdin.once('data', () => { began = last = performance.now(); ask(); });
socket.on('data', () => {
  const now = performance.now();
  slowestMs = Math.max(slowestMs, now - last);
  last = now;
  if (++count < 50) return ask();
  console.log(JSON.stringify({ count, slowestMs, tookMs: now - began }));
  process.exit();
});
`;

describe('the exchange log', () => {
  const lines = async (name: string): Promise<string[]> =>
    withoutHeaders((await readFile(join(edge.folder, name), 'utf8')).split('\n').filter((line) => line !== ''));

  test('has one line for each exchange, which can be found by its id', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: ./exchange.log }`);
    const responses = await Promise.all(['/a', '/b?token=secret', '/c'].map((path) => edge.get(path)));
    await until('three lines are written', async () => (await lines('exchange.log')).length === 3);
    const records = (await lines('exchange.log')).map((line) => JSON.parse(line) as { id: string; path: string });
    assert.deepEqual(records.map(({ path }) => path).sort(), ['/a', '/b', '/c']);
    const ids = responses.map((response) => headerOf(response, 'x-request-id') ?? '');
    assert.deepEqual(new Set(records.map(({ id }) => id)), new Set(ids));
    assert.ok(!(await readFile(join(edge.folder, 'exchange.log'), 'utf8')).includes('secret'));
  });

  test('on a disk that is full: requests go on, and the trouble is reported', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: /dev/full }`);
    const client = edge.connect();
    for (let count = 0; count < 200; count++) {
      client.write(requestText('GET', '/'));
      assert.equal((await responseOn(client)).status, 200);
    }
    client.close();
    await until('the trouble is reported', () => edge.eventsOf('log_dropped').length > 0);
    const [told] = edge.eventsOf('log_dropped');
    assert.equal(told?.evidence.errno, 'ENOSPC');
    assert.equal((await edge.get('/')).status, 200);
    await edge.gateway.stop('to see what was lost');
    assert.ok(edge.gateway.counts().logDropped >= 201, `${edge.gateway.counts().logDropped} lost lines are counted`);
  });

  test('whose folder is missing at the start: the gateway does not start, and says so', async () => {
    edge = await startFromYaml(upstream()); // For afterEach alone.
    await assert.rejects(startFromYaml(`${upstream()}\nlog: { path: ./no/such/folder/x.log }`), { name: 'LogFailure' });
  });

  test('that a reload cannot open at its new path stays where it is', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: ./exchange.log }`);
    const outcome = await edge.reload(`${upstream()}\nlog: { path: ./no/such/folder/x.log }`);
    await edge.get('/after');
    await until('the old log has the line', async () =>
      (await lines('exchange.log')).some((line) => line.includes('/after')),
    );
    assert.ok(!outcome.ok || edge.eventsOf('log_dropped').length > 0, 'the failure is reported');
    const found = await edge.record(await edge.get('/found'));
    assert.equal(found.path, '/found');
  });

  test('is reopened under its name, and no line is lost or torn', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: ./exchange.log }`);
    const path = join(edge.folder, 'exchange.log');
    const client = edge.connect();
    for (let count = 0; count < 300; count++) {
      client.write(requestText('GET', `/${count}`));
      await responseOn(client);
      if (count % 100 !== 50) continue;
      await rename(path, `${path}.${count}`);
      await edge.gateway.reopenLogs();
      await stat(path);
    }
    client.close();
    const all = async (): Promise<string[]> => {
      const files = ['exchange.log', 'exchange.log.50', 'exchange.log.150', 'exchange.log.250'];
      return (await Promise.all(files.map(lines))).flat();
    };
    await until('every line is written', async () => (await all()).length === 300);
    const paths = new Set((await all()).map((line) => (JSON.parse(line) as { path: string }).path));
    assert.equal(paths.size, 300);
    assert.ok((await lines('exchange.log')).length > 0);
  });
});
