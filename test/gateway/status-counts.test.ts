import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// What status shows is of the moment when it is asked for, also right after a burst.

let edge: YamlGateway;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await edge.stop();
});

const yaml =
  'workers: 2\nclient: { connections_per_address_max: 1000 }\nroutes: [ { path: /, respond: { content: ok } } ]\n';
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

test('a request that has been answered is counted in what is shown then', async () => {
  edge = await startFromYaml(yaml);
  await Promise.all(Array.from({ length: count }, () => ask()));
  await edge.gateway.freshCounts();
  assert.equal(edge.gateway.status().lastMinute.requests, count);
});

test('connections are counted as they are, without waiting for a report', async () => {
  edge = await startFromYaml(yaml);
  await Promise.all(Array.from({ length: count }, () => open()));
  const shown = (): number =>
    edge.gateway.status().workers.reduce((sum, { clientConnections }) => sum + clientConnections, 0);
  // A connection is open for its client before the worker has accepted it.
  await until('all of them are shown', () => shown() === count);
  for (const socket of sockets) socket.destroy();
  await until('none is shown', () => shown() === 0);
});

test('a worker that does not report is not waited for', async () => {
  edge = await startFromYaml(yaml);
  const began = performance.now();
  for (let time = 0; time < 5; time++) await edge.gateway.freshCounts();
  // Five times the limit, and as much again for a busy machine.
  assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`);
});
