import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { noListeners } from '../../src/worker/worker-listeners.ts';
import { defaultLimits } from '../exchange/world.ts';
import { drainPlan, EngineListener } from './engine-listener.ts';
import { lineStage, startLineEngine } from './line-engine.ts';
import { timeoutMs, until } from './start-from-yaml.ts';

// One listener of a worker with two engines: HTTP/1.1, and a line protocol with many concurrent requests on a connection. The
// worker's code and the sockets are real.

let listener: EngineListener;
let clients: RawClient[];

beforeEach(async () => {
  clients = [];
  listener = new EngineListener({ stages: [lineStage], engines: [['line', startLineEngine]] });
  await listener.open();
});

afterEach(async () => {
  for (const client of clients) client.close();
  await until('all connections are gone', () => listener.counts.clientConnections === 0);
  listener.close();
});

const preface = 'LINE\n';

function connectWith(text: string): RawClient {
  const client = new RawClient(listener.address);
  clients.push(client);
  client.write(text);
  return client;
}

async function received(client: RawClient, text: string): Promise<void> {
  const isHere = (): boolean => client.bytes.toString('latin1').includes(text);
  assert.ok(await client.waitFor(isHere, timeoutMs), `${JSON.stringify(text)} in ${client.bytes.toString('latin1')}`);
}

const requestOf = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

test('one listener serves each connection by the engine of its protocol, and counts both', async () => {
  const http = connectWith(requestOf('/'));
  const line = connectWith(`${preface}7 /now\n`);
  await received(http, '\r\n\r\nHTTP/1.1');
  await received(line, '7 200 HTTP/2\n');
  assert.equal(listener.counts.clientConnections, 2);
  assert.equal(listener.counts.clientConnectionsTotal, 2);
  assert.equal(listener.counts.exchangesActive, 0);
  http.close();
  line.close();
  await until('both connections are gone', () => listener.counts.clientConnections === 0);
});

test('a preface that comes byte by byte selects the same engine', async () => {
  const line = connectWith('');
  for (const byte of `${preface}1 /\n`) {
    line.write(byte);
    await new Promise((resolve) => void setImmediate(resolve));
  }
  await received(line, '1 200 HTTP/2\n');
});

test('concurrent requests on one connection are answered in any order', async () => {
  const line = connectWith(`${preface}1 /wait\n2 /now\n`);
  await received(line, '2 200 HTTP/2\n');
  assert.equal(listener.counts.exchangesActive, 1);
  listener.handlers[0]?.answer(200, 'late');
  await received(line, '1 200 late\n');
  assert.equal(listener.counts.exchangesActive, 0);
});

test('a connection of any protocol acquires a permit and releases it', async () => {
  listener.connectionsMax = 1;
  const line = connectWith(`${preface}1 /\n`);
  await received(line, '1 200');
  const second = connectWith(requestOf('/'));
  assert.ok(await second.waitFor(() => second.state !== 'open', timeoutMs));
  line.close();
  await until('the permit is released', () => listener.permitsTaken === 0);
});

test('a drain closes idle connections of every protocol, and requests in flight finish', async () => {
  const http = connectWith(requestOf('/wait'));
  const line = connectWith(`${preface}1 /wait\n`);
  const idle = connectWith(`${preface}1 /now\n`);
  await received(idle, '1 200');
  await until('both requests have come', () => listener.counts.exchangesActive === 2);
  listener.listeners.drain(drainPlan);
  assert.ok(listener.listeners.isBusy);
  await received(line, 'bye\n');
  await received(idle, 'bye\n');
  assert.ok(await idle.waitFor(() => idle.state === 'fin', timeoutMs), 'an idle connection closes at once');
  for (const handler of listener.handlers) if (handler.stream.request.target === '/wait') handler.answer(200, 'done');
  await received(line, '1 200 done\n');
  await received(http, 'Connection: close\r\n\r\ndone');
  for (const client of [http, line]) {
    assert.ok(await client.waitFor(() => client.state === 'fin', timeoutMs));
    client.close();
  }
  await until(
    'all connections are gone',
    () => !listener.listeners.isClosing && listener.counts.clientConnections === 0,
  );
});

test('a listener that a reload removes force closes its connections, and again when clients have had time to read', async () => {
  const hadTimeToRead: boolean[] = [];
  const startNoting: typeof startLineEngine = (...parts) => {
    const engine = startLineEngine(...parts);
    engine.forceClose = (_, hadTime) => hadTimeToRead.push(hadTime) > 0;
    return engine;
  };
  const removed = new EngineListener({ stages: [lineStage], engines: [['line', startNoting]] });
  await removed.open();
  const client = new RawClient(removed.address);
  clients.push(client);
  client.write(`${preface}1 /wait\n`);
  await until('the request has come', () => removed.counts.exchangesActive === 1);
  const drain = { timeoutMs: 20, lameDuckMs: 0, tunnels: 'wait' };
  removed.listeners.admit(noListeners, { drain, listeners: [], client: defaultLimits } as unknown as Snapshot);
  await until('it has been closed twice', () => hadTimeToRead.length === 2);
  assert.deepEqual(hadTimeToRead, [false, true]);
  client.close();
  await until('the connection is gone', () => removed.counts.clientConnections === 0);
});

test('a force close ends the exchanges of every protocol with its failure, and closes their connections', async () => {
  const http = connectWith(requestOf('/wait'));
  const line = connectWith(`${preface}1 /wait\n2 /wait\n`);
  await until('all three requests have come', () => listener.counts.exchangesActive === 3);
  listener.listeners.drain(drainPlan);
  listener.listeners.forceClose(true);
  await received(http, '503');
  await received(line, '1 503 drained\n2 503 drained\n');
  assert.deepEqual(
    listener.handlers.map(({ failures }) => failures.map(({ cause }) => cause)),
    [['drained'], ['drained'], ['drained']],
  );
  assert.equal(listener.counts.exchangesActive, 0);
  http.close();
  await until(
    'all connections are gone',
    () => !listener.listeners.isClosing && listener.counts.clientConnections === 0,
  );
});

test('each engine announces the close in its protocol, while the connection may still send a request', async () => {
  const http = connectWith(requestOf('/wait'));
  const line = connectWith(`${preface}1 /wait\n`);
  await until('both requests have come', () => listener.counts.exchangesActive === 2);
  listener.listeners.announceClose();
  await received(line, 'bye\n');
  const later = connectWith(`${preface}1 /now\n`);
  await received(later, 'bye\n1 200');
  for (const handler of listener.handlers.slice(0, 2)) handler.answer(200, 'done');
  await received(http, 'Connection: close\r\n\r\ndone');
});

test('the worker makes room by closing idle connections of any protocol', async () => {
  const line = connectWith(`${preface}1 /now\n`);
  await received(line, '1 200');
  assert.equal(listener.listeners.makeRoom(5), 1);
  assert.ok(await line.waitFor(() => line.state === 'fin', timeoutMs));
});

test('a client whose protocol has no engine gets the fallback answer', async () => {
  const client = connectWith('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await received(client, 'request_refused');
  assert.equal(listener.handlers[0]?.stream.request.method, '');
});
