// Starts processes: databases as Debian ships them, stopped, frozen, starting, full, and with wrong passwords.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Deadlines } from '../../src/core/deadline.ts';
import { findingText, stateOf } from '../../src/features/dependencies/finding.ts';
import { checkDependency, type CheckResult } from '../../src/features/dependencies/main-check.ts';
import { dependencyOf } from '../../src/features/dependencies/url.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';
import { socketConnector } from '../../src/transport/connect.ts';
import { createHealthChecker } from '../../src/upstream/health-check.ts';
import { freePort } from '../free-port.ts';
import { until } from '../gateway/start-from-yaml.ts';
import { databasePeer, Mariadb, Postgres, Redis } from './databases.ts';

const ports = {
  clock: systemClock,
  random: systemRandom,
  connector: socketConnector,
  checker: createHealthChecker({
    clock: systemClock,
    deadlines: new Deadlines(systemClock),
    connector: socketConnector,
    onUnclassified: () => undefined,
  }),
};

const folder = mkdtempSync(join(tmpdir(), 'deps-'));
// The databases run as another user.
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true, force: true }));

function check(url: string, settings: { readOnly?: boolean; timeoutMs?: number } = {}): Promise<CheckResult> {
  const { readOnly = false, timeoutMs = 5000 } = settings;
  const found = dependencyOf(url);
  assert.ok(found.ok);
  const order = { ...found.value, timeoutMs, readOnly };
  return new Promise((resolve) => checkDependency(order, ports, resolve));
}

/** 'down refused', 'up'. */
async function seen(url: string, settings?: Parameters<typeof check>[1]): Promise<string> {
  const found = await check(url, settings);
  if (found === null) return 'not known';
  return found.fault === null ? `up: ${findingText(found)}` : `${stateOf(found)} ${found.fault}`;
}

const postgres = databasePeer('postgres');
describe('PostgreSQL', { skip: postgres.skip }, () => {
  let server: Postgres;
  let at = '';
  before(async () => {
    if (postgres.skip !== false) return;
    server = new Postgres(postgres.peer, join(folder, 'postgres'), await freePort());
    at = `127.0.0.1:${server.port}`;
    server.prepare();
    await server.start();
  });
  after(() => server.stop());

  for (const [what, user, path, wanted] of [
    ['a login by SCRAM', 'shop:example@', '/shop', 'up: took the login'],
    ['a wrong password by SCRAM', 'shop:wrong@', '/shop', 'down login'],
    ['no password', 'shop@', '/shop', 'up: answers, and asks for a login'],
    ['a login by MD5', 'older:example@', '/shop', 'up: took the login'],
    ['a wrong password by MD5', 'older:wrong@', '/shop', 'down login'],
    ['a user who needs no password', 'owner@', '/shop', 'up: is ready'],
    ['a database that is not there', 'shop:example@', '/none', 'down absent'],
    ['a user whom the rules for hosts bar', 'barred@', '/shop', 'down denied'],
    ['neither user nor database', '', '', 'up: answers, and does not know the user that the check gives'],
    ['TLS', 'shop:example@', '/shop?sslmode=require', 'up: took the login'],
    ['TLS and a wrong password', 'shop:wrong@', '/shop?sslmode=require', 'down login'],
  ] as const)
    test(`with ${what} it is ${wanted}`, async () => {
      assert.equal(await seen(`postgres://${user}${at}${path}`), wanted);
    });

  test('over its unix socket', async () => {
    assert.equal(await seen(`postgres://owner@/shop?host=${server.folder}&port=${server.port}`), 'up: is ready');
  });

  test('with all connections in use it takes no more', async () => {
    const held: Socket[] = [];
    const startup = Buffer.concat([
      Buffer.from([0, 0, 0, 33, 0, 3, 0, 0]),
      Buffer.from('user\0owner\0database\0shop\0'),
    ]);
    startup.writeUInt32BE(startup.length + 1, 0);
    for (let one = 0; one < 4; one++) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(Buffer.concat([startup, Buffer.from([0])]));
      await once(socket, 'data');
      held.push(socket);
    }
    const found = await seen(`postgres://owner@${at}/shop`);
    assert.equal(await seen(`postgres://owner@${at}/shop?sslmode=require`), 'down full');
    for (const socket of held) socket.destroy();
    assert.equal(found, 'down full');
    await until('connections are free', async () => (await seen(`postgres://owner@${at}/shop`)) === 'up: is ready');
  });

  test('frozen it accepts connections and does not answer', async () => {
    server.signal('SIGSTOP');
    assert.equal(await seen(`postgres://shop@${at}/shop`, { timeoutMs: 300 }), 'down no_answer');
    server.signal('SIGCONT');
  });

  test('once it is stopped it refuses, at its socket too', async () => {
    await server.stop();
    assert.equal(await seen(`postgres://shop@${at}/shop`), 'down refused');
    assert.equal(await seen(`postgres://owner@/shop?host=${server.folder}&port=${server.port}`), 'down refused');
  });

  test('while it starts it is not ready, and as a standby it takes no writes', async () => {
    const data = join(server.folder, 'data');
    const settings = (more: string): void =>
      writeFileSync(join(data, 'postgresql.conf'), `${more}\nprimary_conninfo = 'host=127.0.0.1 port=1'\n`);
    const url = `postgres://owner@${at}/shop`;
    // What is left of the process before keeps a new one from starting for a moment.
    const becomes = (wanted: string): Promise<void> =>
      until(`it is ${wanted}`, async () => {
        if (!server.isRunning) server.startOnly();
        return (await seen(url)) === wanted;
      });
    writeFileSync(join(data, 'standby.signal'), '');
    settings('hot_standby = off');
    await becomes('down not_ready');
    await server.stop();
    settings('hot_standby = on');
    await becomes('degraded replica');
    assert.equal(await seen(url, { readOnly: true }), 'up: is ready');
    await server.stop();
  });
});

const mariadb = databasePeer('mariadbd');
describe('MariaDB', { skip: mariadb.skip }, () => {
  let server: Mariadb;
  let at = '';
  before(async () => {
    if (mariadb.skip !== false) return;
    server = new Mariadb(mariadb.peer, join(folder, 'mariadb'), await freePort());
    at = `127.0.0.1:${server.port}`;
    server.prepare();
    await server.start();
  });
  after(() => server.stop('SIGTERM'));

  for (const [what, user, path, wanted] of [
    ['a login', 'shop:example@', '/shop', 'up: took the login'],
    ['a wrong password', 'shop:wrong@', '/shop', 'down login'],
    ['no password', 'shop@', '/shop', 'up: answers, and asks for a login'],
    ['a database that is not there', 'shop:example@', '/none', 'down login'],
    ['neither user nor database', '', '', 'up: answers, and asks for a login'],
  ] as const)
    test(`with ${what} it is ${wanted}`, async () => {
      assert.equal(await seen(`mysql://${user}${at}${path}`), wanted);
    });

  test('no number of checks makes it block this host', async () => {
    for (let one = 0; one < 12; one++) await check(`mysql://${at}`);
    assert.equal(await seen(`mysql://shop:example@${at}/shop`), 'up: took the login');
  });

  test('with all connections in use it takes no more', async () => {
    const held = Array.from({ length: 11 }, () => connect(server.port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(held.map((socket) => once(socket, 'data')));
    const found = await seen(`mysql://shop:example@${at}/shop`);
    for (const socket of held) socket.destroy();
    assert.equal(found, 'down full');
  });

  test('frozen it accepts connections and does not answer, and stopped it refuses', async () => {
    server.signal('SIGSTOP');
    assert.equal(await seen(`mysql://shop@${at}/shop`, { timeoutMs: 300 }), 'down no_answer');
    await server.stop('SIGKILL');
    assert.equal(await seen(`mysql://shop@${at}/shop`), 'down refused');
  });
});

const redis = databasePeer('redis-server');
describe('Redis', { skip: redis.skip }, () => {
  let server: Redis;
  let at = '';
  before(async () => {
    if (redis.skip !== false) return;
    server = new Redis(redis.peer, join(folder, 'redis'), await freePort());
    at = `127.0.0.1:${server.port}`;
  });
  after(() => server.stop('SIGKILL'));

  const isUp = (url: string) => until('Redis is up', async () => (await seen(url)).startsWith('up'));

  test('without a password it is ready, and says when it is full', async () => {
    await server.start('--maxclients', '2');
    await isUp(`redis://${at}`);
    const held = [1, 2].map(() => connect(server.port, '127.0.0.1').on('error', () => undefined));
    for (const socket of held) {
      socket.write('PING\r\n');
      await once(socket, 'data');
    }
    const found = await seen(`redis://${at}`);
    for (const socket of held) socket.destroy();
    assert.equal(found, 'down full');
    server.signal('SIGSTOP');
    assert.equal(await seen(`redis://${at}`, { timeoutMs: 300 }), 'down no_answer');
    await server.stop('SIGTERM');
    assert.equal(await seen(`redis://${at}`), 'down refused');
  });

  test('with a password it takes the right one alone', async () => {
    await server.start('--requirepass', 'example');
    await isUp(`redis://:example@${at}`);
    assert.equal(await seen(`redis://:example@${at}`), 'up: took the login');
    assert.equal(await seen(`redis://:wrong@${at}`), 'down login');
    assert.equal(await seen(`redis://${at}`), 'up: answers, and asks for a login');
    await server.stop('SIGTERM');
  });

  test('while it loads it is not ready', async () => {
    await server.start('--enable-debug-command', 'yes');
    await isUp(`redis://${at}`);
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.write('DEBUG POPULATE 4000\r\n');
    await once(socket, 'data');
    socket.write('SAVE\r\n');
    await once(socket, 'data');
    socket.destroy();
    await server.stop('SIGKILL');
    // A half of a millisecond for each key, and an answer to clients in between.
    await server.start('--key-load-delay', '500', '--loading-process-events-interval-bytes', '1024');
    await until('it loads', async () => (await seen(`redis://${at}`)) === 'down not_ready');
    await isUp(`redis://${at}`);
    await server.stop('SIGKILL');
    rmSync(join(server.folder, 'dump.rdb'));
  });

  test('a replica takes no writes, which matters where the application writes', async () => {
    await server.start('--replicaof', '127.0.0.1', '1');
    await until('it is a replica', async () => (await seen(`redis://${at}`)) === 'degraded stale');
    await server.stop('SIGTERM');
  });

  test('one that cannot save takes no writes', async () => {
    await server.start('--save', '1', '1', '--dbfilename', 'absent.rdb', '--enable-protected-configs', 'yes');
    await isUp(`redis://${at}`);
    rmSync(server.folder, { recursive: true });
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    socket.write('SET a 1\r\n');
    await until('it cannot save', async () => {
      socket.write('SET a 1\r\n');
      return (await seen(`redis://${at}`)) === 'degraded no_writes';
    });
    socket.destroy();
    await server.stop('SIGKILL');
  });
});

describe('A service over HTTP', () => {
  for (const [what, status, body, wanted] of [
    ['answers', 204, '', 'up: answers with 204'],
    ['redirects', 302, '', 'up: answers with 302'],
    ['is not there', 404, '', 'down status'],
    ['answers with an error', 503, '', 'down status'],
    ['warns in its health document', 200, '{"status":"warn","output":"disk nearly full"}', 'degraded warns'],
  ] as const)
    test(`that ${what} is ${wanted}`, async () => {
      const paths: (string | undefined)[] = [];
      const server = createHttpServer((request, response) => {
        paths.push(request.url);
        response.writeHead(status, { 'content-type': 'application/health+json' }).end(body);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      assert.equal(await seen(`http://127.0.0.1:${port}/health?full=1`), wanted);
      assert.deepEqual(paths, ['/health?full=1']);
      server.close();
      server.closeAllConnections();
    });
  test('at which nothing listens refuses', async () => {
    assert.equal(await seen(`http://127.0.0.1:${await freePort()}/health`), 'down refused');
  });
});

describe('Programs that are no databases', () => {
  const answering = async (
    answer: string | null,
    url: (at: string) => string,
  ): Promise<[found: string, open: number]> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      if (answer !== null) socket.end(answer);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const found = await seen(url(`127.0.0.1:${port}`), { timeoutMs: 300 });
    const open = (): Promise<number> => new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
    await until('no connection is left', async () => (await open()) === 0);
    server.close();
    return [found, await open()];
  };

  for (const scheme of ['postgres', 'mysql', 'redis'])
    test(`what ${scheme} takes for its own does not answer in HTTP or SSH`, async () => {
      const said = 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nHTTP/1.1 400 Bad Request\r\n\r\n';
      assert.deepEqual(await answering(said, (at) => `${scheme}://${at}`), ['down garbage', 0]);
    });
  for (const [what, answer, wanted] of [
    ['that has no TLS', 'N', 'down tls'],
    ['that adds bytes to its answer', 'SE', 'down garbage'],
    ['that says nothing', null, 'down no_answer'],
    ['that closes the connection', '', 'down tls'],
    ['that answers with an error', 'E\0\0\0\x08SFA\0', 'down error'],
  ] as const)
    test(`a PostgreSQL ${what} when it is asked for TLS is ${wanted}, and no connection is left`, async () => {
      assert.deepEqual(await answering(answer, (at) => `postgres://${at}/shop?sslmode=require`), [wanted, 0]);
    });
  test('a check of one that says nothing leaves no connection', async () => {
    for (const scheme of ['postgres', 'mysql', 'redis', 'http'])
      assert.deepEqual(await answering(null, (at) => `${scheme}://${at}`), ['down no_answer', 0]);
  });
});
