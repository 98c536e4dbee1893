// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { GatewayProgram, goodProgram, isAlive, type Line } from './gateway-program.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';

/** Upgrades of a gateway with real processes, each a program that can be replaced on disk. */

const skip = process.platform === 'linux' ? false : 'processes are identified through /proc';

let gateway: GatewayProgram;
afterEach(() => gateway.end());

async function started(settings = ''): Promise<GatewayProgram> {
  gateway = new GatewayProgram(settings);
  await gateway.serves();
  return gateway;
}

/** A program that runs code at the moment when it sends a certain handoff message. */
function programThat(does: string, atWord: string): string {
  return `const send = process.send.bind(process);
    process.send = (message, ...rest) => {
      if ((message.step ?? message.kind) === ${JSON.stringify(atWord)}) { ${does} }
      return send(message, ...rest);
    };
    ${goodProgram}`;
}

describe('an upgrade', { skip }, () => {
  test('keeps a port that the system chose, also through a reload afterwards', async () => {
    await started('workers: 1\n');
    assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'done');
    gateway.configure('workers: 1\ntimeouts: { connect: 2s }\n');
    const { changed } = (await gateway.ask('POST', '/v1/reload', {})) as { changed: readonly string[] };
    assert.deepEqual(changed, ['timeouts']);
    assert.equal((await gateway.get('/')).status, 200);
  });

  test('does not disturb applications, downloads and tunnels', async () => {
    await started('workers: 2\n');
    const application = await gateway.applicationPid();
    const download = gateway.get('/download');
    const tunnel = await openTunnel(gateway.port);
    const { status, lines } = await gateway.upgrade();
    assert.equal(status, 200);
    const steps = lines.map((line) => line.step ?? line.outcome);
    assert.deepEqual(steps, ['starting', 'reading_configuration', 'listening', 'ready', 'draining', 'done']);
    const { pid, generation } = await gateway.status();
    assert.equal(generation, 2);
    assert.equal(pid, lines.at(-1)?.pid);
    assert.notEqual(pid, gateway.pid);
    assert.equal(await gateway.applicationPid(), application);
    // The download began in the old process, which finishes it.
    assert.equal((await download).text.length, 40_000);
    assert.equal(await tunnel.echo('still there'), 'still there');
    tunnel.close();
    assert.equal(await gateway.exited, 0);
    assert.equal(await gateway.applicationPid(), application);
    const told = gateway.events();
    const kinds = told.map(({ kind }) => kind);
    for (const kind of ['upgrade_started', 'upgrade_done', 'instance_adopted']) assert.ok(kinds.includes(kind), kind);
    assert.equal(told.find(({ kind }) => kind === 'upgrade_done')?.actor, 'admin:socket');
    const taken = told.find(({ kind }) => kind === 'upgrade_taken_over');
    assert.equal(taken?.actor, 'admin:socket');
    assert.deepEqual([taken?.evidence['predecessor'], taken?.evidence['pid']], [gateway.pid, pid]);
    assert.notEqual(taken?.epoch, told[0]?.epoch, 'the event is from the new process');
    assert.ok(!kinds.includes('upgrade_failed') && !kinds.includes('instance_exited'));
    // Each process has logged the exchanges that it served; none is logged twice, and none is missing.
    await gateway.until(async () => gateway.records().some((one) => one.process !== gateway.records()[0]?.process));
    const ids = gateway.records().map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    // The client of the tunnel left without a close frame; every other exchange was answered completely.
    const ends = Object.groupBy(gateway.records(), ({ kind }) => kind);
    assert.ok(ends['exchange']?.every(({ end }) => end === 'forwarded' || end === 'generated'));
    assert.deepEqual(
      ends['tunnel']?.map(({ end }) => end),
      ['abandoned'],
    );
  });
});

describe('a failed upgrade leaves everything as it was when the new program', { skip }, () => {
  interface Failing {
    readonly what: string;
    readonly program: string;
    readonly timeoutS: number;
    readonly kind: string;
    readonly why: RegExp;
    /** How long after its time limit it may fail: half a second on an idle machine; a successor that ends in order has five. */
    readonly lateMsMax?: number;
    /** What is in its way, until the next upgrade. */
    readonly inTheWay?: () => string;
  }
  // A machine too busy to reach the message in that time has a successor that is late all the same.
  const hanging = [
    ['reading_configuration', 3],
    ['listening', 5],
  ] as const;
  const cases: readonly Failing[] = [
    {
      what: 'crashes when it listens',
      program: programThat("process.kill(process.pid, 'SIGKILL');", 'listening'),
      ...{ timeoutS: 50, kind: 'failure', why: /ended by SIGKILL/ },
    },
    ...sampled(hanging, 2).map(([word, timeoutS]) => ({
      what: `hangs when it sends ${word}, little later than the upgrade's time limit`,
      program: programThat("process.kill(process.pid, 'SIGSTOP');", word),
      ...{ timeoutS, kind: 'timeout', why: /./, lateMsMax: 4_000 },
    })),
    {
      what: 'cannot have the admin socket, since another file is in its way',
      program: goodProgram,
      ...{ timeoutS: 50, kind: 'failure' },
      why: /cannot have the admin socket: .*admin\.sock\.\d+, .* cannot be created \([A-Z_]+\)\.$/,
      inTheWay: () => join(gateway.folder, `admin.sock.${gateway.pid}`),
    },
    ...(isWholeSweep
      ? [
          {
            what: 'never says that it is ready',
            program: programThat('return;', 'ready'),
            ...{ timeoutS: 3, kind: 'timeout', why: /within 3 s/ },
          },
        ]
      : []),
  ];

  /** Tries an upgrade that fails; then everything is as before. */
  async function fails({ program, timeoutS, kind, why, lateMsMax, inTheWay }: Failing, application: number) {
    const failedBefore = failures();
    const path = inTheWay?.();
    if (path !== undefined) mkdirSync(path);
    gateway.install(program);
    const beganAt = performance.now();
    const { status, lines } = await gateway.upgrade(timeoutS);
    const lateMs = performance.now() - beganAt - timeoutS * 1000;
    assert.equal(status, 200);
    const last = lines.at(-1) as Line;
    assert.deepEqual([last.outcome, last.kind], ['failed', kind]);
    assert.match(last.reason ?? '', why);
    if (lateMsMax !== undefined) assert.ok(lateMs < lateMsMax, `${Math.round(lateMs)} ms more`);
    await asBefore(application, failedBefore);
    if (path === undefined) return;
    assert.ok(!isAlive(lines[0]?.pid ?? gateway.pid), 'the new process has ended');
    rmdirSync(path);
  }

  /** The next upgrade, to a program that works, succeeds. */
  async function succeeds(application: number): Promise<void> {
    gateway.install(goodProgram);
    assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'done');
    assert.equal(await gateway.applicationPid(), application);
  }

  // With `npm test` one gateway outlives all of them, one after another, before an upgrade succeeds.
  for (const group of isWholeSweep ? cases.map((one) => [one]) : [cases])
    test(group.map(({ what }) => what).join('; '), async () => {
      await started();
      const application = await gateway.applicationPid();
      for (const one of group) await fails(one, application);
      await succeeds(application);
    });

  /** The old process serves, and still manages its application. */
  async function asBefore(application: number, failedBefore: number): Promise<void> {
    assert.equal((await gateway.status()).pid, gateway.pid);
    assert.equal((await gateway.status()).state, 'serving');
    assert.equal(await gateway.applicationPid(), application);
    assert.equal(failures(), failedBefore + 1);
  }

  /** Failed upgrades that the old process has reported. */
  function failures(): number {
    const events = gateway.events();
    return events.filter(({ kind, epoch }) => kind === 'upgrade_failed' && epoch === events[0]?.epoch).length;
  }
});

test('an upgrade applies the configuration on disk, and is refused while that is invalid', { skip }, async () => {
  await started();
  const before = await gateway.applicationPid();
  gateway.configure('wokers: 2\n');
  const last = (await gateway.upgrade()).lines.at(-1) as Line;
  assert.equal(last.kind, 'validation_failed');
  assert.match(last.errors?.join() ?? '', /unknown key "wokers"/);
  assert.equal((await gateway.status()).pid, gateway.pid);

  gateway.configure('drain: { lame_duck: 3s }\n', '    environment: { COLOUR: blue }\n');
  const second = Promise.withResolvers<{ status: number; lines: Line[] }>();
  const first = await gateway.upgrade(50, ({ step }) => {
    if (step === 'starting') gateway.upgrade().then(second.resolve, second.reject);
  });
  const { status, lines } = await second.promise;
  assert.equal(status, 409);
  assert.match((lines[0] as { detail?: string }).detail ?? '', /Another upgrade is in progress/);
  assert.equal(first.lines.at(-1)?.outcome, 'done');
  // An application that no longer matches is replaced as in a reload: new instances first.
  await gateway.until(async () => (await gateway.applicationPid()) !== before);
  await gateway.until(async () => !isAlive(before));

  process.kill((await gateway.status()).pid, 'SIGTERM');
  await gateway.until(async () => (await gateway.status()).state === 'draining');
  assert.equal((await gateway.upgrade()).status, 409);
});

test('a reload during an upgrade is refused, since the successor has read the configuration already', {
  skip,
}, async () => {
  await started();
  gateway.install(programThat('return;', 'wants'));
  const reloads = Promise.withResolvers<unknown>();
  const { lines } = await gateway.upgrade(4, ({ step }) => {
    if (step !== 'starting') return;
    process.kill(gateway.pid, 'SIGHUP');
    gateway.ask('POST', '/v1/reload').then(reloads.resolve, reloads.reject);
  });
  assert.equal(lines.at(-1)?.outcome, 'failed');
  const says = 'An upgrade is in progress; try again when it is over.';
  assert.equal(((await reloads.promise) as { detail: string }).detail, says);
  const rejected = gateway.events().filter(({ kind }) => kind === 'configuration_rejected');
  assert.deepEqual(rejected.map(({ actor }) => actor).sort(), ['admin:socket', 'signal:SIGHUP']);
  for (const { evidence } of rejected) assert.deepEqual(evidence['errors'], [says]);
  // The upgrade has ended.
  assert.equal(((await gateway.ask('POST', '/v1/reload')) as { ok: boolean }).ok, true);
});

describe('a predecessor that is killed during an upgrade', { skip }, () => {
  test('has its successor all the same', async () => {
    await started();
    gateway.install(programThat(`process.kill(${gateway.pid}, 'SIGKILL');`, 'listening'));
    await gateway.upgrade().catch(() => {});
    await gateway.exited;
    await gateway.until(async () => (await gateway.status()).state === 'serving');
    await gateway.until(async () => (await gateway.get('/')).status === 200);
  });

  // `npm test` shows it in memory (`src/cli/upgrade/upgrades.test.ts`).
  if (isWholeSweep)
    test('by a stop signal ends its successor first', async () => {
      await started();
      gateway.install('setInterval(() => {}, 1000); await new Promise(() => {});');
      const { lines } = await gateway.upgrade(50, ({ step }) => {
        if (step === 'starting') process.kill(gateway.pid, 'SIGTERM');
      });
      assert.match(lines.at(-1)?.reason ?? '', /is stopping/);
      assert.equal(await gateway.exited, 0);
    });
});

/** A tunnel through the gateway that echoes every byte. */
async function openTunnel(port: number): Promise<{ echo(text: string): Promise<string>; close(): void }> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.setEncoding('utf8');
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const [head] = (await once(socket, 'data')) as [string];
  assert.match(head, /^HTTP\/1\.1 101 /);
  return {
    async echo(text) {
      socket.write(text);
      const [back] = (await once(socket, 'data')) as [string];
      return back;
    },
    close: () => void socket.destroy(),
  };
}
