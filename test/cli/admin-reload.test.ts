// Starts processes: a reload of the admin listener is asked for by commands.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { statusOfJson } from '../../src/cli/gateway-lookup.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import { askAdmin, readEvents, type AdminTarget } from '../../src/cli/admin-client.ts';
import type { Event } from '../../src/core/event.ts';
import type { GatewayStatus } from '../../src/core/schemas/status.ts';
import { systemClock } from '../../src/system/system.ts';
import { freePort } from '../free-port.ts';
import { candorProgram } from '../program.ts';

const token = 'candor_of-somebody-who-may-do-All-of-this-7';

/** One gateway whose admin API moves while it runs. Each test continues from the one before. */
describe('the admin API during reloads', { timeout: 120_000 }, () => {
  let folder: string;
  let gateway: ChildProcess;
  let port: number;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-reload-'));
    port = await freePort();
    configure('socket: ./a.sock');
    gateway = spawn(process.execPath, [candorProgram, 'up', '-c', 'candor.yaml'], {
      cwd: folder,
      stdio: 'ignore',
    });
    await until(async () => (await statusAt(socketAt('a.sock'))) !== null);
  });

  after(async () => {
    const ended = gateway.exitCode === null && gateway.signalCode === null ? once(gateway, 'exit') : null;
    gateway.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  function configure(admin: string): void {
    const lines = [
      'listeners: { http: "127.0.0.1:0" }',
      'workers: { count: 1 }',
      'state: none',
      'log: { path: none }',
      'routes: [{ path: /, respond: { status: 204 } }]',
      `admin: { ${admin} }`,
    ];
    writeFileSync(join(folder, 'candor.yaml'), `${lines.join('\n')}\n`);
  }

  const socketAt = (name: string): AdminTarget => ({ kind: 'socket', path: join(folder, name) });
  const overTcp = (): AdminTarget => ({ kind: 'url', url: new URL(`http://127.0.0.1:${port}`), token });
  const tokens = `tokens: { deploy: "${hashOfToken(token)}" }`;

  test('is opened at a TCP address by SIGHUP, and an event says who did it', async () => {
    configure(`socket: ./a.sock, listen: "127.0.0.1:${port}", ${tokens}`);
    gateway.kill('SIGHUP');
    await until(async () => (await statusAt(overTcp())) !== null);
    await until(async () => (await actionsAt(socketAt('a.sock'))).includes('signal:SIGHUP reload done'));
  });

  test('can be reloaded at that address, and the event names the token', async () => {
    assert.equal(await reloadAt(overTcp()), 200);
    assert.ok((await actionsAt(socketAt('a.sock'))).includes('admin:token:deploy reload done'));
  });

  test('does not change, and neither does the configuration, if the new address is taken', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const taken = (squatter.address() as AddressInfo).port;
    const before = await statusAt(overTcp());
    configure(`socket: ./b.sock, listen: "127.0.0.1:${taken}", ${tokens}`);
    assert.equal(await reloadAt(overTcp()), 422);
    assert.equal((await statusAt(overTcp()))?.revision, before?.revision);
    assert.notEqual(await statusAt(socketAt('a.sock')), null);
    assert.equal(existsSync(join(folder, 'b.sock')), false);
    assert.ok((await actionsAt(socketAt('a.sock'))).includes('admin:token:deploy reload rejected'));
    squatter.close();
  });

  test('does not change if another part of the configuration has an error', async () => {
    configure('socket: ./b.sock, listen: nowhere');
    assert.equal(await reloadAt(socketAt('a.sock')), 422);
    assert.notEqual(await statusAt(overTcp()), null);
    assert.equal(existsSync(join(folder, 'b.sock')), false);
  });

  test('does not print a token that stands where its hash belongs', async () => {
    for (const admin of [`listen: "127.0.0.1:${port}", tokens: { deploy: "${token}" }`, `listen: "${token}"`]) {
      configure(`socket: ./a.sock, ${admin}`);
      const answer = await askAdmin(socketAt('a.sock'), 'POST', '/v1/reload', systemClock);
      assert.ok(answer.ok && answer.status === 422);
      const said = JSON.stringify([answer, await eventsAt(socketAt('a.sock'))]);
      assert.ok(said.includes('configuration_rejected') && !said.includes(token.slice(-20)), said);
    }
  });

  test('rejects a token that was removed from the file', async () => {
    configure(`socket: ./a.sock, listen: "127.0.0.1:${port}", tokens: { other: "${hashOfToken('other')}" }`);
    assert.equal(await reloadAt(overTcp()), 200);
    assert.equal(await reloadAt(overTcp()), 401);
  });

  test('moves to another socket, and closes the TCP address', async () => {
    configure('socket: ./b.sock');
    assert.equal(await reloadAt(socketAt('a.sock')), 200);
    assert.notEqual(await statusAt(socketAt('b.sock')), null);
    assert.equal(existsSync(join(folder, 'a.sock')), false);
    const answer = await askAdmin(overTcp(), 'GET', '/v1/status', systemClock);
    assert.ok(!answer.ok && answer.why === 'nobody_there');
  });
});

async function statusAt(place: AdminTarget): Promise<GatewayStatus | null> {
  const answer = await askAdmin(place, 'GET', '/v1/status', systemClock);
  return answer.ok && answer.status === 200 ? statusOfJson(answer.body) : null;
}

async function reloadAt(place: AdminTarget): Promise<number> {
  const answer = await askAdmin(place, 'POST', '/v1/reload', systemClock);
  return answer.ok ? answer.status : 0;
}

async function eventsAt(place: AdminTarget): Promise<readonly Event[]> {
  const events: Event[] = [];
  await readEvents(place, false, (part) => {
    if (part.kind === 'event') events.push(part.event);
  }).ended;
  return events;
}

/** The audit events: action and actor. */
async function actionsAt(place: AdminTarget): Promise<string[]> {
  return (await eventsAt(place)).flatMap(({ kind, actor, evidence }) =>
    kind === 'admin_action' ? [`${actor} ${evidence.operation} ${evidence.outcome}`] : [],
  );
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await passTime(20);
}
