import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answersTo, listeningLines, socketText, unixListeningLines } from './listening.ts';

// Two tables as Linux on x86 prints them, a connection among the listening sockets.
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4501 1 0000000000000000 100 0 0 10 0
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4502 1 0000000000000000 100 0 0 10 0
   2: 0100007F:0BB8 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4503 1 0000000000000000 20 4 30 10 -1
`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4601 1 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4602 1 0000000000000000 100 0 0 10 0
   2: 000080FE00000000FF00A80A01000000:0BBA 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4603 1 0000000000000000 100 0 0 10 0
`;

test('the tables of the kernel are read as addresses', () => {
  const sockets = [...listeningLines(tcp, 'LE'), ...listeningLines(tcp6, 'LE')];
  assert.deepEqual(
    sockets.map(([inode, socket]) => `${inode} ${socketText(socket)}`),
    [
      '4501 127.0.0.1:3000',
      '4502 0.0.0.0:8080',
      '4601 [::1]:3000',
      '4602 [::ffff:127.0.0.1]:3001',
      '4603 [fe80::aa8:ff:0:1]:3002',
    ],
  );
});

test('of unix sockets, those count that accept connections and have a name in the file system', () => {
  const unix = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 22001 ./app.sock
0000000000000000: 00000002 00000000 00010000 0001 01 22002 /srv/shop/a b.sock
0000000000000000: 00000003 00000000 00000000 0001 03 22003 /srv/shop/a b.sock
0000000000000000: 00000002 00000000 00010000 0001 01 22004 @/tmp/.X11-unix/X0
0000000000000000: 00000002 00000000 00010000 0005 01 22005 /run/udev/control
0000000000000000: 00000003 00000000 00000000 0001 03 22006
`;
  assert.deepEqual(
    unixListeningLines(unix).map(([inode, socket]) => `${inode} ${socketText(socket)}`),
    ['22001 ./app.sock', '22002 /srv/shop/a b.sock'],
  );
});

const places: readonly (readonly [host: string, port: number, answers: boolean])[] = [
  ['127.0.0.1', 41_213, true],
  ['0.0.0.0', 41_213, true],
  ['::', 41_213, true],
  ['::ffff:127.0.0.1', 41_213, true],
  ['::1', 41_213, false],
  ['10.0.0.5', 41_213, false],
  ['127.0.0.1', 3_000, false],
];

for (const [host, port, answers] of places) {
  test(`${socketText({ host, port })} ${answers ? 'answers' : 'does not answer'} to 127.0.0.1:41213`, () => {
    assert.equal(answersTo({ host, port }, 41_213), answers);
  });
}
