import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import type { LostRecord } from '../../src/core/record.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { listeningDescriptors } from './listening-descriptors.ts';
import { runInWorker } from './run-in-workers.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// What waits in the queue of a worker's listening socket when the worker does not answer, ends or is retired, on a kernel
// that resets it when the last descriptor closes (tcp_migrate_req=0, the default; with 1 these hold too).

const skip = process.platform === 'linux' ? false : 'descriptors are looked at in /proc';

let edge: YamlGateway;
afterEach(() => edge.stop());

const configuration = (workers: number, more = ''): string =>
  `workers: ${workers}\nroutes: [ { path: /, respond: { body: ok } } ]\nlog: { path: ./exchange.log }\n${more}`;

const serving = (): number[] =>
  edge.gateway.status().workers.flatMap(({ id, state }) => (state === 'serving' ? [id] : []));

/** Of several connections each worker gets some: all of them in one queue is less likely than 1 to 10^8. */
const connections = 30;

async function start(workers: number): Promise<void> {
  edge = await startFromYaml(configuration(workers));
  await until('the main thread holds the sockets', () => {
    const { descriptors, sockets } = listeningDescriptors(process.pid, edge.address().port);
    return sockets === workers && descriptors === 2 * workers;
  });
}

/** Opens connections that have sent a request; resolves when they are in a queue, or are accepted already. */
async function ask(): Promise<readonly RawClient[]> {
  const place = edge.address();
  const sockets = Array.from({ length: connections }, () => connect({ ...place, allowHalfOpen: true }));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const clients = sockets.map((socket) => new RawClient({ ...place, open: () => socket }));
  for (const client of clients) client.write(requestText('GET', '/', ['Connection: close']));
  return clients;
}

async function answered(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) assert.equal((await responseOn(client)).content.toString(), 'ok');
  for (const client of clients) client.close();
}

/** Has a worker do nothing until `letGo`, and then what `then` says. Resolves when it does nothing any more. */
async function block(worker: number, then: string): Promise<{ letGo: () => void }> {
  const [blocked, over] = [join(edge.folder, 'blocked'), join(edge.folder, 'over')];
  const fs = `process.getBuiltinModule('node:fs')`;
  const wait = `${fs}.writeFileSync(${JSON.stringify(blocked)}, ''); while (!${fs}.existsSync(${JSON.stringify(over)}));`;
  await runInWorker(worker, `setTimeout(() => { ${wait} ${then} }, 0)`);
  await until('the worker does nothing', () => existsSync(blocked));
  return { letGo: () => writeFileSync(over, '') };
}

test('new connections are answered by another worker long before a worker that hangs is ended', { skip }, async () => {
  await start(2);
  await runInWorker(1, 'setTimeout(() => { for (;;); }, 0)');
  await until('it is silent', () => edge.eventsOf('worker_silent').length === 1);
  await answered(await ask());
  assert.deepEqual(edge.eventsOf('worker_lost'), [], 'it was not ended for that');
  const [{ worker, evidence } = assert.fail()] = edge.eventsOf('worker_silent');
  assert.deepEqual([worker, evidence], [1, { silentMs: 250, standIn: 2 }]);

  await until('another one has taken its place', () => serving().join() === '3,2');
  await answered(await ask());
  // The queue of the first worker is the third one's.
  assert.equal(listeningDescriptors(process.pid, edge.address().port).sockets, 2);
});

for (const [how, then] of [
  ['throws', 'throw new RangeError("on purpose");'],
  ['exits', 'process.exit(3);'],
]) {
  test(`connections in the queue of a worker that ${how} are answered by the others`, { skip }, async () => {
    await start(2);
    const { letGo } = await block(1, then ?? '');
    const clients = await ask();
    letGo();
    await until('it is lost', () => edge.eventsOf('worker_lost').length === 1);
    await answered(clients);
  });
}

test('connections in the queue of the only worker wait for the next one when it ends', { skip }, async () => {
  await start(1);
  const { letGo } = await block(1, 'process.exit(3);');
  const early = await ask();
  letGo();
  await until('it is lost', () => edge.eventsOf('worker_lost').length === 1);
  const late = await ask();
  assert.equal(serving().length, 0);
  await answered([...early, ...late]);
  assert.deepEqual(serving(), [2]);
});

test('an only worker that ends soon after each start holds up nobody: connections fail at once', { skip }, async () => {
  await start(1);
  for (const worker of [1, 2]) {
    await until('it serves', () => serving().join() === String(worker));
    await runInWorker(worker, 'setTimeout(() => process.exit(3), 0)');
    await until('it is lost', () => edge.eventsOf('worker_lost').length === worker);
  }
  assert.equal(serving().length, 0);
  const client = edge.connect();
  assert.ok(await client.waitFor(() => client.state !== 'open', 5000));
  assert.match(client.errno ?? '', /ECONNREFUSED|ECONNRESET/);
  await until('the next one serves', () => serving().length === 1);
  assert.equal((await edge.get('/')).status, 200);
});

test('a worker that was slow for a moment goes on, and no connection is served twice or lost', { skip }, async () => {
  await start(2);
  const { letGo } = await block(1, '');
  await until('it is silent', () => edge.eventsOf('worker_silent').length === 1);
  const during = await ask();
  letGo();
  await answered(during);
  for (let round = 0; round < 5; round++) await answered(await ask());
  assert.deepEqual(edge.eventsOf('worker_lost'), []);
  assert.equal(edge.eventsOf('worker_silent').length, 1);
  await until('each request has its record', async () => (await records('exchange')).length === 6 * connections);
});

test('connections in the queue of a worker that is retired are answered by those that stay', { skip }, async () => {
  await start(2);
  const { letGo } = await block(2, '');
  const clients = await ask();
  const reloading = edge.reload(configuration(1));
  letGo();
  assert.equal((await reloading).ok, true);
  await until('it is retired', () => edge.eventsOf('worker_retired').length === 1);
  await answered(clients);
  await answered(await ask());
  // A second worker takes over the queue that the first one has accepted from since.
  assert.equal((await edge.reload(configuration(2))).ok, true);
  assert.equal(listeningDescriptors(process.pid, edge.address().port).sockets, 2);
  await answered(await ask());
});

test('the sockets of a listener that the configuration has no more are closed', { skip }, async () => {
  await start(2);
  const { port } = edge.address();
  assert.equal((await edge.reload(`${configuration(2)}listeners: { other: "127.0.0.1:0" }\n`)).ok, true);
  await until('they are closed', () => listeningDescriptors(process.pid, port).descriptors === 0);
});

test('requests that a hanging worker had accepted and not read are counted in its lost record', { skip }, async () => {
  await start(1);
  const kept = Array.from({ length: 3 }, () => edge.connect());
  for (const client of kept) {
    client.write(requestText('GET', '/'));
    await responseOn(client);
  }
  await until('their records are written', async () => (await records('exchange')).length === 3);
  await block(1, '');
  for (const client of kept.slice(1)) client.write(requestText('GET', '/unread'));
  await until('it is lost', () => edge.eventsOf('worker_lost').length === 1);
  const { evidence } = edge.eventsOf('worker_lost')[0] ?? assert.fail();
  assert.deepEqual([evidence.unreadConnections, evidence.exchangesLost], [2, 0]);
  await until('it is recorded', async () => (await records('lost')).length === 1);
  const [{ unread_connections: unread, exchanges } = assert.fail()] = await records('lost');
  assert.deepEqual([unread, exchanges], [2, 0]);
  for (const client of kept) client.close();
});

async function records(kind: string): Promise<LostRecord[]> {
  const lines = (await readFile(join(edge.folder, 'exchange.log'), 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as LostRecord).filter((record) => record.kind === kind);
}
