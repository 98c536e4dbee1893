import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import type { ConnectTarget } from '../core/connector.ts';
import { connectorWithin } from './connect.ts';

let server: Server;
let target: ConnectTarget;

before(async () => {
  server = createServer((socket) => socket.on('error', () => undefined).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  target = { kind: 'tcp', address: '127.0.0.1', port, tls: null } as ConnectTarget;
});
after(() => void server.close());

/** 'connected', or the code of the failure. */
function connected(descriptorMax: number): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  connectorWithin(descriptorMax).connect(target, {
    onTransportConnected: () => undefined,
    onConnected: (transport) => {
      transport.close('close');
      resolve('connected');
    },
    onConnectFailed: ({ code }) => resolve(code),
  });
  return promise;
}

test('a connection whose descriptor is reserved for others fails as if none were left', {
  skip: process.platform === 'win32',
}, async () => {
  assert.equal(await connected(0), 'EMFILE');
  assert.equal(await connected(1_000_000), 'connected');
  assert.equal(await connected(Number.POSITIVE_INFINITY), 'connected');
});
