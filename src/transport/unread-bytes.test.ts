import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Transport } from '../core/transport.ts';
import { socketConnector } from './connect.ts';

// What the kernel knows of a connection before the event loop does. The peer lives in this thread: what it does at once
// is there at once, and nobody has been told of it while this function runs.

let server: Server;
let peer: Socket;
let transport: Transport;
let heard: string[] = [];

before(async () => {
  server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => server.close());

async function connected(): Promise<{ transport: Transport; peer: Socket }> {
  const accepted = once(server, 'connection');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const opened = await new Promise<Transport>((resolve, reject) => {
    socketConnector.connect(
      { kind: 'tcp', address: '127.0.0.1', port, tls: null },
      { onTransportConnected() {}, onConnected: resolve, onConnectFailed: reject },
    );
  });
  const [socket] = (await accepted) as [Socket];
  socket.on('error', () => {});
  return { transport: opened, peer: socket };
}

beforeEach(async () => {
  ({ transport, peer } = await connected());
  heard = [];
  transport.listener = {
    onBytes: (bytes, start, end) => void heard.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
    onEnd: () => void heard.push('(end)'),
    onWritten() {},
    onClosed: (errno) => void heard.push(`(${errno ?? 'closed'})`),
  };
});

describe('a connection on which nothing is awaited', () => {
  for (const [what, act, quiet] of [
    ['is quiet', () => {}, true],
    ['is not quiet when its peer has closed it', () => peer.destroy(), false],
    ['is not quiet when its peer has reset it', () => peer.resetAndDestroy(), false],
    ['is not quiet when its peer has sent bytes', () => peer.write('?'), false],
  ] as const) {
    test(what, () => {
      act();
      assert.equal(transport.isQuiet(), quiet);
      assert.deepEqual(heard, [], 'nothing was delivered');
      transport.close('close');
      peer.destroy();
    });
  }

  test('is not quiet once it is closed', () => {
    transport.close('close');
    assert.equal(transport.isQuiet(), false);
    peer.destroy();
  });
});

test('a look at one connection does not touch the buffer that another one is being read from', async () => {
  const first = { transport, peer };
  const second = await connected();
  let seen = '';
  const looks: boolean[] = [];
  first.transport.listener = {
    onBytes(bytes, start, end) {
      second.peer.write('of another');
      looks.push(second.transport.isQuiet(), second.transport.hasUnread());
      seen = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    },
    onEnd() {},
    onWritten() {},
    onClosed() {},
  };
  first.peer.write('what is being read');
  while (seen === '') await sleep(1);
  assert.deepEqual([seen, looks], ['what is being read', [false, true]]);
  for (const end of [first, second]) {
    end.transport.close('close');
    end.peer.destroy();
  }
});

test('bytes that came before a failed write are delivered before the close', async () => {
  peer.write('the answer');
  peer.resetAndDestroy();
  const much = Buffer.alloc(64 * 1024);
  transport.write(much, 0, much.length, 'owned');
  while (!heard.at(-1)?.startsWith('(')) await sleep(1);
  assert.deepEqual(
    [heard.slice(0, -1).join(''), /^\((ECONNRESET|EPIPE)\)$/.test(heard.at(-1) ?? '')],
    ['the answer', true],
  );
});

test('a connection that the gateway closes is read no further', async () => {
  peer.write('too late');
  transport.close('close');
  while (heard.length === 0) await sleep(1);
  assert.deepEqual(heard, ['(closed)']);
  peer.destroy();
});
