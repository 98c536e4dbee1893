import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { listeningDescriptors } from './listening-descriptors.ts';
import { hangs, runInWorker } from './run-in-workers.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { lostRecordsIn, recordsIn } from '../records.ts';

// Connections in the accept queue of a worker that does not answer, ends or is retired, on a kernel that resets the
// queue when the last descriptor closes (tcp_migrate_req=0, the default; the tests hold with 1 too).

const skip = process.platform === 'linux' ? false : 'the test counts descriptors in /proc';

let edge: YamlGateway;
afterEach(() => edge.stop());

const configuration = (workers: number, more = ''): string =>
  `workers: ${workers}\nroutes: [ { path: /, respond: { body: ok } } ]\nlog: { path: ./exchange.log }\n${more}`;

const serving = (): number[] =>
  edge.gateway.status().workers.flatMap(({ id, state }) => (state === 'serving' ? [id] : []));

/** Several connections are spread over the workers: all of them in one queue is less likely than 1 to 10^8. */
const connections = 30;

async function start(workers: number): Promise<void> {
  edge = await startFromYaml(configuration(workers));
  await until('the main thread holds the sockets', () => {
    const { descriptors, sockets } = listeningDescriptors(process.pid, edge.address().port);
    return sockets === workers && descriptors === 2 * workers;
  });
}

/** Opens connections that have sent a request; resolves when they are in a queue or accepted. */
async function ask(): Promise<readonly RawClient[]> {
  const place = edge.address();
  const sockets = Array.from({ length: connections }, () => connect({ ...place, allowHalfOpen: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const clients = sockets.map((socket) => new RawClient({ ...place, open: () => socket }));
  for (const client of clients) client.write(requestText('GET', '/', ['Connection: close']));
  return clients;
}

async function answered(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) assert.equal((await responseOn(client)).body.toString(), 'ok');
  for (const client of clients) client.close();
}

/** Blocks a worker until `letGo` is called, then runs `then` in it. Resolves when the worker is blocked. */
async function block(worker: number, then: string): Promise<{ letGo: () => void }> {
  const [blocked, over] = [join(edge.folder, 'blocked'), join(edge.folder, 'over')];
  const fs = `process.getBuiltinModule('node:fs')`;
  const wait = `${fs}.writeFileSync(${JSON.stringify(blocked)}, ''); const never = new Int32Array(new SharedArrayBuffer(4)); while (!${fs}.existsSync(${JSON.stringify(over)})) Atomics.wait(never, 0, 0, 5);`;
  await runInWorker(worker, `setTimeout(() => { ${wait} ${then} }, 0)`);
  await until('the worker is blocked', () => existsSync(blocked));
  return { letGo: () => writeFileSync(over, '') };
}

test('new connections are answered by another worker long before a worker that hangs is ended', { skip }, async () => {
  await start(2);
  await runInWorker(1, hangs);
  await until('the worker is reported as silent', () => edge.eventsOf('worker_silent').length === 1);
  await answered(await ask());
  assert.deepEqual(edge.eventsOf('worker_lost'), [], 'the worker was not ended for that');
  const [{ worker, evidence } = assert.fail()] = edge.eventsOf('worker_silent');
  assert.deepEqual([worker, evidence], [1, { silentMs: 250, standIn: 2 }]);

  await until('another worker serves', () => serving().join() === '3,2');
  await answered(await ask());
  // The third worker has the queue of the first one.
  assert.equal(listeningDescriptors(process.pid, edge.address().port).sockets, 2);
});

const endings = [
  ['throws', 'throw new RangeError("on purpose");'],
  // With `npm test`, an only worker does so.
  ['exits', 'process.exit(3);'],
];
for (const [how, then] of sampled(endings, 2)) {
  test(`connections in the queue of a worker that ${how} are answered by the others`, { skip }, async () => {
    await start(2);
    const { letGo } = await block(1, then ?? '');
    const clients = await ask();
    letGo();
    await until('the worker is lost', () => edge.eventsOf('worker_lost').length === 1);
    await answered(clients);
  });
}

test('connections in the queue of the only worker wait for its replacement', { skip }, async () => {
  await start(1);
  const { letGo } = await block(1, 'process.exit(3);');
  const early = await ask();
  letGo();
  await until('the worker is lost', () => edge.eventsOf('worker_lost').length === 1);
  const late = await ask();
  assert.equal(serving().length, 0);
  await answered([...early, ...late]);
  assert.deepEqual(serving(), [2]);
});

test('while an only worker keeps ending soon after its start, connections fail at once instead of waiting', {
  skip,
}, async () => {
  await start(1);
  for (const worker of [1, 2]) {
    await until('it serves', () => serving().join() === String(worker));
    await runInWorker(worker, 'setTimeout(() => process.exit(3), 0)');
    await until('the worker is lost', () => edge.eventsOf('worker_lost').length === worker);
  }
  assert.equal(serving().length, 0);
  const client = edge.connect();
  assert.ok(await client.waitFor(() => client.state !== 'open', 5000));
  assert.match(client.errno ?? '', /ECONNREFUSED|ECONNRESET/);
  await until('the next worker serves', () => serving().length === 1);
  assert.equal((await edge.get('/')).status, 200);
});

test('a worker that was slow for a moment continues, and no connection is served twice or lost', { skip }, async () => {
  await start(2);
  const { letGo } = await block(1, '');
  await until('the worker is reported as silent', () => edge.eventsOf('worker_silent').length === 1);
  const during = await ask();
  letGo();
  await answered(during);
  const rounds = isWholeSweep ? 5 : 2;
  for (let round = 0; round < rounds; round++) await answered(await ask());
  assert.deepEqual(edge.eventsOf('worker_lost'), []);
  assert.equal(edge.eventsOf('worker_silent').length, 1);
  await until(
    'each request has a record',
    async () => recordsIn(await logText()).length === (1 + rounds) * connections,
  );
});

test('connections in the queue of a retired worker are answered by those that stay', { skip }, async () => {
  await start(2);
  const { letGo } = await block(2, '');
  const clients = await ask();
  const reloading = edge.reload(configuration(1));
  letGo();
  assert.equal((await reloading).ok, true);
  await until('the worker is retired', () => edge.eventsOf('worker_retired').length === 1);
  await answered(clients);
  await answered(await ask());
  // A second worker takes over the queue from which the first one has accepted.
  assert.equal((await edge.reload(configuration(2))).ok, true);
  assert.equal(listeningDescriptors(process.pid, edge.address().port).sockets, 2);
  await answered(await ask());

  // The sockets of a listener that the configuration no longer has are closed.
  const { port } = edge.address();
  assert.equal((await edge.reload(`${configuration(2)}listeners: { other: "127.0.0.1:0" }\n`)).ok, true);
  await until('the sockets are closed', () => listeningDescriptors(process.pid, port).descriptors === 0);
});

test('requests that a hanging worker had accepted but not read are counted in its lost record', { skip }, async () => {
  await start(1);
  const kept = Array.from({ length: 3 }, () => edge.connect());
  for (const client of kept) {
    client.write(requestText('GET', '/'));
    await responseOn(client);
  }
  await until('the records are written', async () => recordsIn(await logText()).length === 3);
  await block(1, '');
  for (const client of kept.slice(1)) client.write(requestText('GET', '/unread'));
  await until('the worker is lost', () => edge.eventsOf('worker_lost').length === 1);
  const { evidence } = edge.eventsOf('worker_lost')[0] ?? assert.fail();
  assert.deepEqual([evidence.unreadConnections, evidence.exchangesLost], [2, 0]);
  await until('the loss is recorded', async () => lostRecordsIn(await logText()).length === 1);
  const [{ unread_connections: unread, exchanges } = assert.fail()] = lostRecordsIn(await logText());
  assert.deepEqual([unread, exchanges], [2, 0]);
  for (const client of kept) client.close();
});

const logText = (): Promise<string> => readFile(join(edge.folder, 'exchange.log'), 'utf8');
