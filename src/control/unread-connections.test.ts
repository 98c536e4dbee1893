import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { unreadConnections } from './unread-connections.ts';

const skip = process.platform === 'linux' ? false : 'connections are looked at in /proc';

test('an accepted connection counts as unread while it has bytes that were not read', { skip }, async (t) => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const ports = new Set([port]);
  const [silent, speaks] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  t.after(() => [silent, speaks].forEach((client) => void client.destroy()));
  const accepted: Socket[] = [];
  server.on('connection', (socket) => void accepted.push(socket));
  while (accepted.length < 2) await once(server, 'connection');
  assert.equal(unreadConnections(ports)?.size, 0);
  speaks.write('GET / HTTP/1.1\r\n');
  while (unreadConnections(ports)?.size !== 1) await new Promise(setImmediate);
  assert.equal(unreadConnections(new Set([port + 1]))?.size, 0);
  for (const socket of accepted) socket.resume();
  while (unreadConnections(ports)?.size !== 0) await new Promise(setImmediate);
});

test('a connection that waits to be accepted, or has ended, is not counted; without a table the number is not known', () => {
  const line = (state: string, inode: string): string =>
    `   0: 0100007F:1F90 0100007F:D431 ${state} 00000000:00000010 00:00000000 00000000     0        0 ${inode} 1 0 20 4`;
  const table = [line('01', '71'), line('01', '0'), line('06', '72'), line('08', '73'), line('0A', '74')].join('\n');
  const read = (path: string): string => (path.endsWith('tcp') ? table : '');
  assert.deepEqual([...(unreadConnections(new Set([8080]), read) ?? [])], ['71', '73']);
  assert.equal(
    unreadConnections(new Set([8080]), () => ''),
    null,
  );
});
