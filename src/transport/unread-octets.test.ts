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

beforeEach(async () => {
  const accepted = once(server, 'connection');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  transport = await new Promise((resolve, reject) => {
    socketConnector.connect(
      { kind: 'tcp', address: '127.0.0.1', port, tls: null },
      { onTransportConnected() {}, onConnected: resolve, onConnectFailed: reject },
    );
  });
  heard = [];
  transport.listener = {
    onOctets: (octets, start, end) => void heard.push(Buffer.from(octets.subarray(start, end)).toString('latin1')),
    onEnd: () => void heard.push('(end)'),
    onWritten() {},
    onClosed: (errno) => void heard.push(`(${errno ?? 'closed'})`),
  };
  [peer] = (await accepted) as [Socket];
  peer.on('error', () => {});
});

describe('a connection on which nothing is awaited', () => {
  for (const [what, act, quiet] of [
    ['is quiet', () => {}, true],
    ['is not when its peer has closed it', () => peer.destroy(), false],
    ['is not when its peer has reset it', () => peer.resetAndDestroy(), false],
    ['is not when its peer has sent something', () => peer.write('?'), false],
  ] as const) {
    test(what, () => {
      act();
      assert.equal(transport.isQuiet(), quiet);
      assert.deepEqual(heard, [], 'nobody has been told');
      transport.close('close');
      peer.destroy();
    });
  }

  test('is not once it is closed', () => {
    transport.close('close');
    assert.equal(transport.isQuiet(), false);
    peer.destroy();
  });
});

test('what lies behind a write that fails is read before the end is told', async () => {
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

test('a connection that we close ourselves is read no further', async () => {
  peer.write('too late');
  transport.close('close');
  while (heard.length === 0) await sleep(1);
  assert.deepEqual(heard, ['(closed)']);
  peer.destroy();
});
