import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { ok, RawOrigin } from './raw-origin.ts';
import { runInWorker } from './run-in-workers.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The counts of the status are those of the moment when it is requested, also right after a burst.

let edge: YamlGateway;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await edge.stop();
});

const yaml =
  'workers: 2\nclient: { connections_per_address_max: 1000 }\nroutes: [ { path: /, respond: { body: ok } } ]\n';
const count = 400;

async function open(): Promise<Socket> {
  const socket = connect(edge.address());
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** One request on a connection of its own; resolves with the end of its answer. */
async function ask(): Promise<void> {
  const socket = await open();
  socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
}

test('a request is counted in the status as soon as it has been answered', async () => {
  edge = await startFromYaml(yaml);
  await Promise.all(Array.from({ length: count }, () => ask()));
  await edge.gateway.refreshCounts();
  assert.equal(edge.gateway.status().lastMinute.requests, count);
});

test('connections are counted at the moment of the request, without waiting for a report', async () => {
  edge = await startFromYaml(yaml);
  await Promise.all(Array.from({ length: count }, () => open()));
  const shown = (): number =>
    edge.gateway.status().workers.reduce((sum, { clientConnections }) => sum + clientConnections, 0);
  // A connection is open for its client before the worker has accepted it.
  await until('the status shows all connections', () => shown() === count);
  for (const socket of sockets) socket.destroy();
  await until('the status shows no connection', () => shown() === 0);
});

test('the status does not wait for a worker that does not report', async () => {
  edge = await startFromYaml(yaml);
  const held = join(edge.folder, 'held');
  const released = join(edge.folder, 'released');
  const mark = (file: string): string =>
    `process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(file)}, '')`;
  // Less than the three seconds after which the worker counts as lost, and twenty times as long as the status waits.
  const hold = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);';
  await runInWorker(1, `setTimeout(() => { ${mark(held)}; ${hold} ${mark(released)}; }, 0)`);
  await until('the worker is blocked', () => existsSync(held));
  await edge.gateway.refreshCounts();
  assert.ok(!existsSync(released), 'the status has waited for the worker');
});

test('an endpoint shows its requests in flight, its idle connections, its last minute and what its last check got', async (context) => {
  const held: (() => void)[] = [];
  const origin = await RawOrigin.start(({ line }) =>
    line.startsWith('GET /held') ? (socket) => void held.push(() => socket.write(ok('late'))) : ok('yes'),
  );
  context.after(() => origin.close());
  edge = await startFromYaml(
    `upstreams: { api: { endpoints: ["127.0.0.1:${origin.port}"], check: { path: /healthz } } }\nworkers: 1\n`,
  );
  const endpoint = () => edge.gateway.status().upstreams[0]?.endpoints[0];
  await edge.get('/');
  const answer = edge.get('/held');
  await until('the request is in flight', () => endpoint()?.inFlight === 1);
  await until('the endpoint has answered one', () => (endpoint()?.lastMinute.answered ?? 0) >= 1);
  await until('the origin has the request', () => held.length === 1);
  for (const release of held) release();
  await answer;
  await until('the connection is idle', () => endpoint()?.inFlight === 0 && endpoint()?.idle === 1);
  assert.ok((endpoint()?.lastMinute.meanMs ?? -1) > 0);
  const { passed, reason, request, status } = endpoint()?.lastCheck ?? {};
  assert.deepEqual([passed, reason, request, status], [true, 'answered 200', 'GET /healthz', 200]);
});
