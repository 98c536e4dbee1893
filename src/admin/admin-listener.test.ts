import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { AdminRole } from '../core/admin-roles.ts';
import { AdminConnections } from './admin-listener.ts';

/** A listener without a network: `connect` opens one and shows a token with this role. */
function listener(): { readonly connect: (role: AdminRole) => EventEmitter | null } & {
  readonly show: (socket: EventEmitter, role: AdminRole) => boolean;
} {
  const server = new EventEmitter();
  const connections = new AdminConnections(server as Server, () => assert.fail('no connection is without a token'));
  let port = 1024;
  const show = (socket: EventEmitter, role: AdminRole): boolean =>
    connections.markAuthenticated(socket as Socket, role);
  const connect = (role: AdminRole): EventEmitter | null => {
    const address = { remoteAddress: '192.0.2.1', remotePort: port++, remoteFamily: 'IPv4', destroy: () => {} };
    const socket = Object.assign(new EventEmitter(), address);
    server.emit('connection', socket);
    if (show(socket, role)) return socket;
    socket.emit('close');
    return null;
  };
  return { connect, show };
}

describe('connections to the admin API', () => {
  test('have room for operators when readers have taken all that they may', () => {
    const { connect } = listener();
    const readers = Array.from({ length: 200 }, () => connect('read')).filter((one) => one !== null);
    assert.equal(readers.length, 96);
    const operators = Array.from({ length: 40 }, () => connect('operate')).filter((one) => one !== null);
    assert.equal(operators.length, 32);
    readers[0]?.emit('close');
    assert.notEqual(connect('read'), null);
  });

  test('of an operator who has been a reader make room for a reader', () => {
    const { connect, show } = listener();
    const readers = Array.from({ length: 96 }, () => connect('read'));
    assert.equal(connect('read'), null);
    assert.ok(show(readers[0] as EventEmitter, 'operate'));
    assert.notEqual(connect('read'), null);
  });
});
