import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { describe, test } from 'node:test';
import { duplicateSocket, duplicateSockets } from './duplicate-socket.ts';

const skip = process.platform === 'linux' ? false : 'sockets are inherited on Linux';

/** A listening socket as a service manager opens it: it is there, and nobody accepts. */
async function inherited(): Promise<{ server: Server; fd: number; port: number }> {
  const server = createServer().listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  return { server, fd, port };
}

/** What accepts at a duplicate tells its name to each that connects. */
async function servesAs(name: string, fd: number): Promise<Server> {
  const handle = await duplicateSocket(fd);
  assert.ok(!('errno' in handle), JSON.stringify(handle));
  const server = createServer((socket) => socket.end(name)).listen(handle);
  await once(server, 'listening');
  return server;
}

async function ask(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.setEncoding('utf8');
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

describe('a duplicate of a listening socket', { skip }, () => {
  test('stays open when another duplicate or the first descriptor is closed', async () => {
    const first = await inherited();
    const [a, b] = [await servesAs('a', first.fd), await servesAs('b', first.fd)];
    first.server.close();
    a.close();
    await once(a, 'close');
    for (let at = 0; at < 5; at++) assert.equal(await ask(first.port), 'b');
    b.close();
  });

  test('keeps new connections in its queue while no server accepts', async () => {
    const { server, fd, port } = await inherited();
    const handle = await duplicateSocket(fd);
    server.close();
    const waiting = ask(port);
    const b = createServer((socket) => socket.end('b')).listen(handle);
    assert.equal(await waiting, 'b');
    b.close();
  });

  test('leaves no descriptor behind', async (t) => {
    const { server, fd } = await inherited();
    t.after(() => server.close());
    const warm = await servesAs('warm', fd);
    warm.close();
    await once(warm, 'close');
    const before = readdirSync('/proc/self/fd').length;
    for (let at = 0; at < 20; at++) {
      const one = await servesAs('x', fd);
      one.close();
      await once(one, 'close');
    }
    // Other tests of this process may open or close some meanwhile.
    const more = readdirSync('/proc/self/fd').length - before;
    assert.ok(more < 10, `${more} more after 20 duplicates`);
  });

  test('for each of several descriptors, in their order', async (t) => {
    const sockets = [await inherited(), await inherited(), await inherited()];
    const file = openSync('/dev/null', 'r');
    t.after(() => closeSync(file));
    const [a, none, b, c] = await duplicateSockets([sockets[0]!.fd, file, sockets[1]!.fd, sockets[2]!.fd]);
    assert.deepEqual(none, { errno: 'EBADF' });
    for (const [at, handle] of [a, b, c].entries()) {
      assert.ok(handle !== undefined && !('errno' in handle), JSON.stringify(handle));
      sockets[at]!.server.close();
      const server = createServer((socket) => socket.end('here')).listen(handle);
      assert.equal(await ask(sockets[at]!.port), 'here');
      server.close();
    }
  });

  test('of an invalid descriptor, or of a file, is an errno', async () => {
    assert.deepEqual(await duplicateSocket(4_000), { errno: 'EBADF' });
    const file = openSync('/dev/null', 'r');
    assert.deepEqual(await duplicateSocket(file), { errno: 'EBADF' });
    closeSync(file);
  });
});
