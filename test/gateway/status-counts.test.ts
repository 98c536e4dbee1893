import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { runInWorker } from './run-in-workers.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// What status shows is of the moment when it is asked for, also right after a burst.

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
  const held = join(edge.folder, 'held');
  const released = join(edge.folder, 'released');
  const mark = (file: string): string =>
    `process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(file)}, '')`;
  // Less than the three seconds after which it would be lost, and twenty times as long as it is waited for.
  const hold = `const end = performance.now() + 2000; while (performance.now() < end);`;
  await runInWorker(1, `setTimeout(() => { ${mark(held)}; ${hold} ${mark(released)}; }, 0)`);
  await until('the worker is held', () => existsSync(held));
  await edge.gateway.freshCounts();
  assert.ok(!existsSync(released), 'it was waited for');
});
