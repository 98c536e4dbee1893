import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type ListenOptions, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { hangs, runInWorkers } from './run-in-workers.ts';
import { lostRecordsIn, recordsIn } from '../records.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Exchanges, records and reloads when a worker ends or its drain timeout expires.

const origin = originForTests('ok');
let edge: YamlGateway;
afterEach(() => edge.stop());

// One worker, so that the test knows which one it affects.
const upstream = (): string => `workers: 1\nupstreams: { app: { endpoints: "${origin.address}", check: none } }`;
const serving = (): boolean => edge.gateway.status().workers.some(({ state }) => state === 'serving');
const crash = 'setTimeout(() => { throw new RangeError("on purpose") }, 0)';

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

const logText = (): Promise<string> => readFile(join(edge.folder, 'exchange.log'), 'utf8');

describe('a lost worker', () => {
  test('leaves one record of all its exchanges in flight, with an exact count and the error that it threw', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: ./exchange.log }`);
    origin.answer = () => null;
    const held = [edge.connect(), edge.connect()];
    for (const client of held) client.write(requestText('GET', '/held'));
    await until('the requests are in flight', () => origin.requests.length === 2);
    // At once: no batch has reported them to the main thread.
    await runInWorkers(crash);
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1);
    const { evidence } = edge.eventsOf('worker_lost')[0] ?? assert.fail();
    assert.equal(evidence.exchangesLost, 2);
    assert.match(evidence.error ?? '', /^RangeError: on purpose at /);
    await until('the loss is in the log', async () => lostRecordsIn(await logText()).length > 0);
    const lost = lostRecordsIn(await logText());
    assert.equal(lost.length, 1);
    const [record] = lost;
    assert.deepEqual([record?.exchanges, record?.worker, record?.revision, record?.process?.length], [2, 1, 1, 6]);
    for (const client of held) client.close();
    await until('another serves', serving);
  });

  test('reduces no total', async () => {
    edge = await startFromYaml(upstream());
    for (let time = 0; time < 3; time++) await edge.get('/');
    const total = (): number =>
      edge.gateway.counts().workers.reduce((sum, { clientConnectionsTotal }) => sum + clientConnectionsTotal, 0);
    await until('the main thread knows of three', () => total() === 3);
    await runInWorkers(crash);
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1);
    await until('another serves', serving);
    await edge.get('/');
    await until('the main thread knows of the fourth', () => total() >= 4);
    assert.equal(total(), 4);
  });

  test('that is the third within ten minutes is an event and a problem, although each is replaced', async () => {
    edge = await startFromYaml(upstream());
    await endTwice();
    await until('the second is replaced', serving);
    const kinds = (): string[] => edge.gateway.status().problems.map(({ kind }) => kind);
    assert.deepEqual(kinds(), ['worker_lost']);
    await runInWorkers(crash);
    await until('it is reported', () => edge.eventsOf('workers_failing').length === 1);
    assert.match(
      edge.eventsOf('workers_failing')[0]?.reason ?? '',
      /^3 workers had to be replaced .*; 0 of 1 served then; .*RangeError$/,
    );
    await until('the third is replaced', serving);
    assert.deepEqual(kinds(), ['workers_failing', 'worker_lost']);
    assert.equal(edge.gateway.status().verdict.state, 'degraded');
  });

  test('that hangs is replaced after three seconds', async () => {
    edge = await startFromYaml(upstream());
    // `npm test` leaves the processor to the other tests meanwhile.
    await runInWorkers(isWholeSweep ? 'setTimeout(() => { for (;;); }, 0)' : hangs);
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === 1);
    assert.match(edge.eventsOf('worker_lost')[0]?.evidence.reason ?? '', /not answered for 3 s/);
    await until('another serves', serving);
    assert.equal((await edge.get('/')).status, 200);
  });

  test('is not replaced while another program shares its port', async (context) => {
    edge = await startFromYaml(upstream());
    const { host, port } = edge.address();
    await endTwice();
    const stranger = createServer();
    context.after(() => void stranger.close());
    await takePort(stranger, { host, port, reusePort: true });
    await until('the replacement was tried', () => serving() || edge.eventsOf('worker_restarting').length >= 3);
    assert.ok(!serving(), 'half of the connections would go to the other program');
    assert.match(edge.eventsOf('worker_restarting')[2]?.reason ?? '', /cannot listen .*EADDRINUSE/);
    await new Promise((resolve) => stranger.close(resolve));
    await until('another serves', serving);
  });

  for (const [when, answer] of [
    ['prepares for', 'prepared'],
    ['commits', 'applied'],
  ]) {
    test(`while it ${when} a reload: the reload fails and says so, nothing has changed, and the next reload is applied`, async () => {
      edge = await startFromYaml(upstream());
      const port = `process.getBuiltinModule('node:worker_threads').parentPort`;
      await runInWorkers(`{
        const say = ${port}.postMessage.bind(${port});
        ${port}.postMessage = (word, more) => word.kind === '${answer}' ? process.exit(3) : say(word, more);
      }`);
      const wanted = 'workers: 1\nroutes: [ { path: /, respond: { body: new } } ]';
      const outcome = await edge.reload(wanted);
      assert.ok(!outcome.ok);
      assert.equal(outcome.kind, 'failed');
      assert.match(outcome.errors.join(), /ended with 3/);
      assert.equal(edge.eventsOf('worker_lost').length, 1);
      await until('another serves', serving);
      assert.equal((await edge.get('/')).body.toString(), 'ok', 'as before');
      assert.ok((await edge.gateway.reload('another')).ok);
      assert.equal((await edge.get('/')).body.toString(), 'new');
    });
  }

  test('whose replacement cannot listen is retried, with an event, until a reload or the port makes it possible', async (context) => {
    edge = await startFromYaml(upstream());
    const { host, port } = edge.address();
    const thief = createServer();
    context.after(() => void thief.close());
    await endTwice();
    await takePort(thief, { host, port });
    await until('the next pause is reported', () => edge.eventsOf('worker_restarting').length >= 3);
    const [, before, now] = edge.eventsOf('worker_restarting');
    assert.ok((now?.evidence.afterMs ?? 0) > (before?.evidence.afterMs ?? 0));
    assert.match(now?.reason ?? '', /cannot listen .*EADDRINUSE/);
    assert.equal((await edge.reload('routes: [ { path: /, respond: { body: new } } ]')).ok, false);
    await new Promise((resolve) => thief.close(resolve));
    await until('another serves', serving);
    assert.equal((await edge.get('/')).status, 200);
  });
});

/** After the first loss the main thread keeps the port for the replacement; after the second it releases it. */
async function endTwice(): Promise<void> {
  for (const ended of [1, 2]) {
    await until('one serves', serving);
    await runInWorkers('setTimeout(() => process.exit(3), 0)');
    await until('the loss is reported', () => edge.eventsOf('worker_lost').length === ended);
  }
}

/** A process that duplicates sockets for the main thread may still hold the port for a moment. */
async function takePort(server: Server, options: ListenOptions): Promise<void> {
  await until('the port is free', async () => {
    const listening = once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.listen(options);
    return listening;
  });
}

describe('when the drain timeout expires', () => {
  test('an unanswered request gets 503 drained, a response in progress is truncated, and both are recorded', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: ./exchange.log }`);
    origin.answer = ({ line }) =>
      line.includes('/silent')
        ? null
        : (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
    const silent = edge.connect();
    silent.write(requestText('GET', '/silent', ['Accept: application/json']));
    const half = edge.connect();
    half.write(requestText('GET', '/half'));
    await until('both requests are in flight', () => origin.requests.length === 2);
    await half.waitFor(() => half.bytes.includes('half'), 5000);
    const stopping = edge.gateway.stop('the test says so');
    void edge.gateway.stop('at once');
    const response = await responseOn(silent);
    assert.equal(response.status, 503);
    assert.equal(JSON.parse(response.body.toString()).cause, 'drained');
    assert.match(headerOf(response, 'retry-after') ?? '', /^[1-9]/);
    assert.ok(await half.waitFor(() => half.state !== 'open', 5000));
    await stopping;
    const records = recordsIn(await logText());
    assert.deepEqual(
      records.map(({ path, end, cause, delivery }) => [path, end, cause, delivery].join(' ')).sort(byText),
      ['/half truncated drained response_started', '/silent generated drained sent_unknown'],
    );
    silent.close();
    half.close();
  });

  test('a client that does not read its answer delays nothing, and is recorded', async () => {
    edge = await startFromYaml(`${upstream()}\nlog: { path: ./exchange.log }`);
    origin.answer = () => ok('x'.repeat(30_000_000));
    const { host, port } = edge.address();
    const client = connect(port, host)
      .pause()
      .on('error', () => {});
    client.write(requestText('GET', '/large'));
    await until('the request is in flight', () => origin.requests.length === 1);
    const began = performance.now();
    const stopping = edge.gateway.stop('the test says so');
    void edge.gateway.stop('at once');
    await stopping;
    assert.ok(performance.now() - began < 4000);
    const records = recordsIn(await logText());
    assert.deepEqual(
      records.map(({ end, cause }) => [end, cause]),
      [['truncated', 'drained']],
    );
    client.destroy();
  });
});
