import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { noCounts, type WorkerCounts } from '../../src/core/counters.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { DownstreamHandler, DownstreamStream } from '../../src/core/stream.ts';
import { clientEngines } from '../../src/downstream/engines.ts';
import { systemClock } from '../../src/system/system.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { WorkerListeners } from '../../src/worker/worker-listeners.ts';
import { defaultLimits } from '../exchange/world.ts';
import { lineStage, startLineEngine } from './line-engine.ts';
import { timeoutMs, until } from './start-from-yaml.ts';

// One listener of a worker with two engines: HTTP/1.1, and a line protocol that carries many requests at once. The worker's
// code is the real one, and so are the sockets.

/** Answers every path at once, but `/wait`, which it answers when the test says so or when it fails. */
class Answering implements DownstreamHandler {
  readonly stream: DownstreamStream;
  readonly failures: Failure[] = [];

  constructor(stream: DownstreamStream) {
    this.stream = stream;
  }

  onRequest(failure: Failure | null): void {
    if (failure !== null) this.answer(400, failure.cause);
    else if (this.stream.request.target !== '/wait') this.answer(200, this.stream.request.version);
  }

  answer(status: number, text: string): void {
    const content = Buffer.from(text);
    const framing = { kind: 'length', bytes: content.length } as const;
    const head = { status, reason: '', upgrade: null, framing, contentLength: content.length, writeFields() {} };
    this.stream.respond(head);
    this.stream.sendContent(content, 0, content.length, 'owned');
    this.stream.endContent(null);
  }

  onRequestFailed(failure: Failure): void {
    this.failures.push(failure);
    if (failure.cause !== 'client_gone') this.answer(503, failure.cause);
  }

  onRequestContent(): void {}
  onRequestEnd(): void {}
  onRequestRead(): void {}
  onClientRoom(): void {}
  onSent(): void {}
}

let counts: WorkerCounts;
let listeners: WorkerListeners;
let address: { host: string; port: number };
let clients: RawClient[];
/** Of every exchange there was. */
let handlers: Answering[];
let connectionsMax: number;
let connected: number;

beforeEach(async () => {
  [counts, clients, handlers, connectionsMax, connected] = [noCounts(0), [], [], Infinity, 0];
  const http1 = clientEngines({ writer: new ByteWriter(), storage: new HeadStorage() });
  const { fallback, byProtocol } = http1.engines;
  const create = (stream: DownstreamStream): Answering => {
    const handler = new Answering(stream);
    handlers.push(handler);
    return handler;
  };
  listeners = new WorkerListeners({
    clock: systemClock,
    ...{ inheritedSockets: [], passedSockets: [], heldSockets: [], onStandInFailed() {}, onConnectionClosed() {} },
    admits: () => true,
    downstream: {
      prefaceStages: [lineStage, ...http1.prefaceStages],
      engines: { fallback, byProtocol: new Map([...byProtocol, ['line', startLineEngine]]) },
      ...{ clock: systemClock, deadlines: new Deadlines(systemClock), counts, exchanges: { create } },
      ...{ overload: { failure: null }, isTrusted: () => false, addressHeader: () => null },
      sendQueueBytes: { look() {} },
      admission: {
        acquire: () => (connected < connectionsMax ? String(++connected) : null),
        acquireAddress: () => '',
        release: () => void connected--,
        releaseAddress() {},
        refusal: () => null,
        refusalOver() {},
      },
    },
  });
  const snapshot = {
    drain: { timeoutMs: 5000, lameDuckMs: 0, tunnels: 'wait' },
    listeners: [{ id: 'web', host: '127.0.0.1', port: 0, proxyProtocol: false }],
    client: defaultLimits,
  } as unknown as Snapshot;
  const fresh = await listeners.openNew(snapshot);
  listeners.admit(fresh, snapshot);
  address = { host: '127.0.0.1', port: fresh.listeners[0]?.port ?? assert.fail() };
});

afterEach(async () => {
  for (const client of clients) client.close();
  await until('all connections are gone', () => counts.clientConnections === 0);
  listeners.drain(plan);
  listeners.forceClose(true);
});

const plan = { why: 'gateway_stopping', tunnels: 'wait', idleMs: 0, hasSuccessor: false } as const;
const preface = 'LINE\n';

function connectWith(text: string): RawClient {
  const client = new RawClient(address);
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
  assert.equal(counts.clientConnections, 2);
  assert.equal(counts.clientConnectionsTotal, 2);
  assert.equal(counts.exchangesActive, 0);
  http.close();
  line.close();
  await until('both connections are gone', () => counts.clientConnections === 0);
});

test('a preface that comes byte by byte chooses the same engine', async () => {
  const line = connectWith('');
  for (const byte of `${preface}1 /\n`) {
    line.write(byte);
    await new Promise((resolve) => void setImmediate(resolve));
  }
  await received(line, '1 200 HTTP/2\n');
});

test('requests at once on one connection are answered in any order', async () => {
  const line = connectWith(`${preface}1 /wait\n2 /now\n`);
  await received(line, '2 200 HTTP/2\n');
  assert.equal(counts.exchangesActive, 1);
  handlers[0]?.answer(200, 'late');
  await received(line, '1 200 late\n');
  assert.equal(counts.exchangesActive, 0);
});

test('a connection of any protocol takes a permit, and gives it back', async () => {
  connectionsMax = 1;
  const line = connectWith(`${preface}1 /\n`);
  await received(line, '1 200');
  const second = connectWith(requestOf('/'));
  assert.ok(await second.waitFor(() => second.state !== 'open', timeoutMs));
  line.close();
  await until('the permit is back', () => connected === 0);
});

test('a drain closes idle connections of every protocol, and requests in flight finish', async () => {
  const http = connectWith(requestOf('/wait'));
  const line = connectWith(`${preface}1 /wait\n`);
  const idle = connectWith(`${preface}1 /now\n`);
  await received(idle, '1 200');
  await until('both requests are here', () => counts.exchangesActive === 2);
  listeners.drain(plan);
  assert.ok(listeners.isBusy);
  await received(line, 'bye\n');
  await received(idle, 'bye\n');
  assert.ok(await idle.waitFor(() => idle.state === 'fin', timeoutMs), 'an idle connection closes at once');
  for (const handler of handlers) if (handler.stream.request.target === '/wait') handler.answer(200, 'done');
  await received(line, '1 200 done\n');
  await received(http, 'Connection: close\r\n\r\ndone');
  for (const client of [http, line]) {
    assert.ok(await client.waitFor(() => client.state === 'fin', timeoutMs));
    client.close();
  }
  await until('all connections are gone', () => !listeners.isClosing && counts.clientConnections === 0);
});

test('a force close ends the exchanges of every protocol with its failure, and their connections', async () => {
  const http = connectWith(requestOf('/wait'));
  const line = connectWith(`${preface}1 /wait\n2 /wait\n`);
  await until('all three are here', () => counts.exchangesActive === 3);
  listeners.drain(plan);
  listeners.forceClose(true);
  await received(http, '503');
  await received(line, '1 503 drained\n2 503 drained\n');
  assert.deepEqual(
    handlers.map(({ failures }) => failures.map(({ cause }) => cause)),
    [['drained'], ['drained'], ['drained']],
  );
  assert.equal(counts.exchangesActive, 0);
  http.close();
  await until('all connections are gone', () => !listeners.isClosing && counts.clientConnections === 0);
});

test('each client hears of the close in its protocol while its connection may still send a request', async () => {
  const http = connectWith(requestOf('/wait'));
  const line = connectWith(`${preface}1 /wait\n`);
  await until('both requests are here', () => counts.exchangesActive === 2);
  listeners.announceClose();
  await received(line, 'bye\n');
  const later = connectWith(`${preface}1 /now\n`);
  await received(later, 'bye\n1 200');
  for (const handler of handlers.slice(0, 2)) handler.answer(200, 'done');
  await received(http, 'Connection: close\r\n\r\ndone');
});

test('room is made by closing idle connections of any protocol', async () => {
  const line = connectWith(`${preface}1 /now\n`);
  await received(line, '1 200');
  assert.equal(listeners.makeRoom(5), 1);
  assert.ok(await line.waitFor(() => line.state === 'fin', timeoutMs));
});

test('a client whose protocol has no engine is answered by the fallback', async () => {
  const client = connectWith('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await received(client, 'request_refused');
  assert.equal(handlers[0]?.stream.request.method, '');
});
