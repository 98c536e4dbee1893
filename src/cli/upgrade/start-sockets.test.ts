import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { inheritedFor } from '../../core/inherited-socket.ts';
import { lookAtDescriptor, readInheritedSockets } from './start-sockets.ts';

const own = { pid: 100, ppid: 50, successorOf: null };
const everySocket = (fd: number): { host: string; port: number } => ({ host: '127.0.0.1', port: 8000 + fd });

describe('sockets from a service manager', () => {
  test('are found with their names', () => {
    const env = { LISTEN_PID: '100', LISTEN_FDS: '2', LISTEN_FDNAMES: 'http:admin' };
    assert.deepEqual(readInheritedSockets(env, own, everySocket), {
      sockets: [
        { fd: 3, name: 'http', host: '127.0.0.1', port: 8003 },
        { fd: 4, name: 'admin', host: '127.0.0.1', port: 8004 },
      ],
      errors: [],
    });
  });

  test('have no names if there are fewer names than sockets', () => {
    const env = { LISTEN_PID: '100', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a' };
    const { sockets, errors } = readInheritedSockets(env, own, everySocket);
    assert.deepEqual(
      sockets.map(({ name }) => name),
      [null, null],
    );
    assert.deepEqual(errors, []);
  });

  const nothing = [
    ['no variables', {}],
    ['no count of sockets', { LISTEN_PID: '100' }],
    ['variables for an ancestor process', { LISTEN_PID: '7', LISTEN_FDS: '1' }],
    ['a count of zero', { LISTEN_PID: '100', LISTEN_FDS: '0' }],
  ] as const;
  for (const [what, env] of nothing) {
    test(`are none with ${what}`, () => {
      assert.deepEqual(readInheritedSockets(env, own, everySocket), { sockets: [], errors: [] });
    });
  }

  const complained: readonly (readonly [what: string, env: Record<string, string>, says: RegExp, sockets: number])[] = [
    ['variables for the process that started this one', { LISTEN_PID: '50', LISTEN_FDS: '1' }, /process 50/, 0],
    ['a count that is no number', { LISTEN_PID: '100', LISTEN_FDS: '-1' }, /LISTEN_FDS=-1/, 0],
    ['a count that is far too large', { LISTEN_PID: '100', LISTEN_FDS: '9999' }, /LISTEN_FDS=9999/, 0],
  ];
  for (const [what, env, says, sockets] of complained) {
    test(`are reported as unusable with ${what}`, () => {
      const read = readInheritedSockets(env, own, everySocket);
      assert.equal(read.sockets.length, sockets);
      assert.match(read.errors.join(), says);
    });
  }

  test('belong to the successor too, although LISTEN_PID is the number of its predecessor', () => {
    const env = { LISTEN_PID: '50', LISTEN_FDS: '1' };
    assert.equal(readInheritedSockets(env, { ...own, successorOf: 50 }, everySocket).sockets.length, 1);
  });

  test('are used only if they are listening TCP sockets', { skip: process.platform !== 'linux' }, async () => {
    const server = createServer().listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const file = openSync('/dev/null', 'r');
    const look = lookAtDescriptor();
    assert.deepEqual(look(fd), { host: '127.0.0.1', port: (server.address() as { port: number }).port });
    assert.equal(look(file), null);
    assert.equal(look(4_000), null);
    closeSync(file);
    server.close();
  });
});

describe('the inherited socket of a listener', () => {
  const v4 = { fd: 3, name: null, host: '127.0.0.1', port: 80 };
  const every = { fd: 4, name: null, host: '::', port: 80 };
  const cases = [
    ['127.0.0.1', 80, v4],
    ['::', 80, every],
    ['0.0.0.0', 80, every],
    ['127.0.0.2', 80, null],
    ['127.0.0.1', 81, null],
  ] as const;
  for (const [host, port, expected] of cases) {
    test(`at ${host}, port ${port}, is ${expected === null ? 'none' : `the one at ${expected.host}`}`, () => {
      assert.equal(inheritedFor({ host, port }, [v4, every]), expected);
    });
  }
});
