import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { findUser, isOurUser, userOfPeer } from './dashboard.ts';

// As Linux prints it: 127.0.0.1:45678 (user 1001) is connected to 127.0.0.1:9902 (user 1000).
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:26AE 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0
   1: 0100007F:26AE 0100007F:B26E 01 00000000:00000000 00:00000000 00000000  1000        0 12 1 0 20 4 30 10 -1
   2: 0100007F:B26E 0100007F:26AE 01 00000000:00000000 00:00000000 00000000  1001        0 13 1 0 20 4 30 10 -1
`;

describe('the table of connections', () => {
  for (const [what, text, remotePort, user] of [
    ['names the user of a peer', table, 45_678, 1001],
    ['has our sockets, and not that peer', table, 45_679, 'absent'],
    ['has neither', table.split('\n')[0] ?? '', 45_678, null],
    ['is empty', '', 45_678, null],
    [
      'does not take a peer elsewhere with the same ports',
      table.replace('   2: 0100007F', '   2: 0A00000A'),
      45_678,
      'absent',
    ],
  ] as const) {
    test(what, () => assert.equal(findUser(text, { localPort: 9902, remotePort }), user));
  }
});

test('the kernel names this user for a connection of this process, where it names any', async () => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = await accepted;
  const user = userOfPeer(socket);
  if (process.platform === 'linux' && user !== null) assert.equal(user, process.getuid?.());
  client.destroy();
  socket.destroy();
  server.close();
});

test('only this user and root may use the dashboard', () => {
  const own = process.getuid?.() ?? 0;
  assert.equal(isOurUser(own, {}), true);
  assert.equal(isOurUser(0, {}), true);
  assert.equal(isOurUser(own + 4711, {}), false);
  assert.equal(isOurUser(own + 4711, { SUDO_UID: String(own + 4711) }), own === 0);
});
