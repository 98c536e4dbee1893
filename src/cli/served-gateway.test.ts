// Starts processes: systemd's own tool, and Python where Node has no datagram sockets with names, are the other side.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { systemClock } from '../system/system.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { type ServiceNotification, ServiceManager, type ServiceManagerParts, watchdogMs } from './served-gateway.ts';

function managed(parts: Partial<ServiceManagerParts>): {
  manager: ServiceManager;
  sent: ServiceNotification[];
  clock: SimulatedClock;
} {
  const sent: ServiceNotification[] = [];
  const clock = new SimulatedClock();
  const manager = new ServiceManager({
    env: { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000' },
    clock,
    pid: 1,
    succeeds: false,
    isAlive: () => true,
    onTrouble: () => {},
    send: async (notice) => {
      sent.push(notice);
      return null;
    },
    ...parts,
  });
  return { manager, sent, clock };
}

describe('a service manager', () => {
  test('receives notifications in the order in which they were given', async () => {
    const { manager, sent } = managed({
      send: async (notice) => {
        // The first one takes longest, as a process that is started may.
        for (let turn = 5 - sent.length; turn > 0; turn--) await Promise.resolve();
        sent.push(notice);
        return null;
      },
    });
    manager.ready('serving');
    manager.reloading();
    manager.ready('serving again');
    manager.handOff(77);
    manager.stopping('draining');
    await manager.close();
    assert.deepEqual(
      sent.map(([first]) => first),
      ['READY=1', 'RELOADING=1', 'READY=1', 'MAINPID=77', 'STOPPING=1'],
    );
    assert.match(sent[1]?.[1] ?? '', /^MONOTONIC_USEC=\d+$/);
  });

  test("receives a watchdog ping at half the watchdog's time while requests are served, and none otherwise", async () => {
    let alive = true;
    const { manager, sent, clock } = managed({ isAlive: () => alive });
    manager.ready('serving');
    clock.advanceSync(15_000);
    alive = false;
    clock.advanceSync(30_000);
    alive = true;
    clock.advanceSync(15_000);
    await manager.close();
    clock.advanceSync(60_000);
    assert.deepEqual(sent.slice(1), [['WATCHDOG=1'], ['WATCHDOG=1']]);
  });

  test('receives the same status only once', async () => {
    const { manager, sent } = managed({});
    manager.status('one');
    manager.status('one');
    manager.status('two');
    await manager.close();
    assert.deepEqual(sent, [['STATUS=one'], ['STATUS=two']]);
  });

  test('that cannot be reached is reported once', async () => {
    const told: string[] = [];
    const { manager } = managed({ send: async () => ({ why: 'no program' }), onTrouble: (why) => told.push(why) });
    manager.ready('serving');
    manager.stopping('draining');
    await manager.close();
    assert.deepEqual(told, ['no program']);
  });

  test('that is absent receives nothing', async () => {
    const { manager, sent } = managed({ env: {} });
    manager.ready('serving');
    await manager.close();
    assert.equal(manager.isThere, false);
    assert.deepEqual(sent, []);
  });
});

describe('the watchdog', () => {
  const own = { pid: 100, succeeds: false };
  const cases = [
    ['is fed at half its time', { WATCHDOG_USEC: '30000000' }, own, 15_000],
    ['is fed where it watches this process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '100' }, own, 15_000],
    ['is not ours where it watches another', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, own, null],
    ['is inherited', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, { ...own, succeeds: true }, 15_000],
    ['is not there', {}, own, null],
    ['is none at 0', { WATCHDOG_USEC: '0' }, own, null],
    ['is none where its time is no number', { WATCHDOG_USEC: 'soon' }, own, null],
  ] as const;
  for (const [what, env, process, expected] of cases) {
    test(what, () => assert.equal(watchdogMs(env, process), expected));
  }
});

/** A receiver like systemd's. Node has no datagram sockets of the unix family. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    for line in s.recv(4096).decode().splitlines():
        print(line, flush=True)
`;

const missing = ['systemd-notify', 'python3'].find((name) => spawnSync(name, ['--version']).error !== undefined);

describe('a real socket', { skip: missing === undefined ? false : `${missing} is not installed` }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-notify-'));
  let python: ChildProcess | null = null;
  after(() => {
    python?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('receives what systemd-notify sends', async () => {
    const path = join(folder, 'notify');
    python = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: python.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'bound');
    const troubles: string[] = [];
    const manager = new ServiceManager({
      env: { NOTIFY_SOCKET: path, PATH: process.env['PATH'] },
      clock: systemClock,
      pid: process.pid,
      succeeds: false,
      isAlive: () => true,
      onTrouble: (why) => troubles.push(why),
    });
    manager.ready('serves 2 listeners, revision 1');
    manager.handOff(4711);
    const got: string[] = [];
    while (got.filter((line) => line !== 'BARRIER=1').length < 3) got.push((await lines.next()).value ?? 'end');
    assert.deepEqual(
      got.filter((line) => line !== 'BARRIER=1'),
      ['READY=1', 'STATUS=serves 2 listeners, revision 1', 'MAINPID=4711'],
    );
    await manager.close();
    assert.deepEqual(troubles, []);
  });
});
