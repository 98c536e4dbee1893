// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { listeningDescriptors } from '../gateway/listening-descriptors.ts';
import { GatewayProgram } from './gateway-program.ts';

const skip = process.platform === 'linux' ? false : 'the test counts descriptors in /proc';

let gateway: GatewayProgram;
afterEach(() => gateway.end());

// The worker closes its socket when it begins to drain. The number may then be the descriptor through which another worker accepts from
// the same queue: nothing but that worker may close it.
test('a worker with a socket of the predecessor retires, and another one goes on accepting from its queue', {
  skip,
}, async () => {
  const listeners = `listeners: { http: '127.0.0.1:${await freePort()}' }\n`;
  gateway = new GatewayProgram(`${listeners}workers: 2\n`);
  await gateway.serves();
  assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'done');
  assert.equal(await gateway.exited, 0);
  const { pid } = await gateway.status();
  const open = (): { descriptors: number; sockets: number } => listeningDescriptors(pid, gateway.port);
  // The main thread holds both.
  await gateway.until(async () => open().descriptors === 4);
  // Each worker has some of them, and drains for as long as they take.
  const downloads = Array.from({ length: 12 }, () => gateway.get('/download'));
  await sleep(300);
  gateway.configure(`${listeners}workers: 1\n`);
  await gateway.ask('POST', '/v1/reload');
  await gateway.until(async () => gateway.events().some(({ kind }) => kind === 'worker_retired'));
  assert.deepEqual(open(), { descriptors: 4, sockets: 2 });
  for (const { status, text } of await Promise.all(downloads)) assert.deepEqual([status, text.length], [200, 40_000]);
  for (let count = 0; count < 20; count++) assert.equal((await gateway.get('/')).status, 200);
});
