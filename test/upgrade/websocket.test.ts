// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { EchoApplication, Peer } from '../gateway/web-socket-peers.ts';
import { GatewayProgram } from './gateway-program.ts';

/** The close codes of WebSockets when the process of the gateway is replaced, and when it is stopped. */

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

const toEnd: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).toReversed()) await end();
});

async function opened(): Promise<{ gateway: GatewayProgram; url: string; client: Peer; served: Peer }> {
  const application = await EchoApplication.start();
  toEnd.push(() => application.stop());
  const gateway = new GatewayProgram(
    `drain: { lame_duck: 1ms, timeout: 2s, tunnels: end }\n` +
      `upstreams: { echo: { endpoints: "127.0.0.1:${application.port}", check: none } }\n` +
      `routes: [{ path: /echo, to: echo }, { to: web }]\n`,
  );
  toEnd.push(() => gateway.end());
  await gateway.serves();
  const url = `ws://127.0.0.1:${gateway.port}/echo`;
  const client = await Peer.connect(url);
  client.socket.send('hello');
  await gateway.until(async () => client.messages.length === 1);
  return { gateway, url, client, served: application.opened[0] as Peer };
}

test('a WebSocket gets 1012 when another process takes over, and can be opened again at once', { skip }, async () => {
  const { gateway, url, client, served } = await opened();
  const upgrading = gateway.upgrade();
  assert.deepEqual(await client.ended, [1012, '']);
  const again = await Peer.connect(url);
  assert.deepEqual(await served.ended, [1001, '']);
  again.socket.close(1000);
  assert.deepEqual(await again.ended, [1000, '']);
  assert.equal((await upgrading).lines.at(-1)?.outcome, 'done');
  await gateway.until(async () => gateway.records().filter(({ kind }) => kind === 'tunnel').length === 2);
  // Each process writes its own records, so that they may come in either order.
  const tunnelOf = (peer: Peer) => gateway.records().find(({ id }) => id === peer.id)?.tunnel;
  assert.deepEqual([tunnelOf(client)?.how, tunnelOf(client)?.close_code], ['drained', 1012]);
  assert.deepEqual([tunnelOf(again)?.how, tunnelOf(again)?.close_code], ['closed', 1000]);
});

test('a WebSocket gets 1001 when the process is told to stop', { skip }, async () => {
  const { gateway, client, served } = await opened();
  gateway.child.kill('SIGTERM');
  assert.deepEqual(
    [await client.ended, await served.ended],
    [
      [1001, ''],
      [1001, ''],
    ],
  );
  assert.equal(await gateway.exited, 0);
});
